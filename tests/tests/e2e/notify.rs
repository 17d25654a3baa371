//! GOV.UK Notify: what is on the phone is what was sent, or nothing was.

use serde_json::{Value, json};
use textsender_tests::harness::{Run, Test};
use textsender_tests::sandbox::{Fault, When};

/// Codes and passwords with every two printable characters of ASCII side by side, at the start and inside.
fn secrets() -> impl Iterator<Item = String> {
    let printable = || ' '..='~';
    printable().flat_map(move |a| printable().map(move |b| format!("{a}{b}x{a}{b}y")))
}

/// Sends all of them in a stream, and compares what was accepted with what the phone shows.
fn each_arrives_or_is_refused(purpose: &str, field: &str) {
    let requests: Vec<Value> = secrets()
        .enumerate()
        .map(|(number, secret)| {
            json!({
                "id": number.to_string(), "purpose": purpose, "event": "reset",
                "user": { "phone": "+447700900123" }, field: secret,
            })
        })
        .collect();
    let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
    let test = Test::new()
        .all_senders()
        .through("govuk-notify")
        .config("[helpdesk]\nnew_password = true\n[helpdesk.texts]\nnew_password = \"Secret: %password%\"\n")
        .policy("name = \"Everyone\"\n[verification_code]\ntext = \"Secret: %code%\"\n")
        .args(["--stream"])
        .stdin(lines.join("\n"));
    test.sandbox()
        .notify()
        .change(|service| service.rate_per_minute = 60_000_000);
    let run = test.run();
    run.exit(0);

    let answers = run.stdout.as_deref().unwrap().lines();
    let answers: Vec<Value> = answers
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), requests.len());
    let mut sent = Vec::new();
    for answer in &answers {
        let number: usize = answer["id"].as_str().unwrap().parse().unwrap();
        match answer["outcome"].as_str().unwrap() {
            "accepted" => {
                let secret = requests[number][field].as_str().unwrap();
                sent.push(format!("Secret: {secret}"));
            }
            outcome => assert!(
                ["invalid", "rejected"].contains(&outcome),
                "{}: {answer}",
                requests[number]
            ),
        }
    }
    assert!(sent.len() > 8000, "{}", sent.len());
    let mut shown: Vec<String> = run
        .sandbox()
        .texts()
        .into_iter()
        .map(|text| text.body)
        .collect();
    sent.sort();
    shown.sort();
    assert!(sent == shown, "{} sent, {} shown", sent.len(), shown.len());
}

#[test]
fn every_pair_of_characters_in_a_password_arrives_or_is_refused_before() {
    each_arrives_or_is_refused("new_password", "password");
}

#[test]
fn every_pair_of_characters_in_a_code_arrives_or_is_refused_before() {
    each_arrives_or_is_refused("verification_code", "code");
}

/// Refused for its rate, by a process that has no time to wait.
fn rate_limited() -> Run {
    let test = Test::new()
        .all_senders()
        .through("govuk-notify")
        .verification_code("fallback = [\"twilio\"]");
    let refusal = r#"{"status_code":429,"errors":[{"error":"RateLimitError","message":"Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds"}]}"#;
    test.sandbox()
        .notify()
        .fault(When::always(), Fault::status(429).body(refusal));
    let run = test.run();
    run.attempts(["govuk-notify:throttled", "twilio:accepted"]);
    run.requests(2);
    run
}

#[test]
fn the_pause_after_a_refusal_for_the_rate_is_kept_by_every_process() {
    let first = rate_limited();
    // Another process does not ask Notify at all: that would lengthen the refusal.
    let next = first
        .test()
        .in_company()
        .with(json!({ "id": "next" }))
        .run();
    next.attempts(["twilio:accepted"]).requests(3);
    let health = first.test().beside().command(["status"]).stdin([]).run();
    assert!(
        health.stdout.as_deref().unwrap().contains("throttled"),
        "{health}"
    );

    // When the pause is over, Notify is asked again.
    first.sandbox().notify().clear_faults();
    let later = first.test().in_company().with(json!({ "id": "later" }));
    later
        .clock_ahead(10)
        .run()
        .attempts(["govuk-notify:accepted"]);
}

#[test]
fn explain_says_that_a_code_would_arrive_as_another_one() {
    let explain = |code: &str| {
        let test = Test::new().all_senders().through("govuk-notify");
        let test = test.with(json!({ "purpose": "new_password", "code": null, "password": code }));
        let test = test.config("[helpdesk]\nnew_password = true\nsender = \"govuk-notify\"\n[helpdesk.texts]\nnew_password = \"Secret: %password%\"\n");
        let sent = test.beside().in_company().run();
        (test.command(["explain"]).run(), sent)
    };
    let passwords = [
        "correct  horse",
        "Pa .ss",
        "it\u{2019}s-secret",
        "\u{201e}secret",
        "10\u{2212}4-secret",
        "tajne-hasło",
    ];
    for password in passwords {
        let (explained, sent) = explain(password);
        sent.outcome("rejected").error("unsuitable_code").texts(0);
        explained.exit(sent.exit);
        let stdout = explained.stdout.as_deref().unwrap();
        assert!(stdout.contains("unsuitable_code"), "{explained}");
        assert!(stdout.contains("its password"), "{explained}");
    }
    let (explained, sent) = explain("correct horse");
    sent.outcome("accepted");
    explained.exit(0);
}
