//! Files and folders with the modes that they are meant to have, whatever the umask.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::SiteError;

/// Makes a folder.
pub(super) fn make_folder(path: &Path, mode: u32) -> Result<(), SiteError> {
    DirBuilder::new()
        .mode(mode)
        .create(path)
        .map_err(io_error("make", path))?;
    set_mode(path, mode)
}

/// Writes a file with this mode: beside its place, then renamed.
pub(super) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), SiteError> {
    let beside = path.with_file_name(format!(
        ".{}.new",
        path.file_name().unwrap_or_default().to_string_lossy()
    ));
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&beside)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        fs::rename(&beside, path)
    })();
    written.map_err(io_error("write", path))
}

/// Copies a file: beside its place, then renamed.
pub(super) fn copy(from: &Path, to: &Path, mode: u32) -> Result<(), SiteError> {
    let beside = to.with_extension("new");
    fs::copy(from, &beside).map_err(io_error("copy", from))?;
    set_mode(&beside, mode)?;
    fs::rename(&beside, to).map_err(io_error("write", to))
}

/// Sets the mode of what is there.
pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), SiteError> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(io_error("set the mode of", path))
}

/// The error for this action on this path.
pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SiteError {
    let path = path.to_owned();
    move |source| SiteError::Io {
        action,
        path,
        source,
    }
}
