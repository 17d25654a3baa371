//! Templates: texts with `%placeholders%`, as administrators write them for what is sent and for senders' settings.
//!
//! | written | gives |
//! |---|---|
//! | `%code%` | the message's value of that name |
//! | `%name\|there%` | the value, or `there` when the message has none |
//! | `%%` | a percent sign |
//!
//! A template is parsed once and rendered in one pass: what is inserted is never read again, so a user
//! whose display name is `%password%` is greeted by just that. A setting of this type is checked when it is read:
//!
//! ```
//! use std::borrow::Cow;
//! use textsender_plugin_api::template::{Placeholder, Template, Values};
//!
//! struct Envelope { digits: String }
//!
//! impl Values for Envelope {
//!     fn value(&self, placeholder: Placeholder) -> Option<Cow<'_, str>> {
//!         (placeholder == Placeholder::Digits).then(|| Cow::from(&self.digits))
//!     }
//! }
//!
//! let address = Template::parse("%digits%@sms.example.com")?;
//! let to = address.render(&Envelope { digits: "447700900123".into() })?;
//! assert_eq!(to, "447700900123@sms.example.com");
//!
//! let error = Template::parse("Your code is %cod%").unwrap_err();
//! assert_eq!(error.to_string(), "unknown placeholder `%cod%`; did you mean `%code%`?");
//! assert_eq!(error.span(), 13..18);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod parse;
mod placeholder;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{MissingValue, TemplateError};
pub use placeholder::{Placeholder, Placeholders};

/// A parsed text with placeholders. It holds no secret: its `Debug` and its serde form are the source.
#[derive(Clone)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

/// A piece of a template; ranges are bytes of the source.
#[derive(Clone)]
enum Part {
    Literal(Range<usize>),
    Slot(Slot),
}

/// One placeholder where it stands in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    placeholder: Placeholder,
    span: Range<usize>,
    default: Option<Range<usize>>,
}

/// Where a template's values come from: a message.
pub trait Values {
    /// The value for a placeholder, or `None` if there is none. An empty value counts as none.
    fn value(&self, placeholder: Placeholder) -> Option<Cow<'_, str>>;
}

/// What a template may use, may count on and must hold where it stands; see [`Template::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Placeholders that may be used.
    pub offered: Placeholders,
    /// Those of them whose value may be absent, so that they need a default.
    pub optional: Placeholders,
    /// Those that must be used.
    pub mandatory: Placeholders,
}

impl Rules {
    /// The rules for a template in a sender's settings: every value of a message is offered. Whether `%code%` or `%password%`
    /// has a value depends on the message's purpose, so that neither needs a default; rendering tells.
    pub const SENDER_SETTING: Self = Self {
        offered: Placeholders::OF_MESSAGE,
        optional: Placeholders::OPTIONAL,
        mandatory: Placeholders::NONE,
    };
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// The first fault, with its place: an unknown placeholder, one without its closing percent sign, or a percent sign that is not doubled.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            parts: parse::parse(source)?,
            source: source.to_owned(),
        })
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The placeholders, in the order in which they stand; one used twice comes twice.
    pub fn placeholders(&self) -> impl Iterator<Item = &Slot> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot(slot) => Some(slot),
            Part::Literal(_) => None,
        })
    }

    /// The set of placeholders that it uses.
    pub fn uses(&self) -> Placeholders {
        self.placeholders().map(Slot::placeholder).collect()
    }

    /// Everything in the template that `rules` forbid, in the order of the text; nothing if it is fine.
    pub fn check(&self, rules: &Rules) -> Vec<TemplateError> {
        let misused = self.placeholders().filter_map(|slot| slot.check(rules));
        let lacking = (rules.mandatory - self.uses()).iter();
        let whole = 0..self.source.len();
        let lacking = lacking.map(|placeholder| TemplateError::Lacks {
            placeholder,
            span: whole.clone(),
        });
        misused.chain(lacking).collect()
    }

    /// Puts the values in. The result may hold a code or a password: it is no text to log.
    ///
    /// # Errors
    /// [`MissingValue`] names the first placeholder that has neither a value nor a default.
    pub fn render(&self, values: &impl Values) -> Result<String, MissingValue> {
        self.render_with(values, |_, _| ())
    }

    /// The same, and tells where in the result each placeholder's value or default came to stand.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_with<'t>(
        &'t self,
        values: &impl Values,
        mut filled: impl FnMut(&'t Slot, Range<usize>),
    ) -> Result<String, MissingValue> {
        let mut text = String::with_capacity(self.source.len() + 64);
        for part in &self.parts {
            match part {
                Part::Literal(range) => text.push_str(&self.source[range.clone()]),
                Part::Slot(slot) => {
                    let start = text.len();
                    text.push_str(&self.fill(slot, values)?);
                    filled(slot, start..text.len());
                }
            }
        }
        Ok(text)
    }

    /// What stands in a placeholder's place where the message has no value for it.
    pub fn default_of(&self, slot: &Slot) -> Option<&str> {
        self.source.get(slot.default.clone()?)
    }

    fn fill<'a>(
        &'a self,
        slot: &Slot,
        values: &'a impl Values,
    ) -> Result<Cow<'a, str>, MissingValue> {
        let value = values.value(slot.placeholder);
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            return Ok(value);
        }
        let default = slot.default.clone().ok_or(MissingValue(slot.placeholder))?;
        Ok(Cow::from(&self.source[default]))
    }
}

impl Slot {
    /// Which placeholder it is.
    pub fn placeholder(&self) -> Placeholder {
        self.placeholder
    }

    /// Its bytes in the source, percent signs included.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether it brings a default, be it an empty one.
    pub fn has_default(&self) -> bool {
        self.default.is_some()
    }

    fn check(&self, rules: &Rules) -> Option<TemplateError> {
        let placeholder = self.placeholder;
        let span = self.span();
        if !rules.offered.contains(placeholder) {
            let offered = rules.offered;
            return Some(TemplateError::NotOffered {
                placeholder,
                offered,
                span,
            });
        }
        let needs_default = rules.optional.contains(placeholder) && !self.has_default();
        needs_default.then_some(TemplateError::NeedsDefault { placeholder, span })
    }
}

/// The template that is this placeholder alone: what a setting's default often is.
impl From<Placeholder> for Template {
    fn from(placeholder: Placeholder) -> Self {
        let source = format!("%{}%", placeholder.as_str());
        let span = 0..source.len();
        let slot = Slot {
            placeholder,
            span,
            default: None,
        };
        Self {
            source,
            parts: vec![Part::Slot(slot)],
        }
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(source: &str) -> Result<Self, TemplateError> {
        Self::parse(source)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Template {}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Self::parse(&source)
            .map_err(|error| serde::de::Error::custom(format_args!("{error} (in `{source}`)")))
    }
}

/// A string whose `format` tells the host to parse it as a template when it checks a sender's settings.
impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "textsender-template" })
    }
}
