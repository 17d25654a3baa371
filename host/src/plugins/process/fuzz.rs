//! What a stranger's plugin may say, as frames of any bytes: see [`crate::fuzz`].

use std::{sync::Mutex, time::Duration};

use textsender_plugin_api::{Found, Message, Phone, Purpose, Secret};

use super::{
    CallResult,
    ids::DeclaredIds,
    inbound::sanitize::Sanitizer,
    lock,
    withheld::{MayLog, Withheld},
};
use crate::{
    fuzz::at_once,
    plugins::{
        Refusal,
        frames::{FrameReader, Reply, Up, Work},
        named_hosts,
    },
    redact::{MAX_TEXT, REDACTED, is_visible},
    transport::{self, Egress},
};

/// The sender's secret.
const TOKEN: &str = "zq9Xz-t0ken-t0ken";

/// The code of the message in flight.
const CODE: &str = "zq9Xz4Kp7Rw2";

/// The digits of its number.
const DIGITS: &str = "447700900123";

/// The longest that a plugin may have a message wait.
const A_WEEK: Duration = Duration::from_hours(7 * 24);

/// The one call that runs.
const CALL: u64 = 1;

/// Reads frames until they break off, and looks at all that would be shown of them.
pub(crate) fn words(bytes: &[u8]) {
    let withheld = Mutex::new(Withheld::new([TOKEN]));
    lock(&withheld).begin(CALL, &Work::Send(message()));
    let ids = DeclaredIds::default();
    let sanitizer = Sanitizer {
        sender: "fuzzed",
        withheld: &withheld,
        ids: &ids,
    };
    let mut frames = FrameReader::new(bytes);
    while let Some(Ok(Some(frame))) = at_once(frames.next()) {
        match frame {
            Up::Ready { info, .. } => {
                let info = info.unmarked();
                let _ = Egress::new(info.hosts, []).allows("api.acme.example", 443);
                info.provider_id.into_iter().for_each(|id| ids.declare(id));
            }
            // What it says of its own file is refused by then.
            Up::Refused(refusal) if !refusal.judge(|it| matches!(it, Refusal::File(_))) => {
                let refusal = refusal.unmarked();
                shows_nothing(&refusal.cleaned(|text| sanitizer.clean(text)).to_string());
            }
            Up::Exchange { request, .. } => {
                let _ = transport::destination(&request.unmarked());
            }
            Up::Log { line, .. } => {
                let may_log = lock(&withheld).may_log();
                if matches!(may_log, MayLog::Yes) {
                    shows_nothing(&lock(&withheld).clean(&line));
                }
            }
            Up::Done { result, .. } => look_at(&sanitizer.cleaned(result)),
            Up::Schema(schema) => {
                let schema = schema.judge(|it| serde_json::from_str(it).unwrap_or_default());
                let settings = serde_json::json!({ "base_url": "https://api.acme.example" });
                let _ = named_hosts::marked(&schema, &settings);
            }
            _ => {}
        }
    }
}

fn message() -> Message {
    let to = Phone::parse(&format!("+{DIGITS}")).expect("a number");
    let text = format!("Your code is {CODE}");
    let mut message = Message::new("fuzzed", Purpose::VerificationCode, to, text);
    message.code = Some(Secret::new(CODE));
    message
}

fn look_at(result: &CallResult) {
    match result {
        CallResult::Failed(error) => {
            shows_nothing(&error.message);
            error.provider_code.iter().for_each(|id| is_id(id));
            assert!(error.retry_after.is_none_or(|after| after <= A_WEEK));
        }
        CallResult::Replied(reply) => match reply {
            Reply::Sent(receipt) | Reply::Found(Found::Accepted(receipt)) => {
                receipt.provider_id.iter().for_each(|id| is_id(id));
            }
            Reply::Status(status) => {
                status.reason.iter().for_each(|words| shows_nothing(words));
                status.provider_code.iter().for_each(|id| is_id(id));
            }
            Reply::Checked(findings) => {
                findings.iter().for_each(|it| shows_nothing(&it.message));
                assert!(findings.len() <= 100, "{} findings", findings.len());
            }
            Reply::Found(_) => {}
        },
        _ => {}
    }
}

