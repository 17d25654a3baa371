//! Changes can't break sending: what would bring a new fault is refused with its place, unless it is
//! forced. And each change is in the journal, and can be undone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use textsender_tests::harness::each;
use textsender_tests::sandbox::{Fault, Sandbox, When, twilio};

use super::Admin;
use super::edits::snapshot;

/// An administrator whose users get texts, through a ready sender that is the default.
pub fn sending(sandbox: &Sandbox) -> Admin {
    let admin = Admin::at_work();
    admin.sends_by_twilio(sandbox);
    admin
}

/// Sends a code to a user of the default policy.
#[track_caller]
pub fn sends(admin: &Admin) {
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;
    admin.feed(&["send"], request).ok();
}

#[test]
fn a_change_that_would_break_sending_is_refused_with_its_place_unless_it_is_forced() {
    let notify = ["sender", "add", "uk", "--plugin", "govuk-notify"];
    let staff = [
        "policy",
        "add",
        "Staff",
        "--link",
        "OU=Staff,DC=example,DC=org",
    ];
    let cases: [(&[&str], &str, &str); 11] = [
        // A group that is neither a DN nor a SID: every send would be misconfigured.
        (
            &["policy", "add", "Managers", "--group", "Managers"],
            "",
            "managers.toml",
        ),
        (
            &["policy", "set", "Staff", "--group", "Managers"],
            "",
            "staff.toml",
        ),
        // A wrong value on a sender that is used.
        (
            &["sender", "set", "twilio", "messaging_service_sid=MG1"],
            "",
            "textsender.toml",
        ),
        (
            &["sender", "unset", "twilio", "account_sid"],
            "",
            "account_sid",
        ),
        // A sender that lacks something, and one that falls back to itself.
        (&["select-sender", "uk"], "", "template_id"),
        (&["policy", "set-sender", "Staff", "uk"], "", "template_id"),
        (
            &[
                "policy",
                "set-sender",
                "Staff",
                "twilio",
                "--fallback",
                "twilio",
            ],
            "",
            "is named twice",
        ),
        (
            &["helpdesk", "select-sender", "twilio", "--fallback", "uk"],
            "",
            "template_id",
        ),
        // A text that is too long for the policy.
        (
            &["text", "set", "--policy", "Staff"],
            "Please enter this verification code, which is only good for a while: %code%. If you have not asked for it, tell the helpdesk at once, for then it is another person who wants to have your password.",
            "segments",
        ),
        (&["policy", "set", "Staff", "--regions", "ZZ"], "", "ZZ"),
        (
            &[
                "policy",
                "link",
                "Everyone",
                "OU=Staff,DC=example,DC=org",
                "--order",
                "1",
            ],
            "",
            "is policy Staff's",
        ),
    ];
    each(cases, |(command, stdin, place)| {
        let sandbox = Sandbox::start();
        let admin = sending(&sandbox);
        admin.run(&notify).ok();
        admin.run(&staff).ok();
        admin
            .run(&["policy", "set", "Staff", "--max-segments", "1"])
            .ok();
        let before = snapshot(&admin.folder());
        let ran = admin.feed(command, stdin);
        assert!([1, 2].contains(&ran.exit), "{ran}");
        ran.says(place);
        assert_eq!(snapshot(&admin.folder()), before, "{ran}");
        sends(&admin);
        // An order that makes no sense can't be forced.
        if ran.stderr.contains("--force") {
            let forced = [command, &["--force"]].concat();
            let ran = admin.feed(&forced, stdin);
            ran.failed(0)
                .says("forced: until this is fixed")
                .says(place);
            assert_ne!(snapshot(&admin.folder()), before, "{ran}");
            admin.run(&["config", "undo"]).ok();
            sends(&admin);
        }
    });
}

