//! A state folder that can't be used is one finding with one command, which repairs it; whatever follows from it is no
//! further one.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use textsender_tests::sandbox::Sandbox;

use super::Admin;
use super::changes::{sending, sends};

/// What is wrong, and what to do.
type Found = (String, String);

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What `check` finds.
fn faults(admin: &Admin) -> Vec<Found> {
    let report = admin.run(&["check", "--json"]).json();
    let faults = report["faults"].as_array().unwrap().iter();
    let faults = faults.map(|it| (text(&it["message"]), text(&it["mend"])));
    faults.collect()
}

/// What `doctor` has something to do about, or has to say of a sender.
fn problems(admin: &Admin) -> Vec<Found> {
    let findings = admin.run(&["doctor", "--offline", "--json"]).json();
    let findings = findings.as_array().unwrap().iter();
    let problems = findings
        .filter(|it| !it["mend"].is_null() || it["area"] == "senders" && it["state"] != "ok");
    let problems = problems.map(|it| (text(&it["what"]), text(&it["mend"])));
    problems.collect()
}

/// Wants one finding of each with the same remedy, which repairs all of it.
#[track_caller]
fn one_remedy_repairs(admin: &Admin, words: &str) {
    let (faults, problems) = (faults(admin), problems(admin));
    for found in [&faults, &problems] {
        assert_eq!(found.len(), 1, "{faults:#?} {problems:#?}");
        assert!(found[0].0.contains(words), "{found:#?}");
    }
    assert_eq!(faults[0].1, problems[0].1);
    admin.shell(&faults[0].1, "").failed(0);
    assert_eq!(self::faults(admin), [], "after {}", faults[0].1);
    assert_eq!(self::problems(admin), [], "after {}", faults[0].1);
}

#[test]
fn one_that_all_can_write_is_one_finding() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    fs::set_permissions(admin.state(), Permissions::from_mode(0o777)).unwrap();
    one_remedy_repairs(&admin, "mode 0777");
    let all = format!("chmod -R 777 {}", admin.state().display());
    admin.shell(&all, "").ok();
    one_remedy_repairs(&admin, "more ");
    let secret = admin.state().join("secrets/twilio.auth_token");
    fs::set_permissions(&secret, Permissions::from_mode(0o666)).unwrap();
    one_remedy_repairs(&admin, "mode 0666");
    sends(&admin);
}

#[test]
fn one_that_is_a_file_is_one_finding() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let away = admin.state().with_file_name("away");
    fs::rename(admin.state(), &away).unwrap();
    fs::write(admin.state(), "x").unwrap();
    let faults = faults(&admin);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert_eq!(faults[0].0, "is a file, and not a folder");
    // Root can look as no one: nothing but that is said.
    match rustix::process::geteuid().is_root() {
        true => {
            admin.run(&["doctor"]).failed(1).says(&faults[0].1);
        }
        false => {
            let problems = problems(&admin);
            assert_eq!(problems.len(), 1, "{problems:#?}");
            assert_eq!(problems[0].1, faults[0].1);
        }
    }
    admin.shell(&faults[0].1, "").failed(0);
    fs::remove_dir_all(admin.state()).unwrap();
    fs::rename(&away, admin.state()).unwrap();
    assert_eq!(self::faults(&admin), []);
    sends(&admin);
}

#[test]
fn an_owner_that_is_no_account_is_one_finding() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let text = admin.config_text();
    admin.write_config(&text.replace("[state]", "[state]\nowner = \"www-dat\""));
    let faults = faults(&admin);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    let remedy = "sudo textsender init --owner ";
    assert!(faults[0].1.starts_with(remedy), "{faults:#?}");
    admin.run(&["doctor", "--offline"]).says(remedy);
}