fn is_id(id: &str) {
    assert!(
        id.len() <= 64 && id.bytes().all(|b| b.is_ascii_graphic()),
        "{id:?}"
    );
    shows_nothing(id);
}

fn shows_nothing(shown: &str) {
    assert!(shown.chars().all(is_visible), "{shown:?}");
    // What several cleaned texts were put together from may be as long as each of them.
    assert!(
        shown.chars().count() <= 64 * (MAX_TEXT + 64),
        "{}",
        shown.len()
    );
    for part in shown.split(REDACTED) {
        for hidden in [TOKEN, CODE] {
            assert!(!part.contains(hidden), "{hidden} in {shown:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use textsender_plugin_api::{
        Exchange, Finding, HttpRequest, Level, Method, PluginInfo, Receipt, SendError,
    };

    use super::*;
    use crate::{
        plugins::frames::{CallOutcome, encode},
        redact::Foreign,
    };

    /// Set to write what is said here into the corpus of the fuzzer.
    const BLESS: &str = "TEXTSENDER_BLESS";

    const TRICKS: &str = "\u{1b}[2J\u{202e}\r\n\u{2028}\u{61c}\u{200b}\u{9b}31m";

    fn said() -> Vec<(&'static str, Vec<Up>)> {
        let words = format!("{TRICKS}{TOKEN}{TRICKS} {CODE} +{DIGITS} Your code is {CODE}");
        let done = |outcome| Up::Done {
            call: CALL,
            result: Foreign::of(outcome),
        };
        let replied = |reply| done(CallOutcome::Replied(reply));
        let info = PluginInfo::new("acme", &words, "1")
            .with_host("*.acme.example")
            .with_provider_id_pattern("[a-z]{1,9}|zq.*");
        let ready = Up::Ready {
            build: words.clone(),
            info: Foreign::of(info),
        };
        let exchange = Up::Exchange {
            call: CALL,
            exchange: 1,
            request: Foreign::of(Exchange::Http(HttpRequest {
                method: Method::Post,
                url: format!("https://api.acme.example/{TOKEN}"),
                headers: vec![("x-words".into(), words.clone())],
                body: words.clone().into_bytes(),
                delivers: true,
            })),
        };
        let error = SendError::rejected(words.clone())
            .with_provider_code(CODE)
            .with_retry_after(Some(Duration::MAX));
        let log = |line: &str| Up::Log {
            level: Level::Error,
            line: Foreign::of(line.to_owned()),
        };
        vec![
            ("ready", vec![ready]),
            (
                "refused",
                vec![Up::Refused(Foreign::of(Refusal::Settings(words.clone())))],
            ),
            (
                "refused-file",
                vec![Up::Refused(Foreign::of(Refusal::SettingFile {
                    setting: words.clone(),
                    why: words.clone(),
                }))],
            ),
            (
                "hosts",
                vec![Up::Refused(Foreign::of(Refusal::Hosts(vec![
                    words.clone();
                    3
                ])))],
            ),
            ("exchange", vec![exchange]),
            ("log", vec![log(&words), log(&words.repeat(100)), log("")]),
            ("failed", vec![done(CallOutcome::Failed(error))]),
            ("sent", vec![replied(Reply::Sent(Receipt::new(CODE)))]),
            (
                "found",
                vec![replied(Reply::Found(Found::Accepted(Receipt::new(
                    words.clone(),
                ))))],
            ),
            (
                "checked",
                vec![replied(Reply::Checked(vec![
                    Finding::note(words.clone());
                    200
                ]))],
            ),
            (
                "schema",
                vec![Up::Schema(Foreign::of(
                    r#"{"properties":{"base_url":{"x-textsender-host":true}}}"#.to_owned(),
                ))],
            ),
        ]
    }

    #[test]
    fn nothing_that_a_plugin_says_is_shown_as_it_is() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus/plugin");
        for (name, frames) in said() {
            let mut bytes = Vec::new();
            for frame in &frames {
                encode(frame, &mut bytes).unwrap();
            }
            words(&bytes);
            if env::var_os(BLESS).is_some() {
                fs::write(Path::new(corpus).join(name), bytes).unwrap();
            }
        }
    }
}
