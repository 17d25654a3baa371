//! The transport against a server on loopback that fails as it is told.

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
    net::Lookups,
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
        Lookups::default(),
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
async fn a_refusal_names_its_command() {
    use SmtpCommand::*;
    let cases = [
        ("connect", "450 4.3.0 not now", Connect, 450, Stage::NotSent),
        ("ehlo", "554 5.7.1 not you", Connect, 554, Stage::NotSent),
        (
            "mail",
            "451 4.7.1 too many mails",
            Mail,
            451,
            Stage::NotSent,
        ),
        ("rcpt", "550 5.1.1 no such user", Rcpt, 550, Stage::NotSent),
        ("rcpt", "421 4.0.0 closing", Rcpt, 421, Stage::NotSent),
        ("data", "554 5.5.1 no", Data, 554, Stage::NotSent),
        (".", "552 5.3.4 too big", Dot, 552, Stage::Written),
        (".", "451 4.3.0 disk full", Dot, 451, Stage::Written),
    ];
    for (verb, reply, command, code, stage) in cases {
        let (result, reached) = once(Config {
            fault: Some((verb, Fault::Reply(reply))),
            ..Config::default()
        })
        .await;
        let answer = result.unwrap();
        assert_eq!((answer.command, answer.code), (command, code), "{verb}");
        assert_eq!(answer.text, &reply[4..], "{verb}");
        assert!(!answer.is_accepted());
        assert_eq!(reached, stage, "{verb}");
    }
}

#[tokio::test]
async fn only_the_final_dot_leaves_a_doubt() {
    let cases = [
        ("connect", Stage::NotSent),
        ("ehlo", Stage::NotSent),
        ("mail", Stage::NotSent),
        ("rcpt", Stage::NotSent),
        ("data", Stage::NotSent),
        (".", Stage::Written),
    ];
    for (verb, stage) in cases {
        let (result, reached) = once(Config {
            fault: Some((verb, Fault::Close)),
            ..Config::default()
        })
        .await;
        assert_eq!(
            (result.err(), reached),
            (Some(FailureKind::Cut), stage),
            "{verb}"
        );

        let (result, reached) = once(Config {
            fault: Some((verb, Fault::Reply("what?"))),
            ..Config::default()
        })
        .await;
        assert_eq!(
            (result.err(), reached),
            (Some(FailureKind::Unreadable), stage),
            "{verb}"
        );

        let server = Server::start(Config {
            fault: Some((verb, Fault::Silence)),
            ..Config::default()
        })
        .await;
        let (smtp, egress, progress) = (smtp(&server), egress(), Progress::default());
        tokio::select! {
            _ = smtp.carry(mail(&server), &egress, &progress) => panic!("{verb}: an answer"),
            () = server.failed() => assert_eq!(progress.stage(), stage, "{verb}"),
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
async fn no_tls_no_mail() {
    // The offer was taken out on its way.
    let server = Server::start(Config {
        auth: "PLAIN",
        ..Config::default()
    })
    .await;
    let mut stripped = with_account(mail(&server), "pass");
    stripped.security = SmtpSecurity::StartTls;
    let (result, stage) = carry(&smtp(&server), stripped).await;
    assert_eq!(
        (result.err(), stage),
        (Some(FailureKind::Tls), Stage::NotSent)
    );
    server.seen(|seen| assert_eq!(seen.commands, ["EHLO [127.0.0.1]"]));

    // Somebody puts a reply of his own behind the server's.
    let server = Server::start(Config {
        protection: Protection::StartTls,
        fault: Some(("starttls", Fault::Reply("220 go on\r\n250 AUTH PLAIN"))),
        ..Config::default()
    })
    .await;
    let mut injected = mail(&server);
    injected.security = SmtpSecurity::StartTls;
    let (result, _) = carry(&smtp(&server), injected).await;
    assert_eq!(result.err(), Some(FailureKind::Tls));

    // Nobody vouches for the certificate; or the port is for the other kind of TLS.
    let (ours, other) = (
        Server::start(Config::default()).await,
        Server::start(Config {
            protection: Protection::Tls,
            ..Config::default()
        })
        .await,
    );
    for server in [&ours, &other] {
        let mut mail = mail(server);
        mail.security = SmtpSecurity::Tls;
        let (result, _) = carry(&smtp(&ours), mail).await;
        assert_eq!(result.err(), Some(FailureKind::Tls));
    }
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
async fn a_reply_without_an_end_is_given_up_on() {
    let commands = [
        ("connect", Stage::NotSent),
        ("ehlo", Stage::NotSent),
        ("mail", Stage::NotSent),
        ("rcpt", Stage::NotSent),
        ("data", Stage::NotSent),
        (".", Stage::Written),
    ];
    for (command, expected) in commands {
        for part in ["250-more\r\n", "2500000000"] {
            let sent = once(Config {
                fault: Some((command, Fault::Endless(part))),
                ..Config::default()
            });
            let sent = tokio::time::timeout(std::time::Duration::from_secs(20), sent).await;
            let (result, stage) = sent.expect("it was still reading");
            assert!(result.is_err(), "{command}: {result:?}");
            assert_eq!(stage, expected, "{command} {part:?}");
        }
    }
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

#[tokio::test]
async fn a_connection_serves_many_mails_of_one_account() {
    let server = Server::start(Config {
        auth: "PLAIN",
        ..Config::default()
    })
    .await;
    let smtp = smtp(&server);
    for _ in 0..3 {
        let (result, _) = carry(&smtp, with_account(mail(&server), "pass")).await;
        assert!(result.unwrap().is_accepted());
    }
    server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (1, 3)));

    let (result, _) = carry(&smtp, with_account(mail(&server), "rotated")).await;
    assert_eq!(result.unwrap().code, 535);
    server.seen(|seen| assert_eq!(seen.connections, 2));

    smtp.close().await;
    server.seen(|seen| assert_eq!(seen.commands.last().unwrap(), "QUIT"));
}

#[tokio::test]
async fn a_stale_connection_is_replaced_and_nothing_is_sent_twice() {
    // Closed by the server between two mails.
    let server = Server::start(Config {
        mails: 1,
        ..Config::default()
    })
    .await;
    let smtp = smtp(&server);
    for mails in 1..=3 {
        let (result, _) = carry(&smtp, mail(&server)).await;
        assert!(result.unwrap().is_accepted());
        server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (mails, mails)));
    }
}

#[tokio::test]
async fn a_connection_that_was_refused_something_is_not_kept() {
    let server = Server::start(Config {
        fault: Some(("rcpt", Fault::Reply("550 5.1.1 no such user"))),
        faults: 1,
        ..Config::default()
    })
    .await;
    let smtp = smtp(&server);
    let (refused, _) = carry(&smtp, mail(&server)).await;
    assert_eq!(refused.unwrap().code, 550);
    let (result, _) = carry(&smtp, mail(&server)).await;
    assert!(result.unwrap().is_accepted());
    server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (2, 1)));
}