#[test]
fn a_secret_that_messages_are_sent_with_is_not_removed_without_force() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let remove = ["secret", "remove", "twilio.auth_token"];
    admin
        .run(&remove)
        .failed(1)
        .says("is in use: sender twilio");
    sends(&admin);
    admin
        .run(&[remove[0], remove[1], remove[2], "--force"])
        .ok();
    assert!(!admin.state().join("secrets/twilio.auth_token").exists());
}

#[test]
fn a_sender_is_built_step_by_step_while_nothing_depends_on_it() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let sid = format!("account_sid={}", twilio::ACCOUNT_SID);
    let from = format!("from={}", twilio::FROM_NUMBER);
    let add = ["sender", "add", "second", "--plugin", "twilio"];
    admin.run(&add).ok().says("incomplete");
    admin
        .run(&["sender", "set", "second", &sid])
        .ok()
        .says("incomplete");
    admin
        .run(&["sender", "set", "second", &from])
        .ok()
        .says("incomplete");
    let secret = ["secret", "set", "second.auth_token"];
    admin.feed(&secret, twilio::AUTH_TOKEN).ok().says("ready");
    admin.run(&["select-sender", "second"]).ok();
}

/// A used sender that lacks something is completed step by step, too: each step is an improvement.
#[test]
fn a_used_sender_that_is_incomplete_can_be_completed() {
    let admin = Admin::at_work();
    admin.run(&["sender", "add", "twilio"]).ok();
    admin
        .run(&["select-sender", "twilio", "--force"])
        .failed(0)
        .says("forced");
    let sid = format!("account_sid={}", twilio::ACCOUNT_SID);
    let from = format!("from={}", twilio::FROM_NUMBER);
    admin.run(&["sender", "set", "twilio", &sid]).ok();
    admin.run(&["sender", "set", "twilio", &from]).ok();
}

#[test]
fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let before = snapshot(&admin.folder());
    let ran = admin.run(&[
        "policy",
        "set",
        "Everyone",
        "--max-segments",
        "2",
        "--dry-run",
    ]);
    ran.ok().says("+ max_segments = 2");
    // A value of a sender's settings may be a secret.
    let ran = admin.run(&["sender", "set", "twilio", "from=+447700900101", "--dry-run"]);
    ran.ok().says("+ from = \"*************\"");
    assert_eq!(snapshot(&admin.folder()), before);
}

#[test]
fn the_last_change_is_undone_and_made_again() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let files = || {
        let mut files = snapshot(&admin.folder());
        files.retain(|path, _| path.extension().is_some_and(|e| e == "toml"));
        files
    };
    let before = files();
    admin.run(&["policy", "add", "Staff"]).ok();
    let after = files();
    admin
        .run(&["config", "undo"])
        .ok()
        .says("undone: add policy Staff");
    assert_eq!(files(), before);
    admin.run(&["config", "undo"]).ok();
    assert_eq!(files(), after);

    // What was edited by hand since is not lost.
    let everyone = fs::read_to_string(admin.everyone()).unwrap();
    admin
        .run(&["policy", "set", "Everyone", "--max-segments", "2"])
        .ok();
    fs::write(admin.everyone(), everyone + "# mine\n").unwrap();
    let ran = admin.run(&["config", "undo"]);
    ran.failed(1).says("was edited since");
    assert!(
        fs::read_to_string(admin.everyone())
            .unwrap()
            .contains("# mine")
    );
    let kept = admin.folder().join(".textsender.undo");
    assert_eq!(
        fs::metadata(kept).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn who_changed_what_is_in_the_journal_and_no_secret() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin
        .run(&[
            "policy", "add", "Managers", "--group", "Managers", "--force",
        ])
        .failed(0);
    let ran = admin.run(&["log", "--changes", "--json"]);
    let changes: Vec<serde_json::Value> = ran
        .ok()
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let what: Vec<&str> = changes
        .iter()
        .map(|change| change["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        what[what.len() - 4..],
        [
            "add sender twilio of the plugin twilio",
            "store the secret twilio.auth_token",
            "select sender twilio as the default",
            "add policy Managers",
        ],
        "{ran}"
    );
    assert_eq!(changes.last().unwrap()["forced"], true);
    assert!(!ran.stdout.contains(twilio::AUTH_TOKEN), "{ran}");
    assert!(!ran.stdout.contains(twilio::ACCOUNT_SID), "{ran}");
    let ran = admin.run(&["log", "--changes"]);
    ran.ok().says("add policy Managers").says("(forced)");
}

/// By sudo, root acts for another.
#[test]
#[ignore = "needs root"]
fn as_root_the_journal_names_who_called_sudo() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let line = "SUDO_USER=alice textsender policy set Everyone --max-segments 2";
    admin.shell(line, "").ok();
    admin
        .run(&["log", "--changes"])
        .ok()
        .says("alice (as root)");
}

