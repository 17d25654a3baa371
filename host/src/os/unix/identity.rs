//! Which file a name leads to, and whether it changed.

use std::{fs::Metadata, os::unix::fs::MetadataExt};

/// A file whatever its name: device and inode.
pub type FileId = (u64, u64);

/// Which file this is.
pub fn of(metadata: &Metadata) -> FileId {
    (metadata.dev(), metadata.ino())
}

/// Whether no name leads to an open file any more.
pub fn is_unlinked(metadata: &Metadata) -> bool {
    metadata.nlink() == 0
}

/// What a file looked like: which it is, its size, and the times of change of its content and of its
/// inode in nanoseconds. The last sees an edit that keeps size and modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(FileId, u64, i128, i128);

impl Stamp {
    /// What a file looks like.
    pub fn of(metadata: &Metadata) -> Self {
        let nanoseconds =
            |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self(
            of(metadata),
            metadata.len(),
            nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        )
    }
}
