//! Several directories; the program that is missing; the hub.

use std::fs;

use serde_json::json;
use textsender_tests::harness::{Test, artifacts};
use textsender_tests::peers::samba::Domain;

use crate::sending::{bound_to, snapshot, synced, to};
use crate::{EVERYONE, STAFF};

/// Another section for the same domain, or for one at this server.
fn beside_it(test: Test, server: &str) -> Test {
    let domain = Domain::shared();
    let text = format!(
        "[directories.other]\nservers = [{server:?}]\nca_file = {:?}\nbind = \"svc-textsender@example.org\"\n\
         phone = [\"mobile\"]\ntimeout = \"20s\"\n",
        domain.setting("CA")
    );
    test.config(&text).secret(
        "directories.other.password",
        domain.setting("BIND_PASSWORD"),
    )
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_user_whom_two_have_is_ambiguous_and_one_whom_one_has_is_not() {
    let alive = Domain::shared().setting("LDAPS");
    let run = beside_it(to(json!({ "name": "ada" })), alive).run();
    run.outcome("refused").error("user_ambiguous").texts(0);
    let run = beside_it(to(json!({ "name": "nobody" })), alive).run();
    run.outcome("refused").error("user_unknown").texts(0);
    // The first has him below another place.
    let elsewhere = "[directories.example]\nbase = \"OU=Groups,DC=example,DC=org\"\n";
    let run = beside_it(to(json!({ "name": "ada" })).config(elsewhere), alive).run();
    run.outcome("accepted");
    assert_eq!(run.the_text().to, "+447700900123");
}

/// Whether the other one has the user as well can't be known: he may be somebody else there.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_one_of_several_that_can_not_be_asked_stops_the_message() {
    let run = beside_it(to(json!({ "name": "ada" })), "ldaps://127.0.0.1:1").run();
    run.outcome("unavailable")
        .error("directory_unreachable")
        .texts(0);
}

/// Within one directory: two users, of whom each has the other's name in another form.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_name_that_two_users_of_one_have_is_ambiguous() {
    let domain = Domain::shared();
    domain.edit(&["user", "twin", "mobile=+447700900123"]);
    let other = "userPrincipalName=other-twin@example.org";
    domain.edit(&["user", "twin@example.org", "mobile=+447700900124", other]);
    let run = to(json!({ "name": "twin@example.org" })).run();
    run.outcome("refused").error("user_ambiguous").texts(0);
    for (name, phone) in [
        ("twin", "+447700900123"),
        ("other-twin@example.org", "+447700900124"),
    ] {
        let run = to(json!({ "name": name })).run();
        run.outcome("accepted");
        assert_eq!(run.the_text().to, phone, "{name}");
    }
}

/// A policy's object is of one of them, and the links of each count in its own part of the tree.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_of_several_each_policy_says_which_one_its_object_is_of() {
    let alive = Domain::shared().setting("LDAPS");
    let elsewhere = "[directories.other]\nbase = \"OU=Groups,DC=example,DC=org\"\n";
    let test = beside_it(to(json!({ "name": "ada" })), alive).config(elsewhere);
    let test = test.change(|site| {
        for (id, directory) in [(STAFF, "example"), (EVERYONE, "example")] {
            let text = format!(
                "name = {id:?}\nregion = \"GB\"\n[gpo]\nid = {id:?}\ndirectory = {directory:?}\n\
                 [verification_code]\ntext = \"{id}: %code%\"\n"
            );
            site.policy(id, &text).unwrap();
        }
    });
    let sync = ["directory", "sync", "--directory", "example"];
    test.beside().command(sync).run().exit(0);
    let run = test.beside().run();
    run.outcome("accepted").has("/policy", STAFF);
    let which = test.beside().command(["directory", "sync"]).run();
    assert_ne!(which.exit, 0, "{which}");
    assert!(
        which
            .stderr
            .contains("name one of the directories: example, other"),
        "{which}"
    );
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_without_its_program_the_package_is_named() {
    let test = to(json!({ "name": "ada" }));
    let program = artifacts().copy_program_into(test.site().folder());
    let run = test.beside().program(&program).run();
    run.outcome("misconfigured")
        .error("directory_missing")
        .says("textsender-directory")
        .texts(0);
    let doctor = test.beside().program(&program).command(["doctor"]).run();
    let said = doctor.stdout.as_deref().unwrap_or_default();
    assert!(
        said.contains("install the package textsender-directory"),
        "{said}"
    );
}

