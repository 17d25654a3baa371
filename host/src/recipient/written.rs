//! Reads a number as people write it: drops what is invisible or a separator, keeps plus and digits.

use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};

use super::error::RecipientError;

/// What is left of a written number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The digits, in ASCII.
    pub digits: String,
    /// Whether a calling code is meant to come first: a plus sign says so, and so does a trunk zero in
    /// brackets after one, as in `49 (0)171 3920055`.
    pub is_international: bool,
    /// Nothing but a plus sign and ASCII digits is left once all that is invisible or a blank is dropped.
    pub is_strict: bool,
    /// Where a `(0)` stands behind the calling code: it is dialled inside the country only, if at all.
    pub optional_zero: Option<usize>,
    /// The first digits stand in brackets and are no calling code, as in `(201) 555-0123`.
    pub has_area_code: bool,
}

/// Accepts a leading `tel:`, a plus sign before the first digit, digits of four scripts, and blanks, dots,
/// dashes, slashes and parentheses anywhere. `is_calling_code` says whether digits are one.
pub(super) fn read(
    raw: &str,
    is_calling_code: impl Fn(&str) -> bool,
) -> Result<Written, RecipientError> {
    let (raw, context) = without_phone_context(raw)?;
    let mut number = Written {
        digits: String::new(),
        is_international: false,
        is_strict: context.is_empty(),
        optional_zero: None,
        has_area_code: false,
    };
    if !context.is_empty() {
        number.is_international = true;
        number.digits.push_str(&context);
    }
    let mut plus = false;
    // Where a bracket was opened, in digits.
    let mut bracket = None;
    let scheme = scheme_length(raw);
    let given = number.digits.len();
    for (position, (index, found)) in (1..).zip(raw.char_indices()) {
        if index < scheme || is_invisible(found) {
            continue;
        }
        if let Some(digit) = ascii_digit(found) {
            if digit == '0' && is_bracketed(raw, index, found) {
                number.note_optional_zero(&is_calling_code);
            }
            number.digits.push(digit);
            number.is_strict &= found.is_ascii();
            continue;
        }
        let after_digits = number.digits.len() > given;
        match found {
            '+' | '＋' if plus || after_digits => {
                return Err(RecipientError::SeveralNumbers { position });
            }
            '+' | '＋' => {
                plus = true;
                number.is_strict &= found.is_ascii();
            }
            _ if found.is_control() => return Err(RecipientError::ControlCharacter { position }),
            _ if found.is_whitespace() => {}
            _ if is_separator(found) => {
                number.is_strict = false;
                match found {
                    '(' | '（' => bracket = Some(number.digits.len()),
                    ')' | '）' if bracket == Some(given) => {
                        number.has_area_code = !is_calling_code(&number.digits[given..]);
                        bracket = None;
                    }
                    _ => {}
                }
            }
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
    if number.digits.len() == given {
        return Err(RecipientError::Empty);
    }
    number.is_international |= plus || number.optional_zero.is_some();
    number.is_strict &= plus;
    Ok(number)
}

impl Written {
    /// The number without `00`, which nearly everywhere is dialled for the plus sign.
    pub fn without_dialled_plus(mut self) -> Self {
        if let Some(rest) = self.digits.strip_prefix("00") {
            self.digits = rest.to_owned();
        }
        self
    }

    /// A `(0)` comes next. Behind a calling code it is dialled inside the country only, and what stands before that
    /// code, `00`, is how a plus sign is dialled.
    fn note_optional_zero(&mut self, is_calling_code: impl Fn(&str) -> bool) {
        let code = self.digits.strip_prefix("00").unwrap_or(&self.digits);
        if is_calling_code(code) {
            self.digits = code.to_owned();
            self.optional_zero = Some(self.digits.len());
        }
    }
}

/// The number without the parameters of RFC 3966, if they say where it is dialled, and the digits that its
/// `;phone-context=+1-914` puts before it. A context that is a domain says nothing of the number, and one beside a
/// number with a plus sign nothing new.
fn without_phone_context(raw: &str) -> Result<(&str, String), RecipientError> {
    let mut parameters = raw.split(';');
    let number = parameters.next().unwrap_or_default();
    let mut context = None;
    let mut has_extension = false;
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "phone-context" => context = Some(value.trim()),
            "ext" => has_extension = true,
            _ => {}
        }
    }
    let Some(context) = context else {
        return Ok((raw, String::new()));
    };
    if has_extension {
        return Err(RecipientError::Extension);
    }
    let digits = context.strip_prefix('+').filter(|_| !number.contains('+'));
    let digits = digits.unwrap_or_default();
    // Its separators are for the eye (RFC 3966, 5.1.1).
    let plain: String = digits.chars().filter(|c| !"-.()".contains(*c)).collect();
    let is_code = plain.bytes().all(|byte| byte.is_ascii_digit());
    Ok((number, if is_code { plain } else { String::new() }))
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

/// Whether a digit stands alone in brackets, `(0)`, whatever blanks are in them.
fn is_bracketed(raw: &str, index: usize, digit: char) -> bool {
    let plain = |c: &char| !is_invisible(*c) && !c.is_whitespace();
    let before = raw[..index].chars().rev().find(plain);
    let after = raw[index + digit.len_utf8()..].chars().find(plain);
    matches!(before, Some('(' | '（' | '[')) && matches!(after, Some(')' | '）' | ']'))
}

/// What Unicode says is shown as nothing where it is not supported: joiners, marks of direction, variation
/// selectors. They come with numbers copied from address books and chats.
fn is_invisible(found: char) -> bool {
    !found.is_ascii() && CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(found)
}

/// What may stand between digits beside blanks.
fn is_separator(found: char) -> bool {
    match found {
        '.' | '-' | '/' | '(' | ')' | '[' | ']' | '．' | '／' | '（' | '）' => true,
        // Hyphens, dashes, minus.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '－' | 'ー' => true,
        _ => false,
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
