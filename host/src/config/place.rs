//! Places in a configuration: the bytes of its text, and the names of its values, such as
//! `senders.twilio.timeout` or `policies[3].link[0].order`.

use std::fmt;
use std::ops::{Deref, Range};

/// Where something stands: a file of the [`Sources`](super::Sources) and a range of bytes in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Place {
    /// Index into [`Sources::files`](super::Sources::files).
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Place {
    /// Those bytes of that file.
    pub fn new(file: u32, range: Range<usize>) -> Self {
        Place {
            file,
            start: range.start as u32,
            end: range.end as u32,
        }
    }

    /// The bytes as a range.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value together with the place it was read from, so that a later room can still point at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub place: Place,
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The way to a value, as a list on the stack: only a fault ever spells it out.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

/// One step of the way.
#[derive(Clone, Copy)]
pub(super) enum Step<'p> {
    Root,
    Key(&'p str),
    Item(usize),
}

impl<'p> Path<'p> {
    /// The document itself.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    /// One step further.
    pub fn child(&'p self, step: Step<'p>) -> Path<'p> {
        Path {
            parent: Some(self),
            step,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Item(index) => write!(f, "[{index}]"),
            Step::Key(key) => {
                let first = self.parent.is_none_or(|p| matches!(p.step, Step::Root));
                let dot = if first { "" } else { "." };
                let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                match !key.is_empty() && key.chars().all(bare) {
                    true => write!(f, "{dot}{key}"),
                    false => write!(f, "{dot}{key:?}"),
                }
            }
        }
    }
}
