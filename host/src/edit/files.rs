//! Files that commands write: whole or not at all, and with the owner and mode that they are meant
//! to have, whatever the umask.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{error::EditError, names};
use crate::os::rights::{self, Rights};

/// Whose a file is, and who may do what with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Numbers of user and group; `None`: the user who runs this.
    pub owner: Option<(u32, u32)>,
    /// The permission bits.
    pub mode: u32,
}

impl Access {
    /// That of a file or folder that is there.
    pub fn of(path: &Path) -> io::Result<Self> {
        let Rights { user, group, mode } = Rights::of(&fs::metadata(path)?);
        Ok(Self {
            owner: Some((user, group)),
            mode,
        })
    }

    /// The same owner, another mode.
    pub fn with_mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    fn apply(self, file: &File) -> io::Result<()> {
        if let Some((user, group)) = self.owner {
            let now = Rights::of(&file.metadata()?);
            if (now.user, now.group) != (user, group) {
                rights::give(file, user, group)?;
            }
        }
        rights::set_mode(file, self.mode)
    }
}

/// Writes a file whole: beside its place, to the disk, then renamed. A reader, at that time or
/// after a crash, has the old file or the new one.
///
/// The caller holds the [`Lock`] that keeps others from writing it.
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> Result<(), EditError> {
    let failed = |error| EditError::io(path, "written")(error);
    // A link stays a link: what it leads to is replaced.
    let target = match fs::canonicalize(path) {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(failed(error)),
    };
    let beside = beside(&target);
    let written = write_new(&beside, bytes, access).and_then(|()| fs::rename(&beside, &target));
    if written.is_err() {
        // It may not be there; what went wrong is told below.
        let _ = fs::remove_file(&beside);
    }
    written.and_then(|()| sync_folder(&target)).map_err(failed)
}

/// Opens a file to which lines are added; made if it is not there, for its folder's owner and for
/// those who may read the folder.
pub fn open_to_append(path: &Path) -> Result<File, EditError> {
    let failed = |error| EditError::io(path, "written")(error);
    let is_new = !path.exists();
    let mut file = rights::open_or_create(path, 0o600).map_err(failed)?;
    if is_new {
        let folder = Access::of(&names::folder_of(path)).map_err(failed)?;
        let access = folder.with_mode(folder.mode & 0o664 | 0o600);
        access.apply(&file).map_err(failed)?;
    }
    file.seek(SeekFrom::End(0)).map_err(failed)?;
    Ok(file)
}

/// Removes a file for good.
pub fn remove(path: &Path) -> Result<(), EditError> {
    fs::remove_file(path)
        .and_then(|()| sync_folder(path))
        .map_err(EditError::io(path, "removed"))
}

/// Makes a folder, with those above it. One that is there stays as it is; returns whether it was
/// made.
pub fn make_folder(path: &Path, access: Access) -> Result<bool, EditError> {
    if path.is_dir() {
        return Ok(false);
    }
    let make = || {
        if let Some(parent) = path.parent() {
            rights::make_folders(parent, 0o755)?;
        }
        rights::make_folder(path, 0o700)?;
        access.apply(&File::open(path)?)
    };
    make().map_err(EditError::io(path, "made"))?;
    Ok(true)
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

fn write_new(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    // One that a crash left behind: under the lock no other command has it open.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = rights::create_new(path, 0o600)?;
    file.write_all(bytes)?;
    access.apply(&file)?;
    file.sync_all()
}

/// Puts a rename or removal on the disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Keeps other commands from changing the same files, until it is dropped.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder, and waits for it after a word by `on_wait`. Its file stays there: one
    /// that came and went could be locked by two.
    pub fn of(folder: &Path, on_wait: fn()) -> Result<Self, EditError> {
        let path = folder.join(".textsender.lock");
        let lock = || -> io::Result<File> {
            let file = open_lock(folder, &path)?;
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            on_wait();
            file.lock()?;
            Ok(file)
        };
        let file = lock().map_err(EditError::io(folder, "changed"))?;
        Ok(Self { _file: file })
    }
}

/// The lock's file. All who may change the folder may open it.
fn open_lock(folder: &Path, path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let file = rights::open_or_create(path, 0o600)?;
    if is_new {
        let access = Access::of(folder)?;
        access.with_mode(access.mode & 0o660 | 0o600).apply(&file)?;
    }
    Ok(file)
}