#[test]
fn an_edited_file_is_put_in_place_only_if_it_is_good() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let before = snapshot(&admin.folder());
    // The editor is a program that changes a file.
    let editor = |edit: &str| format!("EDITOR=\"sed -i {edit}\" textsender policy edit Everyone");
    let broken = admin.shell(&editor("s/GB/ZZ/"), "");
    broken.failed(1).says("everyone.toml");
    assert_eq!(snapshot(&admin.folder()), before);
    admin
        .shell(&editor("s/reset/reset/"), "")
        .ok()
        .says("as it was");
    let good = admin.shell(&editor("s/Please/Kindly/"), "");
    good.ok().says("put ");
    assert!(
        fs::read_to_string(admin.everyone())
            .unwrap()
            .contains("Kindly")
    );

    let main = "EDITOR='sed -i s/30s/20s/' textsender config edit";
    admin.shell(main, "").ok();
    assert!(admin.config_text().contains("timeout = \"20s\""));
    let main = "EDITOR='sed -i s/20s/soon/' textsender config edit";
    admin.shell(main, "").failed(1).says("send.timeout");
    assert!(admin.config_text().contains("timeout = \"20s\""));
    sends(&admin);
}

/// Without it, users whom no link reaches are refused.
#[test]
fn the_default_policy_is_not_lost_by_an_edit() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    for editor in ["sed -i /^policy/d", "truncate -s 0"] {
        let edit = format!("EDITOR='{editor}' textsender config edit");
        admin.shell(&edit, "").failed(1).says("can never win");
        sends(&admin);
    }
}

#[test]
fn a_policy_that_is_for_no_one_yet_is_built_step_by_step_and_check_only_warns_of_it() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let checked = |words: &str| {
        let report = admin.run(&["check", "--json"]).ok().json();
        let warnings = report["warnings"].as_array().unwrap();
        let of_it = warnings
            .iter()
            .filter(|warning| warning["file"].as_str().unwrap().ends_with("staff.toml"));
        let messages: Vec<&str> = of_it.map(|it| it["message"].as_str().unwrap()).collect();
        assert!(messages.iter().any(|it| it.contains(words)), "{report}");
    };
    admin
        .run(&["policy", "add", "Staff"])
        .ok()
        .says("no user yet");
    checked("no [[link]]");
    // A text of it may be too long until then.
    let long = format!("%code%{}", "x".repeat(200));
    admin
        .feed(&["text", "set", "--policy", "Staff"], &long)
        .ok();
    admin
        .run(&["policy", "set", "Staff", "--max-segments", "1"])
        .ok();
    checked("max_segments");
    let link = ["policy", "link", "Staff", "OU=Staff,DC=example"];
    admin.run(&link).failed(1).says("max_segments");
    admin
        .run(&["policy", "set", "Staff", "--max-segments", "2"])
        .ok();
    admin.run(&link).ok();
    admin.run(&["check"]).ok();
    // Unlinked again, it is for no one.
    admin
        .run(&["policy", "unlink", "Staff", "OU=Staff,DC=example"])
        .failed(0);
    checked("no [[link]]");
    sends(&admin);
}

