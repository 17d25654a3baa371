//! Plainer characters for those that make a text cost double.
//!
//! It replaces what word processors put in by themselves: a reader sees no difference. It may not touch a
//! code or a password. Users' names, which may lose their accents, are
//! [`alphabet::plain_name`](textsender_plugin_api::alphabet::plain_name)'s.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use textsender_plugin_api::alphabet::look_alike;

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

impl Change {
    /// Adds it to a list in which each character stands once.
    pub(super) fn add_to(self, changes: &mut Vec<Self>) {
        note(changes, self.from, self.to, self.times);
    }
}

fn note(changes: &mut Vec<Change>, from: char, to: &'static str, times: usize) {
    match changes.iter_mut().find(|change| change.from == from) {
        Some(change) => change.times += times,
        None => changes.push(Change { from, to, times }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_more(text in any::<String>()) {
            let once = look_alikes(&text).text.into_owned();
            prop_assert_eq!(look_alikes(&once).text, once.as_str());
        }
    }
}
