//! Prepares a directory string for comparison as RFC 4518 says, for `caseIgnoreMatch`: what is
//! equal to a directory becomes an equal string.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use unicase::UniCase;

/// Case folded, compatibility characters replaced, spaces at the ends removed and runs of them
/// inside made one.
pub(super) fn prepare(value: &str) -> Cow<'_, str> {
    let value = value.trim_matches(' ');
    if value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return prepare_ascii(value);
    }
    // A fold may yield what normalises to something that folds again, so go on until nothing changes.
    // Two rounds do for all known characters; the bound is for those yet to be defined.
    let mut prepared = value.to_owned();
    for _ in 0..4 {
        let mapped: String = prepared.chars().filter_map(map).collect();
        let folded = UniCase::unicode(mapped).to_folded_case();
        let next = ComposingNormalizerBorrowed::new_nfkc().normalize(&folded);
        if next == prepared {
            break;
        }
        prepared = next.into_owned();
    }
    Cow::Owned(single_spaces(&prepared))
}

/// The same for printable ASCII, which nearly every name is.
fn prepare_ascii(value: &str) -> Cow<'_, str> {
    let lower = match value.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(value.to_ascii_lowercase()),
        false => Cow::Borrowed(value),
    };
    match lower.contains("  ") {
        true => Cow::Owned(single_spaces(&lower)),
        false => lower,
    }
}

fn single_spaces(value: &str) -> String {
    let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// RFC 4518, section 2.2: some characters are mapped to a space, some to nothing.
fn map(c: char) -> Option<char> {
    match c {
        '\u{9}'..='\u{d}' | '\u{85}' => Some(' '),
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{202f}' | '\u{205f}' | '\u{3000}' => Some(' '),
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' => None,
        '\u{ad}' | '\u{34f}' | '\u{6dd}' | '\u{70f}' | '\u{1806}' | '\u{180b}'..='\u{180e}' => None,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2063}' => None,
        '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => None,
        '\u{fff9}'..='\u{fffc}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' => None,
        '\u{e0020}'..='\u{e007f}' => None,
        other => Some(other),
    }
}
