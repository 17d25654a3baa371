//! Which characters a text may carry: all that are seen, line feeds and tabs; and of those that are not seen the ones that
//! writing needs, where it needs them.
//!
//! | not seen | stays |
//! |---|---|
//! | joiners (U+200C, U+200D), variation selectors, marks of Mongolian | after a letter or emoji that they change: `👩‍💻`, `❤️`, Persian, Hindi |
//! | tags (U+E0020 to U+E007F) | after the black flag: `🏴󠁧󠁢󠁷󠁬󠁳󠁿` |
//! | U+200B, between words | in the scripts that put no spaces there: Thai, Lao, Burmese, Khmer |
//! | what sets the direction, but for the two that override it | beside letters that are written from right to left, or where a name may be |
//!
//! Any other is pasted along by accident, hides something, or reads other than it is written; and a carrier charges for it.

use std::ops::Range;

use textsender_plugin_api::{
    alphabet,
    template::{Placeholder, Template},
};

use super::compile::is_right_to_left;
use crate::redact::is_visible;

/// Where the first character stands that this text may not carry. With `is_folded` those are fine that folding replaces.
pub(super) fn unfit(template: &Template, is_folded: bool) -> Option<(Range<usize>, char)> {
    let text = template.as_str();
    let mut seen = None;
    for (at, c) in text.char_indices() {
        if is_visible(c) && !is_broken(c) || matches!(c, '\n' | '\r' | '\t') {
            seen = Some(c);
            continue;
        }
        let stays = match c {
            '\u{200b}' => text.chars().any(is_without_spaces),
            '\u{200e}'
            | '\u{200f}'
            | '\u{61c}'
            | '\u{202a}'..='\u{202c}'
            | '\u{2066}'..='\u{2069}' => is_right_to_left(text) || has_name(template),
            _ => seen.is_some_and(|seen| changes(c, seen)),
        };
        let is_replaced = is_folded && alphabet::look_alike(c).is_some();
        if !stays && !is_replaced {
            return Some((at..at + c.len_utf8(), c));
        }
    }
    None
}

/// What an encoding gone wrong leaves behind: U+FFFC, U+FFFD, and what is no character at all.
fn is_broken(c: char) -> bool {
    u32::from(c) & 0xfffe == 0xfffe
        || matches!(c, '\u{fffc}' | '\u{fffd}' | '\u{fdd0}'..='\u{fdef}')
}

/// Whether a character that is not seen changes how the one before it is written.
fn changes(c: char, seen: char) -> bool {
    // From Greek on: no Latin letter, and no sign of punctuation, is joined.
    let is_joined = seen >= '\u{370}' && !matches!(seen, '\u{2000}'..='\u{203b}' | '\u{3000}');
    match c {
        '\u{200c}' | '\u{200d}' | '\u{34f}' | '\u{fe00}'..='\u{fe0d}' => is_joined,
        // Text or emoji; digits become keys: 1️⃣.
        '\u{fe0e}' | '\u{fe0f}' => {
            matches!(seen, '0'..='9' | '#' | '*' | '©' | '®' | '\u{203c}') || is_joined
        }
        '\u{180b}'..='\u{180f}' => matches!(seen, '\u{1800}'..='\u{18af}'),
        '\u{e0100}'..='\u{e01ef}' => {
            matches!(seen, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
        }
        '\u{e0020}'..='\u{e007f}' => seen == '\u{1f3f4}',
        _ => false,
    }
}

/// Letters of scripts that mark the end of a word by U+200B, if at all (Unicode Standard Annex 14, class SA).
fn is_without_spaces(c: char) -> bool {
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

/// Whether a user's name is put in, which may be written in either direction.
fn has_name(template: &Template) -> bool {
    let uses = template.uses();
    let names = [Placeholder::User, Placeholder::Name, Placeholder::Message];
    names.into_iter().any(|name| uses.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<char> {
        unfit(&Template::parse(text).unwrap(), false).map(|(_, c)| c)
    }

    #[test]
    fn what_writing_needs_stays() {
        for text in [
            "Your code: %code%",
            "Two\nlines\r\nand a\ttab, 10\u{a0}000 €",
            // Emoji: joined, with a skin tone, as an emoji, a key, the flag of Wales.
            "👩\u{200d}💻 👍🏽 ❤\u{fe0f} ❤\u{fe0f}\u{200d}🔥 1\u{fe0f}\u{20e3} ©\u{fe0f} ‼\u{fe0f}",
            "🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f} %code%",
            // Persian, Hindi, Sinhala.
            "کد شما را می\u{200c}فرستیم: %code%",
            "क्\u{200d}ष %code%",
            "ශ්\u{200d}රී %code%",
            // Hebrew and Arabic with marks, an embedding, an isolate.
            "הקוד: \u{200e}%code%\u{200f}",
            "رمزك \u{202a}%code%\u{202c} أو \u{2066}%code%\u{2069}\u{61c}",
            // A name of either direction in an English text.
            "Hello \u{2068}%name|there%\u{2069}, your code: %code%",
            // Khmer and Thai, with the ends of words.
            "លេខកូដ\u{200b}របស់\u{200b}អ្នក %code%",
            "รหัส\u{200b}ของคุณ %code%",
            "葛\u{e0100} %code%",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_seen_and_needed_by_nothing_does_not() {
        for (text, c) in [
            ("Your\u{200b} code: %code%", '\u{200b}'),
            ("\u{feff}Your code: %code%", '\u{feff}'),
            ("soft\u{ad}hyphen %code%", '\u{ad}'),
            ("Your\u{200d} code: %code%", '\u{200d}'),
            ("\u{fe0f}Your code: %code%", '\u{fe0f}'),
            ("Your\u{2060} code: %code%", '\u{2060}'),
            ("Your code: \u{200e}%code%", '\u{200e}'),
            // Turned round, in Hebrew too.
            ("Your code: \u{202e}%code%", '\u{202e}'),
            ("הקוד: \u{202d}%code%", '\u{202d}'),
            // Words in tags, which no reader sees.
            ("😀\u{e0048}\u{e0069} %code%", '\u{e0048}'),
            ("\u{3164}%code%", '\u{3164}'),
            ("Line\u{2028}%code%", '\u{2028}'),
            ("Your c\u{fffd}de: %code%", '\u{fffd}'),
            ("\u{0}%code%", '\u{0}'),
            ("\u{1b}[2J%code%", '\u{1b}'),
            ("\u{85}%code%", '\u{85}'),
            ("\u{ffff}%code%", '\u{ffff}'),
        ] {
            assert_eq!(of(text), Some(c), "{text:?}");
        }
    }

    #[test]
    fn what_folding_takes_out_is_no_fault_with_it() {
        let template = Template::parse("Your\u{200b} c\u{ad}ode: %code%").unwrap();
        assert!(unfit(&template, false).is_some());
        assert_eq!(unfit(&template, true), None);
    }
}
