//! What `check` holds against the texts: how long they can become, and characters that can't be seen.

use std::time::Duration;

use textsender_plugin_api::template::{Placeholder, Placeholders};

use super::segments::Segments;
use super::{
    CompiledText, Composed, Key, Names, TextFault, TextValues, Texts, USER_VALUE_LENGTH, characters,
};

/// Minutes of the longest life that is reckoned with: three digits.
const LONGEST_LIFE: Duration = Duration::from_secs(999 * 60);

impl Texts {
    /// The texts with a character that can't be seen and that nothing needs, and those that can become more segments
    /// than `max_segments`, in any locale.
    pub fn check(&self) -> Vec<TextFault> {
        let mut faults = self.too_long();
        faults.extend(self.all().filter_map(|(tag, text)| {
            let (at, character) = characters::unfit(&text.template, text.folded.is_some())?;
            Some(TextFault::Character {
                key: key(tag),
                character,
                at,
            })
        }));
        faults
    }

    /// Codes are reckoned with `code_length` characters and names with 40, all in the GSM alphabet: names that are
    /// not give way when a text is written (see [`Texts::render`]).
    fn too_long(&self) -> Vec<TextFault> {
        let Some(max) = self.max_segments else {
            return Vec::new();
        };
        let longest = self.longest().into_iter();
        let too_long = longest.filter(|longest| longest.segments.count > max);
        let fault = |longest: LongestText<'_>| TextFault::TooLong {
            key: longest.key(),
            segments: longest.segments,
            max,
            code_length: self.code_length,
        };
        too_long.map(fault).collect()
    }

    /// The longest that each text can become, the policy's own first, then the translations by their tags.
    pub fn longest(&self) -> Vec<LongestText<'_>> {
        let dummies = DummyValues {
            secret: "0".repeat(self.code_length),
            name: "W".repeat(USER_VALUE_LENGTH),
        };
        let longest = self.all().filter_map(|(tag, text)| {
            let written = self.longest_of(text, &dummies)?;
            Some(LongestText {
                tag,
                text: written.text,
                segments: written.segments,
            })
        });
        longest.collect()
    }

    /// Tries every combination of values and defaults, for a default may be longer than the value.
    fn longest_of(&self, text: &CompiledText, dummies: &DummyValues) -> Option<Composed> {
        let optional = |placeholder: &Placeholder| {
            Placeholders::OPTIONAL.contains(*placeholder) || *placeholder == Placeholder::Message
        };
        let defaulted: Vec<_> = text.template.uses().iter().filter(optional).collect();
        let combinations = 0..1_usize << defaulted.len();
        let lengths = combinations.filter_map(|combination| {
            let absent = defaulted.iter().enumerate();
            let absent = absent.filter(|(place, _)| combination & 1 << place != 0);
            let absent = absent.map(|(_, placeholder)| *placeholder).collect();
            let values = dummies.values(absent);
            // Code and password are there and the rest has defaults, so that it can be written.
            self.write(text, &values, Names::Given).ok()
        });
        lengths.max_by_key(|written| (written.segments.count, written.segments.units))
    }
}

/// The longest that a text can become, with zeroes for the code and `W`s for names.
#[derive(Clone, Debug)]
pub struct LongestText<'t> {
    /// The tag of the translation; `None` for the policy's own text.
    pub tag: Option<&'t str>,
    /// The text written out.
    pub text: String,
    /// What a carrier makes of it.
    pub segments: Segments,
}

impl LongestText<'_> {
    /// Whose template it is.
    pub fn key(&self) -> Key {
        key(self.tag)
    }
}

fn key(tag: Option<&str>) -> Key {
    tag.map_or(Key::Text, |tag| Key::Translation(tag.to_owned()))
}

/// Dummies for the values of a message.
struct DummyValues {
    secret: String,
    name: String,
}

impl DummyValues {
    fn values(&self, absent: Placeholders) -> TextValues<'_> {
        let name = |placeholder| (!absent.contains(placeholder)).then_some(self.name.as_str());
        TextValues {
            code: Some(&self.secret),
            password: Some(&self.secret),
            user: name(Placeholder::User),
            name: name(Placeholder::Name),
            message: name(Placeholder::Message),
            expires_in: (!absent.contains(Placeholder::Minutes)).then_some(LONGEST_LIFE),
        }
    }
}
