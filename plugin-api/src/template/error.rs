//! What can be wrong with a template, told so that whoever wrote it can mend it.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use super::{Placeholder, Placeholders};

/// What is wrong with a template. Spans are bytes of the template's source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// No placeholder has this name.
    Unknown {
        /// The name, without percent signs.
        name: String,
        /// What was probably meant.
        nearest: Option<Placeholder>,
        /// Where it stands, percent signs included.
        span: Range<usize>,
    },
    /// A placeholder without its closing percent sign.
    Unclosed {
        /// The name, without the percent sign.
        name: String,
        /// The percent sign and the name.
        span: Range<usize>,
    },
    /// A percent sign with no placeholder after it.
    StrayPercent {
        /// The percent sign.
        span: Range<usize>,
    },
    /// A placeholder that has no meaning where the template stands.
    NotOffered {
        /// The placeholder.
        placeholder: Placeholder,
        /// What could be used.
        offered: Placeholders,
        /// Where it stands, percent signs included.
        span: Range<usize>,
    },
    /// A placeholder whose value may be absent, without a default.
    NeedsDefault {
        /// The placeholder.
        placeholder: Placeholder,
        /// Where it stands, percent signs included.
        span: Range<usize>,
    },
    /// A placeholder that must be used is not.
    Lacks {
        /// The placeholder.
        placeholder: Placeholder,
        /// The whole template.
        span: Range<usize>,
    },
}

impl TemplateError {
    /// The bytes of the source that are to blame.
    pub fn span(&self) -> Range<usize> {
        match self {
            Self::Unknown { span, .. }
            | Self::Unclosed { span, .. }
            | Self::StrayPercent { span }
            | Self::NotOffered { span, .. }
            | Self::NeedsDefault { span, .. }
            | Self::Lacks { span, .. } => span.clone(),
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown {
                name,
                nearest: Some(nearest),
                ..
            } => {
                write!(
                    f,
                    "unknown placeholder `%{name}%`; did you mean `{nearest}`?"
                )
            }
            Self::Unknown {
                name,
                nearest: None,
                ..
            } => {
                write!(
                    f,
                    "unknown placeholder `%{name}%`; there are {}",
                    Placeholders::OF_MESSAGE
                )
            }
            Self::Unclosed { name, .. } => {
                write!(
                    f,
                    "unclosed `%{name}`: end a placeholder with `%`, or write `%%` for a percent sign"
                )
            }
            Self::StrayPercent { .. } => {
                f.write_str("a `%` that begins no placeholder: write `%%` for a percent sign")
            }
            Self::NotOffered {
                placeholder,
                offered,
                ..
            } => {
                write!(f, "`{placeholder}` cannot be used here; use {offered}")
            }
            Self::NeedsDefault { placeholder, .. } => {
                let sample = placeholder.with_sample_default();
                write!(
                    f,
                    "`{placeholder}` may have no value: give it a default, such as `{sample}`"
                )
            }
            Self::Lacks { placeholder, .. } => {
                write!(
                    f,
                    "`{placeholder}` is missing: put it where the {} should stand",
                    placeholder.as_str()
                )
            }
        }
    }
}

impl Error for TemplateError {}

/// A placeholder has neither a value nor a default, so that the template cannot be rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingValue(
    /// The placeholder.
    pub Placeholder,
);

impl fmt::Display for MissingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(placeholder) = self;
        let name = placeholder.as_str();
        write!(
            f,
            "the message has no value for `%{name}%`, and the template no default (`%{name}|default%`)"
        )
    }
}

impl Error for MissingValue {}
