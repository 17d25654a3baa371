//! Why the ledger could not do its work, and what fixes it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Error as Sqlite, ErrorCode as Sqlcode, ffi};

use crate::{
    os::{self, rights},
    protocol::{ErrorCode, Failure},
    trust::Unsafe,
};

/// The ledger could not do what was asked. Every message says where, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// This user may not write the folder or the file, or the file system is mounted read-only.
    #[error("the ledger in {} cannot be written ({reason}): {remedy}", folder.display())]
    ReadOnly {
        /// The state folder.
        folder: PathBuf,
        /// The system's words.
        reason: String,
        /// What to do: it is either mounted so, or another account's.
        remedy: &'static str,
    },
    /// The disk or the user's quota is full.
    #[error("there is no space left for the ledger in {}: free some, or lower [state] retention_days", folder.display())]
    Full {
        /// The state folder.
        folder: PathBuf,
    },
    /// The file is not what was written. It was moved aside, so the next message starts a new one.
    #[error("the ledger {} is damaged ({reason}); {}", file.display(), aside(set_aside.as_deref()))]
    Corrupt {
        /// The ledger's file.
        file: PathBuf,
        /// What was found wrong.
        reason: String,
        /// Where the damaged file is now; `None` if it could not be moved.
        set_aside: Option<PathBuf>,
    },
    /// Another process kept the ledger to itself for too long.
    #[error("another process has kept the ledger {} locked for more than {} s: find it with `fuser -v {}` and stop it", file.display(), waited.as_secs(), file.display())]
    Locked {
        /// The locked file.
        file: PathBuf,
        /// How long this process waited.
        waited: Duration,
    },
    /// It did not answer in the time that the message had.
    #[error(
        "the ledger did not answer in the time that the message had ([send] timeout): another process keeps it locked, or its disk is slow"
    )]
    Late,
    /// A newer textsender wrote the file.
    #[error("the ledger {} has schema {found}, this textsender knows up to {known}: install the newer textsender again, or move the file away (its ids and limits are then forgotten)", file.display())]
    Newer {
        /// The ledger's file.
        file: PathBuf,
        /// The version found.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// The folder is on a network file system, where neither locks nor shared memory can be trusted.
    #[error("the ledger cannot be kept on a network file system, and {} is on {kind}: set [state] folder to a local disk", folder.display())]
    NetworkFolder {
        /// The state folder.
        folder: PathBuf,
        /// The file system's name.
        kind: &'static str,
    },
    /// The file system that holds the folder does not lock files.
    #[error("files in {} cannot be locked ({reason}), and the ledger relies on it; the file system is {file_system}: set [state] folder to a local disk", folder.display())]
    NoLocks {
        /// The state folder.
        folder: PathBuf,
        /// The file system's name.
        file_system: String,
        /// The system's words.
        reason: String,
    },
    /// Others could have written it.
    #[error("the ledger can't be trusted: {reason}")]
    Untrusted {
        /// What, and what to do.
        reason: String,
    },
    /// The folder, or a file in it, cannot be made or opened.
    #[error("cannot use {} for the ledger ({reason}): check that the path is right and belongs to this user", path.display())]
    Unusable {
        /// The folder or file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Nothing was ever sent with this state folder; only reading commands meet this.
    #[error("there is no ledger in {} yet: no message was recorded, or [state] folder names another place", folder.display())]
    Absent {
        /// The state folder.
        folder: PathBuf,
    },
    /// A limit of this process or of the machine is in the way.
    #[error("the ledger in {} cannot be used: {reason}", folder.display())]
    Limit {
        /// The state folder.
        folder: PathBuf,
        /// The system's words, and the limit's name.
        reason: String,
    },
    /// A filter around this process forbids what the ledger needs.
    #[error("the ledger gets no thread, by the system calls clone3 or clone ({reason})")]
    Forbidden {
        /// The system's words.
        reason: String,
    },
    /// The claim is no longer in the ledger: the file was moved, or damaged and set aside. Nothing
    /// may be dispatched on it.
    #[error(
        "message {id} lost its claim, because the ledger was replaced meanwhile: repeat the same id"
    )]
    Lost {
        /// The message's id.
        id: String,
    },
    /// The shared ledger's servers can't be reached, or can't take a claim now.
    #[error(
        "the shared ledger on {server} can't be reached ({reason}): check that one of its servers is running, writable and reachable from here"
    )]
    Unreachable {
        /// The hosts.
        server: String,
        /// What went wrong last.
        reason: String,
    },
    /// This program has no store that several machines share.
    #[error(
        "[state.shared] takes the program textsender-postgres beside this one: install the package textsender-postgres, and start this process again"
    )]
    NotShared,
    /// The shared ledger was begun with another key.
    #[error("the shared ledger on {server} was begun with another key than {}: copy ledger.key from a machine that uses it, as the account that sends", key.display())]
    KeyMismatch {
        /// The hosts.
        server: String,
        /// This machine's key.
        key: PathBuf,
    },
    /// The shared ledger's database answers that it will not.
    #[error("the shared ledger on {server} refuses ({reason}): {remedy}")]
    Refused {
        /// The hosts.
        server: String,
        /// The database's words.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// Reading, writing or syncing failed.
    #[error("the ledger {} failed ({reason}): look for disk errors in the system's log", file.display())]
    Failed {
        /// The ledger's file.
        file: PathBuf,
        /// SQLite's words.
        reason: String,
    },
    /// The ledger's thread is gone; only a fault of our own does this.
    #[error("the ledger's thread has ended: restart textsender, and report this fault")]
    Stopped,
}

