//! `send --stream`: lines in, an answer for each as it is done.
//!
//! | module | what it shows |
//! |---|---|
//! | this one | lines, however they come; the bound on messages in flight |
//! | `ends` | the end of input, SIGTERM, readers and writers that go away |
//! | `edits` | edits, rotated secrets and replaced plugins, noticed before the next message |
//! | `processes` | host processes that die, idle, or get stuck |
//! | `ten_thousand` | that nothing is lost, doubled or leaked, whatever fails |

mod edits;
mod ends;
mod processes;
mod ten_thousand;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use textsender_tests::harness::{Test, random_code};
use textsender_tests::sandbox::{Fault, Hold, When};

/// A verification code for this number.
pub fn request(id: &str, phone: &str) -> Value {
    json!({
        "id": id,
        "purpose": "verification_code",
        "event": "reset",
        "user": { "phone": phone },
        "code": random_code(),
    })
}

/// One that goes through Twilio, whichever sender the others go through.
pub fn of_another_sender(number: u8) -> Value {
    let mut request = request(
        &format!("other-{number}"),
        &format!("+4477009002{number:02}"),
    );
    request["purpose"] = "test".into();
    request["sender"] = "twilio".into();
    request
}

/// So many of them, with ids and numbers of their own.
fn requests(count: usize) -> Vec<Value> {
    let request = |n| request(&format!("id-{n}"), &format!("+4477009002{n:02}"));
    (0..count).map(request).collect()
}

/// The answer to an id; there is one.
#[track_caller]
pub fn answer_to<'a>(id: &str, answers: &'a [Value]) -> &'a Value {
    let found: Vec<_> = answers.iter().filter(|answer| answer["id"] == id).collect();
    assert_eq!(found.len(), 1, "answers to {id}: {answers:?}");
    found[0]
}

fn outcomes(answers: &[Value]) -> Vec<&str> {
    let outcomes = answers.iter().map(|answer| answer["outcome"].as_str());
    outcomes.map(Option::unwrap).collect()
}

#[test]
fn each_line_is_answered_with_its_number_and_id() {
    let [first, second] = [request("a", "+447700900101"), request("b", "+447700900102")];
    let mut nameless = second;
    nameless.as_object_mut().unwrap().remove("id");
    let lines = format!("\u{feff}\r\n{first}\r\n\n  \nno JSON\n{{\"id\":\"c\"}}\n{nameless}");
    let run = Test::new().stream().stdin(lines).run();
    let mut answers = run.exit(0).texts(2).answers();
    answers.sort_by_key(|answer| answer["line"].as_u64());
    let lines: Vec<_> = answers
        .iter()
        .map(|answer| answer["line"].as_u64())
        .collect();
    assert_eq!(lines, [2, 5, 6, 7].map(Some));
    assert_eq!(
        outcomes(&answers),
        ["accepted", "invalid", "invalid", "accepted"]
    );
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].as_str()).collect();
    assert_eq!(ids[..3], [Some("a"), None, Some("c")]);
    assert!(ids[3].is_some_and(|id| id.len() >= 32), "{run}");
}

#[test]
fn an_answer_comes_when_its_message_is_done() {
    let slow = When::always().to("+447700900200");
    let hold = Hold::default();
    let test = Test::new().fault(slow, Fault::held(&hold));
    let mut running = test.stream().start_silent();
    running.ask(&requests(3));
    running.wait_for_answers(2);
    hold.release(1);
    let answers = running.wait_for_answers(3);
    assert_eq!(answers[2]["id"], "id-0");
    running.finish().exit(0).texts(3);
}

#[test]
fn a_line_too_long_is_answered_and_the_next_one_is_sent() {
    let [first, last] = [request("a", "+447700900101"), request("b", "+447700900102")];
    let long = "x".repeat(3 * 1024 * 1024);
    let test = Test::new()
        .stream()
        .stdin(format!("{first}\n{long}\n{last}\n"));
    let answers = test.run().exit(0).texts(2).answers();
    let long = answers.iter().find(|answer| answer["line"] == 2).unwrap();
    assert_eq!(long["outcome"], "invalid");
    assert_eq!(long["error"]["code"], "too_large");
}

#[test]
fn lines_may_come_slowly_and_in_pieces() {
    let mut running = Test::new().stream().start_silent();
    for (count, request) in requests(3).iter().enumerate() {
        let line = format!("{request}\n");
        for piece in line.as_bytes().chunks(line.len() / 3) {
            assert_eq!(running.answer_count(), count);
            running.write(piece);
            running.wait_until_read();
        }
        running.wait_for_answers(count + 1);
    }
    running.finish().exit(0).texts(3);
}

#[test]
fn no_more_messages_are_in_flight_than_it_is_told() {
    let pause = Duration::from_millis(200);
    let took = |test: Test| {
        let test = test.fault(When::always(), Fault::delay(pause));
        let mut running = test.stream().start_silent();
        let begun = Instant::now();
        running.ask(&requests(6));
        running.wait_for_answers(6);
        let took = begun.elapsed();
        running.finish().exit(0).texts(6);
        took
    };
    assert!(took(Test::new().args(["--concurrency", "2"])) >= 3 * pause);
    assert!(took(Test::new().config("[send]\nconcurrency = 3")) >= 2 * pause);
}

#[test]
fn an_id_that_is_in_flight_is_not_sent_again() {
    let hold = Hold::default();
    let test = Test::new().fault(When::always(), Fault::held(&hold));
    let mut running = test.stream().start_silent();
    let twice = request("twice", "+447700900101");
    running.ask([&twice, &twice]);
    running.wait_for_answers(1);
    hold.release(1);
    let answers = running.wait_for_answers(2);
    assert_eq!(outcomes(&answers), ["in_progress", "accepted"]);
    running.ask([&twice]);
    let again = running.wait_for_answers(3).pop().unwrap();
    assert_eq!(
        (&again["outcome"], &again["line"]),
        (&"accepted".into(), &3.into())
    );
    assert_eq!(again["replayed"], true);
    running.finish().exit(0).texts(1);
}
