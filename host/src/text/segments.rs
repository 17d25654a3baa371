//! How many messages a carrier makes of a text, and which characters make them many: each is paid for.
//!
//! A text whose every character is in the GSM 7-bit default alphabet or its extension table (3GPP TS 23.038, 6.2.1)
//! is counted in septets; any other is UTF-16. A message carries 140 octets: 160 septets or 70 UTF-16 units.
//! When a text needs several, each gives 6 octets to the header that joins them (3GPP TS 23.040, 9.2.3.24.1),
//! which leaves 153 septets or 67 units. An escaped character or a surrogate pair is never split over two.
//!
//! National language shift tables (TS 23.038, annex A) are not reckoned with: no provider here uses them.

use schemars::JsonSchema;
use serde::Serialize;
use textsender_plugin_api::alphabet::septets;

/// What a carrier makes of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Segments {
    /// The messages that it becomes; an empty text is one.
    pub count: usize,
    /// How its characters are encoded.
    pub encoding: Encoding,
    /// Its length: septets or UTF-16 units, after [`Encoding`].
    pub units: usize,
    /// The characters that make it long, in the order in which they first stand: in UTF-16 those that forced it,
    /// in GSM those that take two septets. They may be a password's: not for logs of real messages.
    pub costly: Vec<Costly>,
}

/// How a carrier encodes the characters of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// The GSM 7-bit default alphabet and its extension table.
    Gsm,
    /// UTF-16, also called UCS-2.
    Utf16,
}

/// A character that makes a text long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Costly {
    /// The character.
    pub character: char,
    /// How often it stands in the text.
    pub times: usize,
}

impl Encoding {
    /// Units of a message that stands alone.
    const fn single(self) -> usize {
        match self {
            Self::Gsm => 160,
            Self::Utf16 => 70,
        }
    }

    /// Units of each of several joined messages.
    const fn joined(self) -> usize {
        match self {
            Self::Gsm => 153,
            Self::Utf16 => 67,
        }
    }

    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm => septets(character).unwrap_or(0),
            Self::Utf16 => character.len_utf16(),
        }
    }
}

impl Segments {
    /// Counts the segments of a text.
    pub fn of(text: &str) -> Self {
        let encoding = encoding(text);
        let mut segments = Self {
            count: 1,
            encoding,
            units: 0,
            costly: Vec::new(),
        };
        let mut joined = 1;
        let mut filled = 0;
        for character in text.chars() {
            let units = encoding.units(character);
            segments.units += units;
            filled += units;
            if filled > encoding.joined() {
                joined += 1;
                filled = units;
            }
            if is_costly(character, encoding) {
                segments.note(character);
            }
        }
        if segments.units > encoding.single() {
            segments.count = joined;
        }
        segments
    }

    fn note(&mut self, character: char) {
        let mut noted = self.costly.iter_mut();
        match noted.find(|noted| noted.character == character) {
            Some(noted) => noted.times += 1,
            None => self.costly.push(Costly {
                character,
                times: 1,
            }),
        }
    }
}

fn encoding(text: &str) -> Encoding {
    let gsm = text.chars().all(|character| septets(character).is_some());
    if gsm { Encoding::Gsm } else { Encoding::Utf16 }
}