impl LedgerError {
    /// The row of the table of errors that reports it to a caller.
    pub fn code(&self) -> ErrorCode {
        match self {
            LedgerError::ReadOnly { .. } => ErrorCode::LedgerReadOnly,
            LedgerError::Full { .. } => ErrorCode::LedgerFull,
            LedgerError::Forbidden { .. } => ErrorCode::ForbiddenBySandbox,
            LedgerError::Corrupt { .. } => ErrorCode::LedgerCorrupt,
            LedgerError::Locked { .. } | LedgerError::Late => ErrorCode::LedgerLocked,
            LedgerError::Newer { .. } => ErrorCode::LedgerNewer,
            LedgerError::NetworkFolder { .. } => ErrorCode::LedgerNetworkFolder,
            LedgerError::Unusable { .. }
            | LedgerError::NoLocks { .. }
            | LedgerError::NotShared
            | LedgerError::Untrusted { .. } => ErrorCode::LedgerUnusable,
            LedgerError::Lost { .. } => ErrorCode::LedgerLost,
            LedgerError::Unreachable { .. } => ErrorCode::LedgerUnreachable,
            LedgerError::KeyMismatch { .. } => ErrorCode::LedgerKeyMismatch,
            LedgerError::Refused { .. } => ErrorCode::LedgerRefused,
            // Only reading commands meet an absent ledger: a send makes one.
            LedgerError::Absent { .. }
            | LedgerError::Failed { .. }
            | LedgerError::Limit { .. }
            | LedgerError::Stopped => ErrorCode::LedgerFailed,
        }
    }

    /// The folder can't be written, be it for its file system or for its rights.
    fn read_only(folder: &Path, reason: String) -> LedgerError {
        let why = rights::may_use_folder(folder).err();
        let remedy = match why.map(|error| error.kind()) {
            Some(ErrorKind::ReadOnlyFilesystem) => {
                "mount its file system writable, or set [state] folder to another one"
            }
            _ => {
                "run textsender as the account that sends; `sudo textsender doctor --fix` puts owners and modes right"
            }
        };
        LedgerError::ReadOnly {
            folder: folder.into(),
            reason,
            remedy,
        }
    }

    /// Why there is no thread. One that is forbidden says nothing of the folder.
    pub(super) fn of_thread(error: &std::io::Error, folder: &Path) -> LedgerError {
        match error.kind() {
            ErrorKind::PermissionDenied => LedgerError::Forbidden {
                reason: error.to_string(),
            },
            _ => LedgerError::from_io(error, folder, folder),
        }
    }

