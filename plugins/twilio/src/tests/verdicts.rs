//! Every answer that Twilio documents, and those that come from elsewhere, with its verdict.

use std::time::Duration;

use serde_json::json;
use textsender_plugin_api::{
    FailureKind, SendError, Stage,
    Verdict::{self, *},
    testing::{FakeHost, Reply, block_on, message},
};

use super::*;

fn send(reply: Reply) -> Result<textsender_plugin_api::Receipt, SendError> {
    let host = FakeHost::new();
    host.answer(reply);
    let result = block_on(twilio(&host).send(&message()));
    host.assert_not_logged("beK989vc");
    host.assert_not_logged(TOKEN);
    result
}

/// The error, after a look at what it shows.
fn refused(reply: Reply) -> SendError {
    let error = send(reply).unwrap_err();
    let shown = format!("{error} {error:?}");
    for secret in ["beK989vc", "447700900123", TOKEN] {
        assert!(!shown.contains(secret), "{shown}");
    }
    error
}

/// An error in Twilio's own form, whose words quote what they should not.
fn twilio_error(status: u16, code: u64) -> Reply {
    Reply::json(
        status,
        json!({
            "code": code,
            "message": "'+447700900123' got 'Your code is beK989vc' from t0k3n",
            "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
            "status": status,
        }),
    )
}

#[test]
fn documented_errors() {
    let cases: &[(u16, u64, Verdict)] = &[
        // The number.
        (400, 21211, Rejected),
        (400, 21614, Rejected),
        (400, 21635, Rejected),
        (400, 21265, Rejected),
        (400, 21266, Rejected),
        (400, 21610, OptedOut),
        (400, 21612, UndeliverableHere),
        (400, 21408, UndeliverableHere),
        (403, 21408, UndeliverableHere),
        // The account.
        (400, 21608, Misconfigured),
        (400, 21219, Misconfigured),
        (401, 20003, Unauthorized),
        (403, 20003, Unauthorized),
        (403, 20005, Misconfigured),
        (403, 20006, Misconfigured),
        (403, 20008, Misconfigured),
        // The settings.
        (400, 21212, Misconfigured),
        (400, 21606, Misconfigured),
        (400, 21659, Misconfigured),
        (400, 21660, Misconfigured),
        (400, 21661, Misconfigured),
        (400, 21662, Misconfigured),
        (404, 21701, Misconfigured),
        (404, 20404, Misconfigured),
        (400, 21703, Misconfigured),
        (400, 21704, Misconfigured),
        // What the plugin should not have sent.
        (400, 21602, Misconfigured),
        (400, 21603, Misconfigured),
        (400, 21604, Misconfigured),
        (400, 21617, Misconfigured),
        (400, 21609, Misconfigured),
        // Too fast.
        (429, 20429, Throttled),
        (429, 21611, Throttled),
        (400, 21611, Throttled),
        // Twilio itself.
        (500, 20500, Unknown),
        (503, 20503, Unknown),
        (504, 20504, Unknown),
        // A code never outweighs a status that leaves the text in doubt.
        (500, 21211, Unknown),
        (503, 20003, Unknown),
        (400, 30034, Misconfigured),
        // What the administrator can change in the Console, and never the user's number.
        (400, 21268, UndeliverableHere),
        (403, 60410, UndeliverableHere),
        // Codes that are new.
        (400, 21999, Misconfigured),
        (401, 29999, Unauthorized),
        (429, 29999, Throttled),
    ];
    for &(status, code, verdict) in cases {
        let error = refused(twilio_error(status, code));
        assert_eq!(error.verdict, verdict, "{status} {code}: {error}");
        assert_eq!(error.provider_code, Some(code.to_string()));
        assert_eq!(error.retry_after, None);
        let is_new = (status, code) == (400, 21999);
        assert_eq!(error.recipient_in_doubt, is_new, "{status} {code}: {error}");
        let is_of_account = [21408, 21268, 60410].contains(&code);
        assert_eq!(
            error.account_limit, is_of_account,
            "{status} {code}: {error}"
        );
    }
}

/// The code stands in the same place in every form of Twilio's errors.
#[test]
fn other_forms_of_errors() {
    let rfc_9457 = json!({
        "type": "https://www.twilio.com/docs/api/errors/21610", "title": "Opted out",
        "status": 400, "code": 21610, "detail": "+447700900123 said STOP", "instance": "/x",
        "errors": [],
    });
    let newer = json!({
        "status": 400, "message": "no", "detail": "no", "code": 21610, "moreInfo": "https://x",
    });
    let as_text = json!({ "code": "21610" });
    for body in [rfc_9457, newer, as_text] {
        assert_eq!(refused(Reply::json(400, body)).verdict, OptedOut);
    }
}

