//! Mail servers: how the gateway's is reached, and what each of its replies comes to.

use serde_json::json;
use textsender_tests::harness::{Run, Test, each};
use textsender_tests::sandbox::smtp::{Command, Security, USER};
use textsender_tests::sandbox::{Refusing, SmtpFault, When, smtp};

/// A case that sends through the gateway, on the port that is secured so.
fn by_mail(security: Security) -> Test {
    let test = Test::new().all_senders().through("email-gateway").tls();
    let port = test.sandbox().smtp().port(security);
    let name = match security {
        Security::None => "none",
        Security::StartTls => "starttls",
        Security::Tls => "tls",
    };
    test.config(&format!(
        "[senders.email-gateway.settings]\nserver = \"localhost\"\nsecurity = \"{name}\"\nport = {port}"
    ))
}

fn with_account(test: Test, password: &str) -> Test {
    test.sandbox().smtp().require_login(true);
    test.config(&format!(
        "[senders.email-gateway.settings]\nuser = \"{USER}\""
    ))
    .secret("email-gateway.password", password)
}

#[test]
fn a_mail_becomes_a_text_whatever_protects_the_connection() {
    let cases = [Security::None, Security::StartTls, Security::Tls];
    each(cases, |security| {
        let run = with_account(by_mail(security), smtp::PASSWORD).run();
        let code = run.test().code().to_owned();
        run.outcome("accepted")
            .text(&format!("Your verification code is {code}"));
        let [mail] = &run.sandbox().smtp().mails()[..] else {
            panic!("not one mail: {run}");
        };
        assert_eq!(mail.security, security);
        assert_eq!(mail.user.as_deref(), Some(USER));
        assert_eq!(mail.from, "resets@example.com");
        assert_eq!(mail.to, ["447700900123@sms.example"]);
        assert_eq!(
            mail.header("Content-Transfer-Encoding").as_deref(),
            Some("7bit")
        );
        let type_ = mail.header("Content-Type").unwrap();
        assert!(type_.starts_with("text/plain"), "{type_}");
    });
}

#[test]
fn a_login_that_fails_is_the_administrators_affair() {
    for security in [Security::StartTls, Security::Tls] {
        let run = with_account(by_mail(security), "not-the-password").run();
        run.outcome("misconfigured")
            .error("unauthorized")
            .attempts(["email-gateway:unauthorized"])
            .texts(0);
    }
    // None is given, and one is wanted.
    let test = by_mail(Security::Tls);
    test.sandbox().smtp().require_login(true);
    test.run().outcome("misconfigured").error("unauthorized");
}

/// What `sender check` says of the gateway, with its exit code.
fn checked(test: Test, exit: i32, words: &str) {
    let test = test.command(["sender", "check", "email-gateway"]);
    let run = test.stdin([]).run();
    run.exit(exit).texts(0);
    let stdout = run.stdout.as_deref().unwrap();
    assert!(stdout.contains(words), "no {words:?}: {run}");
    let commands = run.sandbox().smtp().commands();
    let handed_over = |line: &String| line.starts_with("RCPT") || line.starts_with("DATA");
    assert!(!commands.iter().any(handed_over), "{commands:?}");
}

#[test]
fn a_check_tries_connection_login_and_sender_and_hands_no_mail_over() {
    for security in [Security::None, Security::StartTls, Security::Tls] {
        let good = with_account(by_mail(security), smtp::PASSWORD);
        let words = "the mail server knows resets, and takes mail from resets@example.com";
        checked(good, 0, words);
        let bad = with_account(by_mail(security), "not-the-password");
        checked(bad, 78, "the mail server refuses user or password");
    }
    let refusing = by_mail(Security::None);
    refusing.sandbox().smtp().fault(
        Command::Mail,
        When::always(),
        SmtpFault::reply("553 5.1.8 who is that"),
    );
    checked(
        refusing,
        78,
        "the mail server refuses the address in `from`",
    );

    let busy = by_mail(Security::Tls);
    let later = SmtpFault::reply("421 4.3.2 too many connections");
    busy.sandbox()
        .smtp()
        .fault(Command::Connect, When::always(), later);
    checked(busy, 69, "the mail server can't take the mail now");

    let down = Refusing::new().unwrap();
    let port = down.address().port();
    let unreachable =
        by_mail(Security::None).config(&format!("[senders.email-gateway.settings]\nport = {port}"));
    let words = format!("localhost:{port}: the connection was refused");
    checked(unreachable, 69, &words);
}

