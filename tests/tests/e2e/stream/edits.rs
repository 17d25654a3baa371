//! What changes on the disk while a stream runs: noticed before the next message.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use textsender_tests::harness::{PATIENCE, Run, Running, Test, artifacts, each, wait_for};
use textsender_tests::sandbox::site::Site;
use textsender_tests::sandbox::{Fault, Hold, When, twilio};

use super::{outcomes, request, requests};
use crate::misbehaving::files;

const NEW_TOKEN: &str = "c0ffee00c0ffee00c0ffee00c0ffee00";

/// A policy whose texts begin with this word.
fn policy(word: &str) -> String {
    format!(
        "name = \"Everyone\"\nregion = \"GB\"\nregions = [\"GB\"]\nevents = [\"enroll\", \"reset\"]\n\
         [verification_code]\ntext = \"{word} %code%\"\n"
    )
}

/// Replaces a text in `textsender.toml`.
#[track_caller]
fn edit(site: &Site, from: &str, to: &str) {
    let config = fs::read_to_string(site.config_file()).unwrap();
    assert!(config.contains(from), "no {from} in {config}");
    site.raw_config(&config.replace(from, to)).unwrap();
}

fn write_secret(path: &Path, value: &str) {
    fs::write(path, value).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Sends one more message, and gives its answer and the text that came of it, if one did.
#[track_caller]
fn send(running: &mut Running) -> (Value, Option<String>) {
    let before = running.sandbox().text_count();
    let count = running.answer_count() + 1;
    running.ask([&request(&format!("id-{count}"), "+447700900101")]);
    let answer = running.wait_for_answers(count).pop().unwrap();
    let texts = running.sandbox().texts();
    (answer, texts.get(before).map(|text| text.body.clone()))
}

#[track_caller]
fn accepted(running: &mut Running) -> String {
    let (answer, text) = send(running);
    assert_eq!(answer["outcome"], "accepted", "{answer}");
    text.unwrap()
}

#[track_caller]
fn fails(running: &mut Running, code: &str) {
    let (answer, text) = send(running);
    assert_eq!(answer["error"]["code"], code, "{answer}");
    assert_eq!(text, None, "{answer}");
}

#[test]
fn an_edited_text_is_that_of_the_next_message() {
    let mut running = Test::new().policy(&policy("one")).stream().start_silent();
    for word in ["one", "two", "six", "ten", "one"] {
        let site = running.test().site();
        site.policy("everyone", &policy(word)).unwrap();
        let text = accepted(&mut running);
        assert!(text.starts_with(word), "{word}: {text}");
    }
    running.finish().exit(0).texts(5);
}

#[test]
fn an_edit_is_noticed_among_lines_that_were_read_before_it() {
    let hold = Hold::default();
    let test = Test::new().policy(&policy("one"));
    let test = test.fault(When::always(), Fault::held(&hold)).stream();
    let mut running = test.args(["--concurrency", "1"]).start_silent();
    let number = |n| request(&format!("id-{n}"), &format!("+4477009{n:05}"));
    running.ask(&(200..700).map(number).collect::<Vec<_>>());
    hold.release(1);
    running.wait_for_answers(1);
    let site = running.test().site();
    site.policy("everyone", &policy("two")).unwrap();
    wait_for("the edited text", || {
        hold.release(1);
        let last = running.sandbox().texts().pop()?;
        last.body.starts_with("two").then_some(())
    });
    hold.release(500);
    running.finish().exit(0).texts(500);
}

#[test]
fn a_bad_edit_keeps_the_last_good_configuration_and_says_so_once() {
    let mut running = Test::new().policy(&policy("one")).stream().start_silent();
    accepted(&mut running);
    type Edit = fn(&Site);
    let bad_edits: [(&str, Edit); 4] = [
        ("no TOML", |site| {
            site.policy("everyone", "name = ").unwrap()
        }),
        ("a bad text", |site| {
            site.policy("everyone", &policy("%cod%")).unwrap();
        }),
        ("an unknown key", |site| {
            site.policy("everyone", &policy("one").replace("events", "evens"))
                .unwrap();
        }),
        ("no file", |site| {
            fs::remove_file(site.config_file()).unwrap()
        }),
    ];
    let config = fs::read_to_string(running.test().site().config_file()).unwrap();
    for (what, bad_edit) in bad_edits {
        bad_edit(running.test().site());
        for _ in 0..3 {
            assert!(accepted(&mut running).starts_with("one"), "{what}");
        }
    }
    let site = running.test().site();
    site.raw_config(&config).unwrap();
    site.policy("everyone", &policy("two")).unwrap();
    assert!(accepted(&mut running).starts_with("two"));
    let run = running.finish();
    let said = run.stderr.matches("the edited configuration is not used");
    assert_eq!(said.count(), bad_edits.len(), "{run}");
    run.exit(0).logs("the edited configuration is in force");
}

/// The secrets would stay, and so would the messages in flight: nothing of the edit is used.
#[test]
fn an_edit_that_moves_the_state_folder_is_held_back_whole() {
    let test = Test::new();
    let other = test.site().folder().join("other-state");
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, Permissions::from_mode(0o700)).unwrap();
    let state = test.site().state().display().to_string();
    let moved = |config: &str| config.replace(&state, &other.display().to_string());
    let run = is_held_back(test, moved, "[state] folder is now");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 0, "{run}");
}

