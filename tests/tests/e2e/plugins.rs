//! The plugins folder, and plugins that misbehave.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use textsender_tests::harness::{Run, Test, artifacts, each};
use textsender_tests::sandbox::site::Site;
use textsender_tests::sandbox::{Fault, Refusing, When};

fn library(site: &Site) -> PathBuf {
    site.plugins().join("libtextsender_twilio.so")
}

fn refused(run: &Run, words: &str) {
    run.outcome("misconfigured")
        .error("plugin_refused")
        .says(words)
        .requests(0);
}

#[test]
fn a_plugin_that_is_not_there_is_told_with_folder_and_file() {
    let test = Test::new().change(|site| fs::remove_file(library(site)).unwrap());
    let folder = test.site().plugins().display().to_string();
    test.run()
        .outcome("misconfigured")
        .error("plugin_missing")
        .says(&format!("looked for libtextsender_twilio.so in {folder}"));
}

#[test]
fn a_plugin_is_usable_once_it_is_in_the_folder() {
    // Nothing is rebuilt, registered or restarted: another name is another plugin to the program.
    let file = artifacts().plugin("twilio");
    let test = Test::new().change(|site| {
        fs::remove_dir_all(site.plugins()).unwrap();
        fs::create_dir(site.plugins()).unwrap();
        fs::set_permissions(site.plugins(), Permissions::from_mode(0o755)).unwrap();
    });
    let test = test.change(|site| site.plugin(&file).unwrap());
    test.run().outcome("accepted").texts(1);
}

#[test]
fn a_plugin_that_others_can_write_is_refused_with_the_command_that_mends_it() {
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    each([0o757, 0o777, 0o1757], |mode| {
        let test = Test::new().change(|site| set(&library(site), mode));
        let path = library(test.site()).display().to_string();
        refused(&test.run(), &format!("fix it: chmod go-w {path}"));
    });
    let test = Test::new().change(|site| set(&site.plugins(), 0o757));
    let folder = test.site().plugins().display().to_string();
    refused(&test.run(), &format!("fix it: chmod go-w {folder}"));

    let sticky = Test::new().change(|site| set(&site.plugins(), 0o1777));
    sticky.run().outcome("accepted").texts(1);
}

#[test]
fn what_is_no_plugin_is_refused_with_the_reason() {
    let change = |change: fn(Vec<u8>) -> Vec<u8>| {
        Test::new().change(move |site| {
            let bytes = fs::read(library(site)).unwrap();
            fs::remove_file(library(site)).unwrap();
            fs::write(library(site), change(bytes)).unwrap();
            fs::set_permissions(library(site), Permissions::from_mode(0o755)).unwrap();
        })
    };
    let not_a_library = "it is not a shared library";
    refused(&change(|_| Vec::new()).run(), not_a_library);
    refused(
        &change(|_| b"#!/bin/sh\necho textsender\n".to_vec()).run(),
        not_a_library,
    );
    let other_machine = change(|mut bytes| {
        // e_machine (System V gABI): 8 is MIPS, where nobody runs these tests.
        bytes[18..20].copy_from_slice(&8_u16.to_ne_bytes());
        bytes
    });
    refused(
        &other_machine.run(),
        "it is built for another kind of machine",
    );
    // As a copy that was broken off leaves it: within the header, the first page, the code, at the end.
    each(
        [
            change(|bytes| bytes[..30].to_vec()),
            change(|bytes| bytes[..3000].to_vec()),
            change(|bytes| bytes[..100_000].to_vec()),
            change(|bytes| bytes[..bytes.len() - 1].to_vec()),
        ],
        |cut| {
            refused(&cut.run(), "it is cut short: copy it again");
        },
    );
    let other_library = Test::new().change(|site| {
        fs::remove_file(library(site)).unwrap();
        fs::copy(a_library_of_the_system(), library(site)).unwrap();
        fs::set_permissions(library(site), Permissions::from_mode(0o755)).unwrap();
    });
    refused(
        &other_library.run(),
        "it is a library, but no textsender plugin",
    );
}

/// A shared library that is no plugin: one that this test itself has loaded.
fn a_library_of_the_system() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5));
    let mut libraries = paths.filter(|path| path.contains("/libgcc_s.so"));
    libraries.next().unwrap().into()
}

#[test]
fn a_file_that_holds_another_plugin_is_refused() {
    let test = Test::new().change(|site| {
        fs::rename(library(site), site.plugins().join("libtextsender_other.so")).unwrap();
        site.set("senders.twilio.plugin", "other").unwrap();
    });
    refused(
        &test.run(),
        "libtextsender_other.so: it does not hold the plugin other",
    );
}

