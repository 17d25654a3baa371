//! What goes wrong at a command, and what is left of it.

use std::time::Instant;

use super::*;

#[test]
fn every_command_can_be_refused_dropped_or_delayed() {
    let login = format!(
        "C:AUTH PLAIN {}",
        base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("\0{USER}\0{PASSWORD}")
        )
    );
    let before_dot = format!("{HELLO}\n{MAIL}\n{TEXT}");
    let cases = [
        (Command::Connect, String::new()),
        (Command::Ehlo, "S:220\nC:EHLO client".to_owned()),
        (Command::Auth, format!("{HELLO}\n{login}")),
        (Command::Mail, format!("{HELLO}\nC:MAIL FROM:<a@b>")),
        (
            Command::Rcpt,
            format!("{HELLO}\nC:MAIL FROM:<a@b>\nS:250\nC:RCPT TO:<a@b>"),
        ),
        (
            Command::Data,
            format!("{HELLO}\nC:MAIL FROM:<a@b>\nS:250\nC:RCPT TO:<a@b>\nS:250\nC:DATA"),
        ),
        (Command::Dot, before_dot),
        (Command::Rset, format!("{HELLO}\nC:RSET")),
        (Command::Noop, format!("{HELLO}\nC:NOOP")),
        (Command::Quit, format!("{HELLO}\nC:QUIT")),
    ];
    let delay = Duration::from_millis(20);
    for (at, script) in &cases {
        let sandbox = Sandbox::start();
        let with = |fault: SmtpFault| {
            sandbox.smtp().fault(*at, When::next(), fault);
            connect(&sandbox, Security::None)
        };
        let script = |end: &str| {
            format!(
                "{script}{}S:{end}",
                if script.is_empty() { "" } else { "\n" }
            )
        };
        with(SmtpFault::reply("450 4.2.0 later")).play(&script("450 4.2.0 later"));
        with(SmtpFault::reply("421 4.3.2 closing"))
            .play(&format!("{}\nS:", script("421 4.3.2 closing")));
        with(SmtpFault::drop()).play(&script(""));
        assert_eq!(sandbox.smtp().mails(), [], "{at:?}");
        let start = Instant::now();
        let right = match at {
            Command::Quit | Command::Connect => "22",
            Command::Auth => "235",
            Command::Data => "354",
            _ => "250",
        };
        with(SmtpFault::delay(delay)).play(&script(right));
        assert!(start.elapsed() >= delay, "{at:?}");
        assert_eq!(
            sandbox.smtp().mails().len(),
            usize::from(*at == Command::Dot),
            "{at:?}"
        );
    }
}

#[test]
fn a_refused_command_has_no_effect() {
    let sandbox = Sandbox::start();
    let smtp = sandbox.smtp();
    smtp.fault(
        Command::StartTls,
        When::next(),
        SmtpFault::reply("454 4.7.0 TLS not available"),
    );
    connect(&sandbox, Security::StartTls)
        .play("S:220\nC:EHLO c\nS:250\nC:STARTTLS\nS:454\nC:NOOP\nS:250");
    smtp.fault(Command::Mail, When::next(), SmtpFault::reply("451 no"));
    smtp.fault(
        Command::Rcpt,
        When::always().to("a@b"),
        SmtpFault::reply("551 no"),
    );
    connect(&sandbox, Security::None).play(&format!(
        "{HELLO}\nC:MAIL FROM:<a@b>\nS:451\nC:RCPT TO:<c@d>\nS:503\nC:MAIL FROM:<a@b>\nS:250\nC:RCPT TO:<a@b>\nS:551\nC:DATA\nS:503"
    ));
    smtp.clear_faults();
    connect(&sandbox, Security::None).play(&format!("{HELLO}\n{MAIL}\n{TEXT}\nS:250"));
}

#[test]
fn a_lost_reply_to_the_dot_takes_the_mail_or_not_as_chosen() {
    for (fault, taken) in [
        (SmtpFault::drop(), 0),
        (SmtpFault::drop().taken(), 1),
        (SmtpFault::reset().taken(), 1),
        (SmtpFault::reply("451 4.3.0 no"), 0),
        (SmtpFault::reply("451 4.3.0 no").taken(), 1),
    ] {
        let what = format!("{fault:?}");
        let sandbox = Sandbox::start();
        sandbox.smtp().fault(
            Command::Dot,
            When::next().to("447700900123@sms.example"),
            fault,
        );
        let mut client = connect(&sandbox, Security::None);
        client.play(&format!("{HELLO}\n{MAIL}\n{TEXT}"));
        let reply = client.reply();
        match what.contains("Reset") {
            true => assert_eq!(reply.unwrap_err().kind(), io::ErrorKind::ConnectionReset),
            false => assert!(reply.unwrap().is_empty() != what.contains("Reply")),
        }
        assert_eq!(
            (sandbox.smtp().mails().len(), sandbox.text_count()),
            (taken, taken),
            "{what}"
        );
    }
}

#[test]
fn silence_lasts_until_the_client_leaves() {
    let sandbox = Sandbox::start();
    sandbox
        .smtp()
        .fault(Command::Dot, When::next(), SmtpFault::silence().taken());
    let mut client = connect(&sandbox, Security::None);
    client.play(&format!("{HELLO}\n{MAIL}\n{TEXT}"));
    assert_eq!(sandbox.smtp().wait_for_mails(1, PATIENCE).unwrap().len(), 1);
    let error = sandbox
        .smtp()
        .wait_for_mails(2, Duration::from_millis(5))
        .unwrap_err();
    assert_eq!((error.what, error.got.len()), ("mails", 1));
}

#[test]
fn a_mail_that_is_too_large_is_refused_and_the_dialogue_goes_on() {
    let sandbox = Sandbox::start();
    let line = format!("{}\r\n", "a".repeat(1022));
    let huge = line.repeat(1025);
    connect(&sandbox, Security::None).play(&format!(
        "{HELLO}\n{MAIL}\nC:{huge}.\nS:552 5.3.4\n{MAIL}\n{TEXT}\nS:250"
    ));
    assert_eq!(sandbox.smtp().mails().len(), 1);
}
