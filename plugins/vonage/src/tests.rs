//! The plugin on the fake host: no network, no account.

use std::time::Duration;

use serde_json::{Value, json};
use textsender_plugin_api::{
    FailureKind, Message, Receipt, SendError, Sender, Stage,
    Verdict::{self, *},
    testing::{FakeHost, Reply, Request, block_on, message},
};

use crate::Vonage;

const SECRET: &str = "s3cr3t";

fn configure(host: &FakeHost, settings: Value) -> Result<Vonage, String> {
    let configured = host.configure(settings, [("api_secret", SECRET)]);
    configured.map_err(|error| error.to_string())
}

fn settings() -> Value {
    json!({ "api_key": "abcd1234", "from": "Helpdesk" })
}

/// How a message fares that Vonage answers like this, and what Vonage was asked.
fn send(message: &Message, reply: Reply) -> (Result<Receipt, SendError>, Request) {
    let host = FakeHost::new();
    host.answer(reply);
    let vonage = configure(&host, settings()).unwrap();
    let result = block_on(vonage.send(message));
    host.assert_no_secret_leaked(&result);
    (result, host.request())
}

/// Vonage's answer in its own form, one part for each status.
fn answer(statuses: &[&str]) -> Reply {
    let part = |status: &&str| match *status {
        "0" => json!({ "to": "447700900123", "message-id": "0A0000000123ABCD1", "status": "0",
            "remaining-balance": "3.14159265", "message-price": "0.03330000", "network": "12345" }),
        status => json!({ "status": status, "error-text": "447700900123 got beK989vc" }),
    };
    let parts: Vec<Value> = statuses.iter().map(part).collect();
    let count = parts.len().to_string();
    Reply::json(200, json!({ "message-count": count, "messages": parts }))
}

fn verdict(reply: Reply) -> Verdict {
    send(&message(), reply).0.unwrap_err().verdict
}

#[test]
fn a_text_is_handed_over() {
    let (result, request) = send(&message(), answer(&["0"]));
    let receipt = result.unwrap();
    assert_eq!(receipt.provider_id.as_deref(), Some("0A0000000123ABCD1"));
    assert_eq!(receipt.segments, Some(1));

    assert_eq!(request.url, "https://rest.nexmo.com/sms/json");
    let form = request.form();
    let fields: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("api_key", "abcd1234"),
            ("api_secret", SECRET),
            ("client-ref", "5f0c1d"),
            ("from", "Helpdesk"),
            ("text", "Please enter this verification code: beK989vc"),
            ("to", "447700900123"),
            ("ttl", "600000"),
        ]
    );
}

#[test]
fn what_a_message_changes() {
    let field = |change: fn(&mut Message), field: &str| {
        let mut message = message();
        change(&mut message);
        send(&message, answer(&["0"])).1.form().get(field).cloned()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        field(|m| m.text = "Côd: beK989vc ŵ".into(), "type"),
        text("unicode")
    );
    assert_eq!(
        field(|m| m.text = "Código: beK989vc €".into(), "type"),
        text("unicode")
    );
    assert_eq!(field(|m| m.text = "Code: beK989vc €".into(), "type"), None);
    assert_eq!(
        field(|m| m.expires_in = Some(Duration::from_secs(3)), "ttl"),
        text("20000")
    );
    assert_eq!(field(|m| m.expires_in = None, "ttl"), None);
    assert_eq!(
        field(|m| m.id = "x".repeat(101), "client-ref"),
        Some("x".repeat(100))
    );
}

#[test]
fn a_long_text_is_taken_whole_or_in_doubt() {
    let receipt = send(&message(), answer(&["0", "0", "0"])).0.unwrap();
    assert_eq!(receipt.segments, Some(3));
    assert_eq!(verdict(answer(&["0", "1"])), Unknown);
    assert_eq!(verdict(answer(&["1", "1"])), Throttled);
}

#[test]
fn vonages_table_of_errors() {
    let cases = [
        ("1", Throttled),
        ("2", Misconfigured),
        ("3", Misconfigured),
        ("4", Unauthorized),
        ("5", Unknown),
        ("6", UndeliverableHere),
        ("7", UndeliverableHere),
        ("8", Misconfigured),
        ("9", Misconfigured),
        ("10", Throttled),
        ("11", Misconfigured),
        ("12", Misconfigured),
        ("14", Unauthorized),
        ("15", Misconfigured),
        ("29", Misconfigured),
        ("32", Unauthorized),
        ("33", Rejected),
        ("99", Misconfigured),
    ];
    for (status, expected) in cases {
        let error = send(&message(), answer(&[status])).0.unwrap_err();
        assert_eq!(error.verdict, expected, "{status}");
        assert_eq!(error.provider_code.as_deref(), Some(status));
    }
}

#[test]
fn answers_that_are_not_vonages() {
    let cases = [
        (Reply::html(200), Unknown),
        (Reply::empty(202), Unknown),
        (answer(&[]), Unknown),
        (
            Reply::text(200, r#"{"message-count":"1","messages":[{"sta"#),
            Unknown,
        ),
        (Reply::html(302), Misconfigured),
        (Reply::html(401), Unauthorized),
        (Reply::html(404), Misconfigured),
        (Reply::html(408), Unknown),
        (Reply::html(429), Throttled),
        (Reply::html(503), Unknown),
        (
            Reply::failure(Stage::NotSent, FailureKind::Connect),
            Unavailable,
        ),
        (Reply::failure(Stage::Written, FailureKind::Cut), Unknown),
    ];
    for (reply, expected) in cases {
        let shown = format!("{reply:?}");
        assert_eq!(verdict(reply), expected, "{shown}");
    }
    let slower = Reply::empty(429).with_header("Retry-After", "7");
    let error = send(&message(), slower).0.unwrap_err();
    assert_eq!(error.retry_after, Some(Duration::from_secs(7)));
}

#[test]
fn settings_and_their_faults() {
    let host = FakeHost::new();
    let with = |key: &str, value: &str| {
        let mut settings = settings();
        settings[key] = json!(value);
        configure(&host, settings).err().unwrap_or_default()
    };
    for from in ["447700900100", "Help Desk 1", "12345"] {
        assert_eq!(with("from", from), "");
    }
    for from in [
        "",
        "Reset Service at Work",
        "Zurücksetz",
        "+447700900100",
        "+",
        "4477009001004477",
        "Help-Desk",
    ] {
        assert!(
            with("from", from).starts_with("from: give a number or a name"),
            "{from}"
        );
    }
    let missing = configure(&host, json!({})).err().unwrap();
    assert_eq!(missing, "incomplete; it needs: api_key, from");
}
