//! Two numbers in one field: `07700 900123 / 07700 900124`, `07700900123 or 07700900124`.
//!
//! Where numbers are short, two of them have as many digits as one of another country: `212612 / 345678` are two
//! telephones of the Faroe Islands, and with a plus sign a third one in Morocco. So a number that was not written
//! as such is held against this, too, unless the numbering plan of its own country has it.

use super::{Recipient, RecipientError, Region, library};

/// More digits than one number has, with every prefix that may be dialled before it.
const MOST_DIGITS: usize = 15;
/// More than two numbers have: then it is no use to look.
const TOO_MANY_DIGITS: usize = 40;

/// Where a second number begins in what was read as one or as none, counted in characters from 1. `read_part` reads
/// one of two parts.
pub(super) fn second_number(
    raw: &str,
    read: &Result<Recipient, RecipientError>,
    home: Option<Region>,
    read_part: impl Fn(&str) -> Option<Recipient>,
) -> Option<usize> {
    let is_of_home = |recipient: &Recipient| {
        home.is_some_and(|home| recipient.has_code_of(home)) && library::is_known(&recipient.phone)
    };
    let has_word_between = match read {
        Err(RecipientError::SeveralNumbers { .. }) => return None,
        Ok(recipient) if recipient.had_calling_code || !is_parted(raw) => return None,
        Ok(recipient) if is_of_home(recipient) => return None,
        Ok(_) => false,
        Err(RecipientError::Letters { position }) => *position > 1,
        Err(_) => false,
    };
    let digits = raw.chars().filter(char::is_ascii_digit).count();
    if digits > TOO_MANY_DIGITS {
        return None;
    }
    // Of fewer digits, only the numbering plan tells that there are two numbers.
    let is_evident = has_word_between || digits > MOST_DIGITS;
    let is_number = |part: &str| {
        let is_separator = |c: char| !c.is_ascii_digit() && c != '+' && c != '(' && c != ')';
        let recipient = read_part(part.trim_matches(is_separator));
        recipient.is_some_and(|it| is_evident || library::is_known(&it.phone))
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

/// Whether anything but digits stands between digits.
fn is_parted(raw: &str) -> bool {
    let inner = raw.trim_matches(|c: char| !c.is_ascii_digit());
    !inner.bytes().all(|byte| byte.is_ascii_digit())
}
