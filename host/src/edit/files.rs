//! Files that commands write: whole or not at all, and with the owner and mode that they are meant
//! to have, whatever the umask.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

use super::{error::EditError, names};
use crate::{
    os::rights::{self, Rights},
    trust,
};

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

/// A file's text; `None` if there is no file.
pub fn text(path: &Path) -> Result<Option<String>, EditError> {
    match trust::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EditError::io(path, "read")(error)),
    }
}

/// Writes a file whole, and to the disk: see [`trust::replace`].
///
/// The caller holds the [`Lock`] that keeps others from writing it.
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> Result<(), EditError> {
    let write = |file: &mut File| {
        file.write_all(bytes)?;
        access.apply(file)?;
        file.sync_all()
    };
    let replaced = trust::replace(path, beside, write).and_then(|folder| folder.sync());
    replaced.map_err(EditError::io(path, "written"))
}

/// Opens a file to which lines are added; made if it is not there, for its folder's owner and for
/// those who may read the folder.
pub fn open_to_append(path: &Path) -> Result<File, EditError> {
    let open = || {
        let is_new = !path.exists();
        let (folder, name) = trust::place(path)?;
        let mut file = folder.open_or_create(&name)?;
        if is_new {
            let folder = Access::of(&names::folder_of(path))?;
            let access = folder.with_mode(folder.mode & 0o664 | 0o600);
            access.apply(&file)?;
        }
        trust::judge(path, &file)?;
        file.seek(SeekFrom::End(0))?;
        Ok(file)
    };
    open().map_err(EditError::io(path, "written"))
}

/// Removes a file for good; of a link, the link.
pub fn remove(path: &Path) -> Result<(), EditError> {
    let remove = || {
        let folder = trust::folder(&names::folder_of(path))?;
        folder.remove(path.file_name().unwrap_or_default())?;
        folder.sync()
    };
    remove().map_err(EditError::io(path, "removed"))
}

/// Makes a folder, with those above it. One that is there stays as it is; returns whether it was
/// made.
pub fn make_folder(path: &Path, access: Access) -> Result<bool, EditError> {
    let make = || match trust::make_folder(path, 0o755)? {
        Some(made) => access.apply(&made).map(|()| true),
        None => Ok(false),
    };
    make().map_err(EditError::io(path, "made"))
}

/// Under the lock no other process uses this name.
fn beside(name: &OsStr) -> OsString {
    let mut beside = OsString::from(".");
    beside.push(name);
    beside.push(".new");
    beside
}

/// Keeps other commands from changing the same files, until it is dropped.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a folder, and waits for it after a word by `on_wait`. Its file stays there: one
    /// that came and went could be locked by two.
    pub fn of(folder: &Path, on_wait: fn()) -> Result<Self, EditError> {
        let lock = || -> io::Result<File> {
            let file = open_lock(folder)?;
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
fn open_lock(folder: &Path) -> io::Result<File> {
    const NAME: &str = ".textsender.lock";

    let path = folder.join(NAME);
    let is_new = !path.exists();
    if path.is_symlink() {
        let why = format!(
            "{} is a link, which is not followed: remove it",
            path.display()
        );
        return Err(io::Error::other(why));
    }
    let file = trust::folder(folder)?.open_or_create(OsStr::new(NAME))?;
    if is_new {
        let access = Access::of(folder)?;
        access.with_mode(access.mode & 0o660 | 0o600).apply(&file)?;
    }
    // Who may open it can keep every change waiting.
    trust::judge(&path, &file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_journal_or_lock_that_others_can_write_is_not_used_nor_one_behind_a_link() {
        let home = tempfile::tempdir().unwrap();
        let [journal, lock, made] =
            ["changes.jsonl", ".textsender.lock", "made"].map(|name| home.path().join(name));
        for path in [&journal, &lock] {
            fs::write(path, "").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
        }
        assert!(open_to_append(&journal).is_err());
        assert!(Lock::of(home.path(), || {}).is_err());
        for path in [&journal, &lock] {
            fs::remove_file(path).unwrap();
            symlink(&made, path).unwrap();
        }
        assert!(Lock::of(home.path(), || {}).is_err());
        assert!(!made.exists());
        fs::remove_file(&lock).unwrap();
        assert!(Lock::of(home.path(), || {}).is_ok());
    }
}