#[test]
fn names_in_the_journal_read_as_they_are() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin.run(&["policy", "add", "a\u{202e}b"]).ok();
    for json in [&[][..], &["--json"]] {
        let ran = admin.run(&[&["log", "--changes"], json].concat());
        ran.ok().says("add policy a");
        assert!(!ran.stdout.contains('\u{202e}'), "{ran}");
    }
}

#[test]
fn renaming_keeps_sending() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let fallback = ["policy", "set-sender", "Everyone", "twilio"];
    admin.run(&fallback).ok();
    admin.run(&["helpdesk", "select-sender", "twilio"]).ok();
    admin.run(&["sender", "rename", "twilio", "main"]).ok();
    admin.run(&["policy", "rename", "Everyone", "All"]).ok();
    admin.run(&["check"]).ok();
    sends(&admin);
    let secrets: Vec<_> = fs::read_dir(admin.state().join("secrets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert_eq!(secrets, ["main.auth_token"]);
    admin
        .run(&["sender", "rename", "main", "main"])
        .failed(1)
        .says("is called that already");
    admin
        .run(&["sender", "rename", "twilio", "other"])
        .failed(1)
        .says("there is no sender twilio");
}

#[test]
fn a_renaming_is_undone_and_made_again_with_the_stored_secrets() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let dated = [
        "secret",
        "set",
        "twilio.auth_token",
        "--expires",
        "2099-01-01",
    ];
    admin.feed(&dated, twilio::AUTH_TOKEN).ok();
    admin.run(&["sender", "rename", "twilio", "main"]).ok();
    let is_stored = |name: &str| {
        let secrets = admin.state().join("secrets");
        let dates = fs::read_to_string(admin.state().join("expiry.json")).unwrap();
        let is_dated = dates.contains(&format!("{name}.auth_token"));
        let is_stored = secrets.join(format!("{name}.auth_token")).exists();
        assert_eq!(is_dated, is_stored, "{name}: {dates}");
        is_stored
    };
    for (name, other) in [("twilio", "main"), ("main", "twilio")] {
        let preview = ["config", "undo", "--dry-run"];
        admin.run(&preview).ok();
        assert!(is_stored(other) && !is_stored(name), "{name}");
        let undone = admin.run(&["config", "undo"]);
        undone.ok().says("undone: ");
        assert!(is_stored(name) && !is_stored(other), "{name}");
        admin.run(&["check"]).ok();
        sends(&admin);
    }
}

#[test]
fn a_paused_sender_keeps_its_name_and_so_its_pause() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let pause = |name| {
        let pause = ["pause", "--sender", name, "--reason", "a trial"];
        admin.run(&pause).ok();
    };
    pause("twilio");
    let rename = ["sender", "rename", "twilio", "main"];
    let refused = admin.run(&rename);
    refused.failed(1).says("textsender resume --sender twilio");
    admin.run(&["check"]).ok();
    admin.run(&["resume", "--sender", "twilio"]).ok();
    admin.run(&rename).ok();
    // Undone, it would have another name as well.
    pause("main");
    let undone = admin.run(&["config", "undo"]);
    undone.failed(1).says("sender main is paused");
    admin.run(&["resume", "--sender", "main"]).ok();
    admin.run(&["config", "undo"]).ok();
    sends(&admin);
}

