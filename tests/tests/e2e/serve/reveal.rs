//! What a caller in another product's shape is told, and when: its users see both.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use textsender_tests::harness::{PATIENCE, Test, random_code, wait_for};
use textsender_tests::sandbox::{Fault, When};

use super::http::{self, Answer, Hub};

const SECTION: &str =
    "[callers.idp]\ntimeout = \"60s\"\nfields = { phone = \"/phone\", code = \"/code\" }";

/// How many of each: users with a number, and users without.
const EACH: usize = 1000;

/// How many ask at once.
const AT_ONCE: usize = 16;

/// A provider's time, and how far apart the middles of both may be: ten times what is aimed at.
const PROVIDER: Duration = Duration::from_millis(40);
const APART: Duration = Duration::from_millis(40);

#[test]
fn users_with_and_without_a_number_cannot_be_told_apart() {
    let hub = Hub::start(
        Test::new()
            .config(SECTION)
            .config("[limits]\nrecipient = { limits = [] }\nprefix = { limits = [] }"),
    );
    let twilio = hub.running.sandbox().twilio();
    twilio.fault(When::always(), Fault::delay(PROVIDER));
    // What messages take is known from the first ones.
    for n in 0..8 {
        ask(&hub, Some(n));
    }
    let seen = Mutex::new(Vec::new());
    let next = Mutex::new(0..2 * EACH);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let n = next.lock().unwrap().next();
                    let Some(n) = n else { return };
                    let number = (n % 2 == 0).then_some(n);
                    let began = Instant::now();
                    let answer = ask(&hub, number);
                    let took = began.elapsed();
                    seen.lock().unwrap().push((number.is_some(), answer, took));
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    // Status, headers and body: one for all.
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    for (_, answer, _) in &seen {
        let mut headers = answer.headers.clone();
        headers.remove("date");
        let shape = format!("{} {headers:?} {}", answer.status, answer.body);
        *shown.entry(shape).or_default() += 1;
    }
    assert_eq!(shown.len(), 1, "{shown:#?}");
    let middle = |is_known: bool| {
        let of = seen.iter().filter(|(known, ..)| *known == is_known);
        let mut times: Vec<_> = of.map(|(.., took)| *took).collect();
        assert_eq!(times.len(), EACH);
        times.sort();
        times[EACH / 2]
    };
    let (known, unknown) = (middle(true), middle(false));
    assert!(
        unknown >= PROVIDER,
        "{unknown:?}: sooner than any message could be sent"
    );
    assert!(known.abs_diff(unknown) < APART, "{known:?} and {unknown:?}");
    let run = hub.end();
    run.texts(EACH + 8);
    run.logs("the caller is answered as if it was");
}

