//! [`Phone`]: a telephone number that is E.164, or does not exist.
//!
//! Numbers are personal data and end up in logs by accident, so what prints by itself is masked. The full
//! number has to be asked for by name: [`Phone::e164`], [`Phone::digits`], or serde.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The fewest digits, calling code included. E.164 sets no lower bound; the shortest numbers in use have
/// seven (Niue, +683 4002), and anything shorter is a short code.
const MIN_DIGITS: usize = 7;
/// The most digits, calling code included (ITU-T E.164, section 6.2.1).
const MAX_DIGITS: usize = 15;
/// How many digits a masked number shows at its end.
const SHOWN: usize = 3;
/// How many digits a masked number hides at least, however short it is.
const HIDDEN: usize = 4;

/// A telephone number in the international form of ITU-T E.164: `+` and 7 to 15 digits, the first not 0.
///
/// Having one says nothing about whether the number is assigned; only its form is right.
///
/// `Display` and `Debug` mask it: the country's calling code and the last three digits stay, a `*` stands for
/// each other digit. At least four digits are hidden, so a short number shows fewer at its end.
///
/// ```
/// # use textsender_plugin_api::Phone;
/// let phone = Phone::parse("+447700900123")?;
/// assert_eq!(phone.to_string(), "+44*******123");
/// assert_eq!(phone.e164(), "+447700900123");
/// # Ok::<(), textsender_plugin_api::PhoneError>(())
/// ```
///
/// Serde carries the **full** number as a string, because the frames between front and plugin must; it is
/// checked again on the way in. Never serialise a `Phone` into a log, an audit row or a response: use
/// `Display` there.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads the strict form and nothing else: no spaces, no `00`, no trunk `0` in parentheses.
    ///
    /// # Errors
    ///
    /// [`PhoneError`] names the first rule that the text breaks; it never repeats the text.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let digits = text.strip_prefix('+').ok_or(PhoneError::NoPlus)?;
        if let Some(index) = digits.chars().position(|c| !c.is_ascii_digit()) {
            // Position 1 is the plus sign.
            return Err(PhoneError::NotADigit {
                position: index + 2,
            });
        }
        if digits.starts_with('0') {
            return Err(PhoneError::LeadingZero);
        }
        match digits.len() {
            count if count < MIN_DIGITS => Err(PhoneError::TooShort { digits: count }),
            count if count > MAX_DIGITS => Err(PhoneError::TooLong { digits: count }),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The full number with its plus sign: `+447700900123`.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// The full number without the plus sign, as some providers want it: `447700900123`.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// The country's calling code: `44`. One to three digits, by the ITU's division of the world; whether
    /// a code is assigned is not checked.
    #[must_use]
    pub fn calling_code(&self) -> &str {
        let digits = self.digits();
        &digits[..calling_code_length(digits.as_bytes())]
    }

    /// What follows the calling code, which E.164 calls the national (significant) number: `7700900123`.
    #[must_use]
    pub fn national_number(&self) -> &str {
        &self.digits()[self.calling_code().len()..]
    }
}

/// How many digits the calling code at the start has: 1 in North America (1) and in Russia and Kazakhstan (7);
/// 2 for those listed; else 3 (ITU-T E.164, list of assigned country codes). Codes kept in reserve count as 3.
fn calling_code_length(digits: &[u8]) -> usize {
    match digits {
        [b'1' | b'7', ..] => 1,
        [b'2', b'0' | b'7', ..]
        | [b'3', b'0'..=b'4' | b'6' | b'9', ..]
        | [b'4', b'0' | b'1' | b'3'..=b'9', ..]
        | [b'5', b'1'..=b'8', ..]
        | [b'6', b'0'..=b'6', ..]
        | [b'8', b'1' | b'2' | b'4' | b'6', ..]
        | [b'9', b'0'..=b'5' | b'8', ..] => 2,
        _ => 3,
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let national = self.national_number();
        let shown = SHOWN.min(national.len().saturating_sub(HIDDEN));
        let (hidden, tail) = national.split_at(national.len() - shown);
        write!(
            f,
            "+{}{}{tail}",
            self.calling_code(),
            "*".repeat(hidden.len())
        )
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({self})")
    }
}

impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

/// Why a text is not an E.164 number. Carries counts and positions, never a digit of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PhoneError {
    /// The text does not begin with `+`.
    NoPlus,
    /// Something other than an ASCII digit follows the plus sign.
    NotADigit {
        /// Which character it is, counted from 1; the plus sign is 1.
        position: usize,
    },
    /// The first digit is 0, and no country's calling code begins so.
    LeadingZero,
    /// Fewer than seven digits.
    TooShort {
        /// How many there are.
        digits: usize,
    },
    /// More than fifteen digits.
    TooLong {
        /// How many there are.
        digits: usize,
    },
}

