//! How long the texts can become: what `check` holds against `max_segments`.

use std::time::Duration;

use textsender_plugin_api::template::{Placeholder, Placeholders};

use super::segments::Segments;
use super::{Key, Names, Text, TextFault, TextValues, Texts, USER_VALUE_LENGTH};

/// Minutes of the longest life that is reckoned with: three digits.
const LONGEST_LIFE: Duration = Duration::from_secs(999 * 60);

impl Texts {
    /// The texts that can become more segments than `max_segments`, in any locale.
    ///
    /// Codes are reckoned with `code_length` characters and names with 40, all in the GSM alphabet: names that are
    /// not give way when a text is written (see [`Texts::render`]).
    pub fn check(&self) -> Vec<TextFault> {
        let Some(max) = self.max_segments else {
            return Vec::new();
        };
        let longest = self.longest().into_iter();
        let too_long = longest.filter(|(_, segments)| segments.count > max);
        let fault = |(tag, segments): (Option<&str>, Segments)| TextFault::TooLong {
            key: tag.map_or(Key::Text, |tag| Key::Translation(tag.to_owned())),
            segments,
            max,
            code_length: self.code_length,
        };
        too_long.map(fault).collect()
    }

    /// The longest that each text can become, the policy's own first, then the translations by their tags.
    pub fn longest(&self) -> Vec<(Option<&str>, Segments)> {
        let longest = Longest {
            secret: "0".repeat(self.code_length),
            name: "W".repeat(USER_VALUE_LENGTH),
        };
        let all = self.all();
        all.filter_map(|(tag, text)| Some((tag, self.longest_of(text, &longest)?)))
            .collect()
    }

    /// Tries every combination of values and defaults, for a default may be longer than the value.
    fn longest_of(&self, text: &Text, longest: &Longest) -> Option<Segments> {
        let optional = |placeholder: &Placeholder| Placeholders::OPTIONAL.contains(*placeholder);
        let defaulted: Vec<_> = text.template.uses().iter().filter(optional).collect();
        let combinations = 0..1_usize << defaulted.len();
        let lengths = combinations.filter_map(|combination| {
            let absent = defaulted.iter().enumerate();
            let absent = absent.filter(|(place, _)| combination & 1 << place != 0);
            let absent = absent.map(|(_, placeholder)| *placeholder).collect();
            let values = longest.values(absent);
            // Code and password are there and the rest has defaults, so that it can be written.
            let written = self.write(text, &values, Names::Given).ok()?;
            Some(written.segments)
        });
        lengths.max_by_key(|segments| (segments.count, segments.units))
    }
}

/// Stand-ins for the values of a message.
struct Longest {
    secret: String,
    name: String,
}

impl Longest {
    fn values(&self, absent: Placeholders) -> TextValues<'_> {
        let name = |placeholder| (!absent.contains(placeholder)).then_some(self.name.as_str());
        TextValues {
            code: Some(&self.secret),
            password: Some(&self.secret),
            user: name(Placeholder::User),
            name: name(Placeholder::Name),
            expires_in: (!absent.contains(Placeholder::Minutes)).then_some(LONGEST_LIFE),
        }
    }
}
