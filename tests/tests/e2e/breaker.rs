//! A sender that fails is spared, and noticed when it works again.
//!
//! The ledger's clock is set ahead for a process, so that nobody waits for a pause to end.

use serde_json::json;
use textsender_tests::harness::{Run, Test};
use textsender_tests::sandbox::{Fault, When};

/// Two senders of one provider: `twilio`, then `second`.
fn with_fallback() -> Test {
    Test::new()
        .config("[senders.twilio]\ntimeout = \"1s\"")
        .fallback("second")
}

fn posts() -> When {
    When::next().method("POST")
}

/// One more message, so many seconds later by the ledger's clock.
fn next(before: &Run, seconds: u64) -> Run {
    let message = json!({ "id": format!("later-{seconds}-{}", before.sandbox().text_count()) });
    let test = before.test().beside().with(message);
    test.clock_ahead(seconds).run()
}

#[test]
fn a_sender_that_timed_out_is_skipped_at_once_and_its_recovery_is_noticed() {
    let first = with_fallback().fault(posts(), Fault::silence()).run();
    first
        .outcome("accepted")
        .attempts(["twilio:maybe_sent", "second:accepted"]);
    next(&first, 0).attempts(["second:accepted"]);
    // Its first pause is 10 seconds.
    next(&first, 9).attempts(["second:accepted"]);
    next(&first, 12).attempts(["twilio:accepted"]);
    next(&first, 12).attempts(["twilio:accepted"]);
}

#[test]
fn credentials_that_are_mended_at_the_provider_are_noticed_by_a_timed_trial() {
    let unauthorized = || Fault::status(401);
    let first = with_fallback().fault(posts(), unauthorized()).run();
    first.attempts(["twilio:unauthorized", "second:accepted"]);
    next(&first, 1).attempts(["second:accepted"]);
    // Not repaired yet: the trial fails, and the next pause is twice as long.
    first.sandbox().twilio().fault(posts(), unauthorized());
    next(&first, 12).attempts(["twilio:unauthorized", "second:accepted"]);
    next(&first, 25).attempts(["second:accepted"]);
    // Repaired.
    next(&first, 35).attempts(["twilio:accepted"]);
    next(&first, 35).attempts(["twilio:accepted"]);
}

#[test]
fn a_test_asks_a_sender_that_is_paused_and_ends_its_pause() {
    let first = with_fallback().fault(posts(), Fault::status(401)).run();
    next(&first, 0).attempts(["second:accepted"]);
    let test = json!({ "id": "test", "purpose": "test", "sender": "twilio" });
    first
        .test()
        .beside()
        .with(test)
        .run()
        .attempts(["twilio:accepted"]);
    next(&first, 0).attempts(["twilio:accepted"]);
}

#[test]
fn a_check_that_finds_a_sender_working_ends_its_pause() {
    let first = with_fallback().fault(posts(), Fault::status(401)).run();
    next(&first, 0).attempts(["second:accepted"]);
    let check = first.test().beside().command(["sender", "check", "twilio"]);
    check.stdin("").run().exit(0);
    next(&first, 0).attempts(["twilio:accepted"]);
}

#[test]
fn a_sender_without_a_fallback_is_asked_even_while_it_is_paused() {
    let first = Test::new().fault(posts(), Fault::status(401)).run();
    first.outcome("misconfigured");
    next(&first, 0).attempts(["twilio:accepted"]);
}

#[test]
fn a_provider_that_wants_it_slower_is_not_paused() {
    let slower = Fault::status(429).header("Retry-After", "60");
    let first = with_fallback().fault(posts(), slower).run();
    first.attempts(["twilio:throttled", "second:accepted"]);
    next(&first, 0).attempts(["twilio:accepted"]);
}

#[test]
fn the_audit_tells_who_was_spared_and_why() {
    let first = with_fallback().fault(posts(), Fault::status(401)).run();
    let spared = next(&first, 0);
    // Before: what the next message would do.
    let user = ["explain", "--phone", "+447700900123", "--event", "reset"];
    let now = spared.test().beside().command(user).stdin("").run();
    let words = "named by [defaults]; it failed lately (unauthorized), and is asked last for ";
    let told = now.exit(0).stdout.as_deref().unwrap();
    assert!(told.contains(words), "{told}");
    // After: what it did.
    let id = spared.response["id"].as_str().unwrap().to_owned();
    let explain = spared.test().beside().command(["explain", "--id", &id]);
    let told = explain.stdin("").run();
    let told = told.exit(0).stdout.as_deref().unwrap();
    assert!(
        told.contains("twilio      asked last, as it was failing (unauthorized)"),
        "{told}"
    );
}
