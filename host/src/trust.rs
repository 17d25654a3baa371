//! Which files may be believed: those that only root and the running user can change.
//!
//! A plugin is machine code with a sender's secrets, a configuration decides who gets codes: a
//! local user who can write to either owns both.
//!
//! | judged | how |
//! |---|---|
//! | a file | by its open descriptor: what was judged is what is read |
//! | each folder on the way to it, those behind links included | by handles, each opened in the one before |
//! | each link on the way | by its owner; in a write, only root's and the running user's are followed |
//!
//! Its owner must be root, the running user, or the account that sends ([`accept_owner`]). Others may not
//! write to it, nor may a group or an access list, but where each member of it is one of those owners, or
//! where `[trust] groups` names it ([`accept_groups`]). In sticky folders, such as `/tmp`, others may write:
//! they can't replace what is not theirs.

mod judge;
mod unsafe_file;
mod walk;

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::os::{
    accounts,
    folders::Folder,
    rights::{self, Rights},
};

use judge::fault;
use walk::Walk;

pub use judge::{accept_groups, accept_owner};
pub use unsafe_file::{FIX, Unsafe};

/// Opens a file that only root and the running user can change.
///
/// # Errors
///
/// It can't be opened, or is not to be believed: then the error is an [`Unsafe`].
pub fn open(path: &Path) -> io::Result<File> {
    let (file, faults) = look(path)?;
    first(faults)?;
    Ok(file)
}

/// Reads a file that only root and the running user can change.
///
/// # Errors
///
/// It can't be read, or is not to be believed: then the error is an [`Unsafe`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same for text.
///
/// # Errors
///
/// The same, or it is no text.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = open(path)?.read_to_string(&mut text);
    read.map_err(in_our_words)?;
    Ok(text)
}

/// An error of reading text, with plain words for bytes that are none.
pub fn in_our_words(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::InvalidData => io::Error::new(error.kind(), "is not UTF-8 text"),
        _ => error,
    }
}

/// Opens a file that the command line names. Where root was asked by sudo, it may belong to who asked:
/// who may do that can do all that root can.
///
/// # Errors
///
/// The same as for [`open`].
pub fn open_named(path: &Path) -> io::Result<File> {
    let mut walk = Walk::of(path)?;
    walk.asked_by = accounts::asked_by();
    let (file, faults) = look_along(walk, path)?;
    first(faults)?;
    Ok(file)
}

/// Opens a file, and says why it is not to be believed.
///
/// # Errors
///
/// It can't be opened.
pub fn look(path: &Path) -> io::Result<(File, Vec<Unsafe>)> {
    look_along(Walk::of(path)?, path)
}

/// Opens the file at the end of a way, and says why it is not to be believed.
fn look_along(mut walk: Walk, path: &Path) -> io::Result<(File, Vec<Unsafe>)> {
    let name = walk.go_through()?.ok_or_else(|| not_a_file(path))?;
    let file = walk.folder().open(&name)?;
    #[cfg(test)]
    tests::between_opening_and_judging();
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_a_file(path));
    }
    walk.judge_here(&name, &file, &metadata);
    Ok((file, walk.faults))
}

/// A folder in which many files are opened, judged once.
pub struct OpenFolder {
    folder: Folder,
}

/// Opens a folder, and says why it is not to be believed.
///
/// # Errors
///
/// It can't be opened.
pub fn look_into(path: &Path) -> io::Result<(OpenFolder, Vec<Unsafe>)> {
    let mut walk = Walk::of(path)?;
    if walk.go_through()?.is_some() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let faults = std::mem::take(&mut walk.faults);
    let folder = walk.into_folder();
    Ok((OpenFolder { folder }, faults))
}

impl OpenFolder {
    /// Opens a folder that only root and the running user can change.
    ///
    /// # Errors
    ///
    /// It can't be opened, or is not to be believed: then the error is an [`Unsafe`].
    pub fn of(path: &Path) -> io::Result<Self> {
        let (folder, faults) = look_into(path)?;
        first(faults)?;
        Ok(folder)
    }

    /// The same as [`open`] for a file directly in this folder, at the cost of this file alone.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn open(&self, path: &Path) -> io::Result<File> {
        let (file, faults) = self.look(path)?;
        first(faults)?;
        Ok(file)
    }

    /// The same as [`look`] for a file directly in this folder, at the cost of this file alone.
    ///
    /// # Errors
    ///
    /// It can't be opened.
    pub fn look(&self, path: &Path) -> io::Result<(File, Vec<Unsafe>)> {
        let name = path.file_name().unwrap_or_default();
        let file = match self.folder.open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
            // A link, or nothing that can be opened: the longer way tells which.
            Err(_) => return look(path),
        };
        let metadata = file.metadata()?;
        match metadata.is_file() {
            true => {
                let found = fault(path, &file, &metadata, None);
                Ok((file, found.into_iter().collect()))
            }
            false => Err(not_a_file(path)),
        }
    }
}

/// Judges a file that is open already.
///
/// # Errors
///
/// It is not to be believed: then the error is an [`Unsafe`].
pub fn judge(path: &Path, file: &File) -> io::Result<()> {
    let found = fault(path, file, &file.metadata()?, None);
    first(found.into_iter().collect())
}

