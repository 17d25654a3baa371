//! What can be wrong with a policy's texts, and where: a key, and bytes of its value.

use std::fmt;
use std::ops::Range;

use textsender_plugin_api::template::{MissingValue, TemplateError};
use thiserror::Error;

use super::USER_VALUE_LENGTH;
use super::segments::{Costly, Encoding, Segments};
use crate::redact::is_visible;

/// The key of the configuration, below the policy's purpose, whose value is at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// `text`: the policy's own.
    Text,
    /// `translations.TAG`.
    Translation(String),
    /// `origin`.
    Origin,
}

/// Why texts cannot be used as they are configured. Displays what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextFault {
    /// A template is wrong.
    Template {
        /// Whose template.
        key: Key,
        /// What is wrong, and where in it.
        error: TemplateError,
    },
    /// A character can't be seen, and nothing needs it.
    Character {
        /// Whose template.
        key: Key,
        /// The character.
        character: char,
        /// Its bytes in the template.
        at: Range<usize>,
    },
    /// A text can become more segments than `max_segments`.
    TooLong {
        /// Whose template.
        key: Key,
        /// The longest that it can become.
        segments: Segments,
        /// `max_segments`.
        max: usize,
        /// Characters of the code or password that were reckoned with.
        code_length: usize,
    },
    /// A translation's key is no language tag.
    Tag {
        /// The key.
        tag: String,
    },
    /// Two translations are for the same tag, but for case.
    SameTag {
        /// The later key.
        tag: String,
        /// The earlier one.
        other: String,
    },
    /// `origin` is not a host name.
    Origin {
        /// As it was written.
        origin: String,
        /// What to do.
        remedy: &'static str,
    },
    /// `origin` is set where no code is sent.
    OriginWithoutCode,
}

impl TextFault {
    /// What is wrong.
    pub fn fault(&self) -> String {
        match self {
            Self::Template { error, .. } => error.fault(),
            Self::Character { character, .. } => format!(
                "{} can't be read, and no letter here needs it",
                quoted(*character)
            ),
            Self::TooLong {
                segments,
                max,
                code_length,
                ..
            } => format!(
                "with a code of {code_length} characters and names of {USER_VALUE_LENGTH} this text takes {} \
                 segments ({}), but `max_segments` is {max}{}",
                segments.count,
                length(segments),
                blame(&segments.costly)
            ),
            Self::Tag { tag } => format!("`{tag}` is not a language tag"),
            Self::SameTag { tag, other } => {
                format!("`{tag}` and `{other}` are the same language tag")
            }
            Self::Origin { origin, .. } => {
                format!("`{origin}` is not a host name such as `reset.example.com`")
            }
            Self::OriginWithoutCode => {
                "`origin` binds a code to a web site, but this text carries none".to_owned()
            }
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Template { error, .. } => error.remedy(),
            Self::Character { .. } => "take it out, or write the text anew around it".to_owned(),
            Self::TooLong { segments, .. } if segments.encoding == Encoding::Utf16 => {
                "shorten it, replace those characters, or raise `max_segments`".to_owned()
            }
            Self::TooLong { .. } => "shorten it, or raise `max_segments`".to_owned(),
            Self::Tag { .. } => "write it as `cy` or `en-GB`".to_owned(),
            Self::SameTag { .. } => "keep one".to_owned(),
            Self::Origin { remedy, .. } => (*remedy).to_owned(),
            Self::OriginWithoutCode => "take it out".to_owned(),
        }
    }

    /// The key at fault.
    pub fn key(&self) -> Key {
        match self {
            Self::Template { key, .. }
            | Self::Character { key, .. }
            | Self::TooLong { key, .. } => key.clone(),
            Self::Tag { tag } | Self::SameTag { tag, .. } => Key::Translation(tag.clone()),
            Self::Origin { .. } | Self::OriginWithoutCode => Key::Origin,
        }
    }

    /// The bytes of the key's value to point at, if not all of it. They are of the value as it was parsed:
    /// where the file escapes characters, its own bytes differ.
    pub fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::Template { error, .. } => Some(error.span()),
            Self::Character { at, .. } => Some(at.clone()),
            _ => None,
        }
    }
}

impl fmt::Display for TextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.fault(), self.remedy())
    }
}

impl std::error::Error for TextFault {}

/// Why a text cannot be made for one request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RenderError {
    /// A placeholder has neither a value nor a default.
    #[error(transparent)]
    Missing(#[from] MissingValue),
    /// The text is too long, even without the user's names.
    #[error("the text takes {segments} segments, but the policy's `max_segments` is {max}")]
    TooLong {
        /// Segments that it would take.
        segments: usize,
        /// `max_segments`.
        max: usize,
    },
}

fn length(segments: &Segments) -> String {
    let unit = match segments.encoding {
        Encoding::Gsm => "GSM septets",
        Encoding::Utf16 => "UTF-16 units",
    };
    format!("{} {unit}", segments.units)
}

/// The characters that cost most, as the end of a sentence.
fn blame(costly: &[Costly]) -> String {
    if costly.is_empty() {
        return String::new();
    }
    let first = costly.iter().take(5);
    let quoted: Vec<String> = first.map(|costly| quoted(costly.character)).collect();
    let more = if costly.len() > 5 { " and others" } else { "" };
    format!("; costly characters: {}{more}", quoted.join(" "))
}

/// A character as people can see it; white space and invisible ones by number.
fn quoted(character: char) -> String {
    let is_escaped = || character.escape_debug().to_string().starts_with("\\u");
    let seen = is_visible(character) && !character.is_whitespace() && !is_escaped();
    if seen {
        format!("`{character}`")
    } else {
        format!("U+{:04X}", u32::from(character))
    }
}
