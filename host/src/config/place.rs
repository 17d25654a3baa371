//! Places in the text of a configuration.

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
