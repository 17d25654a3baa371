//! The code in a finished text.

use std::collections::BTreeSet;

use regex_lite::Regex;

/// The only code that the pattern's group finds in a text. What is a part of a longer word or number is no
/// code, and one that stands there twice is one.
///
/// # Errors
///
/// How many there are, if it is not one.
pub(super) fn only_code<'t>(text: &'t str, pattern: &Regex) -> Result<&'t str, usize> {
    let found = pattern.captures_iter(text).filter_map(|found| found.get(1));
    let codes: BTreeSet<&str> = found
        .filter(|code| is_alone(text, code.start(), code.end()))
        .map(|code| code.as_str())
        .collect();
    match codes.first() {
        Some(code) if codes.len() == 1 => Ok(code),
        _ => Err(codes.len()),
    }
}

fn is_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_candidate_is_a_code() {
        let digits = "([0-9]{4,8})";
        let word = "code is ([0-9A-Za-z]{4,64})";
        let cases = [
            (
                digits,
                "Your SMS code is 123456 and is valid for 5 minutes.",
                Ok("123456"),
            ),
            (
                digits,
                "Ihr SMS Code lautet 012345 und ist 5 Minuten lang gültig.",
                Ok("012345"),
            ),
            // Two numbers that could be it.
            (
                digits,
                "Your SMS code is 123456 and is valid for 1440 minutes.",
                Err(2),
            ),
            (digits, "Call 5555 if it was not you. Code 123456.", Err(2)),
            // The last line that binds a code to a site has it again.
            (
                digits,
                "123456 is your code.\n\n@example.com #123456",
                Ok("123456"),
            ),
            // Parts of longer ones.
            (digits, "Your code is 123456789.", Err(0)),
            (digits, "Your code is A123456.", Err(0)),
            (digits, "Your code is 123456é.", Err(0)),
            (digits, "Your password was changed.", Err(0)),
            (digits, "", Err(0)),
            (word, "Your security code is beK989vc", Ok("beK989vc")),
            (word, "Your username is 12345678", Err(0)),
        ];
        for (pattern, text, code) in cases {
            let pattern = Regex::new(pattern).unwrap();
            assert_eq!(only_code(text, &pattern), code, "{text}");
        }
    }
}