#[test]
fn no_trust_no_mail() {
    for security in [Security::StartTls, Security::Tls] {
        let run = by_mail(security)
            .change(|site| site.unset("http.ca_file").unwrap())
            .run();
        run.outcome("unavailable")
            .says("its certificate is from an authority that is not trusted here")
            .texts(0);
        assert!(run.sandbox().smtp().mails().is_empty(), "{run}");
    }
    // Nothing to trust is the administrator's own affair.
    let run = by_mail(Security::Tls)
        .config("[http]\nca_file = \"/nowhere/ca.pem\"")
        .run();
    run.outcome("misconfigured")
        .says("ca_file /nowhere/ca.pem: ")
        .texts(0);
}

/// The response names server, port and cause.
#[test]
fn a_port_and_a_protection_that_do_not_belong_together_are_named() {
    let with = |security: Security, protection: &str| {
        by_mail(security).config(&format!(
            "[senders.email-gateway]\ntimeout = \"2s\"\n[senders.email-gateway.settings]\nsecurity = {protection:?}"
        ))
    };
    let cases = [
        (
            Security::None,
            "starttls",
            "it does not offer STARTTLS",
            "misconfigured",
        ),
        (
            Security::None,
            "tls",
            "it does not speak TLS on this port",
            "unavailable",
        ),
        (
            Security::Tls,
            "starttls",
            "usually 465, needs security = \"tls\"",
            "unavailable",
        ),
    ];
    each(cases, |(security, protection, words, outcome)| {
        let test = with(security, protection);
        let port = test.sandbox().smtp().port(security);
        test.run()
            .outcome(outcome)
            .says(&format!("localhost:{port}: "))
            .says(words)
            .texts(0);
    });
}

/// What happens at a command, and what the caller may rely on.
#[test]
fn every_command_may_fail_and_only_the_server_says_for_good() {
    use Command::*;
    let transient = || SmtpFault::reply("451 4.3.0 try later");
    let permanent = || SmtpFault::reply("550 5.0.0 no");
    let unavailable = ("unavailable", "provider_unavailable");
    let misconfigured = ("misconfigured", "provider_refused");
    let unauthorized = ("misconfigured", "unauthorized");
    let mut cases = Vec::new();
    for at in [Connect, Ehlo, StartTls, Auth, Mail, Rcpt, Data, Dot] {
        cases.push((at, transient(), unavailable));
        let closing = SmtpFault::reply("421 4.3.2 shutting down");
        cases.push((at, closing, unavailable));
        let refused = match at {
            Auth => unauthorized,
            // Nothing says that it is the number's.
            _ => misconfigured,
        };
        cases.push((at, permanent(), refused));
        let lost = match at {
            Dot => ("unknown", "maybe_sent"),
            _ => unavailable,
        };
        cases.push((at, SmtpFault::drop(), lost));
        cases.push((at, SmtpFault::reset(), lost));
    }
    each(cases, |(at, fault, (outcome, code))| {
        let test = with_account(by_mail(Security::StartTls), smtp::PASSWORD);
        test.sandbox()
            .smtp()
            .fault(at, When::always(), fault.clone());
        let run = test.run();
        assert_eq!(
            (&run.response["outcome"], &run.response["error"]["code"]),
            (&outcome.into(), &code.into()),
            "{at:?} {fault:?}: {run}"
        );
        run.texts(0);
    });
}

/// Only a reply that names the mailbox is about the number; what refuses us is the administrator's affair.
#[test]
fn a_relay_that_refuses_us_does_not_blame_the_number() {
    let cases = [
        (
            "550 relay not permitted",
            "misconfigured",
            "provider_refused",
        ),
        (
            "554 5.7.1 <a@b>: Relay access denied",
            "misconfigured",
            "provider_refused",
        ),
        (
            "550 5.1.8 Access denied, bad outbound sender",
            "misconfigured",
            "provider_refused",
        ),
        (
            "550 5.4.5 Daily user sending limit exceeded",
            "unavailable",
            "exhausted",
        ),
        ("550 5.1.1 <a@b>: User unknown", "rejected", "undeliverable"),
        ("550 Unknown user", "rejected", "undeliverable"),
    ];
    each(cases, |(reply, outcome, code)| {
        let test = by_mail(Security::None);
        test.sandbox()
            .smtp()
            .fault(Command::Rcpt, When::always(), SmtpFault::reply(reply));
        let run = test.run();
        run.outcome(outcome).error(code).texts(0);
        run.logs("the mail server said: 55");
    });
}

