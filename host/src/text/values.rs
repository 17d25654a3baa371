//! What goes into a text for one user: cleaned, so that a name from a directory can neither break a text nor bend it.

use std::borrow::Cow;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use textsender_plugin_api::alphabet;
use textsender_plugin_api::message::minutes;
use textsender_plugin_api::template::{Placeholder, Placeholders, Values};

use super::compile::is_right_to_left;
use super::fold::{self, Change};

/// Characters of a user's value that are kept.
pub const USER_VALUE_LENGTH: usize = 40;

/// What a request gives for a text, as it came. It has no `Debug`: it holds a code or a password.
#[derive(Clone, Copy, Default)]
pub struct TextValues<'a> {
    /// The code.
    pub code: Option<&'a str>,
    /// The new password.
    pub password: Option<&'a str>,
    /// The user's account name.
    pub user: Option<&'a str>,
    /// The user's display name.
    pub name: Option<&'a str>,
    /// The caller's own words.
    pub message: Option<&'a str>,
    /// How long code or password will be good for.
    pub expires_in: Option<Duration>,
}

/// How users' names were written so that a text keeps to its `max_segments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// As the request has them.
    Given,
    /// In the GSM alphabet; a name that has no such form is left out.
    Gsm,
    /// Left out: the template's default stands in.
    LeftOut,
}

/// A user's name or display name, or a caller's own words, fit for a text: control characters and those that turn the direction of writing
/// are lost, white space and line breaks are single spaces, and it ends after 40 characters.
///
/// A cut never parts a letter from its accents or an emoji from its joined parts as far as those are marks, joiners,
/// variation selectors or skin tones; that is short of UAX #29, which would need its tables. Of flags and Hangul
/// written in single letters a half may be left.
pub fn user_value(value: &str) -> Cow<'_, str> {
    if value.len() <= USER_VALUE_LENGTH && value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::from(value);
    }
    let mut clean = String::with_capacity(value.len().min(4 * USER_VALUE_LENGTH));
    let mut kept = 0;
    let mut space = false;
    for character in value.chars().filter(|character| !is_dropped(*character)) {
        if character.is_whitespace() {
            space = kept > 0;
            continue;
        }
        let needed = 1 + usize::from(space);
        if kept + needed > USER_VALUE_LENGTH {
            let parted = (joins(character) && !space) || clean.ends_with(JOINER);
            if parted {
                drop_last_cluster(&mut clean);
            }
            break;
        }
        if std::mem::take(&mut space) {
            clean.push(' ');
        }
        clean.push(character);
        kept += needed;
    }
    Cow::from(clean)
}

/// Values ready to be put in. The characters of code and password are as they came, whatever is done to the names.
pub(super) struct Prepared<'a> {
    code: Option<Cow<'a, str>>,
    password: Option<Cow<'a, str>>,
    user: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    message: Option<Cow<'a, str>>,
    minutes: Option<String>,
}

impl<'a> Prepared<'a> {
    /// Prepares those values that a template uses.
    pub(super) fn new(values: &TextValues<'a>, uses: Placeholders, names: Names) -> Self {
        let name = |placeholder, value: Option<&'a str>| {
            let used = value.filter(|_| uses.contains(placeholder));
            used.and_then(|value| write_name(value, names))
        };
        Self {
            code: values.code.map(Cow::from),
            password: values.password.map(Cow::from),
            user: name(Placeholder::User, values.user),
            name: name(Placeholder::Name, values.name),
            message: name(Placeholder::Message, values.message),
            minutes: values.expires_in.map(|left| minutes(left).to_string()),
        }
    }

    /// Whether one of the user's names is written from right to left, which turns what stands beside it.
    pub(super) fn has_name_from_right_to_left(&self) -> bool {
        let names = [&self.user, &self.name, &self.message];
        names
            .into_iter()
            .flatten()
            .any(|name| is_right_to_left(name))
    }

    /// Keeps the groups of a code or password in their order beside what is written from right to left, where
    /// `123-456` would be shown as `456-123`: U+2068 and U+2069 isolate it (UAX #9, section 2.4).
    pub(super) fn isolate_secrets(&mut self) {
        for secret in [&mut self.code, &mut self.password] {
            let has_groups = |secret: &Cow<str>| secret.contains(|c: char| !c.is_alphanumeric());
            if let Some(whole) = secret.take_if(|secret| has_groups(secret)) {
                *secret = Some(Cow::from(format!("\u{2068}{whole}\u{2069}")));
            }
        }
    }

    /// Folds the look-alikes in the names, and adds which to `changes`.
    pub(super) fn fold_names(&mut self, changes: &mut Vec<Change>) {
        let values = [&mut self.user, &mut self.name, &mut self.message];
        for value in values.into_iter().flatten() {
            let folded = fold::look_alikes(value);
            if folded.changes.is_empty() {
                continue;
            }
            for change in folded.changes {
                change.add_to(changes);
            }
            *value = Cow::Owned(folded.text.into_owned());
        }
    }
}

