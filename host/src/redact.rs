//! The one place where foreign text becomes fit to show: what a plugin or a provider says is bounded,
//! made printable, and cleared of every secret before it reaches a log, a terminal or the audit.
//!
//! Secrets are found by value, however an exchange wrote them: `readings` undoes percent- and form
//! encoding, JSON's escapes and base64 (basic authentication too), and `values` looks a reading through
//! for all values at once. That costs what the text is long, not what is withheld: a refusal of one of
//! a thousand messages in flight is as cheap as of the only one. A code is replaced where it stands as
//! a word, so that a code `1234` does not turn every number into a riddle.
//!
//! What crosses from a stranger is [`Foreign`] until then: the compiler lets nothing of it be shown.

mod foreign;
mod numbers;
mod readings;
mod values;

use std::ops::Range;

use readings::Reading;
use textsender_names::visible::one_line;
use values::Values;

pub use foreign::{Foreign, in_frame};
pub use numbers::without_numbers;
pub use textsender_names::visible::{escaped, is_visible, without_tricks};

/// The longest foreign text that is kept, in characters.
pub const MAX_TEXT: usize = 500;

/// How much of a foreign text is looked at, in characters: more than is kept, as a secret across the
/// cut would survive in half.
pub const MAX_READ: usize = MAX_TEXT * 8;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// What stands in the place of a setting's value where a plugin says what is wrong with it.
pub const VALUE: &str = "[its value]";

/// Secrets of fewer bytes than this are replaced only as whole words.
const WORD_ONLY: usize = 12;

/// The values that may not be shown. Held as hashes: it has no copy of them.
#[derive(Clone, Default)]
pub struct Redactor {
    values: Values,
}

/// Where a value stands in a text.
struct Hit {
    place: Range<usize>,
    /// Whether a character of a word stands before it, and after it.
    in_word: [bool; 2],
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
        self.values.insert(one_line(secret.chars()).as_bytes());
    }

    /// Takes back a value that was added: one that was added twice stays.
    pub fn remove(&mut self, secret: &str) {
        self.values.remove(one_line(secret.chars()).as_bytes());
    }

    /// Whether a value is in a text, in any form.
    pub fn finds_in(&self, text: &str) -> bool {
        !self.places(text).is_empty()
    }

    /// The text, safe to show.
    pub fn clean(&self, text: &str) -> String {
        let line = one_line(text.chars().take(MAX_READ));
        let mut clean = String::with_capacity(line.len());
        let mut shown = 0;
        for place in self.places(&line) {
            clean.push_str(&line[shown..place.start]);
            clean.push_str(REDACTED);
            shown = place.end;
        }
        clean.push_str(&line[shown..]);
        cut(&without_basic_auth(&clean))
    }

    /// Where values stand in a text, in order and apart.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let mut hits = Vec::new();
        readings::each(text, |reading| self.search(reading, &mut hits));
        let (words, whole): (Vec<Hit>, Vec<Hit>) = hits.into_iter().partition(|hit| hit.word_only);
        let mut places = apart(whole.into_iter().map(|hit| hit.place).collect());
        // What stands in a value's place is no part of a word.
        let is_word = |hit: &Hit| {
            let covered = |at: usize| places.iter().any(|place| place.contains(&at));
            let [before, after] = hit.in_word;
            let before = before && !hit.place.start.checked_sub(1).is_some_and(covered);
            let after = after && !covered(hit.place.end);
            !before && !after
        };
        let words: Vec<_> = words.into_iter().filter(|hit| is_word(hit)).collect();
        if words.is_empty() {
            return places;
        }
        places.extend(words.into_iter().map(|hit| hit.place));
        apart(places)
    }

    fn search(&self, reading: &Reading, hits: &mut Vec<Hit>) {
        let bytes = reading.bytes();
        self.values.find(bytes, |found| {
            hits.push(Hit {
                in_word: [
                    ends_in_word(&bytes[..found.start]),
                    begins_in_word(&bytes[found.end..]),
                ],
                word_only: found.len() < WORD_ONLY,
                place: reading.source(found),
            });
        });
    }
}

/// Ranges in order, those that touch or overlap as one.
fn apart(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_unstable_by_key(|place| (place.start, place.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match apart.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => apart.push(place),
        }
    }
    apart
}

fn ends_in_word(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(4)..];
    let last = tail.utf8_chunks().last();
    let last = last.filter(|chunk| chunk.invalid().is_empty());
    last.and_then(|chunk| chunk.valid().chars().next_back())
        .is_some_and(char::is_alphanumeric)
}

fn begins_in_word(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4)];
    let first = head.utf8_chunks().next();
    first
        .and_then(|chunk| chunk.valid().chars().next())
        .is_some_and(char::is_alphanumeric)
}

/// Basic credentials, whosever they are.
fn without_basic_auth(text: &str) -> String {
    const SCHEME: &str = "basic ";
    let lower = text.to_ascii_lowercase();
    let mut clean = String::new();
    let mut shown = 0;
    for (at, scheme) in lower.match_indices(SCHEME) {
        let value = at + scheme.len();
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=-_".contains(c);
        let rest = &text[value..];
        let length = rest.find(|c| !is_base64(c)).unwrap_or(rest.len());
        if length >= 8 && at >= shown {
            clean.push_str(&text[shown..value]);
            clean.push_str(REDACTED);
            shown = value + length;
        }
    }
    clean.push_str(&text[shown..]);
    clean
}

