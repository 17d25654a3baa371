//! `textsender serve`: the pipeline behind a Unix socket, and behind HTTP on loopback.
//!
//! | module | what it shows |
//! |---|---|
//! | this one | requests and answers: statuses, ids, look-ups, health, counts, edits |
//! | `callers` | who may ask: tokens, hosts, sockets, what the audit says |
//! | `ends` | how it ends, and how the next one takes its place |
//! | `send` | `send` through the hub: the same as without
//! | `products` | bodies in other products' shapes, and what these are answered |
//! | `real_products` | the products themselves, where they are installed |
//! | `reveal` | what such a caller is told, and how long it takes |
//! | `readers` | who may look and change nothing; what the hub alerts by itself |
//! | `pauses` | what is stopped while many send |
//! | `units` | the units for systemd |
//! | `tls` | HTTP with TLS, for other machines |
//! | `abuse` | callers that are slow, silent, broken or many |

mod abuse;
mod callers;
mod ends;
mod http;
mod pauses;
mod products;
mod readers;
mod real_products;
mod reveal;
mod send;
mod tls;
mod units;

use std::time::Duration;

use serde_json::json;
use textsender_tests::harness::{PATIENCE, Test, check_metrics, each, random_code};
use textsender_tests::sandbox::{Authority, Certificate, Fault, When};

use crate::stream::request;
use http::Hub;

#[test]
fn a_message_is_sent_and_its_response_is_that_of_a_send() {
    let hub = Hub::start(Test::new());
    let message = request("a-1", "+447700900123");
    let answer = hub.post(&message).is(200).outcome("accepted");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert!(answer.body.ends_with("}\n"), "{answer:?}");
    let response = answer.json();
    assert_eq!(response["id"], "a-1");
    assert_eq!(response["recipient"], "+44*******123");
    // The same id again: by the hub, and by a process beside it.
    assert_eq!(hub.post(&message).is(200).json()["replayed"], true);
    let run = hub.other().request(message).run();
    run.outcome("accepted").has("/replayed", true).texts(1);
    hub.end().exit(0).texts(1);
}