impl Values for Prepared<'_> {
    fn value(&self, placeholder: Placeholder) -> Option<Cow<'_, str>> {
        match placeholder {
            Placeholder::Code => self.code.as_deref().map(Cow::from),
            Placeholder::Password => self.password.as_deref().map(Cow::from),
            Placeholder::User => self.user.as_deref().map(Cow::from),
            Placeholder::Name => self.name.as_deref().map(Cow::from),
            Placeholder::Message => self.message.as_deref().map(Cow::from),
            Placeholder::Minutes => self.minutes.as_deref().map(Cow::from),
            _ => None,
        }
    }
}

fn write_name(value: &str, names: Names) -> Option<Cow<'_, str>> {
    match (names, user_value(value)) {
        (Names::Given, value) => Some(value),
        (Names::Gsm, Cow::Borrowed(value)) => alphabet::plain_name(value, alphabet::is_gsm),
        (Names::Gsm, Cow::Owned(value)) => {
            alphabet::plain_name(&value, alphabet::is_gsm).map(|name| Cow::from(name.into_owned()))
        }
        (Names::LeftOut, _) => None,
    }
}

/// Control characters that are no white space, those that turn the direction of writing, and invisible ones.
fn is_dropped(character: char) -> bool {
    let control = character.is_control() && !character.is_whitespace();
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    let invisible = matches!(character, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    control || turns || invisible
}

/// Whether a character belongs to the one before it: marks, joiners, variation selectors, skin tones.
fn joins(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{200c}'..='\u{200d}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
            | '\u{1f3fb}'..='\u{1f3ff}'
    )
}

/// Joins the emoji before and after it into one.
const JOINER: char = '\u{200d}';

/// Takes off the last letter or emoji with all that belongs to it, as the next character would have.
fn drop_last_cluster(text: &mut String) {
    while let Some(last) = text.pop() {
        if !joins(last) && !text.ends_with(JOINER) {
            break;
        }
    }
    text.truncate(text.trim_end().len());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn user_values_are_cleaned() {
        let forty = "x".repeat(40);
        let cases = [
            ("ada", "ada".to_owned()),
            ("Ada L.", "Ada L.".to_owned()),
            ("  Ada\r\n\tLovelace ", "Ada Lovelace".to_owned()),
            ("Ada\u{2028}L\u{85}B", "Ada L B".to_owned()),
            ("a\u{0}d\u{1b}[31ma\u{7f}", "ad[31ma".to_owned()),
            ("\u{202e}evil\u{2066}\u{200f}", "evil".to_owned()),
            ("\u{200b}", String::new()),
            (&"x".repeat(41), forty.clone()),
            (&"é".repeat(41), "é".repeat(40)),
            // A letter at the cut goes with its accent, an emoji with its skin tone.
            (&("x".repeat(39) + "e\u{301}z"), "x".repeat(39)),
            (&("x".repeat(38) + "e\u{301}z"), "x".repeat(38) + "e\u{301}"),
            (&("x".repeat(38) + "e\u{301}\u{302}z"), "x".repeat(38)),
            (&("x".repeat(39) + "👍🏽"), "x".repeat(39)),
            (&("x".repeat(36) + "👩\u{200d}👩\u{200d}👦"), "x".repeat(36)),
            (&("x".repeat(39) + " y"), "x".repeat(39)),
            (&("x".repeat(40) + " \u{301}"), forty.clone()),
        ];
        for (value, expected) in cases {
            assert_eq!(user_value(value), expected, "{value:?}");
        }
    }

    #[test]
    fn minutes_are_never_too_many() {
        let cases = [
            (600, 10),
            (599, 10),
            (595, 10),
            (594, 9),
            (119, 2),
            (114, 1),
            (60, 1),
            (30, 1),
            (0, 1),
            (u64::MAX, u64::MAX / 60),
        ];
        for (seconds, expected) in cases {
            assert_eq!(
                minutes(Duration::from_secs(seconds)),
                expected,
                "{seconds} s"
            );
        }
    }

    proptest! {
        #[test]
        fn a_user_value_is_one_short_line(value in prop_oneof![any::<String>(), "[a\\s\u{301}\u{202e}👍🏽\u{200d}]{30,60}"]) {
            let clean = user_value(&value);
            prop_assert!(clean.chars().count() <= USER_VALUE_LENGTH);
            prop_assert!(!clean.chars().any(|c| c.is_control() || is_dropped(c)));
            prop_assert_eq!(clean.trim(), clean.as_ref());
            prop_assert_eq!(user_value(&clean), clean.as_ref());
        }
    }
}