/// Proxies, gateways and broken servers: the status alone decides.
#[test]
fn bodies_that_are_not_twilios() {
    let bodies: [&[u8]; 8] = [
        b"",
        b"<html><h1>Bad Gateway</h1></html>",
        br#"{"code":212"#,
        br#"{"code":null,"message":null}"#,
        br#"{"code":{"a":[1]}}"#,
        br#"{"code":-1e400}"#,
        b"[]",
        b"\xff\xfe\x00",
    ];
    let cases = [
        (302, Misconfigured),
        (400, Misconfigured),
        (401, Unauthorized),
        (403, Misconfigured),
        (404, Misconfigured),
        (408, Unknown),
        (413, Misconfigured),
        (429, Throttled),
        (500, Unknown),
        (502, Unknown),
        (503, Unknown),
        (504, Unknown),
        (599, Unknown),
    ];
    for body in bodies {
        for (status, verdict) in cases {
            let error = refused(Reply::text(status, body));
            assert_eq!(error.verdict, verdict, "{status} {error}");
            assert_eq!(error.provider_code, Some(status.to_string()));
        }
    }
}

#[test]
fn a_huge_body_is_read_to_its_end() {
    let mut body = br#"{"code":21610,"message":""#.to_vec();
    body.resize(textsender_plugin_api::MAX_ANSWER - 2, b'x');
    body.extend(br#""}"#);
    assert_eq!(refused(Reply::text(400, body)).verdict, OptedOut);

    let nested = "[".repeat(textsender_plugin_api::MAX_ANSWER);
    assert_eq!(refused(Reply::text(400, nested)).verdict, Misconfigured);
}

#[test]
fn retry_after_is_passed_on() {
    let cases = [
        ("7", Some(7)),
        (" 120 ", Some(120)),
        ("soon", None),
        ("-1", None),
    ];
    for (header, seconds) in cases {
        let error = refused(twilio_error(429, 20429).with_header("Retry-After", header));
        assert_eq!(
            error.retry_after,
            seconds.map(Duration::from_secs),
            "{header}"
        );
    }
}

#[test]
fn an_accepted_text_has_an_id() {
    let text = json!({
        "sid": TEXT, "status": "queued", "to": "+447700900123", "from": "+15005550006",
        "messaging_service_sid": null, "body": "beK989vc", "num_segments": "2", "num_media": "0",
        "price": null, "price_unit": "USD", "error_code": null, "error_message": null,
        "date_created": "Thu, 01 Jan 2026 00:00:00 +0000", "date_sent": null,
    });
    let by_service = json!({ "sid": TEXT, "status": "accepted", "num_segments": "0" });
    let bare = json!({ "sid": TEXT });
    let odd = json!({ "sid": TEXT, "num_segments": 2, "status": null });
    let cases = [
        (201, text.clone(), Some(2)),
        (200, text, Some(2)),
        (201, by_service, None),
        (201, bare, None),
        (201, odd, None),
    ];
    for (status, body, segments) in cases {
        let receipt = send(Reply::json(status, body)).unwrap();
        assert_eq!(receipt.provider_id.as_deref(), Some(TEXT));
        assert_eq!(receipt.segments, segments);
    }
}

/// A captive portal or a gateway answers 200 as well. It is not known whether Twilio has the text.
#[test]
fn success_without_an_id_is_unknown() {
    let replies = [
        Reply::empty(201),
        Reply::empty(204),
        Reply::text(200, "<html>Welcome</html>"),
        Reply::text(201, r#"{"sid":"SM0123"#),
        Reply::json(201, json!({ "sid": null })),
        Reply::json(202, json!([])),
    ];
    for reply in replies {
        assert_eq!(refused(reply).verdict, Unknown);
    }
}

#[test]
fn exchanges_without_an_answer() {
    let cases = [
        (Stage::NotSent, FailureKind::NameNotFound, Unavailable),
        (Stage::NotSent, FailureKind::Connect, Unavailable),
        (Stage::NotSent, FailureKind::Tls, Unavailable),
        (Stage::NotSent, FailureKind::Timeout, Unavailable),
        (Stage::NotSent, FailureKind::NotAllowed, Misconfigured),
        (Stage::Written, FailureKind::Timeout, Unknown),
        (Stage::Written, FailureKind::Cut, Unknown),
        (Stage::Written, FailureKind::TooLarge, Unknown),
        (Stage::Written, FailureKind::Unreadable, Unknown),
    ];
    for (stage, kind, verdict) in cases {
        let error = refused(Reply::failure(stage, kind));
        assert_eq!(error.verdict, verdict, "{stage:?} {kind:?}");
        assert_eq!(error.failure, Some(kind));
    }
}