#[test]
fn the_servers_own_code_is_in_the_log() {
    let test = by_mail(Security::None);
    let refused = SmtpFault::reply("554 5.7.1 <a@b>: Relay access denied");
    test.sandbox()
        .smtp()
        .fault(Command::Rcpt, When::always(), refused);
    test.run()
        .outcome("misconfigured")
        .logs("provider_code=\"554/5.7.1\"");
}

#[test]
fn a_mail_whose_reply_is_lost_may_have_been_taken() {
    each([SmtpFault::drop(), SmtpFault::silence()], |fault| {
        for (fault, texts) in [(fault.clone(), 0), (fault.taken(), 1)] {
            let test = by_mail(Security::None).config("[senders.email-gateway]\ntimeout = \"1s\"");
            test.sandbox()
                .smtp()
                .fault(Command::Dot, When::always(), fault);
            test.run()
                .outcome("unknown")
                .error("maybe_sent")
                .attempts(["email-gateway:maybe_sent"])
                .texts(texts);
        }
    });
}

/// So that a gateway may notice.
#[test]
fn a_mail_that_is_sent_again_has_the_same_message_id() {
    let test = by_mail(Security::None);
    let later = SmtpFault::reply("451 4.3.0 try later").taken();
    test.sandbox()
        .smtp()
        .fault(Command::Dot, When::next(), later);
    let run = test.run();
    run.outcome("accepted").texts(2);
    let mails = run.sandbox().smtp().mails();
    let ids: Vec<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    assert!(ids[0].is_some() && ids[0] == ids[1], "{ids:?}");
}

/// What real servers say, with what it comes to; the plugin's own test reads it too.
const REPLIES: &str = include_str!("../../../plugins/email-gateway/src/reply/replies.txt");

/// Line by line: the outcome that a caller gets, and what an administrator is told.
#[test]
fn every_reply_of_a_real_server_is_told_to_whom_it_concerns() {
    let rows = REPLIES.lines().filter(|line| !line.starts_with(['#', '-']));
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() >= 60, "{}", rows.len());
    each(rows, |row| {
        let columns: Vec<_> = row.split(" | ").collect();
        let [_, step, reply, verdict, told] = columns[..] else {
            panic!("five columns: {row}");
        };
        let at = Command::named(step).unwrap();
        let test = match at {
            Command::Auth => with_account(by_mail(Security::Tls), smtp::PASSWORD),
            _ => by_mail(Security::None),
        };
        let smtp = test.sandbox().smtp();
        smtp.fault(at, When::always(), SmtpFault::reply(reply));
        let (outcome, code) = match verdict {
            "misconfigured" | "in_doubt" => ("misconfigured", "provider_refused"),
            "unauthorized" => ("misconfigured", "unauthorized"),
            "undeliverable_here" => ("rejected", "undeliverable"),
            "exhausted" => ("unavailable", "exhausted"),
            "throttled" => ("unavailable", "throttled"),
            _ => ("unavailable", "provider_unavailable"),
        };
        let run = test.with(json!({ "id": "told" })).run();
        assert_eq!(
            (&run.response["outcome"], &run.response["error"]["code"]),
            (&outcome.into(), &code.into()),
            "{row}: {run}"
        );
        run.logs(told).texts(0);

        // The ledger has the server's own words.
        let explained = run
            .test()
            .beside()
            .command(["explain", "--id", "told"])
            .run();
        let stdout = explained.stdout.as_deref().unwrap();
        let words = format!("the server said: {}", &reply[..reply.len().min(40)]);
        assert!(stdout.contains(&words), "{row}: no {words:?}: {explained}");

        // What can be seen without a mail, a check sees as well.
        if matches!(
            at,
            Command::Connect | Command::Ehlo | Command::Auth | Command::Mail
        ) {
            let check = ["sender", "check", "email-gateway"];
            let run = run.test().beside().command(check).stdin([]).run();
            assert!(
                run.stdout.as_deref().unwrap().contains(told),
                "{row}: {run}"
            );
        }
    });
}

