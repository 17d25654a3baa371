//! Plainer characters for those that make a text cost double.
//!
//! [`look_alikes`] replaces what word processors put in by themselves: nobody sees a difference.
//! [`name`] also takes accents off letters, and is for users' names alone. Neither may touch a code or a password.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use super::segments::septets;

/// A text and what was replaced in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded<'a> {
    /// The text as it is now.
    pub text: Cow<'a, str>,
    /// What was replaced, each character once, in the order in which they first stood.
    pub changes: Vec<Change>,
}

/// One kind of replacement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// The character that stood in the text.
    pub from: char,
    /// What stands there now; empty if it was invisible.
    pub to: &'static str,
    /// How often.
    pub times: usize,
}

/// Characters that a sender can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// The GSM 7-bit default alphabet and its extension table.
    Gsm,
    /// Printable ASCII.
    Ascii,
}

/// Replaces curly quotes, dashes, special spaces and the like by what looks the same and is in the GSM alphabet.
/// It never adds or removes a `%` or a `|`, so that a template stays the same template.
pub fn look_alikes(text: &str) -> Folded<'_> {
    let Some(first) = text.find(|character| look_alike(character).is_some()) else {
        let (text, changes) = (Cow::from(text), Vec::new());
        return Folded { text, changes };
    };
    let mut folded = String::with_capacity(text.len());
    let mut changes = Vec::new();
    folded.push_str(&text[..first]);
    for character in text[first..].chars() {
        match look_alike(character) {
            Some(plain) => {
                folded.push_str(plain);
                note(&mut changes, character, plain, 1);
            }
            None => folded.push(character),
        }
    }
    let text = Cow::from(folded);
    Folded { text, changes }
}

/// A user's name in the characters of an alphabet, accents lost where they must be: `Łukasz Müller` is
/// `Lukasz Müller` in GSM and `Lukasz Muller` in ASCII. `None` if a character has no Latin form:
/// no name is better than half of one, and a template has a default for it.
pub fn name(name: &str, alphabet: Alphabet) -> Option<Cow<'_, str>> {
    if name.chars().all(|character| alphabet.holds(character)) {
        return Some(Cow::from(name));
    }
    let mut folded = String::with_capacity(name.len());
    for character in name.chars() {
        if alphabet.holds(character) {
            folded.push(character);
            continue;
        }
        folded.push_str(look_alike(character).or_else(|| latin(character))?);
    }
    Some(Cow::from(folded))
}

impl Change {
    /// Adds it to a list in which each character stands once.
    pub(super) fn add_to(self, changes: &mut Vec<Self>) {
        note(changes, self.from, self.to, self.times);
    }
}

impl Alphabet {
    fn holds(self, character: char) -> bool {
        match self {
            Self::Gsm => septets(character).is_some(),
            Self::Ascii => character == ' ' || character.is_ascii_graphic(),
        }
    }
}

fn note(changes: &mut Vec<Change>, from: char, to: &'static str, times: usize) {
    match changes.iter_mut().find(|change| change.from == from) {
        Some(change) => change.times += times,
        None => changes.push(Change { from, to, times }),
    }
}

/// What looks like a character that is not in the GSM alphabet, in ASCII; nothing for what is invisible.
/// Joiners (U+200C, U+200D) stay: Persian, Indic scripts and emoji are spelt with them.
fn look_alike(character: char) -> Option<&'static str> {
    let plain = match character {
        '‘' | '’' | '‚' | '‛' | '′' | '‹' | '›' | 'ʼ' | '´' | '`' => "'",
        '“' | '”' | '„' | '‟' | '″' | '«' | '»' => "\"",
        // Hyphens and dashes: U+2010 to U+2015, and the minus sign.
        '\u{2010}'..='\u{2015}' | '\u{2212}' => "-",
        // The no-break space and spaces of special widths.
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\t' => " ",
        // Line and paragraph separator.
        '\u{2028}' | '\u{2029}' => "\n",
        '…' => "...",
        '•' | '·' => "-",
        // Soft hyphen, zero-width space, word joiner, byte order mark.
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => "",
        _ => return None,
    };
    Some(plain)
}

