//! The gateway's mails through real servers: Exim and Postfix, with the limits that they come with.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};
use textsender_tests::harness::{PATIENCE, Test, each, wait_for};
use textsender_tests::peers::{MailServer, Program};

/// Sends through this server.
fn through(server: &MailServer) -> Test {
    Test::new()
        .all_senders()
        .through("email-gateway")
        .config(&format!(
            "[senders.email-gateway.settings]\nserver = \"127.0.0.1\"\nport = {}",
            server.port
        ))
}

/// Waits for so many mails; their bodies. None waits for a run of the queue: that would take half an hour.
fn bodies(server: &MailServer, count: usize) -> Vec<String> {
    let delivered = wait_for("the mails", || {
        let delivered = server.delivered();
        (delivered.len() >= count).then_some(delivered)
    });
    assert_eq!(delivered.len(), count);
    delivered.iter().map(|mail| body(mail)).collect()
}

/// A mail's body, decoded where its lines are too long for a mail's.
fn body(mail: &[u8]) -> String {
    let mail = String::from_utf8_lossy(mail);
    let (head, body) = mail.split_once("\n\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.contains("\nmime-version: 1.0"), "{head}");
    let encoding = head.split_once("content-transfer-encoding: ").unwrap().1;
    match encoding.lines().next().unwrap() {
        "7bit" | "8bit" => body.to_owned(),
        "base64" => base64(body),
        other => panic!("{other}: {body}"),
    }
}

fn base64(body: &str) -> String {
    use base64::Engine;
    let dense: String = body.split_whitespace().collect();
    let engine = base64::engine::general_purpose::STANDARD;
    String::from_utf8(engine.decode(dense).unwrap()).unwrap()
}

/// What is easily changed on the way: long lines, dots at their start, blanks at their end, other scripts.
fn texts() -> Vec<String> {
    let texts = [
        "Your code is %code%".to_owned(),
        "%code%".to_owned(),
        format!("{} %code%", "a".repeat(66)),
        format!("{} %code%", "b".repeat(67)),
        format!("{} %code%", "c".repeat(150)),
        format!("{} %code%", "d ".repeat(450)),
        format!("{} %code%", "é".repeat(450)),
        format!("{} %code%", "ж".repeat(700)),
        ".\n..\n.%code%".to_owned(),
        "\n\n%code%\n\n".to_owned(),
        "blanks   \n  and more   %code%  ".to_owned(),
        "From here\n>From there\n%code%".to_owned(),
        "Tab\there =3D =20 =\n%code%".to_owned(),
        "=?utf-8?q?no=20word?= %code%".to_owned(),
        "100 %% <b>&amp; \"quoted\" 'too' \\n $HOME `id` %code%".to_owned(),
        "It’s “yours” – really… %code%".to_owned(),
        "Grüße aus Köln: %code% €".to_owned(),
        "Rhowch ŵŷ: %code%".to_owned(),
        "Код: %code%".to_owned(),
        "رمزك هو %code%".to_owned(),
        "הקוד שלך: %code%".to_owned(),
        "验证码 %code%".to_owned(),
        "😀👩\u{200d}👩\u{200d}👦 %code%".to_owned(),
        "e\u{301}\u{fe0f}\u{a0}%code%".to_owned(),
    ];
    texts.into()
}

/// A tag for each text.
fn tag(number: usize) -> String {
    format!("a{}", char::from(b'a' + u8::try_from(number).unwrap()))
}

fn every_text_arrives_byte_for_byte(program: Program) {
    let server = MailServer::start(program);
    let texts = texts();
    assert_eq!(texts.len(), 24);
    let mut policy = "name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\ntext = \"%code%\"\n[verification_code.translations]\n".to_owned();
    let translations = texts.iter().enumerate();
    let translations =
        translations.map(|(number, text)| (tag(number), toml::Value::from(text.as_str())));
    for (tag, text) in translations.collect::<BTreeMap<_, _>>() {
        writeln!(policy, "{tag} = {text}").unwrap();
    }
    let requests = (0..texts.len()).map(|number| {
        json!({
            "id": format!("text-{number}"), "purpose": "verification_code", "code": "beK989vc",
            "user": { "phone": "+447700900123", "locale": tag(number) },
        })
    });
    send_all(through(&server).policy(&policy), requests.collect());

    let mut expected: Vec<String> = texts
        .iter()
        .map(|text| text.replace("%code%", "beK989vc").replace("%%", "%"))
        .collect();
    let mut found = bodies(&server, texts.len());
    // A mail ends with the end of a line.
    for text in &mut expected {
        text.push('\n');
    }
    for body in &mut found {
        if !body.ends_with('\n') {
            body.push('\n');
        }
    }
    expected.sort();
    found.sort();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{program:?}");
    }
}

