//! Two numbers in one field: `07700 900123 / 07700 900124`, `07700900123 or 07700900124`.

use super::error::RecipientError;

/// More digits than one number has, with every prefix that may be dialled before it.
const MOST_DIGITS: usize = 15;
/// More than two numbers have: then it is no use to look.
const TOO_MANY_DIGITS: usize = 40;

/// Where a second number begins, counted in characters from 1, in what could not be read as one. `is_number`
/// says whether a part can be read.
pub(super) fn second_number(
    raw: &str,
    error: &RecipientError,
    is_number: impl Fn(&str) -> bool,
) -> Option<usize> {
    let digits = raw.chars().filter(char::is_ascii_digit).count();
    let has_word_between = matches!(error, RecipientError::Letters { position } if *position > 1);
    let is_long = (MOST_DIGITS + 1..=TOO_MANY_DIGITS).contains(&digits);
    if !(is_long || has_word_between && digits <= TOO_MANY_DIGITS) {
        return None;
    }
    let is_number = |part: &str| {
        let is_separator = |c: char| !c.is_ascii_digit() && c != '+' && c != '(' && c != ')';
        is_number(part.trim_matches(is_separator))
    };
    let mut previous = ' ';
    for (position, (index, found)) in (1..).zip(raw.char_indices()) {
        let begins = (found.is_ascii_digit() && !previous.is_ascii_digit() && previous != '+')
            || found == '+';
        previous = found;
        if begins && index > 0 && is_number(&raw[..index]) && is_number(&raw[index..]) {
            return Some(position);
        }
    }
    None
}
