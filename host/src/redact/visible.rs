//! Which characters a reader sees as they are.

/// The text on one line: a space in place of what ends a line, moves a terminal's cursor or turns words
/// around, and nothing in place of what is not seen at all.
pub(super) fn one_line(text: impl Iterator<Item = char>) -> String {
    text.filter_map(shown).collect()
}

/// What is shown of a character.
pub(super) fn shown(c: char) -> Option<char> {
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
}