fn is_costly(character: char, encoding: Encoding) -> bool {
    match encoding {
        Encoding::Gsm => septets(character) == Some(2),
        Encoding::Utf16 => septets(character).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The boundaries of TS 23.038 and TS 23.040, as providers' guides publish them.
    #[test]
    fn boundaries() {
        use Encoding::{Gsm, Utf16};
        let cases = [
            ("".to_owned(), 1, Gsm, 0),
            ("a".repeat(160), 1, Gsm, 160),
            ("a".repeat(161), 2, Gsm, 161),
            ("a".repeat(306), 2, Gsm, 306),
            ("a".repeat(307), 3, Gsm, 307),
            ("a".repeat(459), 3, Gsm, 459),
            ("a".repeat(460), 4, Gsm, 460),
            ("a".repeat(918), 6, Gsm, 918),
            // An extension character takes two septets, in one segment.
            ("€".repeat(80), 1, Gsm, 160),
            ("€".repeat(81), 2, Gsm, 162),
            ("€".repeat(152), 2, Gsm, 304),
            ("€".repeat(153), 3, Gsm, 306),
            ("a".repeat(158) + "€", 1, Gsm, 160),
            ("a".repeat(159) + "€", 2, Gsm, 161),
            ("a".repeat(152) + "€" + &"a".repeat(151), 2, Gsm, 305),
            ("a".repeat(152) + "€" + &"a".repeat(152), 3, Gsm, 306),
            ("a".repeat(151) + "€" + &"a".repeat(153), 2, Gsm, 306),
            // One character outside of the alphabet makes all of them 16 bits.
            ("ж".repeat(70), 1, Utf16, 70),
            ("ж".repeat(71), 2, Utf16, 71),
            ("ж".repeat(134), 2, Utf16, 134),
            ("ж".repeat(135), 3, Utf16, 135),
            ("a".repeat(69) + "’", 1, Utf16, 70),
            ("a".repeat(70) + "’", 2, Utf16, 71),
            // A surrogate pair is two units, in one segment.
            ("🔑".repeat(35), 1, Utf16, 70),
            ("🔑".repeat(36), 2, Utf16, 72),
            ("🔑".repeat(66), 2, Utf16, 132),
            ("🔑".repeat(67), 3, Utf16, 134),
            ("a".repeat(66) + "🔑" + &"a".repeat(65), 2, Utf16, 133),
            ("a".repeat(66) + "🔑" + &"a".repeat(66), 3, Utf16, 134),
            // Capital C with cedilla is in the alphabet, small is not; nor is the backtick.
            ("ÇÉÑ§¿".to_owned(), 1, Gsm, 5),
            ("ç".to_owned(), 1, Utf16, 1),
            ("`".to_owned(), 1, Utf16, 1),
            ("[{\\^~|}]€\u{c}\r\n".to_owned(), 1, Gsm, 22),
        ];
        for (text, count, encoding, units) in cases {
            let segments = Segments::of(&text);
            let found = (segments.count, segments.encoding, segments.units);
            assert_eq!(found, (count, encoding, units), "{text}");
        }
    }

    #[test]
    fn names_the_costly_characters() {
        let costly = |text| -> Vec<(char, usize)> {
            let costly = Segments::of(text).costly;
            costly.iter().map(|c| (c.character, c.times)).collect()
        };
        assert_eq!(costly("Your code is 1234"), []);
        assert_eq!(costly("5 € or [10 €]"), [('€', 2), ('[', 1), (']', 1)]);
        assert_eq!(costly("it’s ’5 €’ – now"), [('’', 3), ('–', 1)]);
    }

    /// What `segments.py` had two other implementations say of the same texts.
    #[test]
    fn agrees_with_other_implementations() {
        let mut lines = include_str!("testdata/segments.jsonl").lines();
        let header: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
        let basic = header["basic"].as_str().unwrap();
        let extension = header["extension"].as_str().unwrap();
        for character in char::MIN..=char::MAX {
            let theirs = match character {
                _ if basic.contains(character) => Some(1),
                _ if extension.contains(character) => Some(2),
                _ => None,
            };
            assert_eq!(septets(character), theirs, "{character:?}");
        }

        let mut compared = 0;
        for line in lines {
            let theirs: (String, Encoding, usize, usize) = expected(line);
            let ours = Segments::of(&theirs.0);
            let found = (theirs.0.clone(), ours.encoding, ours.units, ours.count);
            assert_eq!(found, theirs);
            compared += 1;
        }
        assert_eq!(compared, 500);
    }

    fn expected(line: &str) -> (String, Encoding, usize, usize) {
        let (text, encoding, units, count): (String, String, usize, usize) =
            serde_json::from_str(line).unwrap();
        let encoding = match encoding.as_str() {
            "gsm" => Encoding::Gsm,
            "utf16" => Encoding::Utf16,
            other => panic!("encoding {other}"),
        };
        (text, encoding, units, count)
    }

    /// Texts around the boundaries, in which each kind of character is frequent.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z €{}]{0,400}", "[a-zж🔑€]{0,200}", any::<String>(),]
    }

    proptest! {
        #[test]
        fn appending_never_makes_it_less(text in texts(), more in texts()) {
            let before = Segments::of(&text);
            let after = Segments::of(&(text + &more));
            prop_assert!(after.count >= before.count);
        }

        #[test]
        fn holds_what_it_counts(text in texts()) {
            let segments = Segments::of(&text);
            let (single, joined) = (segments.encoding.single(), segments.encoding.joined());
            prop_assert_eq!(segments.count == 1, segments.units <= single);
            prop_assert!(segments.count == 1 || segments.units <= segments.count * joined);
            // A segment is left short by at most one unit.
            prop_assert!(segments.count == 1 || segments.units > (segments.count - 1) * (joined - 1));
        }
    }
}
