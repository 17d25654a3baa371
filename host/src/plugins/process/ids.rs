//! The form of a provider's ids and codes. They go into responses and logs as they are, so they may hold
//! no words: they are of our form, and ids of the form that the plugin declares, too.

use std::sync::OnceLock;

use regex_lite::{Regex, RegexBuilder};

/// The longest id or code of a provider's.
const MAX_ID: usize = 64;

/// The most memory that a declared form may take, in bytes.
const MAX_SIZE: usize = 16 << 10;

/// The form that one plugin declares of its provider's ids.
#[derive(Default)]
pub(super) struct DeclaredIds {
    pattern: OnceLock<String>,
    /// Worked out with the first id.
    form: OnceLock<Option<Regex>>,
}

impl DeclaredIds {
    /// Takes the pattern of a whole id.
    pub(super) fn declare(&self, pattern: String) {
        // A plugin declares what it is once.
        let _ = self.pattern.set(pattern);
    }

    /// Whether an id is of the form that was declared, if one was. No id is like what is no pattern.
    pub(super) fn are_like(&self, id: &str) -> bool {
        let Some(pattern) = self.pattern.get() else {
            return true;
        };
        let form = self.form.get_or_init(|| whole(pattern));
        form.as_ref().is_some_and(|form| form.is_match(id))
    }
}

/// A pattern that matches from the first to the last character.
fn whole(pattern: &str) -> Option<Regex> {
    let read = |pattern: &str| {
        let mut builder = RegexBuilder::new(pattern);
        builder.size_limit(MAX_SIZE).build().ok()
    };
    // By itself first, so that no bracket in it ends ours.
    read(pattern)?;
    read(&format!("^(?:{pattern})$"))
}

/// Letters, digits and a few signs: nothing that a terminal, a shell or a browser would act upon.
pub(super) fn has_shape(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._@+=:/-".contains(&b);
    let begins = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=MAX_ID).contains(&id.len())
        && id.bytes().all(fits)
        && id.bytes().next().is_some_and(begins)
        && !id.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_shape_of_one() {
        for id in [
            "SM00000000000000000000000000000000",
            "740e5834-3a29-46b4",
            "a@b.example",
            "21608",
        ] {
            assert!(has_shape(id), "{id}");
        }
        let long = "x".repeat(MAX_ID + 1);
        let no_ids = [
            "",
            "--config=x",
            "-x",
            "https://evil.example/x",
            "call me",
            "a\u{202e}b",
            &long,
        ];
        for words in no_ids {
            assert!(!has_shape(words), "{words}");
        }
    }

    #[test]
    fn an_id_is_of_the_form_that_the_plugin_declares() {
        let twilio = Some("(SM|MM)[0-9a-f]{32}");
        let sid = "SM0123456789abcdef0123456789abcdef";
        let more = format!("{sid}:call.me");
        let huge = "[a-z]{60}".repeat(1_000);
        for (pattern, id, fits) in [
            (None, "anything", true),
            (twilio, sid, true),
            (twilio, "call+me@evil.example", false),
            // As a whole, whether the pattern says so or not.
            (twilio, &more, false),
            (Some("SM|x.*"), sid, false),
            (Some("^SM.{32}$"), sid, true),
            // No pattern, by itself or for its size.
            (Some("(SM"), "SM", false),
            (Some("a)|(?:.*"), "SM", false),
            (Some(&huge), "a", false),
        ] {
            let ids = DeclaredIds::default();
            if let Some(pattern) = pattern {
                ids.declare(pattern.to_owned());
            }
            assert_eq!(ids.are_like(id), fits, "{pattern:?}: {id}");
        }
    }
}
