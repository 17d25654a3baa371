//! What strangers' bytes reach, each with what must hold whatever they are.
//!
//! `tests/fuzz` hands these to a fuzzer, on a nightly toolchain; the test below replays what the
//! fuzzer kept, with every `cargo test`. A find becomes one more file there.

use std::{
    fmt::Write,
    pin::pin,
    task::{Context, Poll, Waker},
};

use textsender_plugin_api::{Phone, Template};

use crate::{
    config::{Reading, Sources, WithoutPlus},
    plugins,
    policy::{Dn, dn::MAX_BYTES},
    protocol::Request,
    recipient::{Recipient, Region},
    redact::{MAX_TEXT, REDACTED, Redactor},
};

/// A code or secret that holds this is looked for where it must not be.
const MARK: &str = "zq9Xz";

/// A function for each kind of bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 9] = [
    ("config", config),
    ("dn", dn),
    ("frames", frames),
    ("library", library),
    ("number", number),
    ("plugin", plugin),
    ("redact", redact),
    ("request", request),
    ("template", template),
];

/// A configuration: its faults can be told, each at a place that is there.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let sources = Sources::from_text("/etc/textsender/textsender.toml", text);
    let reading = Reading::of(sources);
    if let Err(faults) = reading.into_config() {
        let lines = text.lines().count() + 1;
        for fault in faults.iter() {
            assert!(fault.line <= lines, "{fault}");
        }
        assert!(!faults.to_string().is_empty());
    }
}

/// A distinguished name: what was read is read again as the same, and lies within itself.
pub fn dn(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(dn) = Dn::parse(text) {
        assert!(dn.is_within(&dn));
        assert_eq!(dn.suffixes().count(), dn.depth());
        let normal = dn.to_string();
        // Letters that normalising expands may make it longer than a name that is given.
        if normal.len() <= MAX_BYTES {
            assert_eq!(Dn::parse(&normal).as_ref(), Ok(&dn));
        }
    }
}

/// Frames of a host process: read to their end or their first fault, and never more than is there.
pub fn frames(bytes: &[u8]) {
    plugins::fuzz_frames(bytes);
}

/// What a stranger's plugin says, in frames: nothing that is shown of it is more than it may be, or holds a
/// secret as it is.
pub fn plugin(bytes: &[u8]) {
    plugins::fuzz_plugin(bytes);
}

/// A library: whatever is said of it, it is said without a panic.
pub fn library(bytes: &[u8]) {
    plugins::verify::fuzz_library(bytes);
}

/// A telephone number: its international form means the same number.
pub fn number(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for home in [None, Region::parse("GB").ok(), Region::parse("US").ok()] {
        let Ok(recipient) = Recipient::read(text, home, WithoutPlus::Ask) else {
            continue;
        };
        let e164 = recipient.phone.e164();
        let again = Recipient::read(e164, None, WithoutPlus::Ask).map(|again| again.phone);
        assert_eq!(again.as_ref(), Ok(&recipient.phone), "{e164}");
        assert!(Phone::parse(e164).is_ok());
    }
}

/// A secret, a line break, and foreign text: the secret is not shown, nor anything else that could
/// harm a log.
pub fn redact(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some((secret, foreign)) = text.split_once('\n') else {
        return;
    };
    // What stands in a secret's place can't be told from a secret that reads like it.
    let is_secret = secret.chars().count() >= 12 && !secret.contains("redacted");
    let redactor = Redactor::new([secret]);
    for text in [foreign.to_owned(), format!("{foreign} {secret} {foreign}")] {
        let clean = redactor.clean(&text);
        assert!(clean.chars().count() <= MAX_TEXT + 4);
        assert!(!clean.chars().any(char::is_control));
        // Nor does it count what such a place and the words around it happen to read like.
        let is_shown = clean.split(REDACTED).any(|part| part.contains(secret));
        assert!(!is_secret || !is_shown, "{secret:?} in {clean:?}");
    }
}

/// A request: nothing that is said of it quotes its code.
pub fn request(bytes: &[u8]) {
    let shown = match Request::parse(bytes) {
        Ok(request) => format!("{request:?}"),
        Err(failure) => failure.to_string(),
    };
    let json: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let code = json["code"].as_str().unwrap_or_default();
    let is_elsewhere = bytes
        .windows(MARK.len())
        .filter(|part| *part == MARK.as_bytes())
        .count()
        > 1;
    assert!(
        is_elsewhere || !code.contains(MARK) || !shown.contains(MARK),
        "{shown}"
    );
}

/// A template: its faults are where they say, and what it gives has a bound.
pub fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Template::parse(text) {
        Ok(template) => {
            assert_eq!(template.as_str(), text);
            for slot in template.placeholders() {
                assert!(text.get(slot.span()).is_some());
            }
        }
        Err(error) => {
            let mut shown = String::new();
            // Writing to a String never fails.
            let _ = write!(shown, "{error}");
            assert!(text.get(error.span()).is_some(), "{shown}");
        }
    }
}

/// The end of a future that never waits.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(end) => Some(end),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn what_the_fuzzer_kept_still_holds() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus");
        for (name, target) in TARGETS {
            let files = fs::read_dir(corpora.join(name)).unwrap();
            let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
            assert!(!files.is_empty(), "there is no corpus for {name}");
            for file in files {
                target(&fs::read(&file).unwrap());
            }
        }
    }
}
