//! The transport against a server on loopback that fails as it is told.

mod connections;
mod faults;
mod server;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use textsender_plugin_api::{
    FailureKind, Mail, Secret, SmtpCommand, SmtpReply, SmtpSecurity, Stage,
};

use self::server::{Config, Fault, Protection, Server};
use super::Smtp;
use crate::{
    budget::Limit,
    net::{Pace, Share},
    transport::{Egress, NamedHost, Progress},
};

fn mail(server: &Server) -> Mail {
    let mut mail = Mail::new("127.0.0.1", server.port);
    mail.security = SmtpSecurity::None;
    mail.from = "reset@example.org".into();
    mail.to = "447700900123@sms.example".into();
    mail.body = "Your code is beK989vc\n.\n".into();
    mail.message_id = "5f0c1d@example.org".into();
    mail
}

fn with_account(mut mail: Mail, password: &str) -> Mail {
    mail.user = Some("user".into());
    mail.password = Some(Secret::new(password));
    mail
}

fn smtp(server: &Server) -> Smtp {
    Smtp::new(
        Some(server.ca_file().to_owned()),
        Duration::from_secs(10),
        Share::default(),
    )
}

fn egress() -> Arc<Egress> {
    let any = || (1..=u16::MAX).collect();
    let named = ["127.0.0.1", "mail.example.org"].map(|host| NamedHost {
        host: host.to_owned(),
        ports: any(),
    });
    Arc::new(Egress::new([], named))
}

async fn carry(smtp: &Smtp, mail: Mail) -> (Result<SmtpReply, FailureKind>, Stage) {
    let progress = Progress::default();
    let result = smtp.carry(mail, &egress(), &progress).await;
    (result.map_err(|fault| fault.kind), progress.stage())
}

/// One mail to a server of its own.
async fn once(config: Config) -> (Result<SmtpReply, FailureKind>, Stage) {
    let server = Server::start(config).await;
    carry(&smtp(&server), mail(&server)).await
}

#[tokio::test]
async fn mail_arrives_whatever_the_protection() {
    let cases = [
        (Protection::None, SmtpSecurity::None),
        (Protection::StartTls, SmtpSecurity::StartTls),
        (Protection::Tls, SmtpSecurity::Tls),
    ];
    for (protection, security) in cases {
        for auth in ["PLAIN LOGIN", "LOGIN"] {
            let config = Config {
                protection,
                auth,
                ..Config::default()
            };
            let server = Server::start(config).await;
            let mut mail = with_account(mail(&server), "pass");
            mail.security = security;
            let (result, _) = carry(&smtp(&server), mail).await;
            let answer = result.unwrap();
            assert!(answer.is_accepted(), "{protection:?} {auth}");
            assert_eq!(answer.text, "2.0.0 queued as 4F2");
            server.seen(|seen| {
                assert!(seen.commands.contains(&"EHLO [127.0.0.1]".to_owned()));
                assert!(
                    seen.commands
                        .contains(&"MAIL FROM:<reset@example.org>".to_owned())
                );
                assert!(
                    seen.commands
                        .contains(&"RCPT TO:<447700900123@sms.example>".to_owned())
                );
                assert!(seen.mails[0].contains("Message-ID: <5f0c1d@example.org>"));
                assert!(seen.mails[0].ends_with("\n\nYour code is beK989vc\n.\n"));
            });
        }
    }
}

#[tokio::test]
async fn accounts() {
    let offering = |auth| Config {
        auth,
        ..Config::default()
    };
    for auth in ["PLAIN", "LOGIN"] {
        let server = Server::start(offering(auth)).await;
        let (result, _) = carry(&smtp(&server), with_account(mail(&server), "wrong")).await;
        let answer = result.unwrap();
        assert_eq!((answer.command, answer.code), (SmtpCommand::Auth, 535));
    }

    let server = Server::start(offering("")).await;
    let (result, _) = carry(&smtp(&server), with_account(mail(&server), "pass")).await;
    let answer = result.unwrap();
    assert_eq!((answer.command, answer.code), (SmtpCommand::Auth, 504));
    server.seen(|seen| assert!(!seen.commands.iter().any(|line| line.starts_with("AUTH"))));
}

#[tokio::test]
async fn an_access_token_takes_a_passwords_place() {
    let with_token = |server: &Server, token| {
        let mut mail = with_account(mail(server), "unused");
        mail.password = None;
        mail.access_token = Some(Secret::new(token));
        mail
    };
    let server = Server::start(Config {
        auth: "PLAIN XOAUTH2",
        ..Config::default()
    })
    .await;
    let (result, _) = carry(&smtp(&server), with_token(&server, "t0k3n")).await;
    assert!(result.unwrap().is_accepted());
    let (result, stage) = carry(&smtp(&server), with_token(&server, "stale")).await;
    let answer = result.unwrap();
    assert_eq!((answer.command, answer.code), (SmtpCommand::Auth, 535));
    assert_eq!(stage, Stage::NotSent);

    // And is given to no server that does not ask for one.
    let server = Server::start(Config {
        auth: "PLAIN",
        ..Config::default()
    })
    .await;
    let (result, _) = carry(&smtp(&server), with_token(&server, "t0k3n")).await;
    assert_eq!(result.unwrap().code, 504);
    server.seen(|seen| assert!(!seen.commands.iter().any(|line| line.starts_with("AUTH"))));
}

