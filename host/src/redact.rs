//! The one place where foreign text enters: what a plugin or a provider says is bounded, made
//! printable, and cleared of every secret before it reaches a log or the audit.
//!
//! Secrets are found by value, in the forms that exchanges give them: as they are, percent-encoded,
//! as JSON writes them, and in basic authentication. A code is replaced where it stands as a word,
//! so that a code `1234` does not turn every number into a riddle.

use std::fmt::Write;

use base64::{Engine, prelude::BASE64_STANDARD};

/// The longest foreign text that is kept, in characters.
pub const MAX_TEXT: usize = 500;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Secrets shorter than this are replaced only as whole words.
const WORD_ONLY: usize = 12;

/// The values that may not be shown, in every form they may take.
#[derive(Clone, Default)]
pub struct Redactor {
    forms: Vec<Form>,
}

#[derive(Clone)]
struct Form {
    value: String,
    word_only: bool,
}

impl Redactor {
    /// A redactor for these values. Empty ones are left out.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut redactor = Self::default();
        secrets.into_iter().for_each(|secret| redactor.add(secret));
        redactor
    }

    /// Adds a value.
    pub fn add(&mut self, secret: &str) {
        if secret.is_empty() {
            return;
        }
        let word_only = secret.chars().count() < WORD_ONLY;
        let mut forms = vec![
            secret.to_owned(),
            // As it looks once it is on one line.
            one_line(secret.chars()),
            percent_encoded(secret),
            form_encoded(secret),
        ];
        forms.push(json_escaped(secret));
        forms.push(BASE64_STANDARD.encode(secret));
        forms.sort();
        forms.dedup();
        self.forms
            .extend(forms.into_iter().map(|value| Form { value, word_only }));
    }

    /// Whether a value is in a text, in any form.
    pub fn finds_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| form.is_in(text))
    }

    /// The text, safe to show.
    pub fn clean(&self, text: &str) -> String {
        // Cut before searching only at a length that leaves room: a secret across the cut would
        // survive in half.
        let bounded = one_line(text.chars().take(MAX_TEXT * 8));
        // The longest first, so that no form hides what another would have found whole.
        let mut forms: Vec<&Form> = self.forms.iter().collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.value.len()));
        let mut clean = forms
            .into_iter()
            .fold(bounded, |text, form| form.replace(&text));
        clean = without_basic_auth(&clean);
        cut(&clean)
    }
}

impl Form {
    fn is_in(&self, text: &str) -> bool {
        self.places(text).next().is_some()
    }

    fn replace(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut shown = 0;
        for at in self.places(text) {
            clean.push_str(&text[shown..at]);
            clean.push_str(REDACTED);
            shown = at + self.value.len();
        }
        clean + &text[shown..]
    }

    /// Where the value stands: a short one only as a word.
    fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        let found = text.match_indices(&self.value).map(|(at, _)| at);
        found.filter(move |&at| {
            let before = text[..at].chars().next_back();
            let after = text[at + self.value.len()..].chars().next();
            let mut around = [before, after].into_iter().flatten();
            !(self.word_only && around.any(char::is_alphanumeric))
        })
    }
}

/// Basic credentials hold a secret in a form that depends on what stands before it.
fn without_basic_auth(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.to_ascii_lowercase().find("basic ") {
        let value = at + "basic ".len();
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c);
        let end = rest[value..]
            .find(|c| !is_base64(c))
            .map_or(rest.len(), |end| value + end);
        clean.push_str(&rest[..value]);
        clean.push_str(if end - value >= 8 {
            REDACTED
        } else {
            &rest[value..end]
        });
        rest = &rest[end..];
    }
    clean + rest
}

/// The text on one line, without what would move a terminal's cursor or turn its words around, and
/// bounded.
pub fn printable(text: &str) -> String {
    cut(&one_line(text.chars().take(MAX_TEXT + 1)))
}

fn one_line(text: impl Iterator<Item = char>) -> String {
    text.map(|c| match c.is_control() || is_reordering(c) {
        true => ' ',
        false => c,
    })
    .collect()
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_TEXT).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        shown.push_str(" ...");
    }
    shown
}

/// Characters that make a line read other than it is written (Unicode TR 36).
const fn is_reordering(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            _ => {
                // Writing to a String never fails.
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        encoded
    })
}

fn form_encoded(text: &str) -> String {
    percent_encoded(text).replace("%20", "+")
}

fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_replaced() {
        let secret = "t0k3n/with \"quotes\"+";
        let redactor = Redactor::new([secret]);
        let forms = [
            secret.to_owned(),
            // As it looks once it is on one line.
            one_line(secret.chars()),
            percent_encoded(secret),
            form_encoded(secret),
            json_escaped(secret),
            BASE64_STANDARD.encode(secret),
            format!(
                "Authorization: Basic {}",
                BASE64_STANDARD.encode(format!("AC1:{secret}"))
            ),
        ];
        for form in forms {
            let clean = redactor.clean(&format!("before {form} after"));
            assert!(
                clean.contains(REDACTED) && !clean.contains(&form),
                "{form}: {clean}"
            );
            assert!(
                clean.starts_with("before ") && clean.ends_with(" after"),
                "{clean}"
            );
        }
    }

    #[test]
    fn a_short_code_is_replaced_as_a_word_only() {
        let redactor = Redactor::new(["1234"]);
        assert_eq!(
            redactor.clean("code 1234, error 21234"),
            "code [redacted], error 21234"
        );
        assert_eq!(redactor.clean("12341234 1234"), "12341234 [redacted]");
    }

    #[test]
    fn control_characters_hide_nothing() {
        let redactor = Redactor::new(["a text of two lines\nand a code"]);
        for text in [
            "a text of two lines\nand a code",
            "a text of two lines and a code",
            "a text of two\u{0}lines\r\u{202e}and a code"
                .replace('\r', "")
                .as_str(),
        ] {
            assert_eq!(redactor.clean(text), REDACTED, "{text:?}");
        }
    }

    #[test]
    fn text_is_bounded_and_printable() {
        let redactor = Redactor::new(["s3cret-s3cret"]);
        let clean = redactor.clean("a\nb\u{202e}c\u{0}");
        assert_eq!(clean, "a b c ");
        let long = redactor.clean(&"x".repeat(1_000_000));
        assert_eq!(long.len(), MAX_TEXT + 4);
    }

    #[test]
    fn a_secret_across_the_bound_does_not_show_in_half() {
        let secret = "0123456789abcdefghij";
        let text = format!("{}{secret}", "x ".repeat(MAX_TEXT / 2 - 5));
        assert!(!Redactor::new([secret]).clean(&text).contains("01234"));
    }
}