/// Another ledger knows nothing of the messages in flight: a repeat of one would be sent again.
#[test]
fn an_edit_that_moves_the_ledger_is_held_back_whole() {
    let shared = "[state.shared]\nengine = \"postgresql\"\nurl = \"postgresql://textsender@127.0.0.1/textsender\"\n\
                  replication = \"none\"\nwhen_unreachable = \"refuse\"\n";
    let moved = |config: &str| format!("{config}\n{shared}");
    is_held_back(Test::new(), moved, "[state.shared] is now");
}

/// Nothing of the edit is used, nor of one of a policy that comes with it, until it is taken back.
#[track_caller]
fn is_held_back(test: Test, edited: impl Fn(&str) -> String, told: &str) -> Run {
    let mut running = test.policy(&policy("one")).stream().start_silent();
    accepted(&mut running);
    let site = running.test().site();
    let config = fs::read_to_string(site.config_file()).unwrap();
    let after = edited(&config);
    assert_ne!(after, config);
    site.policy("everyone", &policy("two")).unwrap();
    site.raw_config(&after).unwrap();
    for _ in 0..2 {
        assert!(accepted(&mut running).starts_with("one"));
    }
    running.test().site().raw_config(&config).unwrap();
    assert!(accepted(&mut running).starts_with("two"));
    let run = running.finish();
    assert_eq!(run.stderr.matches(told).count(), 1, "{run}");
    run.exit(0).logs("restart it");
    run
}

#[test]
fn a_configuration_that_is_wrong_at_the_start_can_be_corrected() {
    let broken = |site: &mut Site| site.policy("everyone", "name = ").unwrap();
    let mut running = Test::new().change(broken).stream().start_silent();
    fails(&mut running, "bad_configuration");
    fails(&mut running, "bad_configuration");
    let site = running.test().site();
    site.policy("everyone", &policy("one")).unwrap();
    accepted(&mut running);
    // And as many are in flight as if it had been right all along.
    let hold = Hold::default();
    let twilio = running.sandbox().twilio();
    twilio.fault(When::always(), Fault::held(&hold));
    let before = running.sandbox().requests().len();
    let more = |n: usize| request(&format!("more-{n}"), "+447700900102");
    running.ask(&(0..4).map(more).collect::<Vec<_>>());
    let sandbox = running.sandbox();
    sandbox.wait_for_requests(before + 4, PATIENCE).unwrap();
    assert_eq!(running.answer_count(), 3);
    hold.release(4);
    running.wait_for_answers(7);
    running.finish().exit(0);
}

