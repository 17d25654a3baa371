//! Whose files are, and who may do what with them.

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown},
    path::Path,
};

use rustix::fs::{Access, OFlags, access};

/// Whose a file is, and its permission bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The owner's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
    /// The permission bits, with those for sticky, set-user and set-group.
    pub mode: u32,
}

impl Rights {
    /// Those of a file or folder.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            user: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
        }
    }
}

/// Whether a file has further names.
pub fn has_other_names(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.nlink() > 1
}

/// Opens a file for reading. Not blocking, as there may be a pipe; a file does not
/// mind.
///
/// # Errors
///
/// It can't be opened.
pub fn open_without_waiting(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Opens a file for writing that is there. A link in its place is refused, so that no other file is
/// written.
///
/// # Errors
///
/// It can't be opened, or is a link.
pub fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .custom_flags(NO_FOLLOW)
        .open(path)
}

/// Makes a file and opens it for writing, with at most this mode: the umask may take from it.
///
/// # Errors
///
/// It can't be made, or something has this name.
pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .custom_flags(NO_FOLLOW)
        .open(path)
}

/// Opens a file for writing, and makes it where it is missing, with at most this mode.
///
/// # Errors
///
/// It can't be opened or made, or is a link.
pub fn open_or_create(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(mode)
        .custom_flags(NO_FOLLOW)
        .open(path)
}

const NO_FOLLOW: i32 = OFlags::NOFOLLOW.bits().cast_signed();

/// Makes a folder with at most this mode.
///
/// # Errors
///
/// It can't be made, or something has this name.
pub fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode).create(path)
}

/// Makes a folder and those above it that are missing, with at most this mode.
///
/// # Errors
///
/// One of them can't be made.
pub fn make_folders(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Sets a file's permission bits, whatever the umask.
///
/// # Errors
///
/// It belongs to another account.
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Gives a file to another account.
///
/// # Errors
///
/// Only root may.
pub fn give(file: &File, user: u32, group: u32) -> io::Result<()> {
    fchown(file, Some(user), Some(group))
}

/// Whether this account may read a file.
///
/// # Errors
///
/// It may not, or it is not there.
pub fn may_read(path: &Path) -> io::Result<()> {
    Ok(access(path, Access::READ_OK)?)
}

/// Whether this account may make and read files in a folder.
///
/// # Errors
///
/// It may not, or it is not there.
pub fn may_use_folder(path: &Path) -> io::Result<()> {
    Ok(access(
        path,
        Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK,
    )?)
}
