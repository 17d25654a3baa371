//! All three senders in one policy: each takes over where the one before it fails, and a text that one of them
//! can't carry is told when it is written, not when a user waits for it.

use serde_json::{Value, json};
use textsender_tests::harness::{Run, Test, each, random_code};
use textsender_tests::sandbox::{Fault, Provider, Refusing, When};

#[test]
fn a_message_goes_from_provider_to_provider_until_one_has_it() {
    let down = Refusing::new().unwrap();
    let run = Test::new()
        .all_senders()
        .config(&format!(
            "[senders.twilio]\ntimeout = \"1s\"\n\
             [senders.govuk-notify.settings]\nbase_url = \"http://{}\"",
            down.address()
        ))
        .verification_code("fallback = [\"govuk-notify\", \"email-gateway\"]")
        // It reads the request, and neither answers nor tells afterwards whether it has it.
        .fault(When::always(), Fault::silence())
        .run();

    run.outcome("accepted")
        .has("/sender", "email-gateway")
        .has("/may_duplicate", true)
        .attempts([
            "twilio:maybe_sent",
            "govuk-notify:provider_unavailable",
            "govuk-notify:provider_unavailable",
            "govuk-notify:provider_unavailable",
            "email-gateway:accepted",
        ])
        .has("/attempts/0/outcome", "unknown")
        .has("/attempts/1/outcome", "unavailable")
        .text(&format!("Your verification code is {}", run.test().code()));
    assert_eq!(run.the_text().provider, Provider::Gateway);
}

/// The senders of the table below; the gateway's alphabet is a setting.
const SENDERS: [&str; 5] = [
    "twilio",
    "govuk-notify",
    "any-gateway",
    "gsm-gateway",
    "ascii-gateway",
];

/// Texts, and by which of [`SENDERS`] they arrive as they are.
const TEXTS: [(&str, &str, [bool; 5]); 8] = [
    (
        "Welsh",
        "Rhowch y cod hwn i gadarnhau mai chi sydd yno: %code% ŵŷ ẃẁ ÂŶ ïÿ",
        [true, true, true, false, false],
    ),
    (
        "Greek",
        "Ο κωδικός σας είναι %code%, αγαπητέ χρήστη",
        [true, true, true, false, false],
    ),
    (
        "Greek capitals of the GSM alphabet",
        "ΔΦΓΛΩΠΨΣΘΞ %code%",
        [true, true, true, true, false],
    ),
    (
        "Arabic",
        "رمز التحقق الخاص بك هو %code%",
        [true, true, true, false, false],
    ),
    (
        "emoji, some of several characters",
        "🔐 %code% 👩🏽🏴󠁧󠁢󠁷󠁬󠁳󠁿",
        [true, true, true, false, false],
    ),
    (
        "the GSM extension table",
        "5 € ^ {a} [b] ~ \\ | %code%",
        [true, true, true, true, false],
    ),
    (
        "the rest of GSM",
        "£ ¥ § ¡¿ ÄÖÑÜäöñüà åÅ æÆ øØ ß Éé Ç ìòù ¤ %code%",
        [true, true, true, true, false],
    ),
    (
        "ASCII",
        "%code% 100%% \"'!#$&()*+,-./:;<=>?@_",
        [true, true, true, true, true],
    ),
];

/// A case whose texts and codes go through this sender.
fn through(sender: &str, text: &str) -> Test {
    let text = toml::Value::from(text);
    Test::new()
        .all_senders()
        .change(|site| {
            let port = site.config()["senders"]["email-gateway"]["settings"]["port"].as_integer();
            let port = u16::try_from(port.unwrap()).unwrap();
            for alphabet in ["any", "gsm", "ascii"] {
                let name = format!("{alphabet}-gateway");
                site.add_gateway(&name, port).unwrap();
                site.set(&format!("senders.{name}.settings.alphabet"), alphabet)
                    .unwrap();
            }
        })
        .policy(&format!(
            "name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\nsender = \"{sender}\"\ntext = {text}\n"
        ))
}

