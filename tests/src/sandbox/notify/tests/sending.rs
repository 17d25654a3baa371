//! What Notify accepts and refuses.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn an_accepted_text_is_answered_as_notify_does_and_reaches_the_phone() {
    let sandbox = Sandbox::start();
    let reply = post(
        &sandbox,
        &with(json!({ "reference": "r1", "sms_sender_id": SENDER_ID })),
    );
    assert_eq!(
        (
            reply.status,
            reply.header("server"),
            reply.header("content-type")
        ),
        (201, Some("gunicorn"), Some("application/json"))
    );
    let body = reply.json();
    let id = body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        body,
        json!({
            "content": { "body": "Your verification code is 123456.", "from_number": "RESETS" },
            "id": id,
            "reference": "r1",
            "scheduled_for": null,
            "template": {
                "id": CODE_TEMPLATE_ID,
                "uri": format!("http://127.0.0.1/services/{SERVICE_ID}/templates/{CODE_TEMPLATE_ID}"),
                "version": 1,
            },
            "uri": format!("http://127.0.0.1/v2/notifications/{id}"),
        })
    );
    let texts = sandbox.texts();
    assert_eq!(texts.len(), 1);
    assert_eq!(
        (texts[0].provider, &*texts[0].to, &*texts[0].from),
        (Provider::Notify, "+447700900123", "RESETS")
    );
    assert_eq!(
        (&*texts[0].body, &texts[0].id),
        ("Your verification code is 123456.", &id)
    );
}

#[test]
fn bodies_are_checked_as_the_schema_does() {
    let sandbox = Sandbox::start();
    let long = "x".repeat(1001);
    let unknown = "cc8d2058-0d46-40c4-bc4a-ae968efb85ea";
    let email = "7e3b1a7e-0000-4000-8000-000000000009";
    sandbox.notify().change(|service| {
        service.templates.push(Template {
            id: email.into(),
            name: "E-mail".into(),
            body: "((code))".into(),
            sms: false,
            archived: false,
        });
    });
    let phone = "phone_number is a required property";
    let template = "template_id is a required property";
    let cases = [
        (
            json!({}).to_string(),
            "ValidationError",
            &[phone, template][..],
        ),
        ("[]".into(), "ValidationError", &[phone, template]),
        (
            "\"x\"".into(),
            "ValidationError",
            &["x is not of type object"],
        ),
        (
            "{not json".into(),
            "BadRequestError",
            &["Invalid JSON supplied in POST data"],
        ),
        (
            String::new(),
            "BadRequestError",
            &["Invalid JSON supplied in POST data"],
        ),
        (
            without(&["phone_number"]).to_string(),
            "ValidationError",
            &[phone],
        ),
        (
            without(&["template_id"]).to_string(),
            "ValidationError",
            &[template],
        ),
        (
            without(&["personalisation"]).to_string(),
            "BadRequestError",
            &["Missing personalisation: code"],
        ),
        (
            with(json!({ "personalisation": {} })).to_string(),
            "BadRequestError",
            &["Missing personalisation: code"],
        ),
        (
            with(json!({ "personalisation": null })).to_string(),
            "ValidationError",
            &["personalisation None is not of type object"],
        ),
        (
            with(json!({ "foo": 1 })).to_string(),
            "ValidationError",
            &["Additional properties are not allowed (foo was unexpected)"],
        ),
        (
            with(json!({ "template_id": "x" })).to_string(),
            "ValidationError",
            &["template_id is not a valid UUID"],
        ),
        (
            with(json!({ "template_id": unknown })).to_string(),
            "BadRequestError",
            &["Template not found"],
        ),
        (
            with(json!({ "template_id": email })).to_string(),
            "BadRequestError",
            &["Template not found"],
        ),
        (
            with(json!({ "sms_sender_id": "VERIFYAPP" })).to_string(),
            "ValidationError",
            &["sms_sender_id is not a valid UUID"],
        ),
        (
            with(json!({ "sms_sender_id": null })).to_string(),
            "ValidationError",
            &["sms_sender_id is not a valid UUID"],
        ),
        (
            with(json!({ "sms_sender_id": "" })).to_string(),
            "ValidationError",
            &["sms_sender_id is not a valid UUID"],
        ),
        (
            with(json!({ "sms_sender_id": unknown })).to_string(),
            "BadRequestError",
            &[
                "sms_sender_id cc8d2058-0d46-40c4-bc4a-ae968efb85ea does not exist in database for service id 5e41ce00-0000-4000-8000-000000000001",
            ],
        ),
        (
            with(json!({ "reference": null })).to_string(),
            "ValidationError",
            &["reference None is not of type string"],
        ),
        (
            with(json!({ "reference": long })).to_string(),
            "ValidationError",
            &[&*format!("reference {long} is too long")],
        ),
        (
            with(json!({ "phone_number": 447700900123_i64 })).to_string(),
            "ValidationError",
            &["phone_number 447700900123 is not of type string"],
        ),
    ];
    for (body, name, messages) in cases {
        let reply = send(&sandbox, "POST", SMS, Some(&bearer(API_KEY)), &body);
        let expected = messages
            .iter()
            .map(|message| (name.to_owned(), (*message).to_owned()))
            .collect();
        assert_eq!(errors(&reply), (400, expected), "{body:.120}");
    }
    assert_eq!(sandbox.text_count(), 0);
    assert_eq!(
        post(&sandbox, &with(json!({ "reference": "x".repeat(1000) }))).status,
        201
    );
}

