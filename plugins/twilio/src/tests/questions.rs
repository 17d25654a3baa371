//! What the plugin asks Twilio: `status`, `find`, `check`.

use std::time::Duration;

use serde_json::json;
use textsender_plugin_api::{
    DeliveryState::{self, *},
    Finding, Found, SendError, Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use super::*;

fn path(rest: &str) -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}{rest}")
}

#[test]
fn status_in_words() {
    let cases: &[(Value, Option<u64>, DeliveryState, Option<&str>)] = &[
        (json!("accepted"), None, Accepted, None),
        (json!("scheduled"), None, Accepted, None),
        (json!("queued"), None, Accepted, None),
        (json!("sending"), None, Sent, None),
        (json!("sent"), None, Sent, None),
        (json!("delivered"), None, Delivered, None),
        (json!("read"), None, Delivered, None),
        (json!("canceled"), None, Failed, None),
        (json!("failed"), Some(30001), Failed, Some("overflowed")),
        (json!("failed"), Some(30002), Failed, Some("suspended")),
        (
            json!("undelivered"),
            Some(30003),
            Failed,
            Some("out of reach"),
        ),
        (json!("undelivered"), Some(30004), Failed, Some("blocks")),
        (
            json!("undelivered"),
            Some(30005),
            Failed,
            Some("not in use"),
        ),
        (json!("undelivered"), Some(30006), Failed, Some("landline")),
        (json!("undelivered"), Some(30007), Failed, Some("spam")),
        (
            json!("undelivered"),
            Some(30008),
            Failed,
            Some("does not say why"),
        ),
        (json!("undelivered"), Some(30017), Failed, Some("congested")),
        (
            json!("undelivered"),
            Some(30018),
            Failed,
            Some("not registered"),
        ),
        (json!("undelivered"), Some(30022), Failed, Some("10DLC")),
        (json!("undelivered"), Some(30023), Failed, Some("10DLC")),
        (
            json!("undelivered"),
            Some(30024),
            Failed,
            Some("not registered"),
        ),
        (
            json!("undelivered"),
            Some(30032),
            Failed,
            Some("not registered"),
        ),
        (
            json!("undelivered"),
            Some(30034),
            Failed,
            Some("not registered"),
        ),
        (json!("failed"), Some(30036), Failed, Some("expired")),
        (json!("failed"), Some(30410), Failed, Some("in time")),
        (json!("failed"), Some(30450), Failed, Some("pumping")),
        (json!("failed"), Some(30453), Failed, Some("pumping")),
        (
            json!("failed"),
            Some(39999),
            Failed,
            Some("docs/api/errors"),
        ),
        (json!("partially_delivered"), None, CannotTell, None),
        (json!("teleported"), None, CannotTell, None),
        (json!(null), None, CannotTell, None),
    ];
    for (status, code, state, words) in cases {
        let host = FakeHost::new();
        let text = json!({ "sid": TEXT, "status": status, "error_code": code });
        host.answer(Reply::json(200, text));
        let delivery = block_on(twilio(&host).status(TEXT)).unwrap();

        assert_eq!(delivery.state, *state, "{status}");
        let reason = delivery.reason.as_deref();
        assert_eq!(reason.is_some(), words.is_some(), "{reason:?}");
        assert!(
            reason
                .unwrap_or_default()
                .contains(words.unwrap_or_default()),
            "{reason:?}"
        );
        let provider_code = code.map(|code| code.to_string());
        assert_eq!(
            delivery.provider_code,
            provider_code.or(status.as_str().map(str::to_owned))
        );
        let request = &host.requests()[0];
        assert_eq!(request.path(), path(&format!("/Messages/{TEXT}.json")));
        assert!(!request.delivers);
    }
}

#[test]
fn status_of_what_is_not_there() {
    let host = FakeHost::new();
    host.answer(Reply::json(404, json!({ "code": 20404, "status": 404 })));
    let delivery = block_on(twilio(&host).status(TEXT)).unwrap();
    assert_eq!(delivery.state, CannotTell);
    assert!(delivery.reason.unwrap().contains("no text"));

    // None of these becomes a URL.
    for id in [
        "",
        "SM1",
        "../../Keys",
        "SM0123456789abcdef0123456789abcde/",
        ACCOUNT,
    ] {
        let delivery = block_on(twilio(&host).status(id)).unwrap();
        assert_eq!(delivery.state, CannotTell);
    }
    assert_eq!(host.requests().len(), 1);
}

/// Three seconds after the fake host's midnight.
const CREATED: &str = "Thu, 01 Jan 2026 00:00:03 +0000";

