//! What Twilio accepts and refuses.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn an_accepted_text_is_answered_as_twilio_does_and_reaches_the_phone() {
    let sandbox = Sandbox::start();
    let reply = post(
        &sandbox,
        "To=%2B447700900123&From=%2B447700900100&Body=Your+code+is+123456.&ValidityPeriod=300",
    );
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let mut body = reply.json();
    let sid = body["sid"].as_str().unwrap().to_owned();
    assert!(
        sid.len() == 34
            && sid.starts_with("SM")
            && sid[2..].bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{sid}"
    );
    let created = body["date_created"].as_str().unwrap();
    assert!(
        created.ends_with(" +0000") && created.len() == 31 && created.as_bytes()[3] == b',',
        "{created}"
    );
    let uri = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}");
    for name in ["sid", "date_created", "date_updated"] {
        body.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(
        body,
        json!({
            "account_sid": ACCOUNT_SID, "api_version": "2010-04-01", "body": "Your code is 123456.", "date_sent": null,
            "direction": "outbound-api", "error_code": null, "error_message": null, "from": "+447700900100",
            "messaging_service_sid": null, "num_media": "0", "num_segments": "1", "price": null, "price_unit": null,
            "status": "queued", "subresource_uris": { "media": format!("{uri}/Media.json") }, "to": "+447700900123",
            "uri": format!("{uri}.json"),
        })
    );

    let texts = sandbox.texts();
    assert_eq!(texts.len(), 1);
    let text = &texts[0];
    assert_eq!(
        (text.provider, text.id.as_str()),
        (Provider::Twilio, sid.as_str())
    );
    assert_eq!(
        (text.to.as_str(), text.from.as_str(), text.body.as_str()),
        ("+447700900123", "+447700900100", "Your code is 123456.")
    );

    let fetched = get(&sandbox, &format!("{uri}.json"));
    assert_eq!(
        (fetched.status, fetched.json()["status"].clone()),
        (200, json!("delivered"))
    );
    assert!(fetched.json()["date_sent"].is_string());
}

#[test]
fn a_messaging_service_chooses_the_number_later() {
    let sandbox = Sandbox::start();
    let body = post(
        &sandbox,
        &format!("To=%2B447700900123&MessagingServiceSid={MESSAGING_SERVICE_SID}&Body=hi"),
    )
    .json();
    let facts =
        ["status", "from", "num_segments", "messaging_service_sid"].map(|name| body[name].clone());
    assert_eq!(
        facts,
        [
            json!("accepted"),
            Value::Null,
            json!("0"),
            json!(MESSAGING_SERVICE_SID)
        ]
    );
    assert_eq!(sandbox.texts()[0].from, FROM_NUMBER);
}

