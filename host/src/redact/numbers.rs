//! Phone numbers in what callers write by themselves, such as an id or the name of who asks: masked wherever it is shown. What
//! is kept, and compared, stays as it came.

use std::borrow::Cow;

use textsender_plugin_api::Phone;

/// Digits of the shortest number that is looked for.
const FEWEST: usize = 7;

/// The most digits of a number (ITU-T E.164, 6.2).
const MOST: usize = 15;

/// The text with its numbers masked: those that begin with a plus sign; and the recipient's, which is known by its mask, in
/// whatever form. Any other run of digits may be an id.
pub fn without_numbers<'t>(text: &'t str, recipient: Option<&str>) -> Cow<'t, str> {
    let groups = groups(text);
    let digits = |at: usize| groups[at].1 - groups[at].0;
    if (0..groups.len()).map(digits).sum::<usize>() < FEWEST {
        return text.into();
    }
    let mask = recipient.and_then(Mask::read);
    let (mut clean, mut shown, mut at) = (String::new(), 0, 0);
    while at < groups.len() {
        let Some((masked, last)) = number_at(text, &groups, at, mask.as_ref()) else {
            at += 1;
            continue;
        };
        let start = groups[at].0;
        let start = start - usize::from(text[..start].ends_with('+'));
        clean.push_str(&text[shown..start]);
        clean.push_str(&masked);
        shown = groups[last].1;
        at = last + 1;
    }
    match shown {
        0 => text.into(),
        _ => (clean + &text[shown..]).into(),
    }
}

/// The number that begins with a group of digits, masked, and its last group.
fn number_at(
    text: &str,
    groups: &[(usize, usize)],
    first: usize,
    mask: Option<&Mask>,
) -> Option<(String, usize)> {
    let has_plus = text[..groups[first].0].ends_with('+');
    let (mut digits, mut found) = (String::new(), None);
    for (last, (start, end)) in groups.iter().enumerate().skip(first) {
        if last > first && !is_between(&text[groups[last - 1].1..*start]) {
            break;
        }
        digits.push_str(&text[*start..*end]);
        if digits.len() > MOST + 2 {
            break;
        }
        if let Some(mask) = mask.filter(|mask| mask.is_of(&digits)) {
            return Some((mask.whole.to_owned(), last));
        }
        let is_number = has_plus && (FEWEST..=MOST).contains(&digits.len());
        if let (true, Ok(phone)) = (is_number, Phone::parse(&format!("+{digits}"))) {
            found = Some((phone.to_string(), last));
        }
    }
    found
}

/// Where the text has digits without anything between.
fn groups(text: &str) -> Vec<(usize, usize)> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match groups.last_mut() {
            _ if !byte.is_ascii_digit() => {}
            Some(group) if group.1 == at => group.1 += 1,
            _ => groups.push((at, at + 1)),
        }
    }
    groups
}

/// Whether this may stand between the groups of one number.
fn is_between(between: &str) -> bool {
    between.len() <= 3 && between.chars().all(|c| " -./()\u{a0}".contains(c))
}

/// A masked number: `+44*******123`.
struct Mask<'m> {
    whole: &'m str,
    calling_code: &'m str,
    digits: usize,
    tail: &'m str,
}

impl<'m> Mask<'m> {
    fn read(whole: &'m str) -> Option<Self> {
        let (calling_code, rest) = whole.strip_prefix('+')?.split_once('*')?;
        Some(Self {
            whole,
            calling_code,
            digits: calling_code.len() + 1 + rest.len(),
            tail: rest.trim_start_matches('*'),
        })
    }

    /// Whether these may be the number's digits: with its calling code, after `00` too, or as they are dialled in its country.
    fn is_of(&self, digits: &str) -> bool {
        let national = self.digits - self.calling_code.len();
        let is_it = |digits: &str| {
            let is_international =
                digits.len() == self.digits && digits.starts_with(self.calling_code);
            is_international || digits.len() == national
        };
        digits.ends_with(self.tail)
            && (is_it(digits) || is_it(digits.trim_start_matches('0')))
            && digits.len() >= FEWEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked_in_what_callers_write() {
        let recipient = Some("+44*******123");
        for (text, recipient, clean) in [
            ("+447700900123", None, "+44*******123"),
            ("reset-+447700900123-1", None, "reset-+44********231"),
            ("bob (+44 7700 900123)", None, "bob (+44*******123)"),
            ("+44 (0)7700-900123", None, "+44********123"),
            ("tel:+1.202.555.0100;x", None, "tel:+1*******100;x"),
            ("447700900123", recipient, "+44*******123"),
            ("portal/00447700900123", recipient, "portal/+44*******123"),
            ("07700 900123", recipient, "+44*******123"),
            ("7700900123:2", recipient, "+44*******123:2"),
            ("12 07700900123", recipient, "12 +44*******123"),
            ("%2B447700900123", recipient, "%2B+44*******123"),
            // The zero is part of the number.
            ("x390612345678", Some("+39*******678"), "x+39*******678"),
            ("0612345678", Some("+39*******678"), "+39*******678"),
        ] {
            assert_eq!(without_numbers(text, recipient), clean, "{text}");
        }
    }

    #[test]
    fn ids_stay_as_they_are() {
        for id in [
            "5f0c2e70-0000-4000-8000-000000000001",
            "1732954000123",
            "20261130025142",
            "447700900999",
            "helpdesk\\bob",
            "a+1",
            "2026-11-30T02:51:42+00:00",
            "",
        ] {
            assert_eq!(without_numbers(id, Some("+44*******123")), id);
        }
    }
}
