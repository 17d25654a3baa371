//! Which files may be believed: those that nobody but root and the running user can change.
//!
//! A plugin is machine code with a sender's secrets, a configuration decides who gets codes: a
//! local user who can write to either owns both.

use std::{
    collections::HashSet,
    fmt,
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::os::{
    accounts,
    rights::{self, Rights},
};

/// The account that sends, where this process acts for it and is another.
static ACCEPTED_OWNER: OnceLock<u32> = OnceLock::new();

/// From now on files of this account are believed as the running user's own are: root looks at what is
/// another account's, or acts for it. The first word counts.
pub fn accept_owner(user: u32) {
    let _ = ACCEPTED_OWNER.set(user);
}

/// Why a file or folder is not believed. Displays with the command that mends it.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsafe {
    /// It belongs to somebody else.
    Owner {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// Others can write to it.
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

impl Unsafe {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Owner { path, .. } | Self::Mode { path, .. } => path,
        }
    }

    /// What is wrong with it.
    pub fn fault(&self) -> String {
        match self {
            Self::Owner { owner, .. } => {
                let name = accounts::name_of(*owner);
                format!("belongs to {name}, which is neither root nor the account that sends")
            }
            Self::Mode { mode, .. } => format!("can be written by others (mode {mode:04o})"),
        }
    }

    /// The command that mends it.
    pub fn mend(&self) -> String {
        let path = self.path().display();
        match self {
            Self::Owner { .. } => format!("chown root: {path}"),
            Self::Mode { .. } => format!("chmod go-w {path}"),
        }
    }
}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        write!(f, "{path} {}; mend it: {}", self.fault(), self.mend())
    }
}

impl std::error::Error for Unsafe {}

/// Opens a file that nobody but root and the running user can change.
///
/// The file is judged by its open descriptor, the folders above it by their names: those that were
/// named, and those where it is if the name is a link.
///
/// # Errors
///
/// It can't be opened, or is not to be believed: then the error is an [`Unsafe`].
pub fn open(path: &Path) -> io::Result<File> {
    let file = rights::open_without_waiting(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let words = format!("{} is not a file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
    }
    judge(path, &metadata).map_err(io::Error::other)?;
    let (named, real) = (std::path::absolute(path)?, path.canonicalize()?);
    let folders = [&named, &real].map(|path| path.parent().unwrap_or(path));
    all(folders)?;
    Ok(file)
}

/// Judges files that were read already, and the folders above them, each once.
///
/// # Errors
///
/// One is not to be believed.
pub fn all<'a>(paths: impl IntoIterator<Item = &'a Path>) -> io::Result<()> {
    let mut judged = HashSet::new();
    for path in paths {
        let path = std::path::absolute(path)?;
        let unjudged = path.ancestors().take_while(|path| !judged.contains(*path));
        let unjudged: Vec<_> = unjudged.map(Path::to_path_buf).collect();
        for path in unjudged {
            judge(&path, &path.metadata()?).map_err(io::Error::other)?;
            judged.insert(path);
        }
    }
    Ok(())
}

/// Everything that is not to be believed among files and the folders above them, each once: for
/// `check`. What can't be looked at is left out; whoever needs it says so.
pub fn faults<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<Unsafe> {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let mut all: Vec<PathBuf> = paths.into_iter().filter_map(absolute).collect();
    let above: Vec<PathBuf> = all
        .iter()
        .flat_map(|path| path.ancestors().skip(1))
        .map(Path::to_path_buf)
        .collect();
    all.extend(above);
    all.sort();
    all.dedup();
    all.iter()
        .filter_map(|path| judge(path, &path.metadata().ok()?).err())
        .collect()
}

/// Judges one file or folder.
fn judge(path: &Path, metadata: &Metadata) -> Result<(), Unsafe> {
    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    let Rights {
        user: owner,
        group,
        mode,
    } = Rights::of(metadata);
    let is_accepted = ACCEPTED_OWNER.get() == Some(&owner);
    if owner != 0 && owner != accounts::own() && !is_accepted {
        return Err(Unsafe::Owner {
            path: path.into(),
            owner,
        });
    }
    // In a sticky folder nobody can replace another's file, and what is in it is judged itself.
    let sticky_folder = metadata.is_dir() && mode & STICKY != 0;
    // A user's private group has the user's own number and no other member.
    let group_writes = mode & GROUP_WRITES != 0 && group != owner;
    if !sticky_folder && (group_writes || mode & OTHERS_WRITE != 0) {
        return Err(Unsafe::Mode {
            path: path.into(),
            mode,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn with_modes(folder_mode: u32, file_mode: u32) -> io::Result<File> {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("folder");
        let file = folder.join("file");
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(file_mode)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(folder_mode)).unwrap();
        open(&file)
    }

    #[test]
    fn nobody_else_may_write() {
        assert!(with_modes(0o755, 0o644).is_ok());
        assert!(with_modes(0o1777, 0o600).is_ok(), "sticky folders are fine");
        for (folder, file) in [(0o755, 0o646), (0o757, 0o644)] {
            let error = with_modes(folder, file).unwrap_err().to_string();
            assert!(error.contains("chmod go-w /"), "{error}");
        }
    }

    #[test]
    fn every_fault_is_found_once_and_what_is_not_there_is_none() {
        let home = tempfile::tempdir().unwrap();
        let open = home.path().join("open");
        fs::create_dir(&open).unwrap();
        let files = ["a", "b", "c"].map(|name| open.join(name));
        fs::write(&files[0], "").unwrap();
        fs::write(&files[1], "").unwrap();
        fs::set_permissions(&files[1], fs::Permissions::from_mode(0o666)).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let faults = super::faults(files.iter().map(PathBuf::as_path));
        let paths: Vec<_> = faults.iter().map(Unsafe::path).collect();
        assert_eq!(paths, [open.as_path(), files[1].as_path()]);
    }

    #[test]
    fn a_link_is_judged_where_it_leads() {
        let home = tempfile::tempdir().unwrap();
        let (open_to_all, link) = (home.path().join("open"), home.path().join("link"));
        fs::create_dir(&open_to_all).unwrap();
        fs::set_permissions(&open_to_all, fs::Permissions::from_mode(0o777)).unwrap();
        fs::write(open_to_all.join("file"), "").unwrap();
        std::os::unix::fs::symlink(open_to_all.join("file"), &link).unwrap();
        let error = open(&link).unwrap_err().to_string();
        assert!(error.contains("open can be written"), "{error}");
    }

    #[test]
    fn what_is_no_file_is_told_at_once() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
        for path in [&pipe, home.path()] {
            let error = open(path).unwrap_err().to_string();
            assert!(error.ends_with("is not a file"), "{error}");
        }
    }
}