#[tokio::test]
async fn a_connection_carries_ten_mails() {
    let server = Server::start(Config::default()).await;
    let smtp = smtp(&server);
    for _ in 0..25 {
        let (result, _) = carry(&smtp, mail(&server)).await;
        assert!(result.unwrap().is_accepted());
    }
    server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (3, 25)));
}

/// A firewall that forgot a connection drops what is written to it, and answers nothing.
#[tokio::test]
async fn a_kept_connection_that_is_dead_costs_little() {
    let server = Server::start(Config {
        fault: Some(("mail", Fault::Silence)),
        faults: 1,
        fault_from: 2,
        ..Config::default()
    })
    .await;
    let smtp = smtp(&server);
    let (first, _) = carry(&smtp, mail(&server)).await;
    assert!(first.unwrap().is_accepted());
    let began = Instant::now();
    let (second, _) = carry(&smtp, mail(&server)).await;
    assert!(second.unwrap().is_accepted());
    assert!(
        began.elapsed() < super::STILL_THERE * 2,
        "{:?}",
        began.elapsed()
    );
    server.seen(|seen| assert_eq!((seen.connections, seen.mails.len()), (2, 2)));
}

#[tokio::test]
async fn a_reply_counts_by_its_code_and_extensions_in_any_case() {
    for reply in ["250", "250 ", "250 2.0.0 verk\u{e9}nn", "250-\r\n250"] {
        for verb in ["mail", "rcpt", "."] {
            let (result, _) = once(Config {
                fault: Some((verb, Fault::Reply(reply))),
                ..Config::default()
            })
            .await;
            assert!(result.unwrap().is_accepted(), "{verb} {reply:?}");
        }
    }
    let (result, _) = once(Config {
        fault: Some(("rcpt", Fault::Reply("571 not you"))),
        ..Config::default()
    })
    .await;
    assert_eq!(result.unwrap().code, 571);

    let server = Server::start(Config {
        protection: Protection::StartTls,
        auth: "plain login",
        lower_case: true,
        ..Config::default()
    })
    .await;
    let mut mail = with_account(mail(&server), "pass");
    mail.security = SmtpSecurity::StartTls;
    let (result, _) = carry(&smtp(&server), mail).await;
    assert!(result.unwrap().is_accepted());
}

