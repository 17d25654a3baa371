//! The file for Prometheus.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Write as _},
    path::Path,
    process,
};

use crate::{os::rights, trust};

/// Writes the file beside its place, and renames it: a reader has the old one or the new one, whole.
/// Its new name does not end in `.prom`, so the collector never reads it half-written. Readable for
/// all, as the collector is another user.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let beside = |name: &OsStr| {
        let mut beside = name.to_owned();
        beside.push(format!(".{}.new", process::id()));
        beside
    };
    let write = |new: &mut File| {
        new.write_all(text.as_bytes())?;
        rights::set_mode(new, 0o644)
    };
    trust::replace(file, beside, write).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_file_is_replaced_whole_and_readable_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("textsender.prom");
        for text in ["one\n", "two\n"] {
            replace(&file, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(rights::Rights::of(&file.metadata().unwrap()).mode, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("none/textsender.prom"), "").is_err());
    }
}
