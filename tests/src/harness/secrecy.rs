//! Searches what a program shows for what it must not show, by value and in every form that it may take.
//!
//! | form | where it comes from |
//! |---|---|
//! | as it is | a careless log line, an error's text |
//! | percent-encoded | a form body, a query |
//! | base64, at any alignment, both alphabets | basic authentication, a JSON Web Token |
//! | hexadecimal; a list of byte values | a dump of a buffer |
//! | for numbers: with any separators, national or international | a number library |

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// The fewest characters of a value that can be searched for without finding it by chance.
const SHORTEST: usize = 6;

/// How many digits at the end of a number give it away, whatever stands before them.
const TELLING_DIGITS: usize = 9;

/// A value that may not be shown.
#[derive(Clone, Debug)]
pub struct Hidden {
    what: String,
    forms: Vec<String>,
    /// The last digits of a number, which are searched for without separators.
    digits: Option<String>,
}

impl Hidden {
    /// A code, a password, a token.
    ///
    /// # Panics
    /// If it is so short that it would be found by chance.
    #[track_caller]
    pub fn secret(what: &str, value: &str) -> Self {
        assert!(
            value.chars().count() >= SHORTEST,
            "{what}: give at least {SHORTEST} characters, so that it can be searched for"
        );
        let bytes = value.as_bytes();
        let mut forms = vec![value.to_owned(), hexadecimal(bytes), list(bytes)];
        forms.extend((0..3).map(|before| base64_after(before, bytes)));
        Self {
            what: what.to_owned(),
            forms,
            digits: None,
        }
    }

    /// A telephone number, in any form. What has fewer digits is none, and gives nobody away.
    pub fn number(number: &str) -> Option<Self> {
        let digits = digits_of(number);
        let first = digits.len().checked_sub(TELLING_DIGITS)?;
        let telling = &digits[first..];
        Some(Self {
            what: "the phone number".to_owned(),
            forms: (0..3)
                .map(|before| base64_after(before, telling.as_bytes()))
                .collect(),
            digits: Some(telling.to_owned()),
        })
    }

    /// What is shown of this value in a text, if anything is.
    pub fn shown_in(&self, text: &str) -> Option<String> {
        let decoded = percent_decode_str(text).decode_utf8_lossy();
        // The alphabets of base64 differ in two characters.
        let one_alphabet = text.replace('-', "+").replace('_', "/");
        let found = [text, &decoded, &one_alphabet]
            .into_iter()
            .flat_map(|text| self.forms.iter().filter(|form| text.contains(*form)))
            .next();
        if let Some(form) = found {
            return Some(format!("{} is shown, as {form}", self.what));
        }
        let digits = self.digits.as_ref()?;
        let is_separator = |c: char| c.is_whitespace() || "-.()/".contains(c);
        let squeezed = decoded.replace(is_separator, "");
        squeezed
            .contains(digits)
            .then(|| format!("{} is shown: {digits}", self.what))
    }
}

/// A character of a text that moves a terminal's cursor, turns words around or is not seen. Colours are none.
pub fn trick_in(text: &str) -> Option<char> {
    let is_colour = |rest: &str| {
        let parameters = rest.strip_prefix("\u{1b}[").unwrap_or_default();
        let end = parameters.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        end.starts_with('m')
    };
    let is_trick = |(at, c): (usize, char)| match c {
        '\n' | '\t' | '\r' => false,
        '\u{1b}' => !is_colour(&text[at..]),
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        c => c.is_control(),
    };
    text.char_indices().find(|it| is_trick(*it)).map(|(_, c)| c)
}

fn digits_of(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// The part of the base64 of something that ends in `value` which does not depend on its neighbours, if `before`
/// bytes more than a multiple of three stand before it.
fn base64_after(before: usize, value: &[u8]) -> String {
    let whole = [&[0; 2][..before], value].concat();
    let encoded = STANDARD.encode(&whole[..whole.len() / 3 * 3]);
    // Four characters hold three bytes: those that hold a neighbour's bits as well are left out.
    let first = [0, 2, 3][before];
    encoded[first..].to_owned()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn list(bytes: &[u8]) -> String {
    let list = format!("{bytes:?}");
    list.trim_matches(['[', ']']).to_owned()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

    use super::*;

    const SECRET: &str = "aZ3+/%&~?7xQ";

    #[test]
    fn a_secret_is_found_in_every_form() {
        let hidden = Hidden::secret("the code", SECRET);
        let mut texts = vec![
            format!("code={SECRET}"),
            format!("Body={}", utf8_percent_encode(SECRET, NON_ALPHANUMERIC)),
            format!("{:?}", SECRET.as_bytes()),
            hexadecimal(SECRET.as_bytes()),
        ];
        for user in ["", "A", "AC", "AC0", "AC01"] {
            for after in ["", "!", "!!"] {
                let pair = format!("{user}{SECRET}{after}");
                texts.push(format!("Basic {}", STANDARD.encode(&pair)));
                texts.push(URL_SAFE_NO_PAD.encode(&pair));
            }
        }
        for text in texts {
            assert!(hidden.shown_in(&text).is_some(), "{text}");
        }
        assert_eq!(hidden.shown_in("code=[redacted] aZ3+/"), None);
    }

    #[test]
    fn a_number_is_found_in_every_form_and_a_masked_one_is_not() {
        let hidden = Hidden::number("+447700900123").unwrap();
        for text in [
            "+447700900123",
            "To=%2B447700900123&",
            "07700 900 123",
            "+44 (7700) 900-123",
            "tel:+44.7700.900.123",
            &STANDARD.encode("to:+447700900123"),
        ] {
            assert!(hidden.shown_in(text).is_some(), "{text}");
        }
        assert_eq!(hidden.shown_in("+44*******123 and 900123"), None);
    }

    #[test]
    #[should_panic(expected = "at least 6 characters")]
    fn what_would_be_found_by_chance_is_no_secret() {
        let _ = Hidden::secret("the code", "1234");
    }
}
