//! Numbers as directories and users write them: who is texted, and who is never texted instead.

use serde_json::{Value, json};
use textsender_tests::harness::{Test, each};

/// A policy for one region.
fn policy(lines: &str) -> Test {
    Test::new().policy(&format!(
        "name = \"Everyone\"\n{lines}\n[verification_code]\ntext = \"%code%\"\n"
    ))
}

fn written(test: Test, phone: &str) -> Test {
    test.with(json!({ "user": { "phone": phone } }))
}

#[test]
fn digits_that_can_be_two_numbers_are_refused_and_the_way_out_is_said() {
    let run = written(policy("region = \"DE\""), "491713920055").run();
    run.outcome("invalid").error("number_ambiguous").texts(0);
    run.says("+49*******055 and as +49*********055");
    run.says("numbers_without_plus");
}

#[test]
fn the_policy_or_the_defaults_say_how_such_digits_are_meant() {
    let cases = [
        (
            "numbers_without_plus = \"international\"",
            "",
            "+491713920055",
        ),
        (
            "",
            "[defaults]\nnumbers_without_plus = \"international\"",
            "+491713920055",
        ),
        (
            "regions = [\"*\"]",
            "[defaults]\nnumbers_without_plus = \"international\"",
            "+491713920055",
        ),
    ];
    each(cases, |(lines, defaults, to)| {
        let test = policy(&format!("region = \"DE\"\n{lines}")).config(defaults);
        let run = written(test, "491713920055").run();
        run.outcome("accepted").texts(1);
        assert_eq!(run.the_text().to, to);
    });
}

#[test]
fn a_landline_is_not_mobile_unless_landlines_are_texted() {
    const LONDON: &str = "+442071838750";
    let run = written(policy("region = \"GB\""), LONDON).run();
    run.outcome("rejected")
        .error("not_mobile")
        .exit(67)
        .texts(0);
    let run = written(policy("region = \"GB\"\nkinds = [\"fixed_line\"]"), LONDON).run();
    run.outcome("accepted").texts(1);
}

#[test]
fn a_foreign_number_without_plus_says_how_it_was_read() {
    let run = written(policy("region = \"AT\""), "0049 171 3920055").run();
    run.outcome("refused").error("region_not_allowed");
    run.says("was read as +49*******055, which belongs to DE");
}

#[test]
fn a_list_of_languages_chooses_the_text() {
    let test =
        policy("region = \"GB\"").verification_code("translations = { cy = \"Cod: %code%\" }");
    let test = test.with(json!({ "user": { "locale": "fr, cy;q=0.8, en;q=0.5" } }));
    let run = test.run();
    run.outcome("accepted").has("/locale", "cy");
}

/// A German directory: some numbers with + and some with the calling code alone.
const USERS: &str = r#"
{"phone":"+4917139200551"}
{"phone":"+4917139200551"}
{"phone":"49 151 23456789"}
{"phone":"491713920055"}
{"phone":"491713920056"}
{"phone":""}
{"phone":"+4930123456"}
{"phone":"+436641234567"}
{"phone":"none at all"}
"#;

fn numbers_check(how: &str) -> Test {
    policy("region = \"DE\"")
        .command(["numbers", "check", how])
        .stdin(USERS)
}

#[test]
fn a_file_of_users_is_counted_before_it_matters() {
    let run = numbers_check("--json").run();
    run.exit(0);
    let report: Value = serde_json::from_str(run.stdout.as_deref().unwrap()).unwrap();
    let counts = json!({
        "users": 9, "textable": 2, "none": 1, "ambiguous": 3, "landline": 1, "other_country": 1,
        "other_kind": 0, "unreadable": 1, "shared": 2,
        "advice": { "key": "numbers_without_plus", "value": "international", "users": 3 },
    });
    assert_eq!(report["policies"]["Everyone"], counts);
    let run = numbers_check("--csv").run();
    let csv = run.stdout.clone().unwrap();
    assert_eq!(
        csv,
        "policy,users,textable,none,ambiguous,landline,other_country,other_kind,unreadable,shared,advice\n\
         \"Everyone\",9,2,1,3,1,1,0,1,2,\"numbers_without_plus = \"\"international\"\"\"\n"
    );
    assert!(!csv.contains("171"), "{csv}");
}

#[test]
fn check_warns_where_many_numbers_are_unclear() {
    let warnings = |lines: &str| {
        let run = policy(lines).command(["check", "--json"]).stdin([]).run();
        let report: Value = serde_json::from_str(run.stdout.as_deref().unwrap()).unwrap();
        run.exit(0);
        let warnings = report["warnings"].as_array().unwrap().iter();
        let message = |warning: &Value| warning["message"].as_str().unwrap().to_owned();
        // Another is that the provider keeps new passwords.
        let of_numbers = warnings.map(message).filter(|it| !it.contains("password"));
        of_numbers.count()
    };
    assert_eq!(warnings("region = \"DE\""), 1);
    assert_eq!(
        warnings("region = \"DE\"\nnumbers_without_plus = \"ask\""),
        0
    );
    assert_eq!(warnings("region = \"GB\""), 0);
}
