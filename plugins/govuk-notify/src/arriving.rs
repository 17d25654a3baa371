//! What becomes of characters on their way through Notify.
//!
//! It carries all of Unicode, and yet not every text arrives as it was sent: look-alikes become plain, and white
//! space is tidied. That does a text no harm. A code or a password would arrive as another one, so that it is
//! refused before anything is sent.
//!
//! Source: `notifications_utils/formatters.py` and `sanitise_text.py` (`REPLACEMENT_CHARACTERS`) of
//! <https://github.com/alphagov/notifications-utils>, its pull request 1443, which carries all else and keeps these
//! replacements, and what its server made of such texts.

/// What is found in a code or password that [`is_unchanged`] refuses, as a pattern: so that `textsender explain` can
/// say it before anything is sent.
pub const ALTERED: &str = "^[ ,.]| $|  | [,.]|[\u{9}-\u{d}\u{1c}-\u{1f}\u{85}\u{a0}\u{1680}\u{180e}\u{2000}-\u{200d}\
    \u{2028}\u{2029}\u{202f}\u{205f}\u{2060}\u{3000}\u{feff}\u{2011}\u{2212}‘’‚“”„–—…Łł]";

/// Whether a code or password is on the phone exactly as it was sent, whatever text is around it.
pub fn is_unchanged(secret: &str) -> bool {
    // A blank before a comma or a full stop goes, and the template may have one there.
    let begins_alone = !secret.starts_with([',', '.']);
    begins_alone && as_shown(secret) == secret
}

/// The text as the phone shows it.
fn as_shown(text: &str) -> String {
    let plain = text.chars().fold(String::new(), |mut plain, character| {
        match replacement(character) {
            Some(replacement) => plain.push_str(replacement),
            None => plain.push(character),
        }
        plain
    });
    let lines: Vec<String> = plain.split(['\n', '\r']).map(tidy).collect();
    lines.join("\n").trim().to_owned()
}

/// What stands in the place of a character that looks like another, or like nothing.
fn replacement(character: char) -> Option<&'static str> {
    Some(match character {
        '‘' | '’' | '‚' => "'",
        '“' | '”' | '„' => "\"",
        // The non-breaking hyphen, dashes, and the minus sign.
        '\u{2011}' | '–' | '—' | '\u{2212}' => "-",
        '…' => "...",
        'Ł' => "L",
        'ł' => "l",
        '\u{a0}' | '\u{202f}' | '\t' | '\u{b}' | '\u{c}' => " ",
        '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' => "",
        // Python's str.split, by which lines are tidied, takes these for white space too.
        _ if character.is_whitespace() && !matches!(character, ' ' | '\n' | '\r') => " ",
        '\u{1c}'..='\u{1f}' => " ",
        _ => return None,
    })
}

/// A line with one blank between its words, and none before a comma or full stop.
fn tidy(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").replace(" ,", ",").replace(" .", ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pattern and the rule say the same of everything that a code or password can be made of.
    #[test]
    fn the_pattern_is_what_the_rule_is() {
        let pattern = regex_lite::Regex::new(ALTERED).unwrap();
        let agrees = |secret: &str| {
            let is_altered = pattern.is_match(secret);
            assert_eq!(is_altered, !is_unchanged(secret), "{secret:?}");
        };
        let printable = || ' '..='~';
        for (a, b) in printable().flat_map(|a| printable().map(move |b| (a, b))) {
            agrees(&format!("{a}{b}x{a}{b}y"));
            agrees(&format!("x{a}{b}"));
        }
        for character in ('\u{80}'..='\u{3100}').chain(['\u{feff}', '密', '😀']) {
            agrees(&format!("a{character}b"));
        }
    }

    #[test]
    fn what_arrives_as_another_is_known() {
        let unchanged = [
            "123456",
            "123 456",
            "beK989vc",
            "correct horse battery",
            "Pa.ss,w!",
            "Код42",
            "密码😀",
            "naïve-ŵŷ",
            "<b>&amp;((code))",
        ];
        let changed = [
            "correct  horse",
            "Pa .ss",
            "Pa ,ss",
            ".hidden",
            ",hidden",
            "it’s",
            "it‚s",
            "„it",
            "a–b",
            "12\u{2011}34",
            "12\u{2212}34",
            "hasło",
            "ŁÓDŹ",
            "wait…",
            "12\u{a0}34",
            "12\u{200b}34",
            "12\u{3000}34",
        ];
        for secret in unchanged {
            assert!(is_unchanged(secret), "{secret}");
        }
        for secret in changed {
            assert!(!is_unchanged(secret), "{secret}");
        }
    }
}