#[test]
fn numbers_are_read_as_notify_reads_them() {
    let sandbox = Sandbox::start();
    let accepted = [
        ("07700900123", "+447700900123"),
        ("7700900123", "+447700900123"),
        ("447700900123", "+447700900123"),
        ("+44 7700 900 123", "+447700900123"),
        ("00447700900123", "+447700900123"),
        ("+44(0)7700900123", "+447700900123"),
        ("+4407700900123", "+447700900123"),
        ("+44\u{a0}7700\u{a0}900123", "+447700900123"),
        ("077009001", "+4477009001"),
        ("07624900123", "+447624900123"),
        ("+15005550006", "+15005550006"),
        ("+33612345678", "+33612345678"),
    ];
    for (number, to) in accepted {
        assert_eq!(
            post(&sandbox, &with(json!({ "phone_number": number }))).status,
            201,
            "{number}"
        );
        assert_eq!(sandbox.texts().last().unwrap().to, to);
    }
    let invalid = [
        ("(+44) 07700-900.123", "Must not contain letters or symbols"),
        ("tel:+447700900123", "Must not contain letters or symbols"),
        ("+447700900123;ext=1", "Must not contain letters or symbols"),
        (
            "\u{202a}+447700900123\u{202c}",
            "Must not contain letters or symbols",
        ),
        ("0770090012a", "Must not contain letters or symbols"),
        ("", "Not enough digits"),
        ("999", "Not enough digits"),
        ("0770090012345", "Too many digits"),
        ("+999123456789", "Too many digits"),
        (
            "0800123123",
            "Number is not valid – double check the phone number you entered",
        ),
    ];
    for (number, message) in invalid {
        let reply = post(&sandbox, &with(json!({ "phone_number": number })));
        assert_eq!(
            errors(&reply),
            one(400, "ValidationError", &format!("phone_number {message}")),
            "{number}"
        );
    }
    for landline in ["02079460000", "+442079460000"] {
        let reply = post(&sandbox, &with(json!({ "phone_number": landline })));
        assert_eq!(
            errors(&reply),
            one(400, "InvalidPhoneError", "Not a UK mobile number"),
            "{landline}"
        );
    }
    assert_eq!(sandbox.text_count(), accepted.len());
}

