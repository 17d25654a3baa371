//! What is told afterwards: `log`, `explain --id`, `stats`. That none of it shows a secret or a full
//! number is looked at in every case.

use std::fs;
use std::io::{BufRead, BufReader, Read, pipe};

use serde_json::{Value, json};
use textsender_tests::harness::{Run, Test};
use textsender_tests::sandbox::{Fault, When};

use crate::stream::request;

/// One message that was accepted, repeated, one that failed, and one that was wrong.
fn history() -> Run {
    let first = Test::new()
        .with(json!({ "id": "good", "actor": "helpdesk\\bob" }))
        .run();
    let test = first.outcome("accepted").test();
    test.beside().run().has("/replayed", true);
    let unauthorized = Fault::status(401);
    test.sandbox()
        .twilio()
        .fault(When::next().method("POST"), unauthorized);
    let failed = json!({ "id": "failed", "user": { "phone": "+447700900124" } });
    test.beside().with(failed).run().outcome("misconfigured");
    let wrong = json!({ "id": "wrong", "code": 12345678 });
    test.beside().with(wrong).run().outcome("invalid");
    first
}

fn told<const N: usize>(history: &Run, command: [&str; N]) -> Run {
    history.test().beside().command(command).stdin("").run()
}

fn lines(run: &Run) -> Vec<&str> {
    run.exit(0).stdout.as_deref().unwrap().lines().collect()
}

/// A field of each decision, as JSON.
fn field(run: &Run, name: &str) -> Vec<Value> {
    let entry = |line: &&str| serde_json::from_str::<Value>(line).unwrap()[name].clone();
    lines(run).iter().map(entry).collect()
}

