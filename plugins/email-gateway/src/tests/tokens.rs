//! Access tokens: how they are asked for, kept and replaced.

use std::time::Duration;

use serde_json::json;
use textsender_plugin_api::{
    Secret, Sender, SmtpCommand, Verdict,
    testing::{FakeHost, Reply, block_on, message},
};

use super::settings;
use crate::EmailGateway;

/// An account at Microsoft 365, or with a refresh token at Google.
fn gateway(host: &FakeHost, refresh: bool) -> EmailGateway {
    let mut oauth = json!({
        "user": "reset@example.org",
        "token_url": "https://login.example.org/token",
        "client_id": "c1",
    });
    let mut secrets = vec![("client_secret", "5h4d0w")];
    match refresh {
        true => secrets.push(("refresh_token", "1//r3fr35h")),
        false => oauth["scope"] = json!("https://outlook.office365.com/.default"),
    }
    host.configure(settings(oauth), secrets).unwrap()
}

fn token(host: &FakeHost, token: &str) {
    let body = json!({ "access_token": token, "expires_in": 3600, "token_type": "Bearer" });
    host.answer(Reply::json(200, body));
}

fn accepted(host: &FakeHost) {
    host.answer(Reply::smtp(SmtpCommand::Dot, 250, "2.0.0 Ok"));
}

#[test]
fn each_grant_says_what_the_provider_wants() {
    let cases = [
        (
            false,
            "client_id=c1&grant_type=client_credentials&client_secret=5h4d0w\
             &scope=https%3A%2F%2Foutlook.office365.com%2F.default",
        ),
        (
            true,
            "client_id=c1&grant_type=refresh_token&refresh_token=1%2F%2Fr3fr35h&client_secret=5h4d0w",
        ),
    ];
    for (refresh, form) in cases {
        let host = FakeHost::new();
        token(&host, "t0k3n");
        accepted(&host);
        block_on(gateway(&host, refresh).send(&message())).unwrap();
        let asked = &host.requests()[0];
        assert_eq!(asked.url, "https://login.example.org/token");
        assert_eq!(String::from_utf8_lossy(&asked.body), form);
        assert!(!asked.delivers);
        let mail = &host.mails()[0];
        assert_eq!(mail.access_token, Some(Secret::new("t0k3n")));
        assert_eq!(
            (mail.user.as_deref(), &mail.password),
            (Some("reset@example.org"), &None)
        );
        for secret in ["t0k3n", "5h4d0w", "1//r3fr35h"] {
            host.assert_not_logged(secret);
        }
    }
}

#[test]
fn a_token_is_kept_until_a_minute_before_its_end() {
    let host = FakeHost::new();
    let gateway = gateway(&host, false);
    token(&host, "first");
    for _ in 0..3 {
        accepted(&host);
        block_on(gateway.send(&message())).unwrap();
    }
    assert_eq!(host.requests().len(), 1);
    host.advance(Duration::from_secs(3540));
    token(&host, "second");
    accepted(&host);
    block_on(gateway.send(&message())).unwrap();
    assert_eq!(host.mails()[3].access_token, Some(Secret::new("second")));
}

/// It may have been revoked: nothing of the mail has left at AUTH.
#[test]
fn a_token_that_the_mail_server_refuses_is_replaced_once() {
    let host = FakeHost::new();
    token(&host, "revoked");
    host.answer(Reply::smtp(SmtpCommand::Auth, 535, "5.7.3 no"));
    token(&host, "fresh");
    accepted(&host);
    block_on(gateway(&host, false).send(&message())).unwrap();
    assert_eq!(host.mails()[1].access_token, Some(Secret::new("fresh")));

    let host = FakeHost::new();
    for _ in 0..2 {
        token(&host, "t0k3n");
        host.answer(Reply::smtp(SmtpCommand::Auth, 535, "5.7.3 no"));
    }
    let error = block_on(gateway(&host, false).send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::Unauthorized);
}

#[test]
fn a_token_server_that_gives_none_is_the_administrators_affair_or_works_later() {
    let cases = [
        (
            400,
            r#"{"error":"invalid_grant"}"#,
            Verdict::Unauthorized,
            "invalid_grant",
        ),
        (
            401,
            r#"{"error":"invalid_client"}"#,
            Verdict::Unauthorized,
            "invalid_client",
        ),
        (
            400,
            r#"{"error":"invalid_scope"}"#,
            Verdict::Misconfigured,
            "invalid_scope",
        ),
        (400, "<html>", Verdict::Unauthorized, "400"),
        (429, "{}", Verdict::Throttled, "429"),
        (503, "", Verdict::Unavailable, "503"),
        (200, "{}", Verdict::Unavailable, "200"),
        (
            400,
            r#"{"error":"Secret 5h4d0w is wrong"}"#,
            Verdict::Unauthorized,
            "400",
        ),
    ];
    for (status, body, verdict, code) in cases {
        let host = FakeHost::new();
        host.answer(Reply::text(status, body));
        let error = block_on(gateway(&host, false).send(&message())).unwrap_err();
        assert_eq!(error.verdict, verdict, "{status} {body}");
        assert_eq!(
            error.provider_code.as_deref(),
            Some(code),
            "{status} {body}"
        );
        assert!(host.mails().is_empty());
    }
}

#[test]
fn a_token_that_does_not_say_when_it_ends_is_used_once() {
    let host = FakeHost::new();
    let gateway = gateway(&host, false);
    for token in ["first", "second"] {
        host.answer(Reply::json(200, json!({ "access_token": token })));
        accepted(&host);
        block_on(gateway.send(&message())).unwrap();
    }
    assert_eq!(host.mails()[1].access_token, Some(Secret::new("second")));
}