#[test]
fn settings_that_the_plugin_refuses_are_named_in_the_log() {
    each(
        [
            (
                "account_sid = \"AC1\"",
                "account_sid: expected AC and 32 hexadecimal digits",
            ),
            ("fron = \"+447700900100\"", "fron"),
            ("from = 447700900100", "from"),
            ("base_url = \"http://192.0.2.1\"", "base_url"),
        ],
        |(setting, words)| {
            Test::new()
                .config(&format!("[senders.twilio.settings]\n{setting}"))
                .run()
                .outcome("misconfigured")
                .error("bad_settings")
                .says("sender twilio")
                .logs("the plugin refuses the settings: ")
                .logs(words)
                .requests(0);
        },
    );
}

/// What a plugin may do wrong, and what becomes of its message.
#[test]
fn every_misdeed_has_one_honest_outcome() {
    let cases = [
        // What it does, outcome, error, texts that the provider took.
        ("panic_in_configure", "misconfigured", "plugin_refused", 0),
        ("quote_settings", "misconfigured", "bad_settings", 0),
        ("panic_in_send", "unavailable", "plugin_failed", 0),
        ("panic_after_delivery", "unknown", "maybe_sent", 1),
        ("exit", "unavailable", "plugin_failed", 0),
        ("exit_after_delivery", "unknown", "maybe_sent", 1),
        ("hang", "unavailable", "timeout", 0),
        ("spin", "unavailable", "timeout", 0),
        ("print", "accepted", "", 1),
        ("log_secrets", "accepted", "", 1),
        ("fail_with_secrets", "rejected", "rejected", 0),
        ("secret_for_id", "accepted", "", 1),
        ("accept_without_exchange", "unknown", "maybe_sent", 0),
    ];
    each(cases, |(does, outcome, code, texts)| {
        let test = Test::new().misbehaving(does);
        let run = test.config("[senders.misbehaving]\ntimeout = \"1s\"").run();
        run.outcome(outcome).texts(texts).has("/provider_id", ());
        if outcome != "accepted" {
            run.error(code);
        }
    });
}

#[test]
fn a_plugins_claim_of_not_sent_is_held_against_what_left() {
    Test::new()
        .misbehaving("deny_delivery")
        .fault(When::always(), Fault::drop().taken())
        .run()
        .outcome("unknown")
        .attempts(["misbehaving:maybe_sent"])
        .texts(1);
}

#[test]
fn a_request_without_a_body_may_have_left_as_well() {
    let silent = || {
        Test::new()
            .misbehaving("post_nothing")
            .fault(When::always(), Fault::silence())
    };
    let in_doubt = |run: &Run| {
        run.outcome("unknown").attempts(["misbehaving:maybe_sent"]);
    };
    in_doubt(
        &silent()
            .config("[senders.misbehaving]\ntimeout = \"1s\"")
            .run(),
    );
    let running = silent().start();
    let patience = Duration::from_secs(30);
    running.sandbox().wait_for_requests(1, patience).unwrap();
    running.host_process(&[]).kill();
    in_doubt(&running.finish());

    let down = Refusing::new().unwrap();
    Test::new()
        .misbehaving("post_nothing")
        .config(&format!(
            "[senders.misbehaving.settings]\nbase_url = \"http://{}\"",
            down.address()
        ))
        .run()
        .outcome("unavailable");
}

#[test]
fn another_sender_takes_over_from_a_plugin_that_fails() {
    each(
        [
            ("panic_in_configure", &["misbehaving:plugin_refused"][..]),
            ("panic_in_send", &["misbehaving:plugin_failed"; 3]),
            ("exit", &["misbehaving:plugin_failed"; 3]),
            ("hang", &["misbehaving:timeout"]),
            ("spin", &["misbehaving:timeout"]),
        ],
        |(does, failed)| {
            let run = Test::new()
                .misbehaving(does)
                .config("[senders.misbehaving]\ntimeout = \"1s\"")
                .verification_code("fallback = [\"twilio\"]")
                .run();
            run.outcome("accepted")
                .has("/sender", "twilio")
                .has("/may_duplicate", ())
                .texts(1);
            let attempts = run.response["attempts"].as_array().unwrap();
            assert_eq!(attempts.len(), failed.len() + 1, "{run}");
        },
    );
}

#[test]
fn what_a_plugin_prints_reaches_nobody() {
    let run = Test::new().misbehaving("print").run();
    run.outcome("accepted")
        .has("/sender", "misbehaving")
        .texts(1);
}

#[test]
fn what_a_plugin_logs_is_shown_without_secrets() {
    let run = Test::new().misbehaving("log_secrets").run();
    for level in ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"] {
        run.logs(&format!(
            "{level} plugin: to=+[redacted] code=[redacted] token=[redacted] text=[redacted]"
        ));
    }
}

#[test]
fn a_panics_place_is_told_and_its_secrets_are_not() {
    let run = Test::new().misbehaving("panic_in_send").run();
    run.logs("plugin: panic at tests/plugins/misbehaving/src/behaviour.rs:");
}