#[test]
fn texts_are_filled_in_and_fitted() {
    let sandbox = Sandbox::start();
    let template = |body: &str| {
        sandbox
            .notify()
            .change(|service| body.clone_into(&mut service.templates[0].body));
    };
    let filled = |values: Value| {
        post(&sandbox, &with(json!({ "personalisation": values }))).json()["content"]["body"]
            .clone()
    };
    assert_eq!(
        filled(json!({ "code": "1", "x": "y" })),
        "Your verification code is 1."
    );
    assert_eq!(
        filled(json!({ "code": 123456 })),
        "Your verification code is 123456."
    );
    assert_eq!(
        filled(json!({ "code": ["1", "2"] })),
        "Your verification code is 1 and 2."
    );
    assert_eq!(
        filled(json!({ "code": [1, 2, 3] })),
        "Your verification code is 1, 2 and 3."
    );
    assert_eq!(
        filled(json!({ "Co-de": "1" })),
        "Your verification code is 1."
    );
    assert_eq!(
        filled(json!({ "code": "ŵ你好😀" })),
        "Your verification code is ŵ你好😀."
    );
    assert_eq!(
        filled(json!({ "code": "ŵŷ" })),
        "Your verification code is ŵŷ."
    );
    assert_eq!(
        filled(json!({ "code": "((code))" })),
        "Your verification code is ((code))."
    );

    let of_length =
        |length: usize| with(json!({ "personalisation": { "code": "9".repeat(length - 27) } }));
    assert_eq!(post(&sandbox, &of_length(918)).status, 201);
    let message = "Your message is too long. Text messages cannot be longer than 918 characters. Your message is 919 characters long.";
    assert_eq!(
        errors(&post(&sandbox, &of_length(919))),
        one(400, "BadRequestError", message)
    );

    template("((a)) ((late??Hurry. ))((b)) ((a)) ((");
    let missing = errors(&post(
        &sandbox,
        &with(json!({ "personalisation": { "late": "no" } })),
    ));
    assert_eq!(
        missing,
        one(400, "BadRequestError", "Missing personalisation: a, b")
    );
    assert_eq!(
        filled(json!({ "a": "x", "b": "y", "late": "yes" })),
        "x Hurry. y x (("
    );
    assert_eq!(
        filled(json!({ "a": "x", "b": "y", "late": "no" })),
        "x y x (("
    );
}

#[test]
fn look_alikes_and_white_space_arrive_as_others() {
    let sandbox = Sandbox::start();
    let cases = [
        ("it’s “so” – well…", "it's \"so\" - well..."),
        ("correct  horse", "correct horse"),
        ("Pa .ss ,w", "Pa.ss,w"),
        ("12\u{a0}34\u{200b}5", "12 345"),
        (" a \n b\n\n\n\nc ", "a\nb\n\nc"),
        ("a\u{a0}.b", "a .b"),
        ("„so‚ 1\u{2011}2\u{2212}3", "\"so' 1-2-3"),
        ("Łukasz, hasło", "Lukasz, haslo"),
        ("Код naïve", "Код naïve"),
    ];
    for (message, shown) in cases {
        let form = with(json!({
            "template_id": MESSAGE_TEMPLATE_ID,
            "personalisation": { "message": message },
        }));
        let answer = post(&sandbox, &form).json();
        assert_eq!(answer["content"]["body"], shown, "{message}");
    }
}

#[test]
fn an_archived_template_is_served_and_sends_nothing() {
    let sandbox = Sandbox::start();
    sandbox
        .notify()
        .change(|service| service.templates[0].archived = true);
    let deleted = one(400, "BadRequestError", "Template has been deleted");
    assert_eq!(errors(&post(&sandbox, &with(json!({})))), deleted);
    sandbox.notify().change(|service| {
        service.templates[0].archived = false;
        service.texts = false;
    });
    let words = "Service is not allowed to send text messages";
    let not_allowed = one(400, "BadRequestError", words);
    assert_eq!(errors(&post(&sandbox, &with(json!({})))), not_allowed);
}

#[test]
fn faults_do_not_use_up_limits_and_find_the_recipient() {
    let sandbox = Sandbox::start();
    sandbox.notify().change(|service| service.daily_limit = 1);
    sandbox
        .notify()
        .fault(When::next().to("+447700900123"), Fault::status(500));
    assert_eq!(
        errors(&post(&sandbox, &with(json!({})))),
        one(500, "Exception", "Internal server error")
    );
    assert_eq!(sandbox.text_count(), 0);
    assert_eq!(post(&sandbox, &with(json!({}))).status, 201);
    assert_eq!(post(&sandbox, &with(json!({}))).status, 429);
}