/// `warn_after`: a snapshot that nobody renews is said to be old before it is too old.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_snapshot_that_is_not_renewed_is_warned_of_while_it_still_decides() {
    let test = bound_to(to(json!({ "name": "ada" })), &[STAFF]);
    synced(&test);
    let check = || {
        let run = test.beside().command(["check"]).run();
        (
            run.exit,
            format!(
                "{}{}",
                run.stdout.as_deref().unwrap_or_default(),
                run.stderr
            ),
        )
    };
    let words = "does textsender-directory.timer run?";
    let (fresh, said) = check();
    assert!(!said.contains(words), "{said}");
    let text = fs::read_to_string(snapshot(&test)).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
    let taken: jiff::Timestamp = old["taken"].as_str().unwrap().parse().unwrap();
    for (minutes, is_warned) in [(50, false), (70, true)] {
        let then = taken - jiff::SignedDuration::from_mins(minutes);
        old["taken"] = json!(then.to_string());
        fs::write(snapshot(&test), old.to_string()).unwrap();
        let (exit, said) = check();
        assert_eq!(exit, fresh, "a warning is no fault: {said}");
        assert_eq!(said.contains(words), is_warned, "{minutes}: {said}");
        test.beside()
            .run()
            .outcome("accepted")
            .has("/policy", STAFF);
    }
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_through_the_hub_a_name_is_looked_up_once_it_is_asked_and_again_after_an_edit() {
    let test = bound_to(to(json!({ "name": "ada" })), &[STAFF]);
    synced(&test);
    let socket = test.site().folder().join("hub.sock");
    let socket = format!("[serve]\nsocket = {socket:?}\nhub = \"required\"\n");
    let main = test.site().config_file();
    let text = fs::read_to_string(&main).unwrap();
    fs::write(&main, format!("{text}\n{socket}")).unwrap();
    let hub = test.beside().command(["serve"]).stdin("").start();
    hub.wait_for_log("listening");
    let send = |name: &str| {
        let user = json!({ "user": { "name": name } });
        test.in_company().with(user).run()
    };
    for (name, outcome, error) in [
        ("ada", "accepted", ""),
        ("ada", "accepted", ""),
        ("nobody", "refused", "user_unknown"),
        ("dee", "refused", "account_disabled"),
        ("bob", "accepted", ""),
    ] {
        let run = send(name);
        run.outcome(outcome);
        assert_eq!(
            run.response["error"]["code"].as_str().unwrap_or_default(),
            error,
            "{run}"
        );
    }
    let texts = hub.sandbox().texts();
    let to: Vec<&str> = texts.iter().map(|text| text.to.as_str()).collect();
    assert_eq!(to, ["+447700900123", "+447700900123", "+447700900124"]);
    // One process asks for all of them.
    let asking = || {
        let task = format!("/proc/{0}/task/{0}/children", hub.id());
        let children = fs::read_to_string(task).unwrap();
        let is_asking = |id: &&str| {
            let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
            name.starts_with("textsender-dire")
        };
        let asking: Vec<u32> = children
            .split_whitespace()
            .filter(is_asking)
            .map(|id| id.parse().unwrap())
            .collect();
        asking
    };
    let before = asking();
    assert_eq!(before.len(), 1, "{before:?}");
    // So does another snapshot count for the next message, here one that is too old.
    let good = fs::read_to_string(snapshot(&test)).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&good).unwrap();
    old["taken"] = json!("2020-01-01T00:00:00Z");
    fs::write(snapshot(&test), old.to_string()).unwrap();
    send("ada")
        .outcome("misconfigured")
        .error("directory_stale");
    fs::write(snapshot(&test), good).unwrap();
    assert_eq!(asking(), before);
    // An edit of the configuration brings a process of its own.
    let text = fs::read_to_string(&main).unwrap();
    fs::write(
        &main,
        text.replace("[\"mobile\", \"telephoneNumber\"]", "[\"otherMobile\"]"),
    )
    .unwrap();
    send("ada").outcome("refused").error("phone_missing");
    let after = asking();
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    hub.terminate();
    hub.wait_for_end().exit(0);
}