#[tokio::test]
async fn a_name_and_bounds_of_connections_are_settings() {
    let server = Server::start(Config::default()).await;
    let smtp = smtp(&server);
    for _ in 0..4 {
        let mut mail = mail(&server);
        mail.hello = Some("reset.example.org".into());
        mail.mails_per_connection = Some(2);
        mail.connections = Some(1);
        assert!(carry(&smtp, mail).await.0.unwrap().is_accepted());
    }
    server.seen(|seen| {
        assert_eq!((seen.connections, seen.most_open), (2, 1));
        assert!(seen.commands.contains(&"EHLO reset.example.org".to_owned()));
    });
    let mut broken = mail(&server);
    broken.hello = Some("a\r\nRCPT TO:<evil@example.org>".into());
    let (result, _) = carry(&smtp, broken).await;
    // The connection that is kept has introduced itself already.
    drop(result);
    server.seen(|seen| assert!(!seen.commands.iter().any(|line| line.contains("evil"))));
}

#[tokio::test]
async fn where_mail_may_go() {
    let server = Server::start(Config::default()).await;
    let mut elsewhere = mail(&server);
    elsewhere.server = "mail.example.org".into();
    let mut undeclared = mail(&server);
    undeclared.server = "mail.example.com".into();
    let mut nowhere = mail(&server);
    nowhere.port = 1;
    let mut broken = mail(&server);
    broken.subject = "a\r\nb".into();
    let cases = [
        (elsewhere, FailureKind::NotAllowed),
        (undeclared, FailureKind::NotAllowed),
        (nowhere, FailureKind::Connect),
        (broken, FailureKind::Malformed),
    ];
    for (mail, kind) in cases {
        let (result, stage) = carry(&smtp(&server), mail).await;
        assert_eq!((result.err(), stage), (Some(kind), Stage::NotSent));
    }
    server.seen(|seen| assert_eq!(seen.connections, 0));
}

#[tokio::test]
async fn no_field_can_hold_a_command() {
    type Field = fn(&mut Mail, String);
    let fields: [(&str, Field); 7] = [
        ("server", |mail, text| mail.server = text),
        ("from", |mail, text| mail.from = text),
        ("to", |mail, text| mail.to = text),
        ("subject", |mail, text| mail.subject = text),
        ("message_id", |mail, text| mail.message_id = text),
        ("user", |mail, text| mail.user = Some(text)),
        ("password", |mail, text| {
            mail.password = Some(Secret::new(text))
        }),
    ];
    let injections = [
        "\r\nRCPT TO:<evil@example.org>\r\n",
        "\nRCPT TO:<evil@example.org>\n",
        "\rRCPT TO:<evil@example.org>\r",
        ">\r\nRCPT TO:<evil@example.org>\r\n",
        "> NOTIFY=SUCCESS RCPT TO:<evil@example.org",
        "\r\n.\r\nMAIL FROM:<evil@example.org>\r\n",
        "\r\nBcc: evil@example.org",
        "\nBcc: evil@example.org",
        "\u{0}\r\nBcc: evil@example.org",
        ", evil@example.org",
    ];
    for (name, set) in fields {
        for injection in injections {
            for text in [
                injection.to_owned(),
                format!("447700900123@sms.example{injection}"),
                format!("4477{injection}@sms.example"),
            ] {
                let server = Server::start(Config {
                    auth: "PLAIN LOGIN",
                    ..Config::default()
                })
                .await;
                let mut mail = with_account(mail(&server), "pass");
                set(&mut mail, text.clone());
                let _ = carry(&smtp(&server), mail).await;
                server.seen(|seen| {
                    let is_foreign = |line: &str| line.contains("evil@") || line.contains("NOTIFY");
                    let command = seen.commands.iter().find(|line| is_foreign(line));
                    // Only as what a header says, never as a header or a recipient.
                    let head = |mail: &String| mail.split("\n\n").next().unwrap().to_owned();
                    let header = |line: &str| line.starts_with("Bcc") || line.starts_with("RCPT");
                    let head = seen
                        .mails
                        .iter()
                        .map(head)
                        .find(|head| head.lines().any(header));
                    assert_eq!((command, head), (None, None), "{name}: {text:?}");
                });
            }
        }
    }
}
