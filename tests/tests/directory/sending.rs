//! Requests that leave their user to the directory.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use textsender_tests::harness::{Run, Test};
use textsender_tests::peers::samba::Domain;

use crate::{CASES, NOT_VPN, STAFF};

/// A message to a user whom the domain knows, of whom the request says no more than that.
pub fn to(user: Value) -> Test {
    to_by(user, &[Domain::shared().setting("LDAPS")])
}

/// The same where the domain is reached by these servers.
pub fn to_by(user: Value, servers: &[&str]) -> Test {
    let domain = Domain::shared();
    let mut test = Test::new()
        .config(&format!(
            "[directories.example]\nservers = {}\nca_file = {:?}\nbind = \"svc-textsender@example.org\"\n\
             phone = [\"mobile\", \"telephoneNumber\"]\ntimeout = \"20s\"\n",
            json!(servers),
            domain.setting("CA")
        ))
        .secret("directories.example.password", domain.setting("BIND_PASSWORD"))
        .with(json!({ "user": { "phone": null } }));
    for digits in [
        "7700900123",
        "7700 900123",
        "7700900124",
        "7700 900124",
        "7700900125",
    ] {
        test = test.hide("a number of the directory", digits);
    }
    test.with(json!({ "user": user }))
}

/// Policies that are bound to these objects, each named by its id.
pub fn bound_to(test: Test, ids: &[&str]) -> Test {
    test.change(|site| {
        for id in ids {
            let text = format!(
                "name = {id:?}\nregion = \"GB\"\n[gpo]\nid = {id:?}\n[verification_code]\n\
                 text = \"{id}: %code%\"\n"
            );
            site.policy(id, &text).unwrap();
        }
    })
}

/// After a sync, which may find faults.
pub fn synced(test: &Test) {
    let run = test.beside().command(["directory", "sync"]).run();
    assert!([0, 78].contains(&run.exit), "{run}");
    assert!(snapshot(test).exists(), "{run}");
}

