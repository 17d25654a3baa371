//! Which phone numbers Notify takes, by the forms that were recorded.
//!
//! The real service asks the number library; here is the part of its judgement that the recordings show, and
//! nothing beyond: lengths, what a UK number may begin with, and country codes.

/// What a number turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// E.164.
    pub e164: String,
    /// Where it belongs.
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    UkMobile,
    UkLandline,
    International,
}

const TOO_MANY: &str = "Too many digits";
const NOT_ENOUGH: &str = "Not enough digits";
const SYMBOLS: &str = "Must not contain letters or symbols";
const NOT_VALID: &str = "Number is not valid – double check the phone number you entered";
const NO_COUNTRY: &str = "Not a valid country prefix";

/// White space as Notify strips it.
const SPACES: &str = " \t\n\r\u{b}\u{c}\u{a0}\u{180e}\u{200b}\u{200c}\u{200d}\u{202f}\u{205f}\u{2060}\u{3000}\u{feff}";
/// Shortest and longest number with its country code, in digits (E.164).
const LENGTHS: std::ops::RangeInclusive<usize> = 7..=15;

/// Reads a number as Notify does, or says what is wrong with it in Notify's words.
pub(super) fn read(text: &str) -> Result<Number, &'static str> {
    if text
        .chars()
        .any(|c| !c.is_ascii_digit() && !"()-+".contains(c) && !SPACES.contains(c))
    {
        return Err(SYMBOLS);
    }
    let dense: String = text
        .replace("(0)", "")
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    let digits = dense.trim_start_matches(['+', '0']);
    if digits.is_empty() {
        return Err(NOT_ENOUGH);
    }
    let international = dense.starts_with('+') || dense.starts_with("00");
    match digits.strip_prefix("44") {
        Some(national) if international || digits.len() > 10 => {
            uk(national.trim_start_matches('0'))
        }
        _ if international && has_country_code(digits) => abroad(digits),
        // An unknown country code is read as a UK number that lost its zero; then it is too long, as a rule.
        _ if international && digits.len() <= 10 => Err(NO_COUNTRY),
        _ => uk(digits),
    }
}

/// A UK number without its leading zero.
fn uk(national: &str) -> Result<Number, &'static str> {
    let kind = match national.as_bytes() {
        // The drama range passes at any length that is possible at all: 077009001 was accepted.
        [b'7', b'7', b'0', b'0', b'9', rest @ ..] if (3..=5).contains(&rest.len()) => {
            Kind::UkMobile
        }
        digits if digits.len() < 9 => return Err(NOT_ENOUGH),
        digits if digits.len() > 10 => return Err(TOO_MANY),
        [b'7', ..] if national.len() == 10 => Kind::UkMobile,
        [b'1'..=b'3', ..] => Kind::UkLandline,
        _ => return Err(NOT_VALID),
    };
    Ok(Number {
        e164: format!("+44{national}"),
        kind,
    })
}

fn abroad(digits: &str) -> Result<Number, &'static str> {
    match digits.len() {
        length if length < *LENGTHS.start() => Err(NOT_ENOUGH),
        length if length > *LENGTHS.end() => Err(TOO_MANY),
        _ => Ok(Number {
            e164: format!("+{digits}"),
            kind: Kind::International,
        }),
    }
}

/// Whether the digits begin with a country code that is in use (ITU-T E.164, list of country codes).
fn has_country_code(digits: &str) -> bool {
    const TWO: [&str; 43] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46",
        "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
        "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95",
    ];
    const OF_THREE: [&str; 22] = [
        "21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68",
        "69", "85", "87", "88", "96", "97", "99",
    ];
    const UNUSED: [&str; 6] = ["990", "991", "997", "999", "978", "969"];
    let begins = |codes: &[&str]| codes.iter().any(|code| digits.starts_with(code));
    digits.starts_with(['1', '7'])
        || begins(&TWO)
        || digits.starts_with("98")
        || (begins(&OF_THREE) && !begins(&UNUSED))
}