    /// What a failed system call on `path`, in the state folder, means.
    pub(super) fn from_io(error: &std::io::Error, folder: &Path, path: &Path) -> LedgerError {
        use std::io::ErrorKind::*;
        let reason = format!("{}: {error}", path.display());
        if let Some(limit) = os::limits::reached(error) {
            let reason = format!("{reason}: {limit}");
            return LedgerError::Limit {
                folder: folder.into(),
                reason,
            };
        }
        match error.kind() {
            // It says what to do.
            Other => LedgerError::Untrusted {
                reason: untrusted(error, folder),
            },
            PermissionDenied | ReadOnlyFilesystem => LedgerError::read_only(folder, reason),
            StorageFull | QuotaExceeded => LedgerError::Full {
                folder: folder.into(),
            },
            _ => LedgerError::Unusable {
                path: path.into(),
                reason: error.to_string(),
            },
        }
    }

    /// What an error of SQLite on `file` means. `full` says whether the disk has no space left:
    /// SQLite reports that as an I/O error when it happens in its shared memory.
    pub(super) fn from_sqlite(
        error: &Sqlite,
        file: &Path,
        lock_timeout: Duration,
        full: impl Fn() -> bool,
    ) -> LedgerError {
        let limit = match error.sqlite_error_code() {
            Some(Sqlcode::SystemIoFailure | Sqlcode::DiskFull) => os::limits::of_file_sizes(),
            _ => None,
        };
        let reason = match limit {
            Some(limit) => format!("{error}; perhaps {limit}"),
            None => error.to_string(),
        };
        let folder = file.parent().unwrap_or(file).to_path_buf();
        let corrupt = |reason| LedgerError::Corrupt {
            file: file.into(),
            reason,
            set_aside: None,
        };
        let Sqlite::SqliteFailure(failure, _) = error else {
            // The SQL is fixed and tested: a row that does not read back is damaged. So is a
            // schema that a statement does not fit, which rusqlite reports as SqlInputError.
            return corrupt(reason);
        };
        match failure.code {
            Sqlcode::DatabaseCorrupt
            | Sqlcode::NotADatabase
            | Sqlcode::ConstraintViolation
            | Sqlcode::TypeMismatch
            | Sqlcode::TooBig
            | Sqlcode::Unknown => corrupt(reason),
            Sqlcode::DiskFull => LedgerError::Full { folder },
            Sqlcode::ReadOnly | Sqlcode::PermissionDenied => {
                LedgerError::read_only(&folder, reason)
            }
            Sqlcode::DatabaseBusy
            | Sqlcode::DatabaseLocked
            | Sqlcode::FileLockingProtocolFailed => LedgerError::Locked {
                file: file.into(),
                waited: lock_timeout,
            },
            Sqlcode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHORT_READ => {
                corrupt(reason)
            }
            Sqlcode::SystemIoFailure | Sqlcode::CannotOpen if full() => {
                LedgerError::Full { folder }
            }
            // SQLite does not say why.
            Sqlcode::CannotOpen => match os::limits::can_open(1) {
                Ok(()) => LedgerError::Unusable {
                    path: file.into(),
                    reason,
                },
                Err(error) => LedgerError::from_io(&error, &folder, file),
            },
            _ => LedgerError::Failed {
                file: file.into(),
                reason,
            },
        }
    }
}

/// Why a file in the state folder is not believed, and what to do.
fn untrusted(error: &std::io::Error, folder: &Path) -> String {
    let found = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<Unsafe>());
    match found.cloned().map(|found| found.in_state(folder)) {
        Some(found) => found.to_string(),
        None => error.to_string(),
    }
}

/// What a caller is answered whose message was not sent because of it.
impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Failure::with_detail(error.code(), error.to_string())
    }
}

/// The end of [`LedgerError::Corrupt`]'s message.
fn aside(set_aside: Option<&Path>) -> String {
    match set_aside {
        Some(path) => format!(
            "it was kept as {}, and the next message starts a new ledger, which has forgotten earlier ids and limits",
            path.display()
        ),
        None => "move it away to start a new one, which will have forgotten earlier ids and limits"
            .to_owned(),
    }
}