#[test]
fn every_refusal_has_its_status_code_and_shape() {
    let sandbox = Sandbox::start();
    let long = format!(
        "To=%2B447700900123&From=%2B447700900100&Body={}",
        "a".repeat(1601)
    );
    let with = |field: &str| format!("To=%2B447700900123&From=%2B447700900100&Body=hi&{field}");
    let to = |number: &str| format!("To=%2B{number}&From=%2B447700900100&Body=hi");
    let from = |sender: &str| format!("To=%2B447700900123&From={sender}&Body=hi");
    let service = |sid: &str| format!("To=%2B447700900123&MessagingServiceSid={sid}&Body=hi");
    let cases = [
        ("From=%2B447700900100&Body=hi".into(), 400, 21604),
        ("To=%2B447700900123&Body=hi".into(), 400, 21603),
        ("To=%2B447700900123&From=%2B447700900100".into(), 400, 21602),
        (
            "To=%2B447700900123&From=%2B447700900100&Body=".into(),
            400,
            21602,
        ),
        (long, 400, 21617),
        (with("ValidityPeriod=0"), 400, 21624),
        (with("ValidityPeriod=36001"), 400, 21624),
        (with("ValidityPeriod=%2B5"), 400, 21624),
        (with("StatusCallback=cb"), 400, 21609),
        (
            with("StatusCallback=https%3A%2F%2Fa_b.example%2F"),
            400,
            21609,
        ),
        (
            with(&format!(
                "StatusCallback=https%3A%2F%2Fa.example%2F{}",
                "a".repeat(4000)
            )),
            400,
            21609,
        ),
        // A bare + decodes to a space.
        (
            "To=+447700900123&From=%2B447700900100&Body=hi".into(),
            400,
            21211,
        ),
        (
            "To=07700900123&From=%2B447700900100&Body=hi".into(),
            400,
            21211,
        ),
        (to("15005550001"), 400, 21211),
        (to("15005550002"), 400, 21612),
        (to("15005550003"), 400, 21408),
        (to("15005550004"), 400, 21610),
        (to("15005550009"), 400, 21614),
        (to("15005551608"), 400, 21608),
        (to("15005551219"), 400, 21219),
        (to("15005551611"), 400, 21611),
        (to("15005559003"), 401, 20003),
        (to("15005559005"), 403, 20005),
        (to("15005559006"), 403, 20006),
        (to("15005559008"), 403, 20008),
        (to("15005550404"), 404, 20404),
        (to("15005550429"), 429, 20429),
        (to("15005550500"), 500, 20500),
        (to("15005550503"), 503, 20503),
        (to("15005550504"), 504, 20504),
        (to("447700900100"), 400, 21266),
        (from("%2B15005550001"), 400, 21212),
        (from("not%20a%20number!"), 400, 21212),
        (from("%2B15005550007"), 400, 21606),
        (from("%2B15005550008"), 400, 21611),
        (from("%2B15005551659"), 400, 21659),
        (from("%2B15005551660"), 400, 21660),
        (from("%2B15005551661"), 400, 21661),
        (from("%2B15005551662"), 400, 21662),
        (from("%2B447700900999"), 400, 21606),
        (service("MG00000000000000000000000000021701"), 404, 21701),
        (service("MG00000000000000000000000000021703"), 400, 21703),
        (service("MG00000000000000000000000000021704"), 400, 21704),
        (service("MG00000000000000000000000000000009"), 404, 21701),
    ];
    for (form, status, code) in cases {
        let reply = post(&sandbox, &form);
        let body = reply.json();
        assert_eq!(
            (reply.status, body["code"].clone()),
            (status, json!(code)),
            "{form:.90}"
        );
        assert_eq!(body["status"], status);
        assert_eq!(
            body["more_info"],
            format!("https://www.twilio.com/docs/errors/{code}")
        );
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|message| !message.contains('{')),
            "{body}"
        );
    }
    assert_eq!(sandbox.texts(), []);
}

#[test]
fn what_twilio_accepts_is_accepted() {
    let sandbox = Sandbox::start();
    let max = "a".repeat(1600);
    let forms = [
        "To=%2B447700900123&From=%2B15005550006&Body=hi",
        "To=%2B447700900123&From=TEXTSENDER&Body=hi",
        "To=%2B447700900123&From=%2B447700900100&MediaUrl=https%3A%2F%2Fa.example%2Fb",
        "To=%2B447700900123&From=%2B447700900100&ContentSid=HX00000000000000000000000000000001",
        "To=%2B447700900123&From=%2B447700900100&Body=hi&ValidityPeriod=1&SmartEncoded=true&RiskCheck=disable&Unknown=1",
        "To=%2B447700900123&From=%2B447700900100&Body=hi&StatusCallback=https%3A%2F%2Fa.example%2Fcb%3Fx%3D1",
        "To=%2B15005550008&From=%2B447700900100&Body=hi",
        &format!("To=%2B447700900123&From=%2B447700900100&Body={max}&ValidityPeriod=36000"),
    ];
    for form in forms {
        assert_eq!(post(&sandbox, form).status, 201, "{form:.80}");
    }
    assert_eq!(sandbox.text_count(), forms.len());
}

#[test]
fn only_forms_are_read() {
    let sandbox = Sandbox::start();
    let authorization = basic(ACCOUNT_SID, AUTH_TOKEN);
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
    ];
    let bytes = request("POST", MESSAGES, &headers, r#"{"To":"+447700900123"}"#);
    assert_eq!(
        Client::new(sandbox.twilio().address())
            .ask(&bytes)
            .unwrap()
            .status,
        415
    );
}