/// The Latin letter without its accents, in ASCII; nothing for a combining accent.
fn latin(character: char) -> Option<&'static str> {
    let (upper, lower) = match character {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' | 'Ǎ' | 'ǎ' | 'Ạ'..='ặ' => ("A", "a"),
        'Æ' | 'æ' => ("Ae", "ae"),
        'Ç' | 'ç' | 'Ć'..='č' => ("C", "c"),
        'Ð' | 'ð' | 'Ď'..='đ' => ("D", "d"),
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' | 'Ẹ'..='ệ' => ("E", "e"),
        'Ĝ'..='ģ' | 'Ǧ' | 'ǧ' => ("G", "g"),
        'Ĥ'..='ħ' => ("H", "h"),
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' | 'Ǐ' | 'ǐ' | 'Ỉ'..='ị' => ("I", "i"),
        'Ĳ' | 'ĳ' => ("IJ", "ij"),
        'Ĵ' | 'ĵ' => ("J", "j"),
        'Ķ' | 'ķ' | 'ĸ' => ("K", "k"),
        'Ĺ'..='ł' => ("L", "l"),
        'Ñ' | 'ñ' | 'Ń'..='ŋ' => ("N", "n"),
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' | 'Ơ' | 'ơ' | 'Ǒ' | 'ǒ' | 'Ọ'..='ợ' => {
            ("O", "o")
        }
        'Œ' | 'œ' => ("Oe", "oe"),
        'Ŕ'..='ř' => ("R", "r"),
        'Ś'..='š' | 'Ș' | 'ș' => ("S", "s"),
        'ß' | 'ẞ' => ("SS", "ss"),
        'Ţ'..='ŧ' | 'Ț' | 'ț' => ("T", "t"),
        'Þ' | 'þ' => ("Th", "th"),
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' | 'Ư' | 'ư' | 'Ǔ' | 'ǔ' | 'Ụ'..='ự' => {
            ("U", "u")
        }
        'Ŵ' | 'ŵ' | 'Ẁ'..='ẅ' => ("W", "w"),
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' | 'Ỳ'..='ỹ' => ("Y", "y"),
        'Ź'..='ž' => ("Z", "z"),
        '\u{300}'..='\u{36f}' => ("", ""),
        _ => return None,
    };
    Some(if character.is_lowercase() {
        lower
    } else {
        upper
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::segments::{Encoding, Segments};

    #[test]
    fn look_alikes_become_plain() {
        let cases = [
            ("Your code", "Your code"),
            ("It’s “yours” – really…", "It's \"yours\" - really..."),
            ("10\u{a0}000\u{202f}€", "10 000 €"),
            (
                "zero\u{200b}width\u{feff} soft\u{ad}hyphen",
                "zerowidth softhyphen",
            ),
            ("«ça»", "\"ça\""),
        ];
        for (text, expected) in cases {
            assert_eq!(look_alikes(text).text, expected, "{text}");
        }
    }

    #[test]
    fn reports_each_change_once() {
        let folded = look_alikes("’a’ – b\u{200b}");
        let changes = [
            Change {
                from: '’',
                to: "'",
                times: 2,
            },
            Change {
                from: '–',
                to: "-",
                times: 1,
            },
            Change {
                from: '\u{200b}',
                to: "",
                times: 1,
            },
        ];
        assert_eq!(folded.changes, changes);
        assert_eq!(look_alikes("plain").changes, []);
    }

    #[test]
    fn names_lose_what_cannot_be_carried() {
        let cases = [
            ("Ada Lovelace", Some("Ada Lovelace"), Some("Ada Lovelace")),
            ("Jürgen Groß", Some("Jürgen Groß"), Some("Jurgen Gross")),
            ("Łukasz Żółć", Some("Lukasz Zolc"), Some("Lukasz Zolc")),
            ("Siân Llŷr", Some("Sian Llyr"), Some("Sian Llyr")),
            ("Nguyễn Ước", Some("Nguyen Uoc"), Some("Nguyen Uoc")),
            ("İzel Işık", Some("Izel Isik"), Some("Izel Isik")),
            (
                "Zoe\u{308} O’Neill",
                Some("Zoe O'Neill"),
                Some("Zoe O'Neill"),
            ),
            ("Øystein Þór", Some("Øystein Thor"), Some("Oystein Thor")),
            ("Ольга", None, None),
            ("李 Wei", None, None),
            ("ΔΩ", Some("ΔΩ"), None),
        ];
        for (given, gsm, ascii) in cases {
            assert_eq!(name(given, Alphabet::Gsm).as_deref(), gsm, "{given}");
            assert_eq!(name(given, Alphabet::Ascii).as_deref(), ascii, "{given}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_more(text in any::<String>()) {
            let once = look_alikes(&text).text.into_owned();
            prop_assert_eq!(look_alikes(&once).text, once.as_str());
        }

        #[test]
        fn a_folded_name_is_in_its_alphabet(given in "[a-zÀ-ÖØ-öø-žẠ-ỹ’ \u{300}-\u{36f}]{0,50}") {
            let gsm = name(&given, Alphabet::Gsm);
            let ascii = name(&given, Alphabet::Ascii);
            prop_assert_eq!(gsm.map(|name| Segments::of(&name).encoding), Some(Encoding::Gsm));
            prop_assert_eq!(ascii.map(|name| name.is_ascii()), Some(true));
        }
    }
}
