//! Folders by open handles: what was judged through one can't be exchanged for another on the way.

use std::{
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io,
    os::unix::ffi::OsStringExt,
    path::PathBuf,
};

use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Mode, OFlags, fcntl_setfl, mkdirat, openat, readlinkat, renameat, unlinkat},
};

/// Enough to look at something and to go on from it: where the system knows it, without the right to
/// read it.
#[cfg(target_os = "linux")]
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const LOOK: OFlags = OFlags::NOFOLLOW
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);

const READ: OFlags = OFlags::NOFOLLOW
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);

const WRITE: OFlags = OFlags::WRONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A folder that is open.
#[derive(Debug)]
pub struct Folder(File);

/// What stands under a name in a folder.
pub enum Entry {
    /// A folder.
    Folder(Folder),
    /// A symbolic link, and where it leads.
    Link(Metadata, PathBuf),
    /// Anything else.
    Other(Metadata),
}

impl Folder {
    /// The root of the file system.
    ///
    /// # Errors
    ///
    /// It can't be opened.
    pub fn root() -> io::Result<Self> {
        let root = rustix::fs::open("/", LOOK, Mode::empty())?;
        Ok(Self(root.into()))
    }

    /// Its owner, mode and the like.
    ///
    /// # Errors
    ///
    /// The system does not say.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// The folder as a file, for its lists of rights.
    pub fn handle(&self) -> &File {
        &self.0
    }

    /// The folder, open for changes of its own rights.
    ///
    /// # Errors
    ///
    /// This account may not read it.
    pub fn reopened(&self) -> io::Result<File> {
        Ok(self
            .openat(OsStr::new("."), READ.union(OFlags::DIRECTORY))?
            .into())
    }

    /// What stands under a name. A link is not followed.
    ///
    /// # Errors
    ///
    /// There is nothing, or it can't be looked at.
    pub fn entry(&self, name: &OsStr) -> io::Result<Entry> {
        let found = File::from(self.openat(name, LOOK)?);
        let metadata = found.metadata()?;
        if metadata.is_dir() {
            return Ok(Entry::Folder(Self(found)));
        }
        if metadata.is_symlink() {
            let target = readlinkat(&found, "", Vec::new())?;
            let target = OsString::from_vec(target.into_bytes());
            return Ok(Entry::Link(metadata, target.into()));
        }
        Ok(Entry::Other(metadata))
    }

    /// Opens a file for reading, without waiting for a pipe's writer.
    ///
    /// # Errors
    ///
    /// It can't be opened, or is a link.
    pub fn open(&self, name: &OsStr) -> io::Result<File> {
        Ok(self.openat(name, READ)?.into())
    }

    /// Makes a file and opens it for writing: for its owner alone, whatever the umask.
    ///
    /// # Errors
    ///
    /// It can't be made, or something has this name.
    pub fn create_new(&self, name: &OsStr) -> io::Result<File> {
        let mode = Mode::RUSR | Mode::WUSR;
        let made = openat(&self.0, name, WRITE | OFlags::CREATE | OFlags::EXCL, mode)?;
        let made = File::from(made);
        super::rights::set_mode(&made, mode.bits())?;
        Ok(made)
    }

    /// Opens a file for writing, and makes it where it is missing: for its owner alone.
    ///
    /// # Errors
    ///
    /// It can't be opened or made, or is a link.
    pub fn open_or_create(&self, name: &OsStr) -> io::Result<File> {
        match self.openat(name, WRITE) {
            Ok(file) => Ok(file.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.create_new(name) {
                // Another process made it in between.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Ok(self.openat(name, WRITE)?.into())
                }
                made => made,
            },
            Err(error) => Err(error),
        }
    }

    /// The same to add to it: what several processes write stands one after the other.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn open_to_append(&self, name: &OsStr) -> io::Result<File> {
        let file = self.open_or_create(name)?;
        fcntl_setfl(&file, OFlags::APPEND)?;
        Ok(file)
    }

    /// Makes a folder for its owner alone, whatever the umask, and opens it.
    ///
    /// # Errors
    ///
    /// It can't be made, or something has this name.
    pub fn make_folder(&self, name: &OsStr) -> io::Result<File> {
        mkdirat(&self.0, name, Mode::RWXU)?;
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = match openat(&self.0, name, flags, Mode::empty()) {
            Err(rustix::io::Errno::ACCESS) => {
                // The umask took the owner's own right to read it.
                rustix::fs::chmodat(&self.0, name, Mode::RWXU, AtFlags::empty())?;
                openat(&self.0, name, flags, Mode::empty())
            }
            made => made,
        };
        let made = File::from(made?);
        super::rights::set_mode(&made, Mode::RWXU.bits())?;
        Ok(made)
    }

    /// Gives a file of this folder another name in it, in place of what has that name.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.0, from, &self.0, to)?)
    }

    /// Removes a file, or a link itself.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Puts what was renamed and removed on the disk.
    ///
    /// # Errors
    ///
    /// The disk's.
    pub fn sync(&self) -> io::Result<()> {
        self.reopened()?.sync_all()
    }

    fn openat(&self, name: &OsStr, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(openat(&self.0, name, flags, Mode::empty())?)
    }
}