/// What an error means where a file in this state folder may be meant.
pub fn of_state(state: &Path, error: io::Error) -> io::Error {
    match error.downcast::<Unsafe>() {
        Ok(found) => io::Error::other(found.in_state(state)),
        Err(error) => error,
    }
}

/// Makes a folder for its owner alone, with those above it that are missing, which get the mode
/// `above`; `None` if it is there.
///
/// # Errors
///
/// A folder on the way can't be made, or is not to be believed.
pub fn make_folder(path: &Path, above: u32) -> io::Result<Option<File>> {
    match folder(path) {
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let path = std::path::absolute(path)?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    if let Some(made) = make_folder(parent, above)? {
        rights::set_mode(&made, above)?;
    }
    match folder(parent)?.make_folder(name) {
        Ok(made) => Ok(Some(made)),
        // Another process made it in between.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => folder(&path).map(|_| None),
        Err(error) => Err(error),
    }
}

/// Gives what root made in the state folder to the folder's owner, who else could no longer use it.
///
/// # Errors
///
/// It can't be given away.
pub fn hand_over(made: &File, state: &Path) -> io::Result<()> {
    if !accounts::is_root() {
        return Ok(());
    }
    let [folder, own] = [state.metadata()?, made.metadata()?].map(|it| Rights::of(&it));
    // A filter around root may forbid it, and here it is not needed.
    if (folder.user, folder.group) == (own.user, own.group) {
        return Ok(());
    }
    rights::give(made, folder.user, folder.group)
}

/// Opens a folder that only root and the running user can change.
///
/// # Errors
///
/// It can't be opened, or is not to be believed: then the error is an [`Unsafe`].
pub fn folder(path: &Path) -> io::Result<Folder> {
    let mut walk = Walk::of(path)?;
    if walk.go_through()?.is_some() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    first(std::mem::take(&mut walk.faults))?;
    Ok(walk.into_folder())
}

/// The folder and the name under which a file is to be written: judged, so that no one else can
/// exchange what is written for something else. A link is followed where root or the running user
/// made it. Nothing needs to have that name yet.
///
/// # Errors
///
/// A folder on the way can't be opened or is not to be believed.
pub fn place(path: &Path) -> io::Result<(Folder, OsString)> {
    let mut walk = Walk::of(path)?;
    walk.is_for_writing = true;
    let Some(name) = walk.go_through()? else {
        return Err(not_a_file(path));
    };
    first(std::mem::take(&mut walk.faults))?;
    Ok((walk.into_folder(), name))
}

/// Writes a file whole: under another name beside it, then renamed. A reader, at that time or after a
/// crash, has the old file or the new one.
///
/// `beside` makes that other name of the file's own: no other process may use it meanwhile. `write` fills the
/// file, and gives it its rights. Returns the folder.
///
/// # Errors
///
/// A folder on the way is not to be believed, or it can't be written; then the old file stands.
pub fn replace(
    path: &Path,
    beside: impl FnOnce(&OsStr) -> OsString,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<Folder> {
    // A link stays a link: what it leads to is replaced.
    let (folder, name) = place(path)?;
    let new = beside(&name);
    // One that a crash left behind.
    match folder.remove(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = folder
        .create_new(&new)
        .and_then(|mut file| write(&mut file))
        .and_then(|()| folder.rename(&new, &name));
    if written.is_err() {
        // It may not be there; what went wrong is in the error.
        let _ = folder.remove(&new);
    }
    written.map(|()| folder)
}

/// Opens a file or folder whose rights are to be put right, whatever they are. No link is followed but root's
/// and the running user's.
///
/// # Errors
///
/// It can't be opened, or is one that has another name elsewhere, which may be what is meant.
pub fn open_to_repair(path: &Path) -> io::Result<File> {
    let mut walk = Walk::of(path)?;
    walk.is_for_writing = true;
    let Some(name) = walk.go_through()? else {
        return walk.folder().reopened();
    };
    let file = walk.folder().open(&name)?;
    match rights::has_other_names(&file.metadata()?) {
        true => {
            let words = format!("{} has another name elsewhere", path.display());
            Err(io::Error::other(words))
        }
        false => Ok(file),
    }
}

/// Everything that is not to be believed among files and folders and the folders above them, each
/// once: for `check`. What can't be looked at is left out; it is reported where it is needed.
pub fn faults<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<Unsafe> {
    let mut all: Vec<Unsafe> = Vec::new();
    for path in paths {
        let Ok(mut walk) = Walk::of(path) else {
            continue;
        };
        if let Ok(Some(name)) = walk.go_through()
            && let Ok(file) = walk.folder().open(&name)
            && let Ok(metadata) = file.metadata()
        {
            walk.judge_here(&name, &file, &metadata);
        }
        all.extend(walk.faults);
    }
    all.sort_by(|a, b| a.path().cmp(b.path()));
    all.dedup();
    all
}

fn first(faults: Vec<Unsafe>) -> io::Result<()> {
    match faults.into_iter().next() {
        Some(fault) => Err(io::Error::other(fault)),
        None => Ok(()),
    }
}

fn not_a_file(path: &Path) -> io::Error {
    let words = format!("{} is not a file", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, words)
}

#[cfg(test)]
mod tests;
