//! A provider can't tell our requests from those of its own clients: recorded from them, and compared field for
//! field once decoded.
//!
//! | client | version | recorded |
//! |---|---|---|
//! | twilio-python | 9.13.0 | `client.messages.create(to, from_, body)`, and with every option that we offer |
//! | twilio-node | 6.2.0 | the same, which encodes a space as `%20` |
//! | curl | 7.88.1 | Twilio's own example |
//! | notifications-python-client | 13.0.0 | `send_sms_notification` with reference and sender |
//! | notifications-node-client | 8.4.0 | `sendSms`, the same |

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};
use textsender_tests::harness::Test;
use textsender_tests::sandbox::notify::{KeyKind, Service};
use textsender_tests::sandbox::twilio;

/// What each client sent as `Authorization`: account and token, the latter a placeholder.
const AUTHORIZATION: &str = "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTp0b2szbg==";
const TOKEN: &str = "tok3n";

const PATH: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json";

/// The code in the recordings.
const CODE: &str = "123456";

/// A recorded request, and the settings that ask for the same.
struct Recorded {
    client: &'static str,
    body: &'static str,
    accept: Option<&'static str>,
    settings: &'static str,
    expires_in: Option<u64>,
}

const RECORDED: [Recorded; 4] = [
    Recorded {
        client: "twilio-python",
        body: "To=%2B447700900123&From=%2B15005550006&Body=Your+verification+code+is+123456.",
        accept: Some("application/json"),
        settings: "from = \"+15005550006\"",
        expires_in: None,
    },
    Recorded {
        client: "twilio-node",
        body: "To=%2B447700900123&From=%2B15005550006&Body=Your%20verification%20code%20is%20123456.",
        accept: Some("application/json"),
        settings: "from = \"+15005550006\"",
        expires_in: None,
    },
    Recorded {
        client: "curl",
        body: "To=%2B447700900123&From=%2B15005550006&Body=Your+verification+code+is+123456.",
        accept: None,
        settings: "from = \"+15005550006\"",
        expires_in: None,
    },
    // The recording's callback ended in a letter outside ASCII, which Twilio refuses (21609) and our settings too.
    Recorded {
        client: "twilio-python, with all options",
        body: "To=%2B447700900123&StatusCallback=https%3A%2F%2Fexample.org%2Fcb%3Fx%3D1%26y%3Du&ValidityPeriod=300&SmartEncoded=true&RiskCheck=disable&MessagingServiceSid=MG00000000000000000000000000000001&Body=Your+verification+code+is+123456.",
        accept: Some("application/json"),
        settings: r#"
            messaging_service_sid = "MG00000000000000000000000000000001"
            status_callback = "https://example.org/cb?x=1&y=u"
            smart_encoded = true
            risk_check = false
            "#,
        expires_in: Some(301),
    },
];

#[test]
fn twilio_sees_what_its_own_clients_send() {
    for recorded in RECORDED {
        let client = recorded.client;
        let test = Test::new()
            .policy("name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\ntext = \"Your verification code is %code%.\"")
            .change(|site| {
                site.unset("senders.twilio.settings.from").unwrap();
                site.secret("twilio.auth_token", TOKEN).unwrap();
            })
            .config(&format!("[senders.twilio.settings]\n{}", recorded.settings))
            .with(json!({ "expires_in": recorded.expires_in }));
        test.sandbox().twilio().set_auth_token(TOKEN);
        let code = test.code().to_owned();
        let run = test.run();
        let request = run.outcome("accepted").the_request();

        assert_eq!(
            (request.method(), request.target()),
            ("POST", PATH),
            "{client}"
        );
        assert_eq!(
            request.header("authorization"),
            Some(AUTHORIZATION),
            "{client}"
        );
        let form = "application/x-www-form-urlencoded";
        assert_eq!(request.header("content-type"), Some(form), "{client}");
        if recorded.accept.is_some() {
            assert_eq!(request.header("accept"), recorded.accept, "{client}");
        }

        let mut expected = decoded(recorded.body);
        let body = expected.get_mut("Body").unwrap();
        *body = body.replace(CODE, &code);
        let mut sent: BTreeMap<_, _> = request.form().into_iter().collect();
        assert_eq!(sent.len(), request.form().len(), "a field twice: {client}");
        // The recorded client was given the period; ours gives what is left of the code's life.
        if let Some(period) = sent.get_mut("ValidityPeriod") {
            assert!(
                (290..=300).contains(&period.parse().unwrap()),
                "{client}: {period}"
            );
            "300".clone_into(period);
        }
        assert_eq!(sent, expected, "{client}");
    }
}

