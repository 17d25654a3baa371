//! GOV.UK Notify: what is on the phone is what was sent, or nothing was.

use serde_json::{Value, json};
use textsender_tests::harness::Test;

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
