//! `hold_after_change`: a number that was changed too recently is not texted, where that can be seen.

use serde_json::{Value, json};
use textsender_tests::harness::{Test, wait_for};
use textsender_tests::peers::samba::Domain;

use crate::sending::to;

/// A message to a user by name, where numbers are held back for so long.
fn held(name: &str, attribute: &str, hold: &str) -> Test {
    to(json!({ "name": name })).config(&format!(
        "[directories.example]\nphone = [{attribute:?}]\nhold_after_change = {hold:?}\n"
    ))
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_number_that_was_changed_today_is_not_texted() {
    let domain = Domain::shared();
    for (name, attribute) in [
        ("held-mobile", "mobile"),
        ("held-telephone", "telephoneNumber"),
        ("held-ip", "ipPhone"),
    ] {
        domain.edit(&["user", name, &format!("{attribute}=+447700900123")]);
        let run = held(name, attribute, "24h").run();
        run.outcome("refused").error("phone_changed").texts(0);
        // By default it counts at once, and so does one that was changed before.
        let run = to(json!({ "name": name }))
            .config(&format!("[directories.example]\nphone = [{attribute:?}]"));
        run.run().outcome("accepted");
        wait_for("a second after the change", || {
            let run = held(name, attribute, "1s").run();
            (run.response["outcome"] == "accepted").then_some(())
        });
        // The directory was changed at another attribute alone.
        let dn = format!("CN={name},OU=Staff,DC=example,DC=org");
        domain.edit(&["attribute", &dn, "displayName", "Changed"]);
        let run = held(name, attribute, "1s").run();
        run.outcome("accepted");
        domain.edit(&["attribute", &dn, attribute, "+447700900124"]);
        let run = held(name, attribute, "24h").run();
        run.outcome("refused").error("phone_changed").texts(0);
    }
}

/// Enrolling brings a number of its own; and what sends nothing is not held up.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_what_does_not_text_the_directorys_number_is_not_held_back() {
    Domain::shared().edit(&["user", "held-new", "mobile=+447700900123"]);
    let enroll = json!({ "event": "enroll", "user": { "phone": "+447700900199" } });
    let run = held("held-new", "mobile", "24h").with(enroll).run();
    run.outcome("accepted");
    let test = held("held-new", "mobile", "24h");
    let command = |words: &[&str]| {
        let run = test.beside().command(words.iter().copied()).run();
        (
            run.exit,
            format!(
                "{}{}",
                run.stdout.as_deref().unwrap_or_default(),
                run.stderr
            ),
        )
    };
    let explain = ["explain", "--user", "held-new", "--event", "reset"];
    let (exit, said) = command(&explain);
    assert!(exit == 77 && said.contains("hold_after_change"), "{said}");
    let (exit, said) = command(&["directory", "user", "held-new"]);
    assert!(exit == 77 && said.contains("phone_changed"), "{said}");
    let (exit, said) = command(&["numbers", "check", "--directory", "example", "--json"]);
    assert_eq!(exit, 0, "{said}");
    let shown: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap_or(json!(said));
    assert!(said.contains("textable"), "{shown}");
}

/// Where the metadata can't be read nothing is held back, and that is said.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_check_and_doctor_say_where_nothing_can_be_held_back() {
    let domain = Domain::shared();
    let said = |attribute: &str, command: &[&str]| {
        let run = held("ada", attribute, "24h")
            .command(command.iter().copied())
            .run();
        format!(
            "{}{}",
            run.stdout.as_deref().unwrap_or_default(),
            run.stderr
        )
    };
    let words = "hold_after_change holds nothing back";
    // Attributes that no other case has.
    domain.edit(&["user", "held-seen", "pager=+447700900123"]);
    domain.edit(&["user", "held-hidden", "homePhone=+447700900123"]);
    let dn = "CN=held-hidden,OU=Staff,DC=example,DC=org";
    domain.edit(&["deny", dn, "replPropertyMetaData"]);
    held("held-hidden", "homePhone", "24h")
        .run()
        .outcome("accepted");
    for command in [&["directory", "check"][..], &["doctor"]] {
        let seen = said("pager", command);
        assert!(!seen.contains(words), "{seen}");
        let hidden = said("homePhone", command);
        assert!(hidden.contains(words), "{hidden}");
    }
}