fn find(reply: Reply, after_midnight: Duration) -> Result<Found, SendError> {
    let host = FakeHost::new();
    host.answer(reply);
    let since = host.now() + after_midnight;
    let found = block_on(twilio(&host).find(&message(), since));

    let request = &host.requests()[0];
    assert_eq!(request.path(), path("/Messages.json"));
    assert_eq!(request.query()["To"], "+447700900123");
    assert_eq!(request.query()["DateSent>"], "2026-01-01T00:00:00Z");
    assert!(!request.delivers);
    found
}

#[test]
fn find_knows_our_text_by_number_body_and_time() {
    let ours = json!({
        "sid": TEXT, "to": "+447700900123", "body": message().text, "status": "sent",
        "date_created": CREATED, "num_segments": "1",
    });
    let with = |key: &str, value: Value| {
        let mut text = ours.clone();
        text[key] = value;
        text
    };
    let seconds = Duration::from_secs_f32;
    let cases = [
        (ours.clone(), seconds(0.0), true),
        (ours.clone(), seconds(3.0), true),
        (ours.clone(), seconds(3.9), true),
        (ours.clone(), seconds(4.0), false),
        (with("to", json!("+447700900124")), seconds(0.0), false),
        (
            with("body", json!("Your code is other")),
            seconds(0.0),
            false,
        ),
        (with("date_created", json!(null)), seconds(0.0), false),
        (
            with("date_created", json!("yesterday")),
            seconds(0.0),
            false,
        ),
        (with("status", json!("failed")), seconds(0.0), false),
        (with("sid", json!(null)), seconds(0.0), false),
    ];
    for (text, after_midnight, is_found) in cases {
        let other = json!({ "sid": TEXT, "to": "+447700900123", "body": "other" });
        let list = json!({ "messages": [other, text] });
        let found = find(Reply::json(200, list), after_midnight).unwrap();
        match found {
            Found::Accepted(receipt) => {
                assert!(is_found, "{text} {after_midnight:?}");
                assert_eq!(receipt.provider_id.as_deref(), Some(TEXT));
                assert_eq!(receipt.segments, Some(1));
            }
            other => assert!(!is_found && other == Found::CannotTell, "{text} {other:?}"),
        }
    }
}

#[test]
fn find_never_claims_absence() {
    let empty = Reply::json(200, json!({ "messages": [] }));
    let html = Reply::text(200, "<html>");
    for reply in [empty, html] {
        assert_eq!(find(reply, Duration::ZERO), Ok(Found::CannotTell));
    }
    let refused = find(Reply::empty(401), Duration::ZERO).unwrap_err();
    assert_eq!(refused.verdict, Verdict::Unauthorized);
    // A question that fails leaves no text in doubt.
    let failed = find(Reply::empty(502), Duration::ZERO).unwrap_err();
    assert_eq!(failed.verdict, Verdict::Unavailable);
}

fn check(sender: fn(&FakeHost) -> Twilio, reply: Reply) -> Result<Vec<Finding>, SendError> {
    let host = FakeHost::new();
    host.answer(reply);
    let findings = block_on(sender(&host).check());
    let request = &host.requests()[0];
    assert_eq!(request.path(), path(".json"));
    assert!(!request.delivers);
    findings
}

#[test]
fn check_reads_the_account() {
    let account = |status, kind| json!({ "sid": ACCOUNT, "status": status, "type": kind });
    let fault = true;
    let cases = [
        (200, account("active", "Full"), !fault, "knows the account"),
        (200, account("active", "Trial"), !fault, "trial"),
        (200, account("suspended", "Full"), fault, "not active"),
        (200, account("closed", "Full"), fault, "not active"),
        (200, json!({ "sid": SERVICE }), fault, "not Twilio"),
        (200, json!("hello"), fault, "not Twilio"),
        (403, json!({ "code": 20008 }), !fault, "can't tell: test"),
        (403, json!({}), !fault, "can't tell: test"),
    ];
    for (status, body, is_fault, words) in cases {
        let findings = check(twilio, Reply::json(status, body)).unwrap();
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].is_fault, is_fault, "{findings:?}");
        assert!(findings[0].message.contains(words), "{findings:?}");
    }
}

#[test]
fn check_tells_wrong_credentials_from_those_that_may_not_ask() {
    let refusal = || Reply::json(401, json!({ "code": 20003, "status": 401 }));
    let error = check(twilio, refusal()).unwrap_err();
    assert_eq!(error.verdict, Verdict::Unauthorized);

    let findings = check(twilio_with_key, refusal()).unwrap();
    assert!(findings[0].message.contains("can't tell"));
    assert!(!findings[0].is_fault);

    let cases = [
        (403, 20005, Verdict::Misconfigured),
        (404, 20404, Verdict::Misconfigured),
        (429, 20429, Verdict::Throttled),
        (500, 20500, Verdict::Unavailable),
    ];
    for (status, code, verdict) in cases {
        let error = check(twilio, Reply::json(status, json!({ "code": code }))).unwrap_err();
        assert_eq!(error.verdict, verdict);
    }
}