/// The text on one line, in which every character reads as what it is; as long as it was.
pub fn on_one_line(text: &str) -> String {
    one_line(text.chars())
}

/// The text on one line, without what would move a terminal's cursor or turn its words around, and
/// bounded.
pub fn printable(text: &str) -> String {
    cut(&one_line(text.chars().take(MAX_TEXT + 1)))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    #[test]
    fn every_form_of_a_secret_is_replaced() {
        let secret = "t0k3n/with \"quotes\"+";
        let redactor = Redactor::new([secret]);
        let base64 = |text: &str| BASE64_STANDARD.encode(text);
        let forms = [
            secret.to_owned(),
            "t0k3n%2Fwith%20%22quotes%22%2B".to_owned(),
            "t0k3n%2fwith%20%22quotes%22%2b".to_owned(),
            "t0k3n%2Fwith+%22quotes%22%2B".to_owned(),
            r#"t0k3n/with \"quotes\"+"#.to_owned(),
            r#"t0k3n\/with \u0022quotes\u0022+"#.to_owned(),
            r#"t0k3n%2Fwith%20%5C%22quotes%5C%22%2B"#.to_owned(),
            base64(secret),
            base64(&format!("a user:{secret}")),
            format!("Authorization: Basic {}", base64(&format!("AC1:{secret}"))),
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
        for (text, clean) in [
            ("code 1234, error 21234", "code [redacted], error 21234"),
            ("12341234 1234", "12341234 [redacted]"),
            ("Body=1234%20x", "Body=[redacted]%20x"),
            ("Body%3D1234%26x", "Body%3D[redacted]%26x"),
            (r#"{"code":"\u0031234"}"#, r#"{"code":"[redacted]"}"#),
            ("MTIzNA==", REDACTED),
        ] {
            assert_eq!(redactor.clean(text), clean, "{text}");
        }
    }

    #[test]
    fn a_host_made_of_a_code_shows_it_in_no_case() {
        let redactor = Redactor::new(["beK989vc"]);
        for text in ["bek989vc.example", "BEK989VC", "beK989vc"] {
            assert!(redactor.finds_in(text), "{text}");
        }
    }

    #[test]
    fn a_code_beside_a_secret_is_a_word() {
        let redactor = Redactor::new(["a-long-secret-token", "1234"]);
        let clean = redactor.clean("a-long-secret-token1234");
        assert_eq!(clean, format!("{REDACTED}{REDACTED}"));
    }

    #[test]
    fn control_characters_hide_nothing() {
        let redactor = Redactor::new(["a text of two lines\nand a code"]);
        for text in [
            "a text of two lines\nand a code",
            "a text of two lines and a code",
            "a text of two\u{0}lines\u{202e}and a code",
            "a text of two\u{2028}lines\u{2029}and a code",
            "a te\u{200b}xt of two lines\u{61c}and a c\u{feff}ode",
            "a%20text%20of%20two%20lines%0Aand%20a%20code",
            r"a text of two lines\nand a code",
        ] {
            assert_eq!(redactor.clean(text), REDACTED, "{text:?}");
        }
    }

    #[test]
    fn text_is_bounded_and_printable() {
        let redactor = Redactor::new(["s3cret-s3cret"]);
        let clean = redactor.clean("a\nb\u{202e}c\u{0}d\u{2028}e\u{61c}f\u{200d}g\u{1b}[2J");
        assert_eq!(clean, "a b c d e fg [2J");
        let long = redactor.clean(&"x".repeat(1_000_000));
        assert_eq!(long.len(), MAX_TEXT + 4);
    }

    #[test]
    fn a_secret_across_the_bound_does_not_show_in_half() {
        let secret = "0123456789abcdefghij";
        let text = format!("{}{secret}", "x ".repeat(MAX_TEXT / 2 - 5));
        assert!(!Redactor::new([secret]).clean(&text).contains("01234"));
    }

    #[test]
    fn a_value_that_was_added_twice_is_withheld_until_both_are_taken_back() {
        let mut redactor = Redactor::new(["447700900123", "447700900123"]);
        for is_shown in [false, false, true] {
            assert_eq!(!redactor.finds_in("to +447700900123"), is_shown);
            redactor.remove("447700900123");
        }
        // What was never there can't be taken back from another.
        redactor.remove("447700900123");
        redactor.add("447700900123");
        assert!(redactor.finds_in("to +447700900123"));
    }

    /// A thousand messages in flight, and one refusal: what is searched for does not show in the time.
    /// Measured in steps of the search, not by a clock.
    #[test]
    fn what_is_withheld_does_not_slow_the_search() {
        let mut redactor = Redactor::default();
        for number in 0..1_000 {
            redactor.add(&format!("{number:06}"));
            redactor.add(&format!("447700{number:06}"));
            redactor.add(&format!("07700{number:06}"));
            redactor.add(&format!("Your verification code is {number:06}"));
        }
        // One pass for each length that a value has.
        assert_eq!(redactor.values.lengths(), 4);
        assert!(redactor.finds_in("code 000999"));
    }
}
