//! What can be wrong with a template, in words by which its author can correct it.

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

impl TemplateError {
    /// What is wrong.
    pub fn fault(&self) -> String {
        match self {
            Self::Unknown { name, .. } => format!("unknown placeholder `%{name}%`"),
            Self::Unclosed { name, .. } => format!("unclosed `%{name}`"),
            Self::StrayPercent { .. } => "a `%` that begins no placeholder".to_owned(),
            Self::NotOffered { placeholder, .. } => format!("`{placeholder}` cannot be used here"),
            Self::NeedsDefault { placeholder, .. } => format!("`{placeholder}` may have no value"),
            Self::Lacks { placeholder, .. } => format!("`{placeholder}` is missing"),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Unknown { nearest, .. } => match nearest {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("there are {}", Placeholders::OF_MESSAGE),
            },
            Self::Unclosed { .. } => {
                "end a placeholder with `%`, or write `%%` for a percent sign".to_owned()
            }
            Self::StrayPercent { .. } => "write `%%` for a percent sign".to_owned(),
            Self::NotOffered { offered, .. } => format!("use {offered}"),
            Self::NeedsDefault { placeholder, .. } => {
                let sample = placeholder.with_sample_default();
                format!("give it a default, such as `{sample}`")
            }
            Self::Lacks { placeholder, .. } => {
                format!("put it where the {} should stand", placeholder.as_str())
            }
        }
    }
}

impl TemplateError {
    /// The former name of [`remedy`](Self::remedy).
    #[doc(hidden)]
    #[deprecated(note = "it is called `remedy`")]
    pub fn mend(&self) -> String {
        self.remedy()
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.fault(), self.remedy())
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
