//! Which characters a reader sees as they are.

use std::fmt::Write;

/// The text on one line: a space in place of what ends a line, moves a terminal's cursor or turns words
/// around, and nothing in place of what is not seen at all.
pub fn one_line(text: impl Iterator<Item = char>) -> String {
    text.filter_map(shown).collect()
}

/// What is shown of a character.
pub fn shown(c: char) -> Option<char> {
    match c {
        ' '..='~' => Some(c),
        _ if c.is_control() || is_reordering(c) || is_line_end(c) => Some(' '),
        _ if is_invisible(c) => None,
        _ => Some(c),
    }
}

/// Whether a character is seen, and reads as what it is.
pub fn is_visible(c: char) -> bool {
    shown(c) == Some(c)
}

/// A text of several lines, each as `one_line` would have it. `has_colour`: the sequences that set a
/// colour stay (SGR, ECMA-48, 8.3.117), but for the one that hides what follows.
pub fn without_tricks(text: &str, has_colour: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match colour(rest) {
            Some(length) if has_colour => {
                clean.push_str(&rest[..length]);
                length
            }
            _ => {
                let kept = matches!(c, '\n' | '\t').then_some(c);
                clean.extend(kept.or_else(|| shown(c)));
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    clean
}

/// The length of a sequence that sets a colour.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let hides = parameters[..end]
        .split(';')
        .any(|parameter| parameter == "8");
    (parameters[end..].starts_with('m') && !hides).then_some(2 + end + 1)
}

/// JSON as it is, but for characters that are not seen or change how a line reads: those are escaped.
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match is_visible(c) || c == '\n' {
            true => escaped.push(c),
            // Within a string: JSON has none of these elsewhere (RFC 8259, 7).
            false => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String never fails.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

/// U+2028 and U+2029 end a line for many a reader of logs, U+0085 is a control character anyway.
const fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Characters that make a line read other than it is written (Unicode Standard Annex 9, table 4).
const fn is_reordering(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Characters that take no room: the property `Default_Ignorable_Code_Point` of Unicode 16
/// (DerivedCoreProperties.txt), and the interlinear annotations.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_as_it_is_written_is_visible() {
        for c in ['a', '~', ' ', '\u{e9}', '\u{4e2d}', '\u{a0}'] {
            assert!(is_visible(c), "{c:?}");
        }
        let hidden = [
            '\u{0}',
            '\u{1b}',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
        ];
        for c in hidden {
            assert!(!is_visible(c), "{c:?}");
        }
    }

    #[test]
    fn lines_and_colours_stay_and_tricks_go() {
        let text = "a\tb\u{1b}[1;31mc\u{1b}[0m\n\u{1b}[2Jd\u{202e}e\u{1b}[8mf\r\u{200b}g";
        assert_eq!(
            without_tricks(text, true),
            "a\tb\u{1b}[1;31mc\u{1b}[0m\n [2Jd e [8mf g"
        );
        assert_eq!(
            without_tricks(text, false),
            "a\tb [1;31mc [0m\n [2Jd e [8mf g"
        );
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({
            "a\u{202e}b": ["\u{1b}[2J", "c\u{e0041}\u{2028}", "\u{e9}"],
        });
        let json = serde_json::to_string_pretty(&value).unwrap();
        let escaped = escaped(&json);
        assert!(
            escaped.chars().all(|c| is_visible(c) || c == '\n'),
            "{escaped}"
        );
        let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read, value);
    }
}
