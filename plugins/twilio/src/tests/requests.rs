//! What the plugin sends is what Twilio's own client sends.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;
use textsender_plugin_api::{
    Message, Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use super::*;

/// Sends a message and gives back what Twilio got.
fn sent(settings: Value, message: &Message) -> BTreeMap<String, String> {
    let host = FakeHost::new();
    let twilio: Twilio = host.configure(settings, [("auth_token", TOKEN)]).unwrap();
    host.answer(Reply::json(201, json!({ "sid": TEXT })));
    block_on(twilio.send(message)).unwrap();
    host.requests()[0].form()
}

fn fields<const N: usize>(fields: [(&str, &str); N]) -> BTreeMap<String, String> {
    let owned = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    owned.into()
}

/// Recorded from twilio-python 9.13, decoded. It sends no field that is not set.
#[test]
fn the_fields_are_those_of_twilios_client() {
    let mut message = message();
    message.text = "Your verification code is 123456.".into();
    message.expires_in = None;
    assert_eq!(
        sent(settings(), &message),
        fields([
            ("To", "+447700900123"),
            ("From", "+15005550006"),
            ("Body", "Your verification code is 123456."),
        ])
    );

    message.expires_in = Some(Duration::from_secs(300));
    let all = json!({
        "account_sid": ACCOUNT,
        "messaging_service_sid": SERVICE,
        "smart_encoded": true,
        "risk_check": false,
        "status_callback": "https://example.org/cb?x=1&y=%C3%BC",
    });
    assert_eq!(
        sent(all, &message),
        fields([
            ("To", "+447700900123"),
            ("StatusCallback", "https://example.org/cb?x=1&y=%C3%BC"),
            ("ValidityPeriod", "300"),
            ("SmartEncoded", "true"),
            ("RiskCheck", "disable"),
            ("MessagingServiceSid", SERVICE),
            ("Body", "Your verification code is 123456."),
        ])
    );
}

#[test]
fn each_setting_has_its_field() {
    let cases = [
        (json!({ "smart_encoded": false }), "SmartEncoded", "false"),
        (json!({ "risk_check": true }), "RiskCheck", "enable"),
        (
            json!({ "content_retention": true }),
            "ContentRetention",
            "retain",
        ),
        (
            json!({ "content_retention": false }),
            "ContentRetention",
            "discard",
        ),
        (
            json!({ "address_retention": true }),
            "AddressRetention",
            "retain",
        ),
        (
            json!({ "address_retention": false }),
            "AddressRetention",
            "obfuscate",
        ),
        (
            json!({ "messaging_service_sid": SERVICE }),
            "From",
            "+15005550006",
        ),
    ];
    for (setting, field, value) in cases {
        let form = sent(settings_with(setting), &message());
        assert_eq!(form[field], value);
    }
}

#[test]
fn the_text_may_wait_no_longer_than_the_code_lives() {
    let cases = [
        (Duration::from_secs(600), "600"),
        (Duration::from_millis(59_900), "59"),
        (Duration::from_secs(3), "3"),
        (Duration::from_millis(200), "1"),
        (Duration::from_secs(86_400), "36000"),
    ];
    for (left, expected) in cases {
        let mut message = message();
        message.expires_in = Some(left);
        assert_eq!(sent(settings(), &message)["ValidityPeriod"], expected);
    }
}

#[test]
fn every_character_arrives() {
    for text in [
        "Côd: beK989vc ŵŷ",
        "Κωδικός €[]{}",
        "رمز",
        "🔑 + & = % 100",
        "a\nb",
    ] {
        let mut message = message();
        message.text = text.into();
        assert_eq!(sent(settings(), &message)["Body"], text);
    }
}

#[test]
fn a_text_of_1600_characters_is_sent_and_a_longer_one_is_not() {
    let host = FakeHost::new();
    let mut message = message();
    message.text = "ŵ".repeat(1600);
    host.answer(Reply::json(201, json!({ "sid": TEXT })));
    block_on(twilio(&host).send(&message)).unwrap();

    message.text.push('x');
    let error = block_on(twilio(&host).send(&message)).unwrap_err();
    assert_eq!(error.verdict, Verdict::Misconfigured);
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn goes_to_the_account_with_its_credentials() {
    let host = FakeHost::new();
    host.answer_with(|_| Reply::json(201, json!({ "sid": TEXT })));
    block_on(twilio(&host).send(&message())).unwrap();
    block_on(twilio_with_key(&host).send(&message())).unwrap();

    let url = format!("https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    for (request, user) in host.requests().iter().zip([ACCOUNT, KEY]) {
        assert_eq!(request.url, url);
        assert!(request.delivers);
        assert_eq!(request.basic_auth(), Some((user.into(), TOKEN.into())));
        assert_eq!(request.header("Accept"), Some("application/json"));
        let agent = request.header("User-Agent").unwrap();
        assert!(agent.starts_with("textsender-twilio/"));
    }
}
