//! What an administrator stops: nothing of it is sent, everyone who looks sees it, and it ends when it should.

use serde_json::json;
use textsender_tests::harness::{Run, Test, wait_for};
use textsender_tests::sandbox::{Fault, Sandbox, When};

use super::changes::{sending, sends};

const REQUEST: &str = r#"{"id":"one","purpose":"verification_code","event":"reset","user":{"phone":"+447700900124"},"code":"beK989vc"}"#;

#[test]
fn a_stop_is_seen_wherever_one_looks_and_ends_with_resume() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sends(&admin);
    admin
        .run(&["pause", "--all", "--reason", "SMS pumping"])
        .ok()
        .says("paused all texts")
        .says("to end it: textsender resume --all");
    admin
        .feed(&["send"], REQUEST)
        .failed(77)
        .says(r#""code":"paused""#)
        .says("all texts; `textsender resume --all` ends it");
    assert_eq!(sandbox.text_count(), 1);
    let test = [
        "test-send",
        "--phone",
        "+447700900124",
        "--code",
        "beK989vc",
    ];
    admin.run(&test).failed(77);

    admin
        .run(&["status"])
        .ok()
        .says("PAUSED: all texts, by ")
        // As much of the reason as a line has room for.
        .says("SMS pumping")
        .says("next: textsender resume --all");
    let status = admin.run(&["status", "--json"]).json();
    assert_eq!(status["pauses"][0]["what"], "all", "{status}");
    assert_eq!(status["pauses"][0]["reason"], "SMS pumping", "{status}");
    admin
        .run(&["log", "--outcome", "refused"])
        .ok()
        .says("paused");
    admin
        .run(&["explain", "--id", "one"])
        .ok()
        .says("SMS pumping")
        .says("an administrator has paused these texts");
    let user = ["explain", "--phone", "+447700900124", "--event", "reset"];
    admin.run(&user).failed(77).says("paused");
    admin
        .run(&["log", "--changes"])
        .ok()
        .says("pause all texts: SMS pumping");

    admin
        .run(&["resume", "--all"])
        .ok()
        .says("resumed all texts");
    admin
        .run(&["resume", "--all"])
        .ok()
        .says("all texts was not paused");
    admin
        .run(&["log", "--changes"])
        .ok()
        .says("resume all texts");
    admin.feed(&["send"], REQUEST).ok().says("accepted");
    admin.run(&user).ok();
    let status = admin.run(&["status", "--json"]).json();
    assert_eq!(status["pauses"], json!([]), "{status}");
}

#[test]
fn a_stop_that_makes_no_sense_is_refused_with_what_to_write() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let pause = |what: &[&str], reason: &str| {
        let command = [&["pause"], what, &["--reason", reason]].concat();
        admin.run(&command)
    };
    pause(&["--sender", "twilo"], "x")
        .failed(1)
        .says("there is no sender twilo");
    pause(&["--region", "XX"], "x").failed(1).says("XX");
    pause(&["--prefix", "07700"], "x")
        .failed(1)
        .says("such as +4477009");
    pause(&["--prefix", "+447700900123"], "x")
        .failed(1)
        .says("at most 11 digits");
    pause(&["--caller", "a b"], "x")
        .failed(1)
        .says("[callers.NAME]");
    pause(&["--all"], "  ")
        .failed(1)
        .says("the reason is empty");
    pause(&[], "x").failed(2);
    pause(&["--all", "--sender", "twilio"], "x").failed(2);
    pause(&["--all", "--for", "soon"], "x").failed(2).says("2h");
    let status = admin.run(&["status", "--json"]).json();
    assert_eq!(status["pauses"], json!([]), "{status}");

    let off = admin
        .config_text()
        .replace("[state]", "[state]\nledger = \"off\"\n");
    admin.write_config(&off);
    // Nothing would ask it.
    pause(&["--all"], "x")
        .failed(1)
        .says("nothing can be paused without a ledger");
}

/// Another command in the same installation.
fn command(first: &Test, words: &[&str]) -> Run {
    first
        .beside()
        .command(words.iter().copied())
        .stdin("")
        .run()
}

#[test]
fn pause_waits_for_what_a_sender_was_handed_before() {
    let first = Test::new()
        .config("[senders.twilio]\ntimeout = \"3s\"")
        .fault(When::next().method("POST"), Fault::silence());
    let handed_over = first.beside().with(json!({ "id": "early" })).start();
    wait_for("the request", || {
        (!first.sandbox().requests().is_empty()).then_some(())
    });
    let pause = command(&first, &["pause", "--all", "--reason", "x"]);
    pause
        .exit(0)
        .logs("waiting for 1 message that a sender already has");
    let explained = command(&first, &["explain", "--id", "early"]);
    let told = explained.stdout.unwrap();
    assert!(
        told.contains("ended"),
        "pause returned before it had: {told}"
    );
    handed_over.finish().outcome("unknown");
}

#[test]
fn a_paused_senders_fallback_gets_the_text_and_a_pause_ends_by_itself() {
    let first = Test::new().fallback("second");
    let send = |id: &str| first.beside().with(json!({ "id": id }));
    let pause = [
        "pause", "--sender", "twilio", "--for", "1h", "--reason", "x",
    ];
    command(&first, &pause).exit(0);
    send("a").run().attempts(["second:accepted"]);
    command(&first, &["pause", "--sender", "second", "--reason", "x"]).exit(0);
    send("b").run().outcome("refused").error("paused");
    send("c")
        .clock_ahead(3_601)
        .run()
        .attempts(["twilio:accepted"]);
}

#[test]
fn one_region_or_one_block_of_numbers_is_stopped_and_no_other() {
    let first = Test::new();
    command(
        &first,
        &["pause", "--prefix", "+44 77009001", "--reason", "x"],
    )
    .exit(0);
    command(&first, &["pause", "--region", "fr", "--reason", "x"]).exit(0);
    let to = |id: &str, number: &str| {
        let message = json!({ "id": id, "user": { "phone": number } });
        first.beside().with(message).run()
    };
    to("a", "+447700900123")
        .outcome("refused")
        .error("paused")
        .says("prefix +4477009001");
    to("b", "+447700900211").outcome("accepted");
}
