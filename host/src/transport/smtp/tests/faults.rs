//! Refusals, doubts and causes: what a failed mail comes to.

use super::*;

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

    // An attacker puts a reply behind the server's.
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

    // No authority signed the certificate; or the port is for the other kind of TLS.
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
        (
            words.strip_prefix(&peer).unwrap().to_owned(),
            fault.ours.is_some(),
        )
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
    let hasty = Smtp::new(None, Duration::from_millis(200), Share::default());
    let (said, _) = words(&hasty, &secure, SmtpSecurity::StartTls).await;
    assert!(
        said.contains("usually 465, needs security = \"tls\""),
        "{said}"
    );

    let nowhere = std::path::PathBuf::from("/nonexistent/ca.pem");
    let unreadable = Smtp::new(Some(nowhere), Duration::from_secs(10), Share::default());
    let (said, is_ours) = words(&unreadable, &secure, SmtpSecurity::Tls).await;
    assert!(said.starts_with("ca_file /nonexistent/ca.pem: "), "{said}");
    assert!(is_ours);
}

#[tokio::test]
async fn without_a_turn_no_connection_is_made() {
    let server = Server::start(Config::default()).await;
    let share = Share {
        pace: Pace::new(1, 0),
        ..Share::default()
    };
    share.pace.turn().await;
    let smtp = Smtp::new(None, Duration::from_millis(100), share);
    let progress = Progress::default();
    let fault = smtp.carry(mail(&server), &egress(), &progress).await;
    let fault = fault.unwrap_err();
    assert_eq!(fault.used_up, Some(Limit::NewConnections));
    assert_eq!(progress.stage(), Stage::NotSent);
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
        Share::default(),
    );
    let mut mail = mail(&server);
    mail.security = SmtpSecurity::Tls;
    let (failed, _) = carry(&smtp, mail.clone()).await;
    assert_eq!(failed.unwrap_err(), FailureKind::Tls);
    std::fs::copy(server.ca_file(), &file).unwrap();
    let (sent, _) = carry(&smtp, mail).await;
    assert!(sent.unwrap().is_accepted());
}
