//! What an administrator may write, and what they are told of a slip.

use serde_json::json;
use textsender_plugin_api::testing::{FakeHost, Reply, block_on, message};

use super::*;

fn fault<'a>(settings: Value, secrets: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let configured = FakeHost::new().configure::<Twilio>(settings, secrets);
    match configured {
        Ok(_) => "none".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn good_settings() {
    let cases = [
        json!({}),
        json!({ "from": "07700" }),
        json!({ "from": "Help-Desk 1" }),
        json!({ "messaging_service_sid": SERVICE }),
        json!({ "from": null, "messaging_service_sid": SERVICE }),
        json!({ "region": "ie1", "edge": "dublin" }),
        json!({ "base_url": "http://127.0.0.1:8080/" }),
        json!({ "status_callback": "http://reset.example.org:8080/sms?from=twilio" }),
        json!({ "smart_encoded": true, "risk_check": true }),
        json!({ "content_retention": false, "address_retention": false }),
    ];
    for case in cases {
        let settings = settings_with(case.clone());
        assert_eq!(fault(settings, [("auth_token", TOKEN)]), "none", "{case}");
    }
}

#[test]
fn faults_name_their_key() {
    let long = format!("https://example.org/{}", "x".repeat(4000));
    let cases = [
        (
            json!({ "account_sid": "AC123" }),
            "account_sid: expected AC and 32",
        ),
        (
            json!({ "account_sid": SERVICE }),
            "account_sid: expected AC and 32",
        ),
        (json!({ "account_sid": 1 }), "account_sid: invalid type"),
        (
            json!({ "messaging_service_sid": "" }),
            "messaging_service_sid: expected MG",
        ),
        (
            json!({ "from": null }),
            "from: give it or messaging_service_sid",
        ),
        (json!({ "from": "" }), "from: expected +"),
        (json!({ "from": "07700900100" }), "from: expected +"),
        (json!({ "from": "+44" }), "from: expected +"),
        (json!({ "from": "Reset Service" }), "from: expected +"),
        (
            json!({ "from": "whatsapp:+447700900100" }),
            "from: expected +",
        ),
        (json!({ "from": "Zurücksetz" }), "from: expected +"),
        (json!({ "region": "ie1" }), "edge: give it with region"),
        (json!({ "edge": "dublin" }), "region: give it with edge"),
        (
            json!({ "region": "ie1", "edge": "x/y.evil" }),
            "edge: expected a name",
        ),
        (
            json!({ "region": "", "edge": "dublin" }),
            "region: expected a name",
        ),
        (
            json!({ "region": "ie1", "edge": "dublin", "base_url": "https://x.example" }),
            "base_url: remove it, or remove region and edge",
        ),
        (
            json!({ "base_url": "http://api.twilio.com" }),
            "base_url: only https://",
        ),
        (
            json!({ "base_url": "https://me:pass@x.example" }),
            "base_url: the address may hold no",
        ),
        (
            json!({ "status_callback": "reset.example.org" }),
            "status_callback: expected",
        ),
        (
            json!({ "status_callback": "https://a_b.example" }),
            "status_callback: expected",
        ),
        (
            json!({ "status_callback": "https://ä.example" }),
            "status_callback: expected",
        ),
        (
            json!({ "status_callback": long }),
            "status_callback: expected",
        ),
        (
            json!({ "risk_check": "enable" }),
            "risk_check: invalid type",
        ),
        (json!({ "form": "+15005550006" }), "form: unknown field"),
        (
            json!({ "auth_token": "in the clear" }),
            "auth_token: this is a secret",
        ),
    ];
    for (slip, expected) in cases {
        let stored = match slip.get("auth_token") {
            Some(_) => vec![],
            None => vec![("auth_token", TOKEN)],
        };
        let fault = fault(settings_with(slip.clone()), stored);
        assert!(fault.starts_with(expected), "{slip}: {fault}");
        assert!(!fault.contains("in the clear") && !fault.contains("pass@"));
    }
}

#[test]
fn one_kind_of_credentials_is_used() {
    let key = json!({ "api_key_sid": KEY });
    let none = json!({});
    let cases = [
        (&none, vec![], "auth_token: store it"),
        (&none, vec!["api_key_secret"], "api_key_sid: give it"),
        (&key, vec![], "api_key_secret: store it"),
        (&key, vec!["api_key_secret"], "none"),
        (
            &key,
            vec!["auth_token", "api_key_secret"],
            "auth_token: remove it",
        ),
        (&key, vec!["auth_token"], "auth_token: remove it"),
    ];
    for (given, stored, expected) in cases {
        let secrets = stored.iter().map(|key| (*key, TOKEN));
        let fault = fault(settings_with(given.clone()), secrets);
        assert!(fault.starts_with(expected), "{given} {stored:?}: {fault}");
    }
    let bad = settings_with(json!({ "api_key_sid": ACCOUNT }));
    let fault = fault(bad, [("api_key_secret", TOKEN)]);
    assert!(fault.starts_with("api_key_sid: expected SK"));
}

#[test]
fn an_account_without_settings_is_incomplete() {
    assert_eq!(fault(json!({}), []), "incomplete; it needs: account_sid");
}

#[test]
fn region_edge_and_base_url_lead_elsewhere() {
    let cases = [
        (json!({}), "https://api.twilio.com/"),
        (
            json!({ "region": "ie1", "edge": "dublin" }),
            "https://api.dublin.ie1.twilio.com/",
        ),
        (
            json!({ "region": "au1", "edge": "sydney" }),
            "https://api.sydney.au1.twilio.com/",
        ),
        (
            json!({ "base_url": "http://127.0.0.1:8080/" }),
            "http://127.0.0.1:8080/",
        ),
    ];
    for (settings, expected) in cases {
        let host = FakeHost::new();
        let settings = settings_with(settings);
        let twilio: Twilio = host.configure(settings, [("auth_token", TOKEN)]).unwrap();
        host.answer(Reply::json(201, json!({ "sid": TEXT })));
        block_on(twilio.send(&message())).unwrap();
        let url = &host.requests()[0].url;
        assert_eq!(
            url,
            &format!("{expected}2010-04-01/Accounts/{ACCOUNT}/Messages.json")
        );
    }
}

#[test]
fn every_setting_has_help_and_secrets_are_marked() {
    let schema = Value::from(schemars::schema_for!(crate::settings::Settings));
    let properties = schema["properties"].as_object().unwrap();
    for (key, property) in properties {
        assert!(property["description"].is_string(), "{key}");
        let is_secret = ["auth_token", "api_key_secret"].contains(&key.as_str());
        assert_eq!(property["writeOnly"] == true, is_secret, "{key}");
        let is_host = key == "base_url";
        assert_eq!(property["x-textsender-host"] == true, is_host, "{key}");
    }
}
