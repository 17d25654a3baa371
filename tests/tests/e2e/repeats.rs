//! The same id again, limits, and processes that die in the middle: what the ledger remembers.

use std::time::Duration;

use serde_json::json;
use textsender_tests::harness::{PATIENCE, Test, each, random_code};
use textsender_tests::sandbox::{Fault, When};

use crate::stream::{answer_to, request};

fn with_id() -> Test {
    Test::new().with(json!({ "id": "5f0c-1" }))
}

fn posts() -> When {
    When::next().method("POST")
}

#[test]
fn an_accepted_message_is_sent_once_and_its_response_is_repeated() {
    let first = with_id().run();
    first.outcome("accepted").has("/replayed", ()).texts(1);
    let again = first.test().beside().run();
    again.outcome("accepted").has("/replayed", true).texts(1);
    for field in ["/id", "/sender", "/recipient", "/provider_id", "/attempts"] {
        let told = first.response.pointer(field).unwrap();
        again.has(field, told.clone());
    }
}

#[test]
fn an_id_belongs_to_one_message() {
    let first = with_id().run();
    let patches = [
        json!({ "code": random_code() }),
        json!({ "user": { "phone": "+447700900124" } }),
        json!({ "purpose": "helpdesk_code" }),
    ];
    each(patches, |patch| {
        first
            .test()
            .beside()
            .with(patch)
            .run()
            .outcome("invalid")
            .error("id_reused");
    });
    let later = first.test().beside().with(json!({ "expires_in": 600 }));
    later.run().outcome("accepted").has("/replayed", true);
    first.texts(1);
}