#[test]
fn an_api_key_stands_in_the_place_of_the_token() {
    let run = Test::new()
        .change(|site| {
            let token = site.state().join("secrets/twilio.auth_token");
            std::fs::remove_file(token).unwrap();
        })
        .config(&format!(
            "[senders.twilio.settings]\napi_key_sid = {:?}",
            twilio::API_KEY_SID
        ))
        .secret("twilio.api_key_secret", twilio::API_KEY_SECRET)
        .run();
    run.outcome("accepted").texts(1);
    assert_eq!(run.the_request().target(), PATH);
}

/// The service that the recordings of Notify's clients are of.
const SERVICE: &str = "8dd8c332-f7cf-42f9-8adb-ba578fcfe7fe";
const TEMPLATE: &str = "867c629f-80ad-491a-af31-e146d16737c9";
const NOTIFY_SENDER: &str = "47fcaf96-0ddd-45c8-beae-4b85f45ec13f";

/// Of no service but this test's: theirs was not recorded, and can't be told from the tokens.
const NOTIFY_SECRET: &str = "5ec2e700-0000-4000-8000-0000000000cc";

/// How far a token's time may be from Notify's.
const LEEWAY: Duration = Duration::from_secs(30);

/// What Notify's own clients sent: client, token without its signature, body.
const NOTIFY_RECORDED: [(&str, &str, &str); 2] = [
    (
        "notifications-python-client",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiI4ZGQ4YzMzMi1mN2NmLTQyZjktOGFkYi1iYTU3OGZjZmU3ZmUiLCJpYXQiOjE3OTU0ODcxNDF9",
        r#"{"phone_number": "+447700900123", "template_id": "867c629f-80ad-491a-af31-e146d16737c9", "personalisation": {"code": "123456"}, "reference": "ref-1", "sms_sender_id": "47fcaf96-0ddd-45c8-beae-4b85f45ec13f"}"#,
    ),
    (
        "notifications-node-client",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiI4ZGQ4YzMzMi1mN2NmLTQyZjktOGFkYi1iYTU3OGZjZmU3ZmUiLCJpYXQiOjE3OTU0ODcxODB9",
        r#"{"template_id":"867c629f-80ad-491a-af31-e146d16737c9","phone_number":"+447700900123","personalisation":{"code":"123456"},"reference":"ref-1","sms_sender_id":"47fcaf96-0ddd-45c8-beae-4b85f45ec13f"}"#,
    ),
];

#[test]
fn notify_sees_what_its_own_clients_send() {
    let test = Test::new()
        .all_senders()
        .through("govuk-notify")
        .secret(
            "govuk-notify.api_key",
            &format!("live-{SERVICE}-{NOTIFY_SECRET}"),
        )
        .config(&format!(
            "[senders.govuk-notify.settings]\n\
             template_id = \"{TEMPLATE}\"\n\
             sender_id = \"{NOTIFY_SENDER}\"\n\
             personalisation = {{ code = \"%code%\" }}"
        ))
        .with(json!({ "id": "ref-1" }));
    let service = Service::new(SERVICE)
        .key(NOTIFY_SECRET, KeyKind::Live)
        .template(TEMPLATE, "Verify", "Your verification code is ((code)).")
        .sender(NOTIFY_SENDER, "VERIFYAPP");
    test.sandbox().notify().add_service(service);
    let run = test.run();
    let code = run.test().code();
    run.outcome("accepted")
        .text(&format!("Your verification code is {code}."));

    let request = run.the_request();
    assert_eq!(
        (request.method(), request.target()),
        ("POST", "/v2/notifications/sms")
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    let authorization = request.header("authorization").unwrap();
    let token = authorization.strip_prefix("Bearer ").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (ours, mut claims) = parts(signed);
    for (client, recorded, body) in NOTIFY_RECORDED {
        let (header, their_claims) = parts(recorded);
        assert_eq!(ours, header, "{client}");
        let issued = claims["iat"].as_u64().unwrap();
        let issued = UNIX_EPOCH + Duration::from_secs(issued);
        let since = SystemTime::now().duration_since(issued).unwrap();
        assert!(since < LEEWAY, "{client}: {since:?}");
        // They signed at another time.
        claims["iat"] = their_claims["iat"].clone();
        assert_eq!(claims, their_claims, "{client}");
        claims["iat"] = json!(issued.duration_since(UNIX_EPOCH).unwrap().as_secs());

        let body: Value = serde_json::from_str(&body.replace(CODE, code)).unwrap();
        assert_eq!(request.json(), Some(body), "{client}");
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, NOTIFY_SECRET.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    hmac::verify(&key, signed.as_bytes(), &signature).unwrap();
}

/// A token's header and claims (RFC 7519, 3.1).
fn parts(signed: &str) -> (Value, Value) {
    let (header, claims) = signed.split_once('.').unwrap();
    let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part| serde_json::from_slice(&decoded(part)).unwrap();
    (json(header), json(claims))
}

/// A form's fields, decoded.
fn decoded(form: &str) -> BTreeMap<String, String> {
    let decode = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    form.split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}