/// The words of a failure: host, port, and the cause.
#[tokio::test]
async fn a_fault_names_host_port_and_cause() {
    let plain = Server::start(Config::default()).await;
    let secure = Server::start(Config {
        protection: Protection::Tls,
        ..Config::default()
    })
    .await;
    let words = async |smtp: &Smtp, server: &Server, security| {
        let mut mail = mail(server);
        mail.security = security;
        let failed = smtp.carry(mail, &egress(), &Progress::default()).await;
        let fault = failed.unwrap_err();
        let words = fault.words.unwrap();
        let peer = format!("127.0.0.1:{}: ", server.port);
        (words.strip_prefix(&peer).unwrap().to_owned(), fault.is_ours)
    };
    let (said, is_ours) = words(&smtp(&plain), &plain, SmtpSecurity::StartTls).await;
    assert!(said.starts_with("it does not offer STARTTLS"), "{said}");
    assert!(is_ours);

    let (said, _) = words(&smtp(&plain), &plain, SmtpSecurity::Tls).await;
    assert!(
        said.starts_with("it does not speak TLS on this port"),
        "{said}"
    );

    // Roots of another authority.
    let (said, is_ours) = words(&smtp(&plain), &secure, SmtpSecurity::Tls).await;
    assert!(
        said.contains("from an authority that is not trusted"),
        "{said}"
    );
    assert!(!is_ours);

    // STARTTLS where TLS begins with the first byte: both wait.
    let hasty = Smtp::new(None, Duration::from_millis(200), Lookups::default());
    let (said, _) = words(&hasty, &secure, SmtpSecurity::StartTls).await;
    assert!(
        said.contains("usually 465, wants security = \"tls\""),
        "{said}"
    );

    let nowhere = std::path::PathBuf::from("/nonexistent/ca.pem");
    let unreadable = Smtp::new(Some(nowhere), Duration::from_secs(10), Lookups::default());
    let (said, is_ours) = words(&unreadable, &secure, SmtpSecurity::Tls).await;
    assert!(said.starts_with("ca_file /nonexistent/ca.pem: "), "{said}");
    assert!(is_ours);
}

/// What could not be trusted may be trusted later: nothing is remembered.
#[tokio::test]
async fn a_ca_file_that_comes_later_is_read() {
    let server = Server::start(Config {
        protection: Protection::Tls,
        ..Config::default()
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let smtp = Smtp::new(
        Some(file.clone()),
        Duration::from_secs(10),
        Lookups::default(),
    );
    let mut mail = mail(&server);
    mail.security = SmtpSecurity::Tls;
    let (failed, _) = carry(&smtp, mail.clone()).await;
    assert_eq!(failed.unwrap_err(), FailureKind::Tls);
    std::fs::copy(server.ca_file(), &file).unwrap();
    let (sent, _) = carry(&smtp, mail).await;
    assert!(sent.unwrap().is_accepted());
}

#[tokio::test]
async fn many_at_a_time_share_few_connections() {
    let server = Server::start(Config::default()).await;
    let smtp = std::sync::Arc::new(smtp(&server));
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (smtp, mail) = (smtp.clone(), mail(&server));
        sending.spawn(async move { carry(&smtp, mail).await.0 });
    }
    for result in sending.join_all().await {
        assert!(result.unwrap().is_accepted());
    }
    server.seen(|seen| {
        assert_eq!(seen.mails.len(), 50);
        assert!(seen.most_open <= super::CONNECTIONS, "{}", seen.most_open);
    });
}
