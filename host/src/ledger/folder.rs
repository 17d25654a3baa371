//! The state folder, as far as the ledger uses it: names, rights, and the lock that guards making,
//! opening and setting aside the ledger's file.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::LedgerError;
use crate::os::{
    disk,
    identity::{self, FileId},
    rights,
};
use crate::trust::{self, OpenFolder};

/// A folder that exists, is local, and in which the ledger's files have fixed names.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

/// The mode of folders that are made: their owner's alone.
const PRIVATE: u32 = 0o700;

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
        // Most often it is there, and is looked at once.
        let open = OpenFolder::of(path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                trust::make_folder(path, PRIVATE)?;
                OpenFolder::of(path)
            }
            _ => Err(error),
        });
        folder.judged(open)?.local()
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
        folder.judged(OpenFolder::of(path))?.local()
    }

    /// The folder if it is there, whether or not there is a ledger in it.
    pub fn to_read(path: &Path) -> Result<Folder, LedgerError> {
        let folder = Folder {
            path: path.to_owned(),
        };
        match path.try_exists() {
            Ok(true) => folder.judged(OpenFolder::of(path)),
            Ok(false) => Err(LedgerError::Absent {
                folder: folder.path,
            }),
            Err(error) => Err(folder.fault(&error, path)),
        }
    }

    /// The folder, if it and the files in it are only this user's: a planted ledger or key would decide
    /// what was sent.
    fn judged(self, open: io::Result<OpenFolder>) -> Result<Folder, LedgerError> {
        let open = open.map_err(|error| self.fault(&error, &self.path))?;
        let [log, shared] = self.companions();
        for path in [self.database(), self.key(), log, shared] {
            match open.open(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.fault(&error, &path));
                }
                _ => {}
            }
        }
        Ok(self)
    }

    fn local(self) -> Result<Folder, LedgerError> {
        match disk::network_file_system(&self.path) {
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

    /// Whether there is something in the log.
    pub fn has_log(&self) -> bool {
        self.log().metadata().is_ok_and(|log| log.len() > 0)
    }

    /// Locks the guard file; it is unlocked when the file is dropped, or its process dies.
    pub fn guard(&self, guard: Guard, lock_timeout: Duration) -> Result<File, LedgerError> {
        let path = self.guard_file();
        let file = self.open_or_make(&path)?;
        self.lock(file, path, guard, lock_timeout)
    }

    /// The same for who only reads, and makes no file: `None` if there is none, so that no process has
    /// ever used the ledger here.
    pub fn guard_to_read(&self, lock_timeout: Duration) -> Result<Option<File>, LedgerError> {
        let path = self.guard_file();
        match trust::open(&path) {
            Ok(file) => self.lock(file, path, Guard::Open, lock_timeout).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.fault(&error, &path)),
        }
    }

    fn guard_file(&self) -> PathBuf {
        self.path.join("ledger.lock")
    }

    fn lock(
        &self,
        file: File,
        path: PathBuf,
        guard: Guard,
        lock_timeout: Duration,
    ) -> Result<File, LedgerError> {
        let started = Instant::now();
        loop {
            let locked = match guard {
                Guard::Open => file.try_lock_shared(),
                Guard::Replace => file.try_lock(),
            };
            match locked {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(self.no_locks(&error)),
                Err(TryLockError::WouldBlock) if started.elapsed() >= lock_timeout => {
                    return Err(LedgerError::Locked {
                        file: path,
                        waited: lock_timeout,
                    });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    /// Opens a file of ours for writing, made with mode 0600 if it is missing. Made by root, it is
    /// given to the folder's owner, who else could no longer use the ledger.
    pub fn open_or_make(&self, path: &Path) -> Result<File, LedgerError> {
        let file = match rights::open_to_write(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match rights::create_new(path, 0o600) {
                    Ok(file) => {
                        // Whatever the umask says: the next process has to open it again.
                        rights::set_mode(&file, 0o600).map_err(|error| self.fault(&error, path))?;
                        self.give_to_owner(&file, path)?;
                        Ok(file)
                    }
                    // Another process made it in between.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        rights::open_to_write(path)
                    }
                    Err(error) => Err(error),
                }
            }
            other => other,
        };
        file.and_then(|file| trust::judge(path, &file).map(|()| file))
            .map_err(|error| self.fault(&error, path))
    }

    /// Keeps a text in a file of ours, written whole or not at all.
    pub fn keep(&self, name: &str, text: &str) -> Result<(), LedgerError> {
        let (path, new) = (self.path.join(name), self.path.join(format!("{name}.new")));
        if trust::read_to_string(&path).is_ok_and(|kept| kept == text) {
            return Ok(());
        }
        let fault = |error: io::Error| self.fault(&error, &new);
        let mut file = self.open_or_make(&new)?;
        file.set_len(0).map_err(fault)?;
        file.write_all(text.as_bytes()).map_err(fault)?;
        fs::rename(&new, &path).map_err(fault)
    }

    /// Makes a folder of ours (0700) inside the state folder, if it is missing.
    pub fn make_folder(&self, path: &Path) -> Result<(), LedgerError> {
        match trust::make_folder(path, PRIVATE) {
            Ok(Some(made)) => self.give_to_owner(&made, path),
            Ok(None) => Ok(()),
            Err(error) => Err(self.fault(&error, path)),
        }
    }

    fn give_to_owner(&self, made: &File, path: &Path) -> Result<(), LedgerError> {
        trust::hand_over(made, &self.path).map_err(|error| self.fault(&error, path))
    }

    /// What identifies the ledger's file, whatever its name. `None` if there is no file.
    pub fn identity(&self) -> Option<FileId> {
        let file = self.database().metadata().ok()?;
        Some(identity::of(&file))
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
        disk::is_full(&self.path)
    }

    /// What it means that a file can't be locked, be it for now or for good.
    pub fn no_locks(&self, error: &io::Error) -> LedgerError {
        LedgerError::NoLocks {
            folder: self.path.clone(),
            file_system: disk::file_system(&self.path),
            reason: error.to_string(),
        }
    }

    /// What a failed system call on `path` means.
    pub fn fault(&self, error: &io::Error, path: &Path) -> LedgerError {
        LedgerError::from_io(error, &self.path, path)
    }
}