#[test]
fn a_rotated_secret_is_that_of_the_next_message() {
    let in_a_file = Test::new().change(|site| {
        fs::remove_file(site.state().join("secrets/twilio.auth_token")).unwrap();
        let file = site.folder().join("token");
        write_secret(&file, twilio::AUTH_TOKEN);
        let setting = format!("senders.twilio.settings.auth_token.file = {file:?}");
        site.merge(&setting).unwrap();
    });
    let store: fn(&Site) = |site| site.secret("twilio.auth_token", NEW_TOKEN).unwrap();
    let write: fn(&Site) = |site| write_secret(&site.folder().join("token"), NEW_TOKEN);
    each(
        [(Test::new(), store), (in_a_file, write)],
        |(test, rotate)| {
            let test = test.hide("the new token", NEW_TOKEN);
            let mut running = test.stream().start_silent();
            accepted(&mut running);
            running.sandbox().twilio().set_auth_token(NEW_TOKEN);
            fails(&mut running, "unauthorized");
            rotate(running.test().site());
            accepted(&mut running);
            running.finish().exit(0).texts(2);
        },
    );
}

/// The same code as in a process of its own, wherever the secret was.
#[test]
fn a_secret_that_is_taken_away_is_missing_for_the_next_message() {
    let in_a_file = Test::new().change(|site| {
        let stored = site.state().join("secrets/twilio.auth_token");
        let file = site.folder().join("token");
        fs::rename(stored, &file).unwrap();
        let setting = format!("senders.twilio.settings.auth_token.file = {file:?}");
        site.merge(&setting).unwrap();
    });
    let stored: fn(&Site) -> PathBuf = |site| site.state().join("secrets/twilio.auth_token");
    let named: fn(&Site) -> PathBuf = |site| site.folder().join("token");
    each(
        [(Test::new(), stored), (in_a_file, named)],
        |(test, file)| {
            let mut running = test.stream().start_silent();
            accepted(&mut running);
            fs::remove_file(file(running.test().site())).unwrap();
            fails(&mut running, "secret_missing");
            running.finish().exit(0).texts(1);
        },
    );
}

#[test]
fn a_replaced_plugin_is_that_of_the_next_message() {
    let mut running = Test::new().stream().start_silent();
    accepted(&mut running);
    let first = running.host_process(&[]);
    let library = running.test().site().plugins();
    let library = library.join("libtextsender_twilio.so");
    let good = fs::read(&library).unwrap();

    files::replace(&library, b"#!/bin/sh\n");
    fails(&mut running, "plugin_refused");
    fs::remove_file(&library).unwrap();
    fails(&mut running, "plugin_missing");
    files::replace(&library, &good);
    accepted(&mut running);
    let second = running.host_process(&[first]);

    // The same bytes again are another file all the same.
    let site = running.test().site();
    site.plugin(&artifacts().plugin("twilio")).unwrap();
    accepted(&mut running);
    running.host_process(&[first, second]);
    running.finish().exit(0).texts(3);
}

#[test]
fn a_sender_that_an_edit_does_not_change_keeps_its_process() {
    let mut running = Test::new().stream().start_silent();
    accepted(&mut running);
    let process = running.host_process(&[]);
    let site = running.test().site();
    site.policy("everyone", &policy("two")).unwrap();
    assert!(accepted(&mut running).starts_with("two"));
    assert_eq!(running.host_process(&[]), process);

    running.sandbox().twilio().own_number("+447700900199");
    edit(running.test().site(), twilio::FROM_NUMBER, "+447700900199");
    accepted(&mut running);
    running.host_process(&[process]);
    let run = running.finish();
    let last = run.exit(0).texts(3).sandbox().texts().pop().unwrap();
    assert_eq!(last.from, "+447700900199", "{run}");
}

#[test]
fn messages_in_flight_end_with_the_process_that_has_them() {
    let hold = Hold::default();
    let test = Test::new().fault(When::next(), Fault::held(&hold));
    let mut running = test.stream().start_silent();
    running.ask(&requests(1));
    running.sandbox().wait_for_requests(1, PATIENCE).unwrap();
    let site = running.test().site();
    site.plugin(&artifacts().plugin("twilio")).unwrap();
    running.ask(&requests(2)[1..]);
    running.wait_for_answers(1);
    hold.release(1);
    let answers = running.wait_for_answers(2);
    assert_eq!(outcomes(&answers), ["accepted", "accepted"]);
    assert_eq!(answers[1]["id"], "id-0");
    running.finish().exit(0).texts(2);
}