/// One more message to this number; who was asked.
fn asked(before: &Run, id: &str, phone: &str) -> Vec<String> {
    let message = json!({ "id": id, "user": { "phone": phone } });
    before.test().in_company().with(message).run().attempted()
}

#[test]
fn one_dead_number_pauses_no_sender_and_three_do() {
    let test = by_mail(Security::None).verification_code("fallback = [\"twilio\"]");
    test.sandbox().smtp().fault(
        Command::Rcpt,
        When::always(),
        SmtpFault::reply("550 rejected"),
    );
    let first = test.run();
    let both = ["email-gateway:provider_refused", "twilio:accepted"];
    first.attempts(both);
    for (number, phone) in [123, 123, 123, 124, 124, 125].into_iter().enumerate() {
        let phone = format!("+447700900{phone}");
        let asked = asked(&first, &format!("again-{number}"), &phone);
        assert_eq!(asked, both, "{number}: {phone}");
    }
    // Three different recipients met it: it is the sender's.
    assert_eq!(asked(&first, "after", "+447700900126"), ["twilio:accepted"]);
}

#[test]
fn a_refusal_of_us_pauses_the_sender_at_once() {
    let test = by_mail(Security::None).verification_code("fallback = [\"twilio\"]");
    let refusal = SmtpFault::reply("550 relay not permitted");
    test.sandbox()
        .smtp()
        .fault(Command::Rcpt, When::always(), refusal);
    let first = test.run();
    first.attempts(["email-gateway:provider_refused", "twilio:accepted"]);
    assert_eq!(asked(&first, "after", "+447700900123"), ["twilio:accepted"]);
}

/// A text with a name, through a gateway that carries GSM only.
fn named(text: &str, name: &str) -> Test {
    by_mail(Security::None)
        .config("[senders.email-gateway.settings]\nalphabet = \"gsm\"")
        .policy(&format!(
            "name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\ntext = {text:?}\n"
        ))
        .with(json!({ "user": { "display_name": name }, "code": "beK9-27vc" }))
}

#[test]
fn a_name_that_the_sender_can_not_carry_gives_way_to_the_texts_default() {
    let cases = [
        (
            "Hello %name|there%, your code is %code%",
            "Ольга",
            "Hello there, your code is beK9-27vc",
        ),
        ("%name|Dear user%: %code%", "李小龙", "Dear user: beK9-27vc"),
        (
            "Hello %name|%, %name|you% get %code%",
            "Ольга",
            "Hello , you get beK9-27vc",
        ),
        (
            "Hello %name|there%: %code%",
            "Łukasz",
            "Hello Lukasz: beK9-27vc",
        ),
        ("Hello %name|there%: %code%", "Ada", "Hello Ada: beK9-27vc"),
    ];
    each(cases, |(text, name, expected)| {
        let run = named(text, name).run();
        run.outcome("accepted").text(expected);
        // What is shown before is what is sent.
        let preview = run.test().beside().command(["preview"]).run();
        let shown = expected.replace("beK9-27vc", "xxxxxxxxx");
        let stdout = preview.stdout.as_deref().unwrap();
        assert!(stdout.ends_with(&format!("\n\n{shown}\n")), "{preview}");
    });
}

#[test]
fn a_code_that_the_sender_can_not_carry_is_unsuitable_and_explain_says_so_before() {
    let test = || {
        let test = named("Code: %code%", "Ada").verification_code("fallback = [\"twilio\"]");
        test.with(json!({ "code": "пароль12" }))
    };
    let run = test().run();
    run.outcome("accepted");
    run.attempts(["email-gateway:unsuitable_code", "twilio:accepted"]);
    // It is no mark on the sender.
    assert_eq!(
        asked(&run, "next", "+447700900123"),
        ["email-gateway:unsuitable_code", "twilio:accepted"]
    );

    let explained = test().command(["explain", "--json"]).run();
    let told: serde_json::Value =
        serde_json::from_str(explained.stdout.as_deref().unwrap()).unwrap();
    assert_eq!(told["senders"][0]["unsuitable"], true, "{explained}");
    assert_eq!(told["output"]["sent_by"], json!(["twilio"]), "{explained}");
}