/// Sends these in a stream, all of which are accepted.
fn send_all(test: Test, requests: Vec<Value>) {
    let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
    let run = test.args(["--stream"]).stdin(lines.join("\n")).run();
    let stdout = run.stdout.as_deref().unwrap();
    let answers = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let answers: Vec<Value> = answers.collect();
    assert_eq!(answers.len(), requests.len());
    for answer in answers {
        assert_eq!(answer["outcome"], "accepted", "{answer}\n{run}");
    }
}

fn two_hundred_mails_are_delivered_at_once(program: Program) {
    let server = MailServer::start(program);
    let began = std::time::Instant::now();
    let requests = (0..200).map(|number| {
        json!({
            "id": format!("mail-{number}"), "purpose": "verification_code", "event": "reset",
            "code": "beK989vc", "user": { "phone": "+447700900123" },
        })
    });
    let test = through(&server)
        .config("[limits]\nrecipient = { limits = [] }\nprefix = { limits = [] }\n");
    send_all(test, requests.collect());
    bodies(&server, 200);
    assert!(began.elapsed() < 2 * PATIENCE);
}

fn refusals_are_told_as_they_are_meant(program: Program) {
    let server = MailServer::start(program);
    let elsewhere = "to = \"%digits%@elsewhere.example\"";
    let cases = [
        (
            "+447700900123",
            elsewhere,
            "misconfigured",
            "provider_refused",
        ),
        ("+447700900998", "", "rejected", "undeliverable"),
        ("+447700900999", "", "misconfigured", "provider_refused"),
    ];
    each(cases, |(phone, settings, outcome, code)| {
        let test =
            through(&server).config(&format!("[senders.email-gateway.settings]\n{settings}"));
        let run = test
            .with(json!({ "user": { "phone": phone } }))
            .in_company()
            .run();
        assert_eq!(run.response["outcome"], outcome, "{program:?}: {run}");
        run.error(code).logs("the mail server said: 55");
    });
}

macro_rules! with {
    ($program:ident, $name:ident, $ignored:meta) => {
        mod $name {
            use super::*;

            #[test]
            #[$ignored]
            fn twenty_four_texts_arrive_byte_for_byte() {
                every_text_arrives_byte_for_byte(Program::$program);
            }

            #[test]
            #[$ignored]
            fn two_hundred_mails_of_a_stream_are_delivered_at_once() {
                two_hundred_mails_are_delivered_at_once(Program::$program);
            }

            #[test]
            #[$ignored]
            fn a_refusal_blames_the_number_only_where_the_reply_does() {
                refusals_are_told_as_they_are_meant(Program::$program);
            }
        }
    };
}

with!(
    Exim,
    exim,
    cfg_attr(
        not(has_exim),
        ignore = "needs Exim in $TEXTSENDER_MAIL_SERVERS"
    )
);
#[cfg(has_postfix)]
with!(Postfix, as_root_postfix, ignore = "needs root");
#[cfg(not(has_postfix))]
with!(
    Postfix,
    postfix,
    ignore = "needs Postfix in $TEXTSENDER_MAIL_SERVERS, and root"
);