#[test]
fn policies_and_texts_are_changed_by_command() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let groups = [
        "--group",
        "CN=VPN,DC=example",
        "--group",
        "S-1-5-21-1-2-3-513",
    ];
    let add = [
        "policy",
        "add",
        "Staff",
        "--link",
        "OU=A,DC=b",
        "--order",
        "7",
    ];
    admin.run(&add).ok();
    admin
        .run(&[&["policy", "set", "Staff"], &groups[..]].concat())
        .ok();
    admin
        .run(&[
            "policy",
            "set",
            "Staff",
            "--deny-group",
            "CN=Guests,DC=example",
            "--regions",
            "GB,IE",
            "--events",
            "reset",
            "--max-segments",
            "2",
        ])
        .ok();
    let shown = admin.run(&["policy", "show", "Staff", "--json"]).json();
    assert_eq!(shown["links"][0]["order"], 7, "{shown}");
    assert_eq!(shown["groups"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(shown["deny_groups"][0], "CN=Guests,DC=example", "{shown}");
    assert_eq!(shown["regions"].as_array().unwrap().len(), 2, "{shown}");
    assert_eq!(shown["events"][0], "reset", "{shown}");
    admin
        .run(&["policy", "set", "Staff", "--no-groups", "--no-deny-groups"])
        .ok();
    let shown = admin.run(&["policy", "show", "Staff", "--json"]).json();
    assert_eq!(shown["groups"].as_array().unwrap().len(), 0, "{shown}");

    let welsh = ["--policy", "Staff", "--locale", "cy"];
    let set = [&["text", "set"], &welsh[..]].concat();
    admin.feed(&set, "Rhowch y cod hwn: %code%").ok();
    let unset = [&["text", "unset"], &welsh[..]].concat();
    admin.run(&unset).ok();
    admin.run(&unset).failed(1).says("has no such text (cy)");
    admin
        .run(&["text", "unset", "--policy", "Staff"])
        .failed(2)
        .says("can't be without a text");
    admin.run(&["policy", "set-default", "Staff"]).ok();
    admin
        .run(&["policy", "remove", "Staff"])
        .failed(1)
        .says("policy set-default");
}

#[test]
fn the_helpdesks_fallback_is_set_by_command_and_sends() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let url = format!("base_url={}", sandbox.twilio().url());
    let sid = format!("account_sid={}", twilio::ACCOUNT_SID);
    let from = format!("from={}", twilio::FROM_NUMBER);
    admin
        .run(&[
            "sender", "add", "second", "--plugin", "twilio", &url, &sid, &from,
        ])
        .ok();
    admin
        .feed(&["secret", "set", "second.auth_token"], twilio::AUTH_TOKEN)
        .ok();
    let select = [
        "helpdesk",
        "select-sender",
        "twilio",
        "--fallback",
        "second",
    ];
    admin.run(&select).ok().says("second");
    admin
        .run(&["helpdesk", "show"])
        .ok()
        .says("fallback       second");
    sandbox
        .twilio()
        .fault(When::next().method("POST"), Fault::status(401));
    let request =
        r#"{"purpose":"helpdesk_code","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;
    let sent = admin.feed(&["send"], request);
    assert_eq!(sent.failed(0).json()["sender"], "second", "{sent}");

    let own = [
        "helpdesk",
        "select-sender",
        "twilio",
        "--fallback",
        "twilio",
    ];
    admin.run(&own).failed(1).says("is named twice");
    let none = ["helpdesk", "select-sender", "twilio", "--no-fallback"];
    admin.run(&none).ok();
    let shown = admin.run(&["helpdesk", "show", "--json"]).json();
    assert_eq!(shown["fallback"].as_array().unwrap().len(), 0, "{shown}");
}

#[test]
#[cfg_attr(is_root, ignore = "root may read what has no mode")]
fn what_is_changed_under_a_umask_that_takes_everything_is_of_use_afterwards() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let add = "policy add Staff --link OU=Staff,DC=example,DC=org";
    for (command, input) in [
        ("secret set twilio.auth_token", twilio::AUTH_TOKEN),
        (add, ""),
    ] {
        let shell = format!("umask 0777; exec textsender {command}");
        admin.shell(&shell, input).ok();
    }
    admin.run(&["check"]).ok();
    admin.run(&["policy", "show", "Staff"]).ok();
    sends(&admin);
}
