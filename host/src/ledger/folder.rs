//! The state folder, as far as the ledger uses it: names, rights, and the lock that guards making,
//! opening and setting aside the ledger's file.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::LedgerError;

/// A folder that exists, is local, and in which the ledger's files have fixed names.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

/// How the guard file is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// While opening the ledger: any number at once.
    Open,
    /// While making, migrating or setting aside the ledger: alone.
    Replace,
}

impl Folder {
    /// Makes the folder (0700) if it is missing, and refuses one on a network file system.
    pub fn prepare(path: &Path) -> Result<Folder, LedgerError> {
        let folder = Folder {
            path: path.to_owned(),
        };
        if !path.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|error| folder.fault(&error, path))?;
        }
        folder.local()
    }

    /// The folder if it is there already; for those who only read.
    pub fn existing(path: &Path) -> Result<Folder, LedgerError> {
        let folder = Folder {
            path: path.to_owned(),
        };
        match folder.database().try_exists() {
            Ok(true) => {}
            Ok(false) => {
                return Err(LedgerError::Absent {
                    folder: folder.path,
                });
            }
            Err(error) => return Err(folder.fault(&error, path)),
        }
        folder.local()
    }

    fn local(self) -> Result<Folder, LedgerError> {
        match network_file_system(&self.path) {
            Some(kind) => Err(LedgerError::NetworkFolder {
                folder: self.path,
                kind,
            }),
            None => Ok(self),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ledger.
    pub fn database(&self) -> PathBuf {
        self.path.join("ledger.sqlite3")
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.path.join("ledger.sqlite3-wal")
    }

    /// What belongs to the ledger: its log and its shared memory.
    fn companions(&self) -> [PathBuf; 2] {
        [self.log(), self.path.join("ledger.sqlite3-shm")]
    }

    /// The key of all hashes in the ledger.
    pub fn key(&self) -> PathBuf {
        self.path.join("ledger.key")
    }

    /// Where each process that uses the ledger keeps a locked file.
    pub fn processes(&self) -> PathBuf {
        self.path.join("ledger.processes")
    }

    /// Locks the guard file; it is unlocked when the file is dropped, or its process dies.
    pub fn guard(&self, guard: Guard, patience: Duration) -> Result<File, LedgerError> {
        let path = self.path.join("ledger.lock");
        let file = self.open_or_make(&path)?;
        let started = Instant::now();
        loop {
            let locked = match guard {
                Guard::Open => file.try_lock_shared(),
                Guard::Replace => file.try_lock(),
            };
            match locked {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(self.fault(&error, &path)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= patience => {
                    return Err(LedgerError::Locked {
                        file: path,
                        waited: patience,
                    });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Opens a file of ours for writing, made with mode 0600 if it is missing. Made by root, it is
    /// given to the folder's owner, who else could no longer use the ledger.
    pub fn open_or_make(&self, path: &Path) -> Result<File, LedgerError> {
        let open = |make| {
            OpenOptions::new()
                .write(true)
                .create_new(make)
                .mode(0o600)
                .custom_flags(NO_FOLLOW)
                .open(path)
        };
        let file = match open(false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match open(true) {
                Ok(file) => {
                    self.give_to_owner(&file, path)?;
                    Ok(file)
                }
                // Another process made it in between.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(false),
                Err(error) => Err(error),
            },
            other => other,
        };
        file.map_err(|error| self.fault(&error, path))
    }

    /// Makes a folder of ours (0700) inside the state folder, if it is missing.
    pub fn make_folder(&self, path: &Path) -> Result<(), LedgerError> {
        match DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => File::open(path)
                .map_err(|error| self.fault(&error, path))
                .and_then(|made| self.give_to_owner(&made, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(self.fault(&error, path)),
        }
    }

    fn give_to_owner(&self, made: &File, path: &Path) -> Result<(), LedgerError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        self.path
            .metadata()
            .and_then(|owner| fchown(made, Some(owner.uid()), Some(owner.gid())))
            .map_err(|error| self.fault(&error, path))
    }

    /// What identifies the ledger's file, whatever its name: device and inode. `None` if there is
    /// no file.
    pub fn identity(&self) -> Option<(u64, u64)> {
        self.database()
            .metadata()
            .ok()
            .map(|file: Metadata| (file.dev(), file.ino()))
    }

    /// Moves the ledger to a dated name, and what belongs to it. The caller holds
    /// [`Guard::Replace`]. Returns the new name.
    pub fn set_aside(&self, now: jiff::Timestamp) -> Result<PathBuf, LedgerError> {
        let date = now.strftime("%Y%m%dT%H%M%SZ");
        let free = |path: &PathBuf| !path.exists();
        let kept = (0..1000)
            .map(|n| match n {
                0 => self.path.join(format!("ledger.damaged-{date}.sqlite3")),
                n => self.path.join(format!("ledger.damaged-{date}.{n}.sqlite3")),
            })
            .find(free)
            .ok_or_else(|| LedgerError::Unusable {
                path: self.path.clone(),
                reason: "a thousand damaged ledgers were set aside in one second".to_owned(),
            })?;
        self.move_if_there(&self.database(), &kept)?;
        for (path, suffix) in self.companions().iter().zip(["-wal", "-shm"]) {
            let mut name = kept.as_os_str().to_owned();
            name.push(suffix);
            self.move_if_there(path, Path::new(&name))?;
        }
        Ok(kept)
    }

    fn move_if_there(&self, from: &Path, to: &Path) -> Result<(), LedgerError> {
        match fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.fault(&error, from)),
            _ => Ok(()),
        }
    }

    /// Whether the disk has no block left for this user.
    pub fn is_full(&self) -> bool {
        rustix::fs::statvfs(&self.path).is_ok_and(|disk| disk.f_bavail == 0)
    }

    /// What a failed system call on `path` means.
    pub fn fault(&self, error: &io::Error, path: &Path) -> LedgerError {
        LedgerError::from_io(error, &self.path, path)
    }
}

/// `O_NOFOLLOW`: a link in place of one of our files is refused, so that no other file is written.
const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// The name of the network or cluster file system that holds `path`; `None` for a local one.
#[cfg(target_os = "linux")]
fn network_file_system(path: &Path) -> Option<&'static str> {
    let kind = u64::try_from(rustix::fs::statfs(path).ok()?.f_type).ok()? & 0xFFFF_FFFF;
    NETWORK_FILE_SYSTEMS
        .iter()
        .find(|(magic, _)| *magic == kind)
        .map(|(_, name)| *name)
}

/// Elsewhere the name of the file system is not asked for; the guide says to use a local disk.
#[cfg(not(target_os = "linux"))]
fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// Magic numbers from `statfs(2)` and the kernel's `linux/magic.h`. FUSE is not among them: it may
/// be local (fuse-overlayfs holds the folders of rootless containers).
#[cfg(target_os = "linux")]
const NETWORK_FILE_SYSTEMS: [(u64, &str); 13] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x7461_636F, "OCFS2"),
    (0x0116_1970, "GFS2"),
];