#[test]
fn each_outcome_has_its_status() {
    let limit = "[limits]\nrecipient = { limits = [\"1/10m\"], mode = \"enforce\" }";
    let hub = Hub::start(Test::new().config(limit));
    let twilio = hub.running.sandbox().twilio();
    let to = |n: u32| request(&format!("id-{n}"), &format!("+4477009001{n:02}"));
    hub.post(&to(1)).is(200).outcome("accepted");

    twilio.fault(When::next(), Fault::drop());
    let unknown = hub.post(&to(2)).is(200).outcome("unknown");
    assert!(!unknown.headers.contains_key("retry-after"), "{unknown:?}");
    hub.post(&json!({ "id": "x" })).is(400).outcome("invalid");
    let refused = hub.post(&request("id-3", "+33700900123"));
    refused.is(403).outcome("refused");
    let rejection = Fault::status(400).body(r#"{"code":21211}"#);
    twilio.fault(When::next(), rejection);
    hub.post(&to(4)).is(422).outcome("rejected");
    let limited = hub.post(&request("id-5", "+447700900101"));
    let limited = limited.is(429).outcome("limited");
    let seconds = limited.json()["error"]["retry_after"].to_string();
    assert_eq!(limited.headers["retry-after"], seconds);
    let slower = Fault::status(429).header("Retry-After", "3600");
    twilio.fault(When::next(), slower);
    let unavailable = hub.post(&to(6)).is(503).outcome("unavailable");
    assert_eq!(unavailable.headers["retry-after"], "3600");
    twilio.fault(When::next(), Fault::status(401));
    hub.post(&to(7)).is(500).outcome("misconfigured");
    hub.end().exit(0);
}

#[test]
fn of_two_requests_with_one_id_one_sends() {
    let hub = Hub::start(Test::new());
    let slow = Fault::delay(Duration::from_secs(1));
    hub.running.sandbox().twilio().fault(When::next(), slow);
    let message = request("a-1", "+447700900123");
    let mut first = hub.connect();
    let body = message.to_string();
    first.write(&http::request("POST /v1/messages", &[], &body));
    hub.running.sandbox().wait_for_texts(1, PATIENCE).unwrap();
    hub.post(&message).is(409).outcome("in_progress");
    first.answer().unwrap().is(200).outcome("accepted");
    hub.end().exit(0).texts(1);
}

#[test]
fn a_code_is_sent_again_under_an_id_of_its_own() {
    let hub = Hub::start(Test::new());
    let first = request("a-1", "+447700900123");
    hub.post(&first).is(200).outcome("accepted");
    let resend = |id: &str, of: &str| {
        let mut again = first.clone();
        again["id"] = json!(id);
        again["resend_of"] = json!(of);
        hub.post(&again)
    };
    resend("a-2", "a-0").is(400).error("resend_unknown");
    for id in ["a-2", "a-3", "a-4"] {
        resend(id, "a-1").is(200).outcome("accepted");
    }
    let limited = resend("a-5", "a-1").is(429).outcome("limited");
    assert!(limited.headers.contains_key("retry-after"), "{limited:?}");
    hub.end().exit(0).texts(4);
}

#[test]
fn what_became_of_accepted_texts_is_asked_and_counted() {
    let hub = Hub::start(Test::new().delivery_after(1));
    let message = request("a-1", "+447700900123");
    hub.post(&message).is(200).outcome("accepted");
    // As the sandbox has it, every text arrives.
    let share = |value: &str| {
        let line = format!("textsender_delivered_share{{sender=\"twilio\",region=\"GB\"}} {value}");
        textsender_tests::harness::wait_for(&line, || {
            let page = hub.get("/metrics").body;
            page.lines().any(|one| one == line).then_some(page)
        })
    };
    let page = share("1");
    let watched = "textsender_texts_watched{sender=\"twilio\",region=\"GB\"} 1";
    assert!(page.lines().any(|one| one == watched), "{page}");
    hub.end().exit(0).texts(1);
}

#[test]
fn that_a_code_was_used_is_told_and_counted() {
    let (hub, address) = Hub::with_http(Test::new());
    let bearer = ("Authorization", "Bearer Vq7mZ2xT9kLr4sWb8nYd3fGh");
    hub.post(&request("a-1", "+447700900123")).is(200);
    hub.post(&request("a-2", "+447700900124")).is(200);
    let used = |id: &str| hub.ask(&format!("POST /v1/messages/{id}/used"), &[], "");
    used("a-1").is(200).outcome("accepted");
    used("a-1").is(200).outcome("accepted");
    used("a-3").is(404).error("unknown_id");
    // A caller with a name tells of its own messages alone.
    let line = "POST /v1/messages/a-2/used";
    http::ask_over_tcp(address, line, &[bearer], "").is(404);
    let page = hub.get("/metrics").body;
    for line in [
        r#"textsender_codes_sent{sender="twilio",region="GB"} 2"#,
        r#"textsender_codes_used{sender="twilio",region="GB"} 1"#,
    ] {
        assert!(
            page.lines().any(|one| one == line),
            "no {line:?} in\n{page}"
        );
    }
    let stats = hub.other().command(["stats", "--used-by", "region"]);
    let run = stats.stdin("").run();
    let table = run.exit(0).stdout.as_deref().unwrap();
    let row = |line: &str| line.split_whitespace().eq(["GB", "2", "1", "50", "%"]);
    assert!(table.lines().any(row), "{table}");
    let status = hub.other().command(["status"]).stdin("").run();
    let screen = status.exit(0).stdout.as_deref().unwrap();
    assert!(screen.contains("codes used: 1 of 2"), "{screen}");
    hub.end().exit(0);
}

#[test]
fn a_header_may_stand_for_the_id() {
    let hub = Hub::start(Test::new());
    let mut message = request("a-1", "+447700900123");
    message.as_object_mut().unwrap().remove("id");
    let body = message.to_string();
    let post = |key: &str| hub.ask("POST /v1/messages", &[("Idempotency-Key", key)], &body);
    assert_eq!(post("key-1").is(200).json()["id"], "key-1");
    assert_eq!(post("\"key-1\"").is(200).json()["replayed"], true);
    post("no key").is(400).error("bad_field");
    let other = request("a-2", "+447700900123").to_string();
    let two = hub.ask("POST /v1/messages", &[("Idempotency-Key", "key-1")], &other);
    assert_eq!(two.is(400).error("bad_field").json()["id"], "a-2");
    hub.end().exit(0).texts(1);
}

#[test]
fn what_a_message_was_answered_can_be_looked_up() {
    let hub = Hub::start(Test::new());
    let message = request("a-1", "+447700900123");
    let given = hub.post(&message).json();
    assert_eq!(hub.get("/v1/messages/a-1").is(200).json(), given);
    hub.get("/v1/messages/a-2").is(404);
    // A repeat with another code was told so; what the message was answered stays.
    let mut other = message.clone();
    other["code"] = json!(random_code());
    hub.post(&other).is(400).error("id_reused");
    assert_eq!(hub.get("/v1/messages/a-1").is(200).json(), given);

    let refused = request("a-3", "+33700900123");
    hub.post(&refused).is(403);
    let looked_up = hub.get("/v1/messages/a-3").is(200).outcome("refused");
    looked_up.error("region_not_allowed");

    let provider_id = given["provider_id"].as_str().unwrap();
    let twilio = hub.running.sandbox().twilio();
    assert!(twilio.set_status(provider_id, "delivered", None));
    let followed = hub.get("/v1/messages/a-1?delivery=true").is(200).json();
    assert_eq!(followed["delivery"]["state"], "delivered");

    let slow = Fault::delay(Duration::from_secs(1));
    twilio.fault(When::next().method("POST"), slow);
    let mut sending = hub.connect();
    let body = request("a-4", "+447700900124").to_string();
    sending.write(&http::request("POST /v1/messages", &[], &body));
    hub.running.sandbox().wait_for_texts(2, PATIENCE).unwrap();
    hub.get("/v1/messages/a-4").is(200).outcome("in_progress");
    sending.answer().unwrap().is(200);
    hub.end().exit(0).texts(2);
}

#[test]
fn a_caller_may_wait_for_what_becomes_of_it() {
    let hub = Hub::start(Test::new().config("[send]\nconcurrency = 1"));
    let never = When::always().method("GET");
    hub.running
        .sandbox()
        .twilio()
        .fault(never, Fault::status(500));
    let mut waiting = hub.connect();
    let body = request("a-1", "+447700900123").to_string();
    waiting.write(&http::request(
        "POST /v1/messages",
        &[("Prefer", "wait=600")],
        &body,
    ));
    hub.running
        .sandbox()
        .wait_for_requests(2, PATIENCE)
        .unwrap();
    // One that waits takes no place of the next one's.
    hub.post(&request("a-2", "+447700900124"))
        .is(200)
        .outcome("accepted");
    hub.running.terminate();
    waiting.answer().unwrap().is(200).outcome("accepted");
    hub.running.wait_for_end().exit(0).texts(2);
}

#[test]
fn health_says_whether_a_message_could_be_sent() {
    let hub = Hub::start(Test::new());
    assert_eq!(hub.get("/healthz").is(200).body, "ok\n");
    hub.end().exit(0);
    let broken = Test::new().change(|site| site.policy("everyone", "name = ").unwrap());
    let hub = Hub::start(broken);
    let ill = hub.get("/healthz").is(503);
    assert!(ill.body.contains("everyone.toml:1"), "{ill:?}");
    hub.end().exit(0);
}

#[test]
fn counts_are_those_of_stats_and_of_the_hub() {
    let hub = Hub::start(Test::new());
    let none = hub.get("/metrics").is(200);
    assert!(none.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    hub.post(&request("a-1", "+447700900123")).is(200);
    hub.post(&request("a-1", "+447700900123")).is(400);
    let page = hub.get("/metrics").is(200).body;
    for line in [
        r#"textsender_messages{sender="twilio",region="GB",outcome="accepted"} 1"#,
        r#"textsender_hub_answers_total{outcome="accepted"} 1"#,
        r#"textsender_hub_answers_total{outcome="invalid"} 1"#,
        "textsender_hub_messages_in_flight 0",
        "textsender_config_ok 1",
        "textsender_hub_ready 1",
    ] {
        assert!(
            page.lines().any(|one| one == line),
            "no {line:?} in\n{page}"
        );
    }
    hub.end().exit(0);
}

#[test]
fn each_outage_is_a_number_of_the_hub_that_works_on() {
    let authority = Authority::new(Certificate::Expired).unwrap();
    let test = tls::with_tls(&authority);
    let folder = test.site().folder().to_owned();
    let hub = Hub::start(test);
    // The look at the installation may be a second old.
    let has = |line: &str| {
        textsender_tests::harness::wait_for(line, || {
            let page = hub.get("/metrics").body;
            check_metrics(&page);
            page.lines().any(|one| one == line).then_some(())
        });
    };
    let certificate = folder.join("hub.pem");
    has(&format!(
        "textsender_expires_timestamp_seconds{{kind=\"certificate\",name=\"{}\"}} 978307200",
        certificate.display()
    ));
    has("textsender_config_ok 0");
    std::fs::write(
        &certificate,
        Authority::new(Certificate::Valid).unwrap().certificate_pem,
    )
    .unwrap();
    has("textsender_config_ok 1");
    has("textsender_ledger_ok 1");
    has("textsender_sender_sealed{sender=\"twilio\"} 1");

    let site = hub.running.test().site();
    site.policy("everyone", "name = ").unwrap();
    has("textsender_config_ok 0");
    has("textsender_hub_ready 1");

    let twilio = hub.running.sandbox().twilio();
    twilio.fault(When::next(), Fault::status(401));
    hub.post(&request("a-1", "+447700900123")).is(500);
    has("textsender_sender_paused{sender=\"twilio\"} 1");
    has("textsender_sender_failing_info{sender=\"twilio\",reason=\"unauthorized\"} 1");

    std::fs::write(folder.join("state/ledger.sqlite3"), "").unwrap();
    has("textsender_ledger_ok 0");
}

#[test]
#[cfg_attr(not(has_promtool), ignore = "needs promtool")]
fn as_promtool_reads_them_the_counts_are_right() {
    let hub = Hub::start(Test::new());
    hub.post(&request("a-1", "+447700900123")).is(200);
    check_metrics(&hub.get("/metrics").body);
}

#[test]
fn an_edit_is_that_of_the_next_message_and_a_bad_one_changes_nothing() {
    let policy = |word: &str| {
        format!(
            "name = \"Everyone\"\nregion = \"GB\"\nevents = [\"reset\"]\n\
             [verification_code]\ntext = \"{word} %code%\"\n"
        )
    };
    let hub = Hub::start(Test::new().policy(&policy("one")));
    let mut count = 0;
    let mut text_by = |edit: &str| {
        hub.running.test().site().policy("everyone", edit).unwrap();
        count += 1;
        let message = request(&format!("id-{count}"), "+447700900123");
        hub.post(&message).is(200).outcome("accepted");
        hub.running.sandbox().texts().pop().unwrap().body
    };
    assert!(text_by(&policy("one")).starts_with("one "));
    assert!(text_by(&policy("two")).starts_with("two "));
    assert!(text_by(&policy("%cod%")).starts_with("two "));
    assert!(text_by("name = ").starts_with("two "));
    assert!(text_by(&policy("six")).starts_with("six "));
    hub.end()
        .exit(0)
        .texts(5)
        .logs("the edited configuration is not used");
}

#[test]
fn no_more_messages_are_in_flight_than_it_is_told_even_after_an_edit() {
    let test = Test::new().config("[send]\nconcurrency = 2");
    let hub = Hub::start(test.fault(When::always(), Fault::silence()));
    let post = |n: usize| {
        let mut connection = hub.connect();
        let body = request(&format!("id-{n}"), &format!("+4477009002{n:02}")).to_string();
        connection.write(&http::request("POST /v1/messages", &[], &body));
        connection
    };
    let in_flight = |count: usize| {
        let line = format!("textsender_hub_messages_in_flight {count}");
        textsender_tests::harness::wait_for(&line, || {
            let page = hub.get("/metrics").body;
            page.lines().any(|one| one == line).then_some(())
        });
    };
    let mut connections: Vec<_> = (0..3).map(post).collect();
    let sandbox = hub.running.sandbox();
    sandbox.wait_for_requests(2, PATIENCE).unwrap();
    in_flight(2);
    assert_eq!(sandbox.requests().len(), 2);
    let site = hub.running.test().site();
    let config = std::fs::read_to_string(site.config_file()).unwrap();
    let edited = config.replace("concurrency = 2", "concurrency = 4");
    site.raw_config(&edited).unwrap();
    connections.push(post(3));
    sandbox.wait_for_requests(4, PATIENCE).unwrap();
    in_flight(4);
}

#[test]
fn wrong_paths_and_methods_are_told() {
    let hub = Hub::start(Test::new());
    each(
        [
            ("GET /", 404, None),
            ("POST /v1/message", 404, None),
            ("GET /v1/messages", 405, Some("POST")),
            ("DELETE /v1/messages/a", 405, Some("GET,HEAD")),
            ("POST /healthz", 405, Some("GET,HEAD")),
        ],
        |(line, status, allow)| {
            let answer = hub.ask(line, &[], "").is(status);
            let allowed = answer.headers.get("allow").map(String::as_str);
            assert_eq!(allowed, allow, "{line}: {answer:?}");
        },
    );
}
