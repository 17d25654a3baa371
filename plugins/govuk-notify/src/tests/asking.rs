//! What the plugin asks without sending: status, find and check.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use textsender_plugin_api::{
    DeliveryState, Found, Sender, Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use super::{ID, TEMPLATE, created, refused, sender, sender_with};

#[test]
fn states_of_an_accepted_message() {
    use DeliveryState::*;
    let cases = [
        ("created", Accepted),
        ("sending", Sent),
        ("pending", Sent),
        ("sent", Sent),
        ("delivered", Delivered),
        ("permanent-failure", Failed),
        ("temporary-failure", Failed),
        ("technical-failure", Failed),
        ("cancelled", Failed),
        ("pending-virus-check", CannotTell),
    ];
    let host = FakeHost::new();
    let notify = sender(&host);
    for (status, state) in cases {
        let body = json!({ "id": ID, "reference": "r", "status": status, "completed_at": null });
        host.answer(Reply::json(200, body));
        let delivery = block_on(notify.status(ID)).unwrap();
        assert_eq!(delivery.state, state, "{status}");
        assert_eq!(delivery.reason.is_some(), state == Failed, "{status}");
        assert_eq!(delivery.provider_code.as_deref(), Some(status));
    }
    let request = &host.requests()[0];
    assert_eq!(request.path(), format!("/v2/notifications/{ID}"));
    assert!(!request.delivers);

    let delivery = block_on(notify.status("../../v2/templates")).unwrap();
    assert_eq!(delivery.state, CannotTell);
    assert_eq!(host.requests().len(), cases.len());
}

#[test]
fn finds_a_message_by_its_own_id_only() {
    let host = FakeHost::new();
    let notify = sender(&host);
    let list = |reference: &str| {
        let message = json!({ "id": ID, "reference": reference, "status": "created" });
        Reply::json(200, json!({ "links": {}, "notifications": [message] }))
    };
    let since = host.now();
    host.answer(list("5f0c1d"));
    let found = block_on(notify.find(&message(), since)).unwrap();
    assert!(
        matches!(found, Found::Accepted(receipt) if receipt.provider_id.as_deref() == Some(ID))
    );
    let query = host.requests()[0].query();
    assert_eq!(
        (query["reference"].as_str(), query["template_type"].as_str()),
        ("5f0c1d", "sms")
    );

    for reply in [
        list("another"),
        Reply::json(200, json!({ "notifications": [] })),
    ] {
        host.answer(reply);
        assert_eq!(
            block_on(notify.find(&message(), since)).unwrap(),
            Found::CannotTell
        );
    }
    host.answer(refused(503, "EventletTimeout", "Timeout serving request"));
    let error = block_on(notify.find(&message(), since)).unwrap_err();
    assert_eq!(error.verdict, Verdict::Unavailable);
}

#[test]
fn a_check_sends_nothing() {
    let host = FakeHost::new();
    host.set_now(UNIX_EPOCH + Duration::from_secs(1_795_488_069 + 20));
    let notify = sender_with(&host, json!({ "sender_id": ID }));
    let template = json!({
        "id": TEMPLATE, "type": "sms", "name": "Verify verify", "version": 1,
        "body": "Your verification code is ((code)).", "subject": null,
        "personalisation": { "code": { "required": true } },
    });
    let date = "Tue, 24 Nov 2026 02:41:09 GMT";
    host.answer(Reply::json(200, template).with_header("Date", date));
    host.answer(Reply::json(
        200,
        json!({ "templates": [{ "id": TEMPLATE }] }),
    ));
    host.answer(created());
    let findings = block_on(notify.check()).unwrap();
    let words = [
        "the API key is good; the template is `Verify verify`, version 1",
        "the template shows only the code",
        "the template shows a code",
        "warning: this machine's clock is 20 s ahead of Notify's",
        "Notify takes a text to its smoke-test number",
    ];
    assert_eq!(findings.len(), words.len());
    for (finding, words) in findings.iter().zip(words) {
        assert!(finding.message.starts_with(words), "{}", finding.message);
        assert!(!finding.is_fault);
    }
    assert!(host.requests().iter().all(|request| !request.delivers));
    assert_eq!(host.requests()[2].json()["phone_number"], "+447700900000");

    host.answer(refused(404, "NoResultFound", "No result found"));
    assert!(block_on(notify.check()).unwrap()[0].is_fault);
    host.answer(refused(403, "AuthError", "Invalid token: API key revoked"));
    assert_eq!(
        block_on(notify.check()).unwrap_err().verdict,
        Verdict::Unauthorized
    );
}

/// Notify serves an archived template as if it were there, and says of a sender only when a text is sent.
#[test]
fn a_check_finds_what_every_send_would_fail_for() {
    let template = json!({
        "id": TEMPLATE, "type": "sms", "name": "Codes", "version": 1, "body": "((message))",
        "subject": null, "personalisation": { "message": { "required": true } },
    });
    let listed = |id: &str| Reply::json(200, json!({ "templates": [{ "id": id }] }));
    let no_sender = "sms_sender_id does not exist in database for service id";
    let rate = "Exceeded rate limit for key type LIVE";
    let cases = [
        (
            listed(ID),
            None,
            Some("template_id: the template was archived"),
        ),
        (
            listed(TEMPLATE),
            Some(refused(400, "BadRequestError", no_sender)),
            Some("Notify refuses the request: sms_sender_id"),
        ),
        (
            listed(TEMPLATE),
            Some(refused(429, "RateLimitError", rate)),
            None,
        ),
        (listed(TEMPLATE), Some(created()), None),
        // No list: the text to the smoke-test number says it too.
        (
            Reply::html(502),
            Some(refused(400, "BadRequestError", "Template has been deleted")),
            Some("template_id: the template was archived"),
        ),
    ];
    for (list, tried, fault) in cases {
        let host = FakeHost::new();
        let notify = sender_with(&host, json!({ "sender_id": ID }));
        host.answer(Reply::json(200, template.clone()));
        host.answer(list);
        if let Some(reply) = tried {
            host.answer(reply);
        }
        let findings = block_on(notify.check()).unwrap();
        let found = findings.iter().find(|finding| finding.is_fault);
        match (found, fault) {
            (Some(found), Some(fault)) => assert!(found.message.starts_with(fault), "{found:?}"),
            (found, fault) => assert!(found.is_none() && fault.is_none(), "{found:?} {fault:?}"),
        }
    }
}