#[test]
fn a_number_that_was_refused_stays_refused() {
    let refusal = Fault::status(400).body(r#"{"code":21211}"#);
    let first = with_id().fault(posts(), refusal).run();
    first.outcome("rejected");
    let again = first.test().beside().run();
    again.outcome("rejected").has("/replayed", true).requests(1);
}

#[test]
fn a_message_that_may_have_been_sent_is_not_sent_again() {
    let first = with_id().fault(posts(), Fault::drop()).run();
    first.outcome("unknown");
    let again = first.test().beside().run();
    again.outcome("unknown").texts(0);
    let requests = again.sandbox().requests();
    let sent = requests.iter().filter(|request| request.method() == "POST");
    assert_eq!(sent.count(), 1, "{again}");
}

/// The answer was lost, and so was the answer to the look; then the provider is back, and tells.
#[test]
fn an_id_that_is_unknown_is_looked_for_again_by_a_later_repeat() {
    let looks = When::next().method("GET");
    let first = with_id()
        .fault(posts(), Fault::drop().taken())
        .fault(looks, Fault::drop())
        .run();
    first.outcome("unknown").texts(1);

    let at_once = first.test().beside().run();
    at_once.outcome("unknown").has("/replayed", true).texts(1);
    let later = first.test().beside().clock_ahead(6).run();
    later.outcome("accepted").has("/replayed", ()).texts(1);
    let settled = first.test().beside().run();
    settled.outcome("accepted").has("/replayed", true).texts(1);
}

#[test]
fn a_message_that_was_certainly_not_sent_is_sent_by_the_repeat() {
    let slower = Fault::status(429).header("Retry-After", "3600");
    let first = with_id().fault(posts(), slower).run();
    first.outcome("unavailable");
    let again = first.test().beside().run();
    again.outcome("accepted").has("/replayed", ()).texts(1);
}

#[test]
fn of_two_processes_with_one_id_one_sends() {
    let fault = Fault::delay(Duration::from_secs(1));
    let first = with_id().fault(posts(), fault).start();
    first.sandbox().wait_for_texts(1, PATIENCE).unwrap();
    let second = first.test().beside().run();
    second
        .outcome("in_progress")
        .error("in_progress")
        .has("/error/retryable", true);
    first.finish().outcome("accepted").texts(1);
}

#[test]
fn a_process_that_died_in_the_middle_does_not_make_two_texts() {
    let cases = [
        (Fault::silence().taken(), "accepted", 1),
        (Fault::silence().not_taken(), "unknown", 0),
    ];
    each(cases, |(fault, outcome, texts)| {
        let first = with_id().fault(posts(), fault).start();
        first.sandbox().wait_for_requests(1, PATIENCE).unwrap();
        let again = first.test().beside();
        // Killed with the host process, as when the machine runs out of memory.
        drop(first);
        again.run().outcome(outcome).texts(texts);
    });
}

#[test]
fn a_limit_is_told_with_the_time_to_wait() {
    let limit = r#"recipient = { limits = ["1/10m"], mode = "enforce" }"#;
    let first = Test::new().config(&format!("[limits]\n{limit}")).run();
    first.outcome("accepted");
    let second = first.test().beside().run();
    second.outcome("limited").error("limited").requests(1);
    let wait = second.response["error"]["retry_after"].as_u64();
    assert!(
        wait.is_some_and(|wait| (1..=600).contains(&wait)),
        "{second}"
    );

    // What was certainly not sent uses no limit up.
    let refusal = Fault::status(401);
    let limited = Test::new().config(&format!("[limits]\n{limit}"));
    let refused = limited.fault(posts(), refusal).run();
    refused.outcome("misconfigured");
    refused.test().beside().run().outcome("accepted").texts(1);
}

#[test]
fn an_id_whose_ledger_was_locked_by_another_process_is_not_sent_again() {
    let test = Test::new();
    let slow = When::always().to("+447700900101").method("POST");
    let test = test
        .config("[senders.twilio]\ntimeout = \"8s\"")
        .fault(slow, Fault::silence().taken())
        .lock_timeout(100);
    let beside = test.beside();
    let mut stream = test.stream().start_silent();
    let [a, b, c] = [
        request("a", "+447700900101"),
        request("b", "+447700900102"),
        request("c", "+447700900103"),
    ];
    stream.ask([&a]);
    stream.sandbox().wait_for_texts(1, PATIENCE).unwrap();

    // While the provider is slow, another process stands in the middle of a transaction.
    let in_the_way = beside.beside().stop_at("claiming").start();
    in_the_way.wait_until_stopped();
    stream.ask([&b]);
    let answers = stream.wait_for_answers(1);
    let locked = answer_to("b", &answers);
    assert_eq!(locked["error"]["code"], "ledger_locked", "{locked}");
    drop(in_the_way);
    stream.ask([&c]);
    let answers = stream.wait_for_answers(2);
    assert_eq!(answer_to("c", &answers)["outcome"], "accepted");

    let repeat = beside.beside().in_company().request(a.clone()).run();
    repeat.outcome("in_progress");
    let run = stream.finish();
    assert_eq!(answer_to("a", &run.answers())["outcome"], "accepted");
    let repeat = beside.beside().in_company().request(a).run();
    repeat.outcome("accepted").has("/replayed", true).texts(2);
}

/// The message before it stands in the middle of a transaction.
#[test]
fn no_message_waits_for_a_locked_ledger_past_its_deadline() {
    let timeout = "[send]\ntimeout = \"2s\"";
    let in_the_way = Test::new().config(timeout).stop_at("claiming").start();
    in_the_way.wait_until_stopped();
    // A day: with it alone, no case would end while this test lasts.
    let beside = || in_the_way.test().beside().lock_timeout(86_400_000);
    beside().run().outcome("unavailable").error("ledger_locked");
    // What policy refuses is recorded, too.
    let refused = beside().with(json!({ "user": { "phone": "+4915123456789" } }));
    refused.run().outcome("refused");
}

#[test]
fn an_answer_of_a_provider_waits_for_a_locked_ledger_no_longer_than_its_deadline() {
    let test = with_id()
        .config("[send]\ntimeout = \"5s\"")
        .fault(posts(), Fault::delay(Duration::from_secs(2)));
    let sending = test.lock_timeout(86_400_000).start();
    sending.sandbox().wait_for_texts(1, PATIENCE).unwrap();
    let other = sending.test().beside().with(json!({ "id": "5f0c-2" }));
    let in_the_way = other.stop_at("claiming").start();
    in_the_way.wait_until_stopped();
    let sent = sending.finish();
    sent.outcome("accepted").texts(1);
    drop(in_the_way);
    sent.test().beside().run().outcome("accepted").texts(1);
}

/// Whatever panics, and wherever: a caller has one answer, and no repeat makes a second text.
#[test]
fn a_panic_makes_one_honest_answer_and_no_second_text() {
    let cases = [
        ("claimed", "crashed", 0),
        ("answered", "unknown", 1),
        ("responded", "accepted", 1),
        // On the ledger's own thread.
        ("claiming", "unavailable", 0),
        ("settling", "accepted", 1),
    ];
    each(cases, |(step, outcome, texts)| {
        let first = with_id().panic_at(step).run();
        first.outcome(outcome).has("/id", "5f0c-1").texts(texts);
        first.logs("textsender panicked");
        // An unknown id is looked for after 5 seconds.
        let again = first.test().beside().clock_ahead(6).run();
        again.outcome("accepted").texts(1);
    });
}

#[test]
fn a_process_that_has_answered_does_not_stay_for_a_locked_ledger() {
    let in_the_way = Test::new().stop_at("claiming").start();
    in_the_way.wait_until_stopped();
    let test = in_the_way.test().beside();
    // A day: with it, a process that waited would not end while this test lasts.
    let wrong = test.with(json!({ "purpose": 1 })).lock_timeout(86_400_000);
    wrong.run().outcome("invalid");
}

#[test]
fn a_code_is_sent_again_for_a_user_who_did_not_get_it() {
    let first = with_id().run();
    first.outcome("accepted");
    let again = |patch| first.test().beside().with(patch).run();
    let resend = |id: &str, of: &str| json!({ "id": id, "resend_of": of });
    let second = again(resend("5f0c-2", "5f0c-1"));
    second.outcome("accepted").has("/replayed", ()).texts(2);
    let texts = second.sandbox().texts();
    assert_eq!(texts[0].body, texts[1].body);
    let repeat = again(resend("5f0c-2", "5f0c-1"));
    repeat.outcome("accepted").has("/replayed", true).texts(2);

    let unknown = again(resend("5f0c-3", "5f0c-0"));
    unknown.outcome("invalid").error("resend_unknown");
    let mut other = resend("5f0c-3", "5f0c-1");
    other["code"] = json!(random_code());
    again(other).outcome("invalid").error("resend_mismatch");
    again(resend("5f0c-3", "5f0c-2"))
        .outcome("accepted")
        .texts(3);
    again(resend("5f0c-4", "5f0c-1"))
        .outcome("accepted")
        .texts(4);
    let limited = again(resend("5f0c-5", "5f0c-1"));
    limited
        .outcome("limited")
        .says("3 resends to this number in 10m, the limit resend = 3/10m")
        .texts(4);
    let wait = limited.response["error"]["retry_after"].as_u64().unwrap();
    assert!((1..=600).contains(&wait), "{limited}");
}

#[test]
fn a_stream_sends_a_code_again_as_a_process_does() {
    let first = request("a-1", "+447700900123");
    let mut running = Test::new().stream().start_silent();
    let mut ask = |id: &str, of: Option<&str>, count| {
        let mut message = first.clone();
        message["id"] = json!(id);
        message["resend_of"] = json!(of);
        running.ask([&message]);
        let answers = running.wait_for_answers(count);
        let answer = answer_to(id, &answers);
        let code = answer.pointer("/error/code").and_then(|code| code.as_str());
        code.or(answer["outcome"].as_str()).unwrap().to_owned()
    };
    assert_eq!(ask("a-1", None, 1), "accepted");
    assert_eq!(ask("a-2", Some("a-1"), 2), "accepted");
    assert_eq!(ask("a-3", Some("a-0"), 3), "resend_unknown");
    assert_eq!(ask("a-4", Some("a-2"), 4), "accepted");
    assert_eq!(ask("a-5", Some("a-1"), 5), "accepted");
    assert_eq!(ask("a-6", Some("a-1"), 6), "limited");
    running.finish().exit(0).texts(4);
}

#[test]
fn a_line_of_a_stream_tells_that_a_code_was_used() {
    let mut running = Test::new().stream().start_silent();
    running.ask([&request("a-1", "+447700900123")]);
    running.wait_for_answers(1);
    running.ask([
        &json!({ "used": "a-1" }),
        &json!({ "used": "a-2" }),
        &json!({ "used": 1 }),
    ]);
    let answers = running.wait_for_answers(4);
    let of = |line: u64| answers.iter().find(|one| one["line"] == line).unwrap();
    assert_eq!(
        (&of(2)["outcome"], &of(2)["id"]),
        (&json!("accepted"), &json!("a-1"))
    );
    assert_eq!(of(3)["error"]["code"], "unknown_id");
    assert_eq!(of(4)["error"]["code"], "unknown_field");
    running.finish().exit(0).texts(1);
}
