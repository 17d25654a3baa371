//! Reads a number as people write it: drops the separators, keeps plus and digits.

use super::error::RecipientError;

/// What is left of a written number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The digits that followed a plus sign.
    International(String),
    /// Digits without a plus sign.
    National(String),
}

/// Accepts a leading `tel:`, a plus sign before the first digit, digits of four scripts, and spaces, dots,
/// dashes, slashes and parentheses anywhere; `(0)` keeps its digit, which the caller judges.
pub(super) fn read(raw: &str) -> Result<Written, RecipientError> {
    let mut plus = false;
    let mut digits = String::new();
    let scheme = scheme_length(raw);
    for (position, (index, found)) in (1..).zip(raw.char_indices()) {
        if index < scheme {
            continue;
        }
        if let Some(digit) = ascii_digit(found) {
            digits.push(digit);
            continue;
        }
        let after_digits = !digits.is_empty();
        match found {
            '+' | '＋' if plus || after_digits => {
                return Err(RecipientError::SeveralNumbers { position });
            }
            '+' | '＋' => plus = true,
            _ if found.is_control() => return Err(RecipientError::ControlCharacter { position }),
            _ if is_separator(found) => {}
            _ if after_digits && begins_extension(&raw[index..]) => {
                return Err(RecipientError::Extension);
            }
            ',' | ';' | '&' | '|' if after_digits => {
                return Err(RecipientError::SeveralNumbers { position });
            }
            _ if found.is_alphabetic() => return Err(RecipientError::Letters { position }),
            _ => return Err(RecipientError::OddCharacter { found, position }),
        }
    }
    match (plus, digits.is_empty()) {
        (_, true) => Err(RecipientError::Empty),
        (true, false) => Ok(Written::International(digits)),
        (false, false) => Ok(Written::National(digits)),
    }
}

/// The bytes of a leading `tel:` (RFC 3966).
fn scheme_length(raw: &str) -> usize {
    match raw.trim_start().get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => {
            raw.len() - raw.trim_start().len() + 4
        }
        _ => 0,
    }
}

/// Digits as ASCII: also full-width, Arabic-Indic and Persian ones, which keyboards of those scripts type.
fn ascii_digit(found: char) -> Option<char> {
    let zero = match found {
        '0'..='9' => '0',
        '０'..='９' => '０',
        '\u{0660}'..='\u{0669}' => '\u{0660}',
        '\u{06F0}'..='\u{06F9}' => '\u{06F0}',
        _ => return None,
    };
    char::from_digit(found as u32 - zero as u32, 10)
}

/// What may stand between digits. The invisible marks come with numbers copied from address books.
fn is_separator(found: char) -> bool {
    match found {
        '.' | '-' | '/' | '(' | ')' | '．' | '／' | '（' | '）' => true,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '－' | 'ー' => true, // hyphens, dashes, minus
        '\u{00AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' => true, // soft hyphen, zero-width spaces
        '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true, // direction marks
        _ => found.is_whitespace(),
    }
}

/// `x12`, `ext. 12`, `;ext=12`, `#12`.
fn begins_extension(rest: &str) -> bool {
    let lower: String = rest.chars().take(5).collect::<String>().to_lowercase();
    let after_x = || {
        lower[1..]
            .trim_start_matches(['.', ' '])
            .starts_with(|c: char| c.is_ascii_digit())
    };
    lower.starts_with('#')
        || lower.starts_with("ext")
        || lower.starts_with(";ext=")
        || (lower.starts_with('x') && after_x())
}