pub fn snapshot(test: &Test) -> std::path::PathBuf {
    test.site().state().join("directories/example.json")
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_request_with_a_name_alone_is_sent_to_the_directorys_number_in_its_language() {
    let policy = "name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\ntext = \"Code %code% for %name|you%\"\n\
                  [verification_code.translations]\ncy = \"Cod %code% i %name|chi%\"\n";
    for name in ["ada", r"EXAMPLE\ada", "ada@example.org"] {
        let run = to(json!({ "name": name })).policy(policy).run();
        run.outcome("accepted").has("/locale", "cy").texts(1);
        assert_eq!(run.the_text().to, "+447700900123");
        assert!(
            run.the_text().body.ends_with("i Ada Lovelace"),
            "{}",
            run.the_text().body
        );
    }
    // A national form, of the second attribute.
    let run = to(json!({ "name": "bob" })).run();
    run.outcome("accepted");
    assert_eq!(run.the_text().to, "+447700900124");
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_user_is_found_by_sid_and_no_name_is_needed() {
    let ada = crate::Site::bound_to(&[]).user("ada")["user"]["sid"].clone();
    let run = to(json!({ "sid": ada })).run();
    run.outcome("accepted");
    assert_eq!(run.the_text().to, "+447700900123");
    to(json!({ "sid": "S-1-5-21-1-2-3-4" }))
        .run()
        .outcome("refused")
        .error("user_unknown");
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_whom_it_refuses_gets_nothing_and_the_outcome_says_why() {
    for (name, outcome, error) in [
        ("nobody", "refused", "user_unknown"),
        ("*", "refused", "user_unknown"),
        ("zoe", "refused", "user_unknown"),
        (r"OTHER\ada", "refused", "user_unknown"),
        ("dee", "refused", "account_disabled"),
        ("expired", "refused", "account_disabled"),
        ("svc-textsender", "refused", "phone_missing"),
    ] {
        let run = to(json!({ "name": name })).run();
        run.outcome(outcome).error(error).texts(0);
    }
}

/// A caller who could name the number beside a user's name could have the user's code sent anywhere.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_given_number_counts_for_enrolling_alone() {
    let with_phone = || to(json!({ "name": "ada", "phone": "+447700900199" }));
    with_phone()
        .run()
        .outcome("invalid")
        .error("phone_not_allowed")
        .texts(0);
    with_phone()
        .with(json!({ "event": null }))
        .run()
        .outcome("invalid")
        .error("phone_not_allowed");
    let run = with_phone().with(json!({ "event": "enroll" })).run();
    run.outcome("accepted");
    assert_eq!(run.the_text().to, "+447700900199");
    // One who has none yet.
    let user = json!({ "name": "svc-textsender", "phone": "+447700900199" });
    let run = to(user).with(json!({ "event": "enroll" })).run();
    run.outcome("accepted");
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_given_name_that_is_not_the_found_entrys_is_invalid() {
    let ada = "cn=ada lovelace, ou=STAFF,dc=example,dc=org";
    to(json!({ "name": "ada", "dn": ada }))
        .run()
        .outcome("accepted");
    for dn in ["CN=Bob,OU=Staff,DC=example,DC=org", "Ada"] {
        to(json!({ "name": "ada", "dn": dn }))
            .run()
            .outcome("invalid")
            .error("bad_field")
            .texts(0);
    }
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_nothing_is_looked_up_where_all_is_given() {
    let dead = ["ldaps://127.0.0.1:1"];
    let whole = json!({
        "name": "ada", "phone": "+447700900123", "dn": "CN=Ada Lovelace,OU=Staff,DC=example,DC=org",
        "groups": ["CN=Other,OU=Groups,DC=example,DC=org"],
    });
    let started = |run: &Run| run.stderr.contains("textsender-directory");
    let run = to_by(whole.clone(), &dead).run();
    run.outcome("accepted");
    assert!(!started(&run), "{run}");
    // Nor is a server where policies are bound: the snapshot has their links.
    let test = bound_to(to(whole), &[STAFF, NOT_VPN]);
    synced(&test);
    let main = test.site().config_file();
    let text = fs::read_to_string(&main).unwrap();
    let servers = Domain::shared().setting("LDAPS");
    fs::write(&main, text.replace(servers, dead[0])).unwrap();
    test.beside()
        .run()
        .outcome("accepted")
        .has("/policy", NOT_VPN);
    let vpn = json!({ "user": { "groups": ["CN=VPN,OU=Groups,DC=example,DC=org"] } });
    test.beside().with(vpn).run().has("/policy", STAFF);
    test.beside()
        .with(json!({ "user": { "groups": null } }))
        .run()
        .outcome("invalid")
        .error("phone_not_allowed");
}

#[test]
fn directory_without_one_a_number_is_required_as_ever() {
    Test::new()
        .with(json!({ "user": { "phone": null, "name": "ada" } }))
        .run()
        .outcome("invalid")
        .error("missing_field")
        .says("user.phone")
        .texts(0);
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_filter_that_names_a_group_by_name_knows_who_is_in_it() {
    let policy = |filter: &str| {
        format!(
            "name = \"Everyone\"\nregion = \"GB\"\n[filter]\n{filter}\n[verification_code]\ntext = \"%code%\"\n"
        )
    };
    for (filter, ada, bob) in [
        (
            "deny_groups = [\"cn=vpn,ou=groups,dc=example,dc=org\"]",
            "accepted",
            "refused",
        ),
        (
            "groups = [\"CN=VPN,OU=Groups,DC=example,DC=org\"]",
            "refused",
            "accepted",
        ),
        // Nested.
        (
            "groups = [\"CN=G-Outer,OU=Groups,DC=example,DC=org\"]",
            "accepted",
            "refused",
        ),
        ("groups = [\"Domain Users\"]", "accepted", "accepted"),
        (
            "deny_groups = [\"CN=Gone,OU=Groups,DC=example,DC=org\"]",
            "accepted",
            "accepted",
        ),
        // Who is in a group of another domain is not known: that is no reason to let anyone pass.
        (
            "deny_groups = [\"CN=VPN,OU=Groups,DC=other,DC=org\"]",
            "misconfigured",
            "misconfigured",
        ),
    ] {
        for (name, outcome) in [("ada", ada), ("bob", bob)] {
            let run = to(json!({ "name": name })).policy(&policy(filter)).run();
            run.outcome(outcome);
        }
    }
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    gpos: BTreeMap<String, Filter>,
    links: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    block: Vec<String>,
    winner: Option<String>,
    #[serde(default)]
    only: String,
}

#[derive(serde::Deserialize)]
struct Filter {
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
}

fn cases() -> Vec<Case> {
    let cases = fs::read_to_string(CASES).unwrap();
    let cases = cases.lines();
    cases
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn id(number: usize, letter: &str) -> String {
    format!("{{33333333-0000-4000-8{number:03}-00000000000{letter}}}")
}

/// The policies of the table as links of our own, at the containers where the domain has the objects.
fn own_links(number: usize, case: &Case) -> String {
    let at = |path: &str| format!("{path},OU=Case {number},DC=example,DC=org");
    let group = |name: &String| match name.as_str() {
        "Domain Users" => name.clone(),
        name => format!("CN=case-{number}-{name},OU=Groups,DC=example,DC=org"),
    };
    let list = |names: &[String]| json!(names.iter().map(group).collect::<Vec<_>>()).to_string();
    let mut text = String::new();
    for path in &case.block {
        write!(
            text,
            "[containers.\"{}\"]\nblock_inheritance = true\n",
            at(path)
        )
        .unwrap();
    }
    for (letter, filter) in &case.gpos {
        write!(text, "[[policies]]\nname = \"{}\"\n", id(number, letter)).unwrap();
        for (path, links) in &case.links {
            for (order, link) in (1..)
                .zip(links)
                .filter(|(_, link)| link.starts_with(letter))
            {
                let (enabled, enforced) = (!link.contains("disabled"), link.contains("enforced"));
                write!(
                    text,
                    "[[policies.link]]\ncontainer = \"{}\"\norder = {order}\nenabled = {enabled}\nenforced = {enforced}\n",
                    at(path)
                )
                .unwrap();
            }
        }
        text += "[policies.filter]\n";
        for (key, names) in [("groups", &filter.allow), ("deny_groups", &filter.deny)] {
            if !names.is_empty() {
                writeln!(text, "{key} = {}", list(names)).unwrap();
            }
        }
        text += "[policies.verification_code]\ntext = \"%code%\"\n";
    }
    text
}

/// Sends to the user of each case, over one stream: the policy that decided, or the error.
fn decided(test: Test, numbers: &[usize]) -> BTreeMap<usize, String> {
    let requests = numbers.iter().map(|number| {
        json!({
            "id": format!("case-{number}"), "purpose": "verification_code", "event": "reset",
            "code": "beK989vc", "user": { "name": format!("case-{number}") },
        })
    });
    let lines: Vec<String> = requests.map(|request| request.to_string() + "\n").collect();
    let run = test.stream().stdin(lines.concat()).run();
    let answers = run.answers();
    assert_eq!(answers.len(), numbers.len(), "{run}");
    let answers = answers.iter().map(|answer| {
        let number = answer["id"].as_str().unwrap().trim_start_matches("case-");
        let policy = match answer["error"]["code"].as_str() {
            None => answer["policy"].as_str().unwrap(),
            Some("directory_unreadable") => "undecidable",
            Some(_) => panic!("{answer}"),
        };
        (number.parse().unwrap(), policy.to_owned())
    });
    answers.collect()
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_each_case_of_group_policy_is_sent_by_the_policy_of_the_table_both_ways() {
    Domain::shared().put_cases(Path::new(CASES));
    let cases = cases();
    let expected = |number: usize, case: &Case| match case.winner.as_deref() {
        None => "Everyone".to_owned(),
        Some("undecidable") => "undecidable".to_owned(),
        Some(letter) => id(number, letter),
    };
    let all: Vec<usize> = (0..cases.len()).collect();

    let ids = cases
        .iter()
        .enumerate()
        .flat_map(|(number, case)| case.gpos.keys().map(move |letter| id(number, letter)));
    let ids: Vec<String> = ids.collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let by_objects = bound_to(to(json!({ "name": "ada" })), &ids);
    synced(&by_objects);
    for (number, policy) in decided(by_objects, &all) {
        let case = &cases[number];
        assert_eq!(policy, expected(number, case), "by objects: {}", case.name);
    }

    let own: Vec<usize> = all
        .into_iter()
        .filter(|number| cases[*number].only != "gpo")
        .collect();
    assert!(own.len() >= 30);
    let text: String = own
        .iter()
        .map(|number| own_links(*number, &cases[*number]))
        .collect();
    let by_own_links = to(json!({ "name": "ada" })).config(&text);
    for (number, policy) in decided(by_own_links, &own) {
        let case = &cases[number];
        assert_eq!(
            policy,
            expected(number, case),
            "by links of our own: {}",
            case.name
        );
    }
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_explain_looks_the_user_up_and_shows_what_became_of_each_object() {
    let test = bound_to(to(json!({ "name": "ada" })), &[STAFF, NOT_VPN]);
    synced(&test);
    let explain = |user: &str| {
        let words = ["explain", "--user", user, "--event", "reset", "--json"];
        let run = test.beside().command(words).run();
        run.exit(0);
        let shown: Value = serde_json::from_str(run.stdout.as_ref().unwrap()).unwrap();
        shown["considered"].as_array().unwrap().clone()
    };
    let ada = explain("ada");
    assert_eq!(ada[0]["policy"], NOT_VPN, "{ada:?}");
    assert_eq!(ada[0]["verdict"]["won"], "enforced", "{ada:?}");
    let bob = explain("bob");
    assert_eq!(bob[0]["policy"], STAFF, "{bob:?}");
    let denied = bob.iter().find(|one| one["policy"] == NOT_VPN).unwrap();
    assert_eq!(
        denied["verdict"]["lost"]["object"]["effect"], "filtered",
        "{bob:?}"
    );
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_filter_may_name_a_users_own_sid() {
    let sid = crate::Site::bound_to(&[]).user("cyd")["user"]["sid"].clone();
    let policy = format!(
        "name = \"Everyone\"\nregion = \"GB\"\n[filter]\ngroups = [{sid}]\n[verification_code]\ntext = \"%code%\"\n"
    );
    for (name, outcome) in [("cyd", "accepted"), ("ada", "refused")] {
        let run = to(json!({ "name": name })).policy(&policy).run();
        run.outcome(outcome);
    }
}

/// The attribute is defined as browsers' `Accept-Language` (RFC 2798, 2.7), and people write anything into it.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_language_may_be_a_list_and_what_is_none_is_the_policys_own() {
    let policy = "name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\ntext = \"Code %code%\"\n\
                  [verification_code.translations]\ncy = \"Cod %code%\"\n";
    for (name, language, text) in [
        ("tongue-list", "en;q=0.5, cy-GB", "Cod "),
        ("tongue-posix", "cy_GB", "Cod "),
        ("tongue-words", "cy, as in Wales", "Code "),
    ] {
        let language = format!("preferredLanguage={language}");
        Domain::shared().edit(&["user", name, "mobile=+447700900123", &language]);
        let run = to(json!({ "name": name })).policy(policy).run();
        run.outcome("accepted");
        let body = run.the_text().body;
        assert!(body.starts_with(text), "{name}: {body}");
    }
}

/// Many users over one process that asks: each gets what is his own.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_in_a_stream_each_of_many_users_gets_his_own_text() {
    let numbers = [
        ("ada", "+447700900123"),
        ("bob", "+447700900124"),
        ("cyd", "+447700900125"),
    ];
    let lines = (0..60).map(|n| {
        let (name, _) = numbers[n % 3];
        let request = json!({
            "id": format!("{name}-{n}"), "purpose": "verification_code", "event": "reset",
            "code": format!("beK989v{n:02}"), "user": { "name": name },
        });
        request.to_string() + "\n"
    });
    let lines: Vec<String> = lines.collect();
    let run = to(json!({ "name": "ada" }))
        .stream()
        .stdin(lines.concat())
        .run();
    assert!(
        run.answers()
            .iter()
            .all(|answer| answer["outcome"] == "accepted"),
        "{run}"
    );
    let texts = run.sandbox().texts();
    assert_eq!(texts.len(), 60);
    for text in texts {
        let code = text.body.rsplit(' ').next().unwrap();
        let n: usize = code.trim_start_matches("beK989v").parse().unwrap();
        assert_eq!(text.to, numbers[n % 3].1);
    }
}

/// Stores a wrong password of the account. What is returned stores the right one again.
pub fn with_wrong_password(test: &Test) -> impl FnOnce() + use<> {
    let secrets = test.site().state().join("secrets");
    let stored = secrets.join("directories.example.password");
    let good = fs::read_to_string(&stored).unwrap();
    fs::write(&stored, "another").unwrap();
    move || fs::write(&stored, good).unwrap()
}