impl fmt::Display for PhoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlus => write!(
                f,
                "the phone number does not begin with +; write + and the country's calling code"
            ),
            Self::NotADigit { position } => {
                write!(
                    f,
                    "character {position} of the phone number is not a digit; write + and digits only"
                )
            }
            Self::LeadingZero => {
                write!(
                    f,
                    "the phone number has a 0 after the +; no country's calling code begins with 0"
                )
            }
            Self::TooShort { digits } => {
                write!(
                    f,
                    "the phone number is too short: {digits} digits after the +, at least {MIN_DIGITS} are needed"
                )
            }
            Self::TooLong { digits } => {
                write!(
                    f,
                    "the phone number is too long: {digits} digits after the +, at most {MAX_DIGITS} are possible"
                )
            }
        }
    }
}

impl Error for PhoneError {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_strict_form_only() {
        use PhoneError::*;
        let cases = [
            ("+447700900123", Ok("+447700900123")),
            ("+6834002", Ok("+6834002")),
            ("+123456789012345", Ok("+123456789012345")),
            ("", Err(NoPlus)),
            ("447700900123", Err(NoPlus)),
            ("00447700900123", Err(NoPlus)),
            ("tel:+447700900123", Err(NoPlus)),
            (" +447700900123", Err(NoPlus)),
            ("+", Err(TooShort { digits: 0 })),
            ("+123456", Err(TooShort { digits: 6 })),
            ("+1234567890123456", Err(TooLong { digits: 16 })),
            ("+0447700900123", Err(LeadingZero)),
            ("+44 7700900123", Err(NotADigit { position: 4 })),
            ("+447700900123 ", Err(NotADigit { position: 14 })),
            ("++47700900123", Err(NotADigit { position: 2 })),
            ("+447700900123x", Err(NotADigit { position: 14 })),
            ("+44７７００900123", Err(NotADigit { position: 4 })),
            ("+44\u{661}7700900", Err(NotADigit { position: 4 })),
        ];
        for (text, expected) in cases {
            assert_eq!(
                Phone::parse(text),
                expected.map(|e164| Phone(e164.to_owned())),
                "{text:?}"
            );
        }
    }

    #[test]
    fn knows_the_calling_code() {
        let cases = [
            ("+18765550100", "1", "8765550100"),
            ("+77010000000", "7", "7010000000"),
            ("+447781000000", "44", "7781000000"),
            ("+390612345678", "39", "0612345678"),
            ("+3531234567", "353", "1234567"),
            ("+420601123456", "420", "601123456"),
            ("+881612345678", "881", "612345678"),
            ("+80012345678", "800", "12345678"),
        ];
        for (text, code, national) in cases {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(
                (phone.calling_code(), phone.national_number()),
                (code, national),
                "{text}"
            );
        }
    }

    #[test]
    fn prints_masked() {
        let cases = [
            ("+447700900123", "+44*******123"),
            ("+15005550006", "+1*******006"),
            ("+4512345678", "+45*****678"),
            ("+3547123456", "+354****456"),
            ("+298211234", "+298****34"),
            ("+67740123", "+677****3"),
            ("+6834002", "+683****"),
            ("+123456789012345", "+1***********345"),
        ];
        for (text, masked) in cases {
            let phone = Phone::parse(text).unwrap();
            assert_eq!(phone.to_string(), masked);
            assert_eq!(format!("{phone:?}"), format!("Phone({masked})"));
        }
    }

    #[test]
    fn serde_carries_the_full_number_and_checks_it() {
        let phone: Phone = serde_json::from_str("\"+447700900123\"").unwrap();
        assert_eq!(serde_json::to_string(&phone).unwrap(), "\"+447700900123\"");

        let error = serde_json::from_str::<Phone>("\"07700900123\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("does not begin with +"), "{error}");
        assert!(!error.contains("7700900"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept_as_it_is(text in "\\PC*") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(phone.e164(), text);
            }
        }

        #[test]
        fn a_masked_number_hides_all_but_its_calling_code_and_end(text in "\\+[1-9][0-9]{6,14}") {
            let phone = Phone::parse(&text).unwrap();
            let masked = phone.to_string();
            let hidden = masked.matches('*').count();
            let (start, end) = masked.split_once(&"*".repeat(hidden)).unwrap();

            prop_assert!(hidden >= HIDDEN);
            prop_assert_eq!(masked.len(), text.len());
            prop_assert_eq!(start, format!("+{}", phone.calling_code()));
            prop_assert!(end.len() <= SHOWN && text.ends_with(end));
        }

        #[test]
        fn calling_code_and_national_number_make_the_whole(text in "\\+[1-9][0-9]{6,14}") {
            let phone = Phone::parse(&text).unwrap();
            prop_assert_eq!(format!("{}{}", phone.calling_code(), phone.national_number()), phone.digits());
        }
    }
}