#[test]
fn every_decision_has_a_line() {
    let history = history();
    let log = told(&history, ["log"]);
    let lines = lines(&log);
    for (line, words) in lines.iter().zip([
        ["accepted", "- ", "+44*******123", "good"],
        ["accepted", "replayed", "+44*******123", "good"],
        ["misconfigured", "unauthorized", "+44*******124", "failed"],
        ["invalid", "bad_field", "- ", "wrong"],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
    assert_eq!(lines.len(), 4, "{log}");

    let json = told(&history, ["log", "--json", "--last", "3"]);
    assert_eq!(
        field(&json, "outcome"),
        ["accepted", "misconfigured", "invalid"]
    );
    assert_eq!(field(&json, "id"), ["good", "failed", "wrong"]);
    assert_eq!(field(&json, "actor")[0], "helpdesk\\bob");
}

#[test]
fn decisions_are_found_by_time_outcome_number_and_id() {
    let history = history();
    for (words, ids) in [
        (["--outcome", "invalid"], vec!["wrong"]),
        (["--recipient", "+447700900124"], vec!["failed"]),
        (["--recipient", "+44 7700 900123"], vec!["good", "good"]),
        (["--id", "failed"], vec!["failed"]),
        (["--since", "1h"], vec!["good", "good", "failed", "wrong"]),
        (["--since", "2999-01-01"], vec![]),
    ] {
        let log = told(&history, ["log", "--json", words[0], words[1]]);
        assert_eq!(field(&log, "id"), ids, "{words:?}");
    }
    // A number that others on the machine are not to see among the arguments.
    let log = history
        .test()
        .beside()
        .command(["log", "--json", "--recipient", "-"]);
    let log = log.stdin("+44 7700 900124\n").run();
    assert_eq!(field(&log, "id"), ["failed"]);
}

#[test]
fn one_message_is_told_again() {
    let history = history();
    let explained = told(&history, ["explain", "--id", "failed"]);
    let text = explained.exit(0).stdout.as_deref().unwrap();
    for words in [
        "failed: a verification code for +44*******124 in GB\n",
        "misconfigured after ",
        "the provider refuses the sender's credentials (unauthorized)",
        "What to do: Store the right secret.\n",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    let explained = told(&history, ["explain", "--id", "good"]);
    let text = explained.exit(0).stdout.as_deref().unwrap();
    assert!(
        text.contains("answered as before: accepted by twilio"),
        "{text}"
    );
    assert!(
        text.contains("textsender status --sender twilio SM"),
        "{text}"
    );

    let unknown = told(&history, ["explain", "--id", "nobody"]);
    unknown
        .exit(1)
        .logs("there is no message with the id nobody");
}

/// The response has the id as it came: its caller knows it by that.
#[test]
fn a_number_in_an_id_or_an_actor_is_masked_wherever_it_is_shown() {
    let number = "+447700900123";
    let first = Test::new()
        .with(json!({
            "id": "reset/+447700900999",
            "actor": "bob (07700 900123), +44 7700 900999",
            "user": { "phone": number },
        }))
        .log_level("info")
        .run();
    first.outcome("accepted").logs("id=reset/+44*******999");
    let shown = [
        told(&first, ["log"]),
        told(&first, ["log", "--json"]),
        told(&first, ["log", "--csv"]),
        told(&first, ["explain", "--id", "reset/+447700900999"]),
        told(&first, ["explain", "--id", "reset/+447700900999", "--json"]),
    ];
    for (run, has_actor) in shown.iter().zip([false, true, true, true, true]) {
        let text = run.exit(0).stdout.as_deref().unwrap();
        assert!(text.contains("reset/+44*******999"), "{text}");
        let actor = "bob (+44*******123), +44*******999";
        assert_eq!(text.contains(actor), has_actor, "{text}");
        for digits in ["7700900123", "900999", "900123"] {
            assert!(!text.contains(digits), "{text}");
        }
    }
    // What is kept is what was written: by it a repeat is known, and the log is searched.
    let again = first.test().beside().run();
    again.has("/replayed", true).texts(1);
    let actor = "bob (07700 900123), +44 7700 900999";
    assert_eq!(lines(&told(&first, ["log", "--actor", actor])).len(), 2);
}

#[test]
fn a_follower_sees_each_decision_once_as_it_is_made() {
    let history = history();
    let (answers, theirs) = pipe().unwrap();
    let follow = history
        .test()
        .beside()
        .command(["log", "--follow", "--json", "--last", "1"]);
    let running = follow.stdin("").stdout(theirs).start();
    let mut answers = BufReader::new(answers);
    let mut next = || -> Value {
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["id"].clone()
    };
    assert_eq!(next(), "wrong");
    for id in ["one", "two"] {
        history
            .test()
            .beside()
            .with(json!({ "id": id }))
            .run()
            .outcome("accepted");
        assert_eq!(next(), id);
    }
    running.terminate();
}

#[test]
fn counts_are_shown_and_written_for_prometheus() {
    let history = history();
    let stats = told(&history, ["stats"]);
    let lines = lines(&stats);
    assert!(lines[0].starts_with("day "), "{stats}");
    assert!(lines.last().unwrap().starts_with("total "), "{stats}");
    let file = history.test().site().folder().join("textsender.prom");
    let written = told(&history, ["stats", "--prometheus", file.to_str().unwrap()]);
    assert_eq!(written.exit(0).stdout.as_deref(), Some(""));
    let text = fs::read_to_string(file).unwrap();
    for line in [
        "# TYPE textsender_messages gauge",
        r#"textsender_messages{sender="twilio",region="GB",outcome="accepted"} 1"#,
        r#"textsender_messages{sender="twilio",region="GB",outcome="misconfigured"} 1"#,
        r#"textsender_messages{sender="",region="",outcome="invalid"} 1"#,
        r#"textsender_sender_failures{sender="twilio"} 1"#,
    ] {
        assert!(
            text.lines().any(|written| written == line),
            "no {line} in {text}"
        );
    }
}

#[test]
fn before_the_first_message_there_is_nothing_to_tell() {
    let run = |words: &[&str]| Test::new().command(words.iter().copied()).stdin("").run();
    run(&["log"]).exit(1).logs("there is no ledger in");
    run(&["stats"]).exit(0);
}

#[test]
fn what_the_guide_shows_works() {
    let guide = include_str!("../../../docs/ledger.md");
    let history = history();
    let file = history.test().site().folder().join("textsender.prom");
    let commands = guide
        .lines()
        .filter_map(|line| line.strip_prefix("textsender "));
    let mut count = 0;
    for command in commands {
        let words = command.split_whitespace().map(|word| match word {
            "5f0c2e70" => "good",
            "/var/lib/prometheus/node-exporter/textsender.prom" => file.to_str().unwrap(),
            word => word,
        });
        let test = history.test().beside().command(words);
        test.stdin("+447700900123").run().exit(0);
        count += 1;
    }
    assert_eq!(count, 8);
    let codes = guide.split('`').filter(|word| word.starts_with("ledger_"));
    for code in codes {
        told(&history, ["explain-error", code]).exit(0);
    }
}

/// Java, Node and Python hand out pipes, and many a program reads only one of them.
#[test]
fn a_log_that_is_not_read_holds_no_message_up() {
    let (mut reader, writer) = pipe().unwrap();
    let test = Test::new().fault(When::always(), Fault::status(500));
    let mut running = test.stderr(writer).stream().start_silent();
    let request = |n| {
        let mut request = request(&format!("id-{n}"), &format!("+4477009{n:05}"));
        request["purpose"] = "test".into();
        request["sender"] = "twilio".into();
        request
    };
    let requests: Vec<_> = (0..4_000).map(request).collect();
    running.ask(&requests);
    // Each leaves a hundred bytes; a pipe takes 64 KiB, and the queue a thousand lines.
    running.wait_for_answers(requests.len());
    running.end_input();
    let reading = std::thread::spawn(move || {
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        log
    });
    running.wait_for_end().exit(0);
    let log = reading.join().unwrap();
    assert!(log.contains("lines of the log are lost"), "{log}");
}