#[test]
fn what_is_about_a_user_is_told_where_the_section_says_so() {
    let reveal = "[callers.idp]\nreveal = true\nfields = { phone = \"/phone\", code = \"/code\" }";
    for (section, statuses) in [
        (SECTION, [200, 200, 200, 200]),
        (reveal, [400, 400, 403, 422]),
    ] {
        let hub = Hub::start(Test::new().config(section));
        let rejection = Fault::status(400).body(r#"{"code":21211}"#);
        hub.running
            .sandbox()
            .twilio()
            .fault(When::next(), rejection);
        let refused = ["", "12", "+33612345678", "+447700900123"].map(|phone| {
            let body = json!({ "phone": phone, "code": random_code() });
            hub.ask("POST /callers/idp", &[], &body.to_string()).status
        });
        assert_eq!(refused, statuses);
        hub.end().texts(0);
    }
}

/// A product's answer has no particulars.
#[test]
fn the_log_names_the_part_of_a_body_that_is_wrong() {
    let hub = Hub::start(Test::new().config(SECTION));
    let body = json!({ "phone": "+447700900123", "code": 123456 });
    let answer = hub.ask("POST /callers/idp", &[], &body.to_string());
    assert_eq!(answer.status, 400);
    assert!(!answer.body.contains("/code"), "{}", answer.body);
    let run = hub.end();
    run.texts(0);
    run.logs("a request was refused: a field of the request is wrong: /code: expected a string");
}

#[test]
fn limits_count_users_without_a_number_like_those_with_one() {
    let section = SECTION.replace("code = ", "user = { name = \"/user\" }, code = ");
    let limit = "[limits]\nrecipient = { limits = [\"2/10m\"], mode = \"enforce\" }";
    let hub = Hub::start(Test::new().config(&section).config(limit));
    let ask = |user: &str, phone: Option<&str>| {
        let body = json!({ "user": user, "phone": phone, "code": random_code() });
        hub.ask("POST /callers/idp", &[], &body.to_string())
    };
    // With a number, without one, with one that no text reaches.
    for (user, phone) in [
        ("ada", Some("+447700900123")),
        ("bob", None),
        ("eve", Some("12")),
    ] {
        for status in [200, 200, 429] {
            let answer = ask(user, phone).is(status);
            let headers: Vec<_> = answer.headers.keys().map(String::as_str).collect();
            let expected: &[&str] = match status {
                200 => &["cache-control", "content-length", "content-type", "date"],
                _ => &[
                    "cache-control",
                    "content-length",
                    "content-type",
                    "date",
                    "retry-after",
                ],
            };
            assert_eq!(headers, expected, "{user}");
            if status == 429 {
                assert_eq!(answer.json()["error"]["code"], "limited");
            }
        }
    }
    ask("ida", None).is(200);
    hub.end().texts(2);
}

#[test]
fn what_is_not_about_a_user_is_told() {
    let hub = Hub::start(
        Test::new()
            .config(SECTION)
            .config("[limits]\nrecipient = { limits = [\"1/10m\"], mode = \"enforce\" }"),
    );
    ask(&hub, Some(1)).is(200);
    let limited = ask(&hub, Some(1)).is(429);
    assert!(limited.headers.contains_key("retry-after"), "{limited:?}");
    assert_eq!(limited.json()["error"]["code"], "limited");
    // Our own words only: no sender, no policy, no number.
    assert_eq!(limited.json()["error"]["message"], "a limit is reached");
    let slower = Fault::status(429).header("Retry-After", "3600");
    hub.running.sandbox().twilio().fault(When::next(), slower);
    let unavailable = ask(&hub, Some(2)).is(503);
    assert_eq!(unavailable.headers["retry-after"], "3600");
    hub.end().texts(1);
}

#[test]
fn a_caller_has_its_answer_within_its_time() {
    let section =
        "[callers.idp]\ntimeout = \"1s\"\nfields = { phone = \"/phone\", code = \"/code\" }";
    let cases: [(&str, u16); 2] = [("a silent provider", 200), ("all places taken", 503)];
    for (case, status) in cases {
        let hub = Hub::start(
            Test::new()
                .config(section)
                .config("[send]\nconcurrency = 1"),
        );
        let twilio = hub.running.sandbox().twilio();
        twilio.fault(When::always(), Fault::delay(Duration::from_secs(600)));
        let mut other = hub.connect();
        if case == "all places taken" {
            let body = crate::stream::request("a-1", "+447700900100").to_string();
            other.write(&http::request("POST /v1/messages", &[], &body));
            hub.running
                .sandbox()
                .wait_for_requests(1, PATIENCE)
                .unwrap();
        }
        let began = Instant::now();
        // It may have been sent: the user can type it in.
        ask(&hub, Some(1)).is(status);
        // Ten times what is aimed at; without it, half a minute.
        assert!(began.elapsed() < Duration::from_secs(10), "{case}");
        drop(hub);
    }
}

#[test]
fn what_has_no_id_is_sent_once_however_often_it_is_repeated() {
    let section = format!("{SECTION}\nid = \"content\"");
    let hub = Hub::start(Test::new().config(&section));
    let ask = |phone: &str, code: &str| {
        let body = json!({ "phone": phone, "code": code }).to_string();
        hub.ask("POST /callers/idp", &[], &body).is(200)
    };
    let (code, other) = (random_code(), random_code());
    for _ in 0..3 {
        ask("+447700900123", &code);
    }
    // Another code, another number: other messages.
    ask("+447700900123", &other);
    ask("+447700900124", &code);
    hub.end().texts(3);
}

#[test]
fn what_is_asked_for_again_later_is_sent_again_a_few_times() {
    let section = format!("{SECTION}\nid = \"content\"");
    let installation = Test::new().config(&section);
    let body = json!({ "phone": "+447700900123", "code": random_code() }).to_string();
    // Each time another hub, whose clock is ahead.
    let ask = |after: u64, status: u16, texts: usize| {
        let hub = Hub::start(installation.in_company().clock_ahead(after));
        hub.ask("POST /callers/idp", &[], &body).is(status);
        assert_eq!(hub.running.sandbox().text_count(), texts, "after {after} s");
        hub.end();
    };
    ask(0, 200, 1);
    ask(20, 200, 1);
    for (after, texts) in [(60, 2), (120, 3), (180, 4)] {
        ask(after, 200, texts);
    }
    ask(240, 429, 4);
}

/// Each text has its own row, though the caller has one name for them.
#[test]
fn what_became_of_a_text_is_written_down_for_the_one_that_was_sent_again() {
    let section = format!("{SECTION}\nid = \"content\"");
    let installation = Test::new().config(&section);
    let body = json!({ "phone": "+447700900123", "code": random_code() }).to_string();
    for (after, watched) in [(0, 1), (60, 2)] {
        let test = installation.in_company().clock_ahead(after);
        let hub = Hub::start(test.delivery_after(1));
        hub.ask("POST /callers/idp", &[], &body).is(200);
        let line = format!("textsender_texts_watched{{sender=\"twilio\",region=\"GB\"}} {watched}");
        wait_for(&line, || {
            let page = hub.get("/metrics").body;
            page.lines().any(|one| one == line).then_some(())
        });
        hub.end();
    }
}

/// A user with this number, or one that has none.
fn ask(hub: &Hub, number: Option<usize>) -> Answer {
    let phone = number.map(|n| format!("+4474000{n:05}"));
    let body = json!({ "phone": phone, "code": random_code() });
    hub.ask("POST /callers/idp", &[], &body.to_string())
}
