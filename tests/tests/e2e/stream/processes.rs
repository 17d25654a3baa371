//! The host processes of a stream: started again when they die, not too often, and stopped when they idle.

use std::time::{Duration, Instant};

use textsender_tests::harness::{Running, Test, wait_for};
use textsender_tests::sandbox::{Fault, When};

use super::{outcomes, requests};

fn wait_until_none_is_left(running: &Running) {
    wait_for("the end of its host processes", || {
        running.host_processes().is_empty().then_some(())
    });
}

#[test]
fn one_that_idles_is_stopped_and_the_next_message_starts_another() {
    let test = Test::new().stream().args(["--idle", "1"]);
    let mut running = test.start_silent();
    for (count, request) in requests(2).iter().enumerate() {
        running.ask([request]);
        running.wait_for_answers(count + 1);
        wait_until_none_is_left(&running);
    }
    running.finish().exit(0).texts(2);
}

#[test]
fn one_that_is_killed_while_it_idles_is_replaced_at_once() {
    let mut running = Test::new().stream().start_silent();
    for (count, request) in requests(5).iter().enumerate() {
        running.ask([request]);
        running.wait_for_answers(count + 1);
        running.host_process(&[]).kill();
        wait_until_none_is_left(&running);
    }
    let answers = running.finish().exit(0).texts(5).answers();
    assert_eq!(outcomes(&answers), ["accepted"; 5]);
}

/// Each message is told, but the log is not filled.
#[test]
fn why_one_takes_no_calls_is_logged_once() {
    let test = Test::new().misbehaving("quote_settings");
    let mut running = test.stream().start_silent();
    let begun = Instant::now();
    running.ask(&requests(99));
    running.wait_for_answers(99);
    // It is tried again once a second.
    let most = 1 + begun.elapsed().as_secs() as usize;
    let run = running.finish();
    assert_eq!(outcomes(&run.answers()), ["misconfigured"; 99]);
    let told = run
        .stderr
        .matches("the plugin refuses the settings")
        .count();
    assert!((1..=most).contains(&told), "{told} times: {run}");
}

#[test]
fn one_that_never_gets_ready_is_started_again_with_growing_pauses() {
    let test = Test::new().misbehaving("exit_in_configure");
    let mut running = test.stream().start_silent();
    let begun = Instant::now();
    running.ask(&requests(99));
    running.wait_for_answers(99);
    let took = begun.elapsed();
    let run = running.finish();
    let answers = run.exit(0).texts(0).answers();
    let failed = |answer: &serde_json::Value| answer["error"]["code"] == "plugin_failed";
    assert!(answers.iter().all(failed), "{run}");
    // Twice at once, then after 100 ms, 200 ms, 400 ms, ...
    let first = Duration::from_millis(100);
    let needed = |starts: u32| first * (2_u32.pow(starts.saturating_sub(2)) - 1);
    let allowed = (2..).find(|starts| needed(*starts) > took).unwrap();
    let starts = run.stderr.matches("host process ended").count();
    assert!(starts <= allowed as usize, "{starts} in {took:?}: {run}");
}

#[test]
fn messages_behind_one_that_hangs_are_sent_by_another_process() {
    let only_one = "[senders.misbehaving.settings]\nonly_to = \"00\"";
    let test = Test::new().misbehaving("spin").config(only_one);
    let mut running = test.stream().start_silent();
    let begun = Instant::now();
    running.ask(&requests(20));
    let mut answers = running.wait_for_answers(20);
    let took = begun.elapsed();
    answers.sort_by_key(|answer| answer["line"].as_u64());
    let run = running.finish();
    run.exit(0).texts(19);
    assert_eq!(answers[0]["error"]["code"], "timeout", "{run}");
    assert_eq!(outcomes(&answers[1..]), ["accepted"; 19]);
    // Long before the ten seconds that each of them has, and as one attempt.
    assert!(took < Duration::from_secs(9), "{took:?}");
    let attempts = |answer: &serde_json::Value| answer["attempts"].as_array().map(Vec::len);
    assert!(
        answers.iter().all(|answer| attempts(answer) == Some(1)),
        "{run}"
    );
}

/// It only waits, in a way that nobody can tell from being stuck but by asking.
#[test]
fn one_that_waits_long_is_not_taken_for_stuck() {
    let test = Test::new().misbehaving("hang");
    let config = "[senders.misbehaving]\ntimeout = \"5s\"\nsettings.only_to = \"00\"";
    let mut running = test.config(config).stream().start_silent();
    running.ask(&requests(2));
    let process = running.host_process(&[]);
    let answers = running.wait_for_answers(2);
    assert_eq!(outcomes(&answers), ["accepted", "unavailable"]);
    assert_eq!(answers[1]["error"]["code"], "timeout");
    assert_eq!(running.host_process(&[]), process);
    running.finish().exit(0).texts(1);
}

#[test]
fn one_that_is_killed_in_the_middle_leaves_a_doubt_only_over_what_had_left() {
    let slow = Fault::delay(Duration::from_secs(1));
    let test = Test::new()
        .misbehaving("deliver")
        .fault(When::always(), slow);
    let mut running = test.stream().start_silent();
    running.ask(&requests(1));
    let sandbox = running.sandbox();
    let patience = textsender_tests::harness::PATIENCE;
    sandbox.wait_for_requests(1, patience).unwrap();
    running.host_process(&[]).kill();
    running.ask(&requests(3)[1..]);
    let mut answers = running.wait_for_answers(3);
    answers.sort_by_key(|answer| answer["line"].as_u64());
    assert_eq!(outcomes(&answers), ["unknown", "accepted", "accepted"]);
    running.finish().exit(0).texts(3);
}
