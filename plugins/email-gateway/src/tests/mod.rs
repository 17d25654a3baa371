//! The plugin on a host that a test plays.

mod gateways;
mod tokens;

use serde_json::{Value, json};
use textsender_plugin_api::{
    FailureKind, Finding, Mail, Message, Purpose, Secret, Sender, SmtpCommand, SmtpSecurity, Stage,
    Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use crate::EmailGateway;

/// The settings that most gateways want, and more.
fn settings(more: Value) -> Value {
    let mut settings = json!({
        "server": "smtp.example.org",
        "from": "reset@example.org",
        "to": "%digits%@sms.example",
    });
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    settings
}

fn gateway(host: &FakeHost, more: Value) -> EmailGateway {
    let secrets = [("password", "pa55"), ("secret", "s3cr3t")];
    let mut settings = settings(more);
    settings["user"] = json!("reset");
    host.configure(settings, secrets).unwrap()
}

/// The mail that is submitted for a message.
fn mail(more: Value, message: &Message) -> Mail {
    let host = FakeHost::new();
    host.answer(Reply::smtp(
        SmtpCommand::Dot,
        250,
        "2.0.0 Ok: queued as 4F2",
    ));
    block_on(gateway(&host, more).send(message)).unwrap();
    host.mails().remove(0)
}

/// The verdict on a message that gets no exchange.
fn refused(more: Value, message: &Message) -> (Verdict, String) {
    let host = FakeHost::new();
    let error = block_on(gateway(&host, more).send(message)).unwrap_err();
    assert!(host.mails().is_empty());
    (error.verdict, error.to_string())
}

#[test]
fn one_mail_for_a_message() {
    let host = FakeHost::new();
    host.answer(Reply::smtp(
        SmtpCommand::Dot,
        250,
        "2.0.0 Ok: queued as 4F2",
    ));
    let receipt = block_on(gateway(&host, json!({})).send(&message())).unwrap();
    assert_eq!(receipt.provider_id.as_deref(), Some("5f0c1d@example.org"));

    let mail = &host.mails()[0];
    assert_eq!((mail.server.as_str(), mail.port), ("smtp.example.org", 587));
    assert_eq!(mail.security, SmtpSecurity::StartTls);
    assert_eq!(mail.user.as_deref(), Some("reset"));
    assert_eq!(mail.password, Some(Secret::new("pa55")));
    assert_eq!(mail.from, "reset@example.org");
    assert_eq!(mail.to, "447700900123@sms.example");
    assert_eq!(mail.subject, "");
    assert_eq!(mail.body, "Please enter this verification code: beK989vc");
    assert_eq!(mail.message_id, "5f0c1d@example.org");
    for secret in ["beK989vc", "pa55", "s3cr3t", "447700900123"] {
        host.assert_not_logged(secret);
    }
}

#[test]
fn ports_follow_the_protection() {
    let cases = [
        (json!({ "security": "tls" }), 465, SmtpSecurity::Tls),
        (
            json!({ "security": "starttls", "port": 2525 }),
            2525,
            SmtpSecurity::StartTls,
        ),
        (
            json!({ "security": "none", "server": "127.0.0.1" }),
            25,
            SmtpSecurity::None,
        ),
    ];
    for (more, port, security) in cases {
        let mail = mail(more, &message());
        assert_eq!((mail.port, mail.security), (port, security));
    }
}

#[test]
fn a_repeat_has_the_same_message_id() {
    let mut named = message();
    let ids = [
        ("5f0c1d", "5f0c1d@example.org"),
        ("a.b<c>@d", "a=2Eb=3Cc=3E=40d@example.org"),
        ("a=2Eb", "a=3D2Eb@example.org"),
    ];
    for (id, message_id) in ids {
        named.id = id.into();
        assert_eq!(mail(json!({}), &named).message_id, message_id);
        assert_eq!(mail(json!({}), &named).message_id, message_id);
    }
}

#[test]
fn nothing_breaks_out_of_a_header() {
    let mut named = message();
    named.name = Some("Ada\r\nBcc: eve@evil.example".into());
    let (verdict, words) = refused(json!({ "subject": "For %name|you%" }), &named);
    assert_eq!(verdict, Verdict::Rejected);
    assert!(
        words.starts_with("subject: it would hold a line break"),
        "{words}"
    );

    for broken in ["a\rb", "a\nb", "a\0b", "a\u{85}b"] {
        let mut text_message = message();
        text_message.text = broken.into();
        assert_eq!(
            refused(json!({ "subject": "%message%" }), &text_message).0,
            Verdict::Rejected
        );
    }
    let mut national = message();
    national.national = "077\r\nRCPT TO:<eve@evil.example>".into();
    let to = json!({ "to": "%national%@sms.example" });
    assert_eq!(refused(to.clone(), &national).0, Verdict::Rejected);
    national.national = "077, eve".into();
    assert_eq!(refused(to, &national).0, Verdict::Misconfigured);
}

#[test]
fn texts_that_the_gateway_can_carry() {
    let cases = [
        ("any", "Код 你好 😀 ŵŷ", Ok(())),
        ("gsm", "5 € [Δ]", Ok(())),
        (
            "gsm",
            "Код",
            Err("the text holds `К` (U+041A), which this sender does not carry"),
        ),
        ("ascii", "Enter 1234!", Ok(())),
        (
            "ascii",
            "5 €",
            Err("the text holds `€` (U+20AC), which this sender does not carry"),
        ),
    ];
    for (alphabet, text, expected) in cases {
        let mut text_message = message();
        text_message.text = text.into();
        let more = json!({ "alphabet": alphabet });
        match expected {
            Ok(()) => assert_eq!(mail(more, &text_message).body, text),
            Err(words) => {
                assert_eq!(
                    refused(more, &text_message),
                    (Verdict::Misconfigured, words.to_owned())
                );
            }
        }
    }
}

#[test]
fn a_name_never_denies_the_code() {
    let mut named = message();
    for (name, text) in [("Łukasz", "Lukasz: beK989vc"), ("李", ": beK989vc")] {
        named.name = Some(name.into());
        named.text = format!("{name}: beK989vc");
        assert_eq!(mail(json!({ "alphabet": "ascii" }), &named).body, text);
    }
}

#[test]
fn lengths_are_those_of_the_text() {
    let cases = [
        ("gsm", "a".repeat(160), true),
        ("gsm", "a".repeat(161), false),
        ("gsm", "€".repeat(80), true),
        ("gsm", "€".repeat(81), false),
        ("any", "€".repeat(160), true),
        ("any", "€".repeat(161), false),
    ];
    for (alphabet, text, fits) in cases {
        let more = json!({ "alphabet": alphabet, "max_length": 160, "body": "%message%##" });
        let mut text_message = message();
        text_message.text = text;
        match fits {
            true => assert_eq!(
                mail(more, &text_message).body,
                format!("{}##", text_message.text)
            ),
            false => assert_eq!(refused(more, &text_message).0, Verdict::Misconfigured),
        }
    }
}

#[test]
fn a_text_that_the_message_does_not_have() {
    let mut reset = message();
    reset.purpose = Purpose::NewPassword;
    reset.code = None;
    reset.password = Some(Secret::new("correct horse"));
    let (verdict, words) = refused(json!({ "body": "Code: %code%" }), &reset);
    assert_eq!(verdict, Verdict::Misconfigured);
    assert!(
        words.starts_with("body: the message has no value for `%code%`"),
        "{words}"
    );
    assert_eq!(
        mail(json!({ "body": "%password%" }), &reset).body,
        "correct horse"
    );
}

#[test]
fn exchanges_without_a_reply() {
    let cases = [
        (Stage::NotSent, FailureKind::Connect, Verdict::Unavailable),
        (Stage::NotSent, FailureKind::Tls, Verdict::Unavailable),
        (Stage::NotSent, FailureKind::Cut, Verdict::Unavailable),
        (
            Stage::NotSent,
            FailureKind::NotAllowed,
            Verdict::Misconfigured,
        ),
        (Stage::Written, FailureKind::Cut, Verdict::Unknown),
        (Stage::Written, FailureKind::Timeout, Verdict::Unknown),
    ];
    for (stage, kind, verdict) in cases {
        let host = FakeHost::new();
        host.answer(Reply::failure(stage, kind));
        let error = block_on(gateway(&host, json!({})).send(&message())).unwrap_err();
        assert_eq!(error.verdict, verdict, "{stage:?} {kind:?}");
    }
}

#[test]
fn a_refusal_has_its_verdict() {
    let host = FakeHost::new();
    host.answer(Reply::smtp(SmtpCommand::Auth, 535, "5.7.8 who are you"));
    let error = block_on(gateway(&host, json!({})).send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::Unauthorized);
    assert_eq!(error.provider_code.as_deref(), Some("535/5.7.8"));
}

#[test]
fn the_name_and_the_bounds_of_connections_reach_the_host() {
    let mail = mail(
        json!({ "hello": "mail.example.org", "mails_per_connection": 3, "connections": 1 }),
        &message(),
    );
    assert_eq!(mail.hello.as_deref(), Some("mail.example.org"));
    assert_eq!(
        (mail.mails_per_connection, mail.connections),
        (Some(3), Some(1))
    );
}

/// In one process: the relay took another recipient, so that a bare refusal is this number's.
#[test]
fn a_bare_refusal_after_a_taken_recipient_is_about_the_number() {
    let host = FakeHost::new();
    let gateway = gateway(&host, json!({}));
    let refuse = || host.answer(Reply::smtp(SmtpCommand::Rcpt, 550, "no"));
    refuse();
    let error = block_on(gateway.send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::Misconfigured);
    host.answer(Reply::smtp(SmtpCommand::Dot, 250, "2.0.0 Ok"));
    block_on(gateway.send(&message())).unwrap();
    refuse();
    let error = block_on(gateway.send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::UndeliverableHere);
}

#[test]
fn a_number_without_a_national_form_is_not_sent_in_one() {
    let mut foreign = message();
    foreign.national = String::new();
    let (verdict, words) = refused(json!({ "to": "%national%@sms.example" }), &foreign);
    assert_eq!(verdict, Verdict::Misconfigured);
    assert!(words.contains("use %digits% or %phone%"), "{words}");
}

#[test]
fn settings_that_cannot_be_right() {
    let cases = [
        (json!({ "server": "::1", "security": "none" }), None),
        (
            json!({ "server": "smtp.example.org:587" }),
            Some("server: give a host name"),
        ),
        (
            json!({ "server": "smtps://smtp.example.org" }),
            Some("server: give a host name"),
        ),
        (
            json!({ "security": "none" }),
            Some("security: none is for a server on this machine"),
        ),
        (
            json!({ "security": "ssl" }),
            Some("security: unknown variant `ssl`"),
        ),
        (
            json!({ "user": "reset" }),
            Some("user: an account has a user and a password"),
        ),
        (
            json!({ "hello": "mail" }),
            Some("hello: give a host name with a dot"),
        ),
        (json!({ "hello": "[192.0.2.1]" }), None),
        (
            json!({ "token_url": "https://login.example.org/token" }),
            Some("user: with token_url, name the account"),
        ),
        (
            json!({ "client_id": "c1" }),
            Some("token_url: client_id has no use"),
        ),
        (
            json!({ "from": "Reset <reset@example.org>" }),
            Some("from: give an address and nothing"),
        ),
        (
            json!({ "to": "sms.example" }),
            Some("to: give the address of a number"),
        ),
        (
            json!({ "to": "%name|x%@sms.example" }),
            Some("to: `%name%` cannot be used here"),
        ),
        (
            json!({ "to": "%number%@sms.example" }),
            Some("to: unknown placeholder `%number%`"),
        ),
        (
            json!({ "subject": "%secret%" }),
            Some("secret: `subject` asks for %secret%"),
        ),
        (
            json!({ "body": "%user%" }),
            Some("body: `%user%` may have no value"),
        ),
        (
            json!({ "secret": "s3cr3t" }),
            Some("secret: this is a secret and may not stand"),
        ),
    ];
    for (more, expected) in cases {
        let made = FakeHost::new().configure::<EmailGateway>(settings(more.clone()), []);
        let error = made.err().map(|error| error.to_string());
        let (Some(expected), Some(error)) = (expected, &error) else {
            assert!(expected.is_none() && error.is_none(), "{more}: {error:?}");
            continue;
        };
        assert!(error.starts_with(expected), "{more}: {error}");
    }
    let made = FakeHost::new().configure::<EmailGateway>(json!({}), []);
    let error = made.err().unwrap().to_string();
    assert!(error.starts_with("incomplete; it needs: "), "{error}");
}

#[test]
fn a_check_shows_what_would_be_sent() {
    let host = FakeHost::new();
    let more = json!({ "to": "%digits%.%secret%@vtext.com", "body": "hello" });
    let findings = block_on(gateway(&host, more).check()).unwrap();
    let expected = [
        Finding::note(
            "a text to +447700900123 goes to 447700900123.SECRET@vtext.com, by smtp.example.org:587",
        ),
        Finding::note("to: Verizon closes this gateway on 31 March 2027"),
        Finding::note("to: it holds the secret, and mail servers write it to their logs"),
        Finding::fault("body: neither text nor code is in the mail: put %message% into it"),
    ];
    assert_eq!(findings, expected);
    assert!(host.mails().is_empty());

    let gone = block_on(gateway(&host, json!({ "to": "%national%@TXT.att.net" })).check()).unwrap();
    assert!(gone[1].is_fault);
}

#[test]
fn a_check_asks_the_server_and_hands_no_mail_over() {
    let host = FakeHost::new();
    host.answer(Reply::smtp(SmtpCommand::Mail, 250, "2.1.0 Ok"));
    let findings = block_on(gateway(&host, json!({})).check()).unwrap();
    let said: Vec<&str> = findings[1..]
        .iter()
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(
        said,
        [
            "the mail server knows reset, and takes mail from reset@example.org",
            "whether the gateway knows the account, and makes a text of a mail, a test message tells",
        ]
    );
    let asked = &host.mails()[0];
    assert_eq!((asked.to.as_str(), asked.body.as_str()), ("", ""));
    assert_eq!(asked.password, Some(Secret::new("pa55")));

    let cases = [
        (
            Reply::smtp(SmtpCommand::Auth, 535, "5.7.8 no"),
            Verdict::Unauthorized,
        ),
        (
            Reply::smtp(SmtpCommand::Mail, 553, "5.1.8 no"),
            Verdict::Misconfigured,
        ),
        (
            Reply::smtp(SmtpCommand::Connect, 421, "4.3.2 no"),
            Verdict::Unavailable,
        ),
        (
            Reply::failure(Stage::NotSent, FailureKind::Connect),
            Verdict::Unavailable,
        ),
    ];
    for (reply, verdict) in cases {
        host.answer(reply);
        let error = block_on(gateway(&host, json!({})).check()).unwrap_err();
        assert_eq!(error.verdict, verdict, "{error}");
    }
}
