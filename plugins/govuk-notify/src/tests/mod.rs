//! The plugin on a host that a test plays.

mod asking;
mod damaged;
mod recordings;

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use textsender_plugin_api::{
    FailureKind, Purpose, Secret, Sender, Stage, Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use crate::GovukNotify;

const KEY: &str = "live-8dd8c332-f7cf-42f9-8adb-ba578fcfe7fe-0f2cbb6d-9d9e-4b1c-8b9e-0a4f3f1f7a11";
const TEMPLATE: &str = "867c629f-80ad-491a-af31-e146d16737c9";
const ID: &str = "ee802965-d2e7-4dc4-9463-c87f42ce5181";

fn sender(host: &FakeHost) -> GovukNotify {
    sender_with(host, json!({}))
}

fn sender_with(host: &FakeHost, more: Value) -> GovukNotify {
    let mut settings = json!({ "template_id": TEMPLATE });
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    host.configure(settings, [("api_key", KEY)]).unwrap()
}

fn created() -> Reply {
    Reply::json(
        201,
        json!({
            "id": ID, "reference": "5f0c1d", "scheduled_for": null,
            "content": { "body": "Your verification code is beK989vc.", "from_number": "VERIFYAPP" },
        }),
    )
}

fn refused(status: u16, error: &str, message: &str) -> Reply {
    let errors = json!([{ "error": error, "message": message }]);
    Reply::json(status, json!({ "status_code": status, "errors": errors }))
}

/// The official clients' requests for the same message, recorded; but for the personalisation,
/// where we offer the text too.
#[test]
fn sends_what_the_official_clients_send() {
    let host = FakeHost::new();
    host.set_now(UNIX_EPOCH + Duration::from_secs(1_795_487_141));
    host.answer(created());
    let notify = sender_with(
        &host,
        json!({
            "sender_id": "47fcaf96-0ddd-45c8-beae-4b85f45ec13f",
            "personalisation": { "code": "%code%" },
        }),
    );
    let mut message = message();
    message.id = "ref-1".into();
    let receipt = block_on(notify.send(&message)).unwrap();
    assert_eq!(receipt.provider_id.as_deref(), Some(ID));

    let request = &host.requests()[0];
    assert_eq!(
        request.url,
        "https://api.notifications.service.gov.uk/v2/notifications/sms"
    );
    assert_eq!(
        request.json(),
        json!({
            "phone_number": "+447700900123",
            "template_id": "867c629f-80ad-491a-af31-e146d16737c9",
            "personalisation": { "code": "beK989vc" },
            "reference": "ref-1",
            "sms_sender_id": "47fcaf96-0ddd-45c8-beae-4b85f45ec13f",
        })
    );
    let parts: Vec<Value> = request
        .bearer_auth()
        .unwrap()
        .split('.')
        .take(2)
        .map(decoded)
        .collect();
    let claims = json!({ "iss": "8dd8c332-f7cf-42f9-8adb-ba578fcfe7fe", "iat": 1_795_487_141 });
    assert_eq!(parts, [json!({ "alg": "HS256", "typ": "JWT" }), claims]);
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn each_attempt_has_its_own_token() {
    let host = FakeHost::new();
    let notify = sender(&host);
    for _ in 0..2 {
        host.answer(created());
        block_on(notify.send(&message())).unwrap();
        host.advance(Duration::from_secs(31));
    }
    let tokens = host.requests();
    assert_ne!(tokens[0].bearer_auth(), tokens[1].bearer_auth());
}

#[test]
fn offers_text_and_code_or_password() {
    let host = FakeHost::new();
    let notify = sender_with(&host, json!({ "sender_id": "" }));
    host.answer(created());
    block_on(notify.send(&message())).unwrap();

    let mut reset = message();
    reset.purpose = Purpose::NewPassword;
    reset.text = "Your new password is s3cr€t".into();
    reset.code = None;
    reset.password = Some(Secret::new("s3cr€t"));
    host.answer(created());
    block_on(notify.send(&reset)).unwrap();

    let [code, password] = &host.requests()[..] else {
        panic!("two requests");
    };
    let text = "Please enter this verification code: beK989vc";
    let offered = json!({ "code": "beK989vc", "message": text });
    assert_eq!(code.json()["personalisation"], offered);
    assert_eq!(code.json().get("sms_sender_id"), None);
    let offered = json!({ "password": "s3cr€t", "message": "Your new password is s3cr€t" });
    assert_eq!(password.json()["personalisation"], offered);
}

#[test]
fn warns_when_the_text_does_not_show_the_code() {
    let host = FakeHost::new();
    let notify = sender(&host);
    host.answer(created());
    block_on(notify.send(&message())).unwrap();
    assert!(host.log_lines().is_empty());

    let body = json!({ "id": ID, "content": { "body": "Your verification code is ?." } });
    host.answer(Reply::json(201, body));
    block_on(notify.send(&message())).unwrap();
    host.assert_logged("does not show what was to be sent");
    host.assert_not_logged("beK989vc");
}

#[test]
fn settings_that_cannot_be_right() {
    let uuid = TEMPLATE;
    let cases = [
        (json!({}), KEY, "incomplete; it needs: template_id"),
        (
            json!({ "template_id": "Codes" }),
            KEY,
            "template_id: a template's id is a UUID",
        ),
        (
            json!({ "template_id": uuid, "sender_id": "VERIFYAPP" }),
            KEY,
            "sender_id: give the sender's id, a UUID, not its name",
        ),
        (
            json!({ "template_id": uuid }),
            "k3y",
            "api_key: a key ends in two UUIDs",
        ),
        (
            json!({ "template_id": uuid, "base_url": "http://notify.example" }),
            KEY,
            "base_url: only https://, or http:// to this machine",
        ),
        (
            json!({ "template_id": uuid, "personalisation": { "pin": "%pin%" } }),
            KEY,
            "personalisation.pin: unknown placeholder `%pin%`; did you mean `%code%`?",
        ),
        (
            json!({ "template_id": uuid, "personalisation": { "who": "%name%" } }),
            KEY,
            "personalisation.who: `%name%` may have no value",
        ),
    ];
    for (settings, key, expected) in cases {
        let made = FakeHost::new().configure::<GovukNotify>(settings, [("api_key", key)]);
        let error = made.err().unwrap().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains(key), "{error}");
    }
}

/// Errors that could not be recorded, from Notify's source and from what stands before it.
#[test]
fn answers_that_were_not_recorded() {
    use Verdict::*;
    let html = |status| Reply::text(status, "<html>502</html>");
    let cases = [
        (
            refused(500, "SQLAlchemyError", "Internal server error"),
            Unavailable,
        ),
        (html(500), Unknown),
        (html(502), Unknown),
        (html(503), Unknown),
        (refused(503, "HTTPError", "Service unavailable"), Unknown),
        (
            refused(504, "EventletTimeout", "Timeout serving request"),
            Unknown,
        ),
        (html(200), Unknown),
        (html(201), Unknown),
        (html(302), Misconfigured),
        (html(403), Misconfigured),
        (html(429), Throttled),
        (
            refused(
                400,
                "ValidationError",
                "phone_number Not a valid country prefix",
            ),
            UndeliverableHere,
        ),
        (refused(400, "NewError", "who knows"), Misconfigured),
        (refused(429, "NewError", "who knows"), Throttled),
        (
            Reply::failure(Stage::NotSent, FailureKind::Connect),
            Unavailable,
        ),
        (
            Reply::failure(Stage::Written, FailureKind::Timeout),
            Unknown,
        ),
    ];
    for (reply, verdict) in cases {
        let host = FakeHost::new();
        host.answer(reply.clone());
        let error = block_on(sender(&host).send(&message())).unwrap_err();
        assert_eq!(error.verdict, verdict, "{reply:?}");
    }
}

#[test]
fn names_the_wrong_clock() {
    let words = "Error: Your system clock must be accurate to within 30 seconds";
    let date = "Tue, 24 Nov 2026 02:41:09 GMT";
    let cases = [
        (
            Some(date),
            1_795_488_069 - 41,
            "this machine's clock is 41 s behind Notify's;",
        ),
        (
            Some(date),
            1_795_488_069 + 3600,
            "this machine's clock is 3600 s ahead of Notify's;",
        ),
        (
            Some(date),
            1_795_488_069 - 31,
            "this machine's clock is 31 s behind Notify's;",
        ),
        (Some("soon"), 0, "this machine's clock is off;"),
        (None, 0, "this machine's clock is off;"),
    ];
    for (date, now, expected) in cases {
        let host = FakeHost::new();
        host.set_now(UNIX_EPOCH + Duration::from_secs(now));
        let mut reply = refused(403, "AuthError", words);
        if let Some(date) = date {
            reply = reply.with_header("Date", date);
        }
        host.answer(reply);
        let error = block_on(sender(&host).send(&message())).unwrap_err();
        assert_eq!(error.verdict, Verdict::Misconfigured);
        assert!(error.message.starts_with(expected), "{}", error.message);
    }
}

/// Notify was seen to say so of a clock that was right: a new token may pass.
#[test]
fn a_clock_that_is_right_is_not_blamed() {
    let host = FakeHost::new();
    host.set_now(UNIX_EPOCH + Duration::from_secs(1_795_488_069));
    let words = "Error: Your system clock must be accurate to within 30 seconds";
    let reply = refused(403, "AuthError", words);
    host.answer(reply.with_header("Date", "Tue, 24 Nov 2026 02:41:09 GMT"));
    let error = block_on(sender(&host).send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::Unavailable);
}

/// A refused request takes a token too: asking again at once makes it worse, and whoever asks.
#[test]
fn the_whole_sender_waits_after_a_refusal_for_its_rate() {
    let host = FakeHost::new();
    let notify = sender(&host);
    let rate = "Exceeded rate limit for key type LIVE";
    host.answer(refused(429, "RateLimitError", rate));
    let bounds = Duration::from_millis(2200)..=Duration::from_millis(3700);
    let error = block_on(notify.send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::Throttled);
    assert!(bounds.contains(&error.retry_after.unwrap()), "{error:?}");

    // Another message does not even ask, and has a wait of its own.
    host.advance(Duration::from_secs(1));
    let error = block_on(notify.send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::Throttled);
    assert!(error.retry_after.unwrap() >= Duration::from_millis(1200));
    assert_eq!(host.requests().len(), 1);

    host.advance(Duration::from_millis(1300));
    host.answer(created());
    assert!(block_on(notify.send(&message())).is_ok());
}

#[test]
fn the_day_has_two_limits() {
    let host = FakeHost::new();
    let notify = sender(&host);
    host.set_now(UNIX_EPOCH + Duration::from_secs(1_795_478_399));
    let limit = |kind| format!("Exceeded send limits ({kind}) for today");
    host.answer(refused(429, "TooManyRequestsError", &limit("sms: 50")));
    let error = block_on(notify.send(&message())).unwrap_err();
    let one = Some(Duration::from_secs(1));
    assert_eq!(
        (error.verdict, error.retry_after),
        (Verdict::Exhausted, one)
    );
    assert_eq!(error.provider_code.as_deref(), Some("TooManyRequestsError"));

    // The other refuses foreign numbers alone, and says nothing of the sender.
    let international = limit("international_sms: 100");
    host.answer(refused(429, "TooManyRequestsError", &international));
    let error = block_on(notify.send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::UndeliverableHere);
}

#[test]
fn what_an_administrator_can_do_about_a_400_is_said() {
    let cases = [
        (
            "Template has been deleted",
            "template_id: the template was archived",
        ),
        (
            "Service is not allowed to send text messages",
            "the service may not send texts",
        ),
        ("Your message is empty.", "the template makes an empty text"),
    ];
    for (message_of_notify, words) in cases {
        let host = FakeHost::new();
        host.answer(refused(400, "BadRequestError", message_of_notify));
        let error = block_on(sender(&host).send(&message())).unwrap_err();
        assert_eq!(error.verdict, Verdict::Misconfigured);
        assert!(error.message.starts_with(words), "{error}");
    }
}