#[test]
fn texts_arrive_byte_for_byte_or_are_told_to_be_impossible() {
    let cases = TEXTS.into_iter().flat_map(|(what, text, arrives)| {
        SENDERS
            .into_iter()
            .zip(arrives)
            .map(move |(sender, arrives)| (what, text, sender, arrives))
    });
    each(cases, |(what, text, sender, arrives)| {
        let test = through(sender, text);
        let checked = test.beside().command(["check", "--json"]).stdin([]).run();
        let run = test.run();
        if arrives {
            // Where the words run from right to left, a code of several groups is kept apart from them.
            let code = run.test().code();
            let has_groups = code.contains(|c: char| !c.is_alphanumeric());
            let code = match what == "Arabic" && has_groups {
                true => format!("\u{2068}{code}\u{2069}"),
                false => code.to_owned(),
            };
            // A code may have percent signs of its own.
            let parts = text.split("%%").map(|part| part.replace("%code%", &code));
            let expected = parts.collect::<Vec<_>>().join("%");
            run.outcome("accepted").text(&expected);
            checked.exit(0);
        } else {
            run.outcome("misconfigured")
                .attempts([&*format!("{sender}:provider_refused")])
                .texts(0);
            checked.exit(78);
            assert_eq!(
                faults(&checked),
                ["verification_code.text"],
                "{what} by {sender}: {checked}"
            );
        }
    });
}

/// The keys of what `check` finds wrong.
fn faults(checked: &Run) -> Vec<String> {
    let report: Value = serde_json::from_str(checked.stdout.as_deref().unwrap()).unwrap();
    let faults = report["faults"].as_array().unwrap().iter();
    let key = |fault: &Value| fault["key"].as_str().unwrap().to_owned();
    faults.map(key).collect()
}

#[test]
fn a_text_that_is_longer_than_a_sender_takes_is_not_cut() {
    each(
        [
            ("twilio", 1600),
            ("govuk-notify", 918),
            ("short-gateway", 160),
        ],
        |(sender, most)| {
            let code = random_code();
            let text_of = |length: usize| "x".repeat(length - code.len()) + "%code%";
            let case = |length: usize| {
                through(sender, &text_of(length))
                    .change(|site| {
                        let port =
                            site.config()["senders"]["email-gateway"]["settings"]["port"].clone();
                        let port = u16::try_from(port.as_integer().unwrap()).unwrap();
                        site.add_gateway("short-gateway", port).unwrap();
                        site.set("senders.short-gateway.settings.max_length", 160)
                            .unwrap();
                    })
                    .with(json!({ "code": code }))
            };
            let run = case(most).run();
            run.outcome("accepted");
            assert_eq!(run.the_text().body.len(), most);
            case(most + 1).run().outcome("misconfigured").texts(0);
        },
    );
}

#[test]
fn a_name_that_can_not_be_carried_never_denies_the_code() {
    each(
        [
            ("twilio", "李 Łukasz", "李 Łukasz"),
            ("govuk-notify", "Siân Ŵyn", "Siân Ŵyn"),
            ("govuk-notify", "Jürgen Žižka", "Jürgen Žižka"),
            // Notify itself makes this letter plain.
            ("govuk-notify", "Łukasz", "Lukasz"),
            ("govuk-notify", "李小龙", "李小龙"),
            ("gsm-gateway", "Łukasz Müller", "Lukasz Müller"),
            ("ascii-gateway", "Łukasz Müller", "Lukasz Muller"),
            ("ascii-gateway", "李小龙", "there"),
            ("ascii-gateway", "أحمد", "there"),
        ],
        |(sender, name, arrives)| {
            let run = through(sender, "Hello %name|there%, %code%")
                .with(json!({ "user": { "display_name": name } }))
                .run();
            let code = run.test().code().to_owned();
            run.outcome("accepted")
                .text(&format!("Hello {arrives}, {code}"));
        },
    );
}
