//! Why a change was not made.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use crate::{
    config::{Fault, Faults},
    os::{accounts, rights::Rights},
    trust::{self, Unsafe},
};

/// Why a change was not made. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The order has not the right form: what is wrong with it.
    #[error("{0}")]
    Usage(String),
    /// It can't be carried out as things are: why, and what to do.
    #[error("{0}")]
    Refused(String),
    /// The configuration would have faults that it has not now.
    #[error(
        "nothing was changed, as the result would have a fault: {}\n\n{}\n\n--force makes the change anyway",
        faults.first().map(|fault| fault.message.as_str()).unwrap_or_default(),
        shown.trim_end()
    )]
    NewFaults {
        /// Each with its place in the file as it would be.
        faults: Vec<Fault>,
        /// The same with the lines that they point at.
        shown: String,
    },
    /// The file that is to be edited is no TOML.
    #[error("nothing was changed: fix the file first")]
    NotToml(#[source] Faults),
    /// The configuration is another than the one that the change is of.
    #[error("nothing was changed: the configuration was changed elsewhere meanwhile")]
    Changed,
    /// Others can change the configuration.
    #[error(transparent)]
    Unsafe(Unsafe),
    /// A file can't be read or written.
    #[error("{what}")]
    Io {
        /// What was tried, with the path.
        what: String,
        /// What the system said, where that says more.
        #[source]
        error: Option<io::Error>,
    },
}

impl EditError {
    /// A change that can't be made, for this reason.
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }

    /// The same of something in this state folder.
    pub(super) fn in_state(self, state: &Path) -> Self {
        match self {
            Self::Io { what, error } => Self::Io {
                what,
                error: error.map(|error| trust::of_state(state, error)),
            },
            other => other,
        }
    }

    /// A file or folder of which something could not be done: `"written"`, `"read"`. It says whose it
    /// is, or what else is the cause.
    pub(super) fn io(path: &Path, done: &str) -> impl FnOnce(io::Error) -> Self {
        let failed = format!("{} can't be {done}", path.display());
        let path = path.to_owned();
        move |error| {
            // It says itself which file it is, and what to do.
            let error = match error.downcast() {
                Ok(found) => return Self::Unsafe(found),
                Err(error) => error,
            };
            let what = match error.kind() {
                ErrorKind::PermissionDenied if !accounts::is_root() => denied(&failed, &path),
                ErrorKind::ReadOnlyFilesystem => {
                    format!("{failed}, as it is on a read-only file system: mount it writable")
                }
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                    format!("{failed}, as the disk is full: make room on it")
                }
                _ => {
                    let error = Some(error);
                    return Self::Io {
                        what: failed,
                        error,
                    };
                }
            };
            Self::Io { what, error: None }
        }
    }
}

/// Who may do it instead: the owner of what there is of a path.
fn denied(failed: &str, path: &Path) -> String {
    let there = path.ancestors().find_map(|path| fs::metadata(path).ok());
    let owner = there.map(|metadata| accounts::name_of(Rights::of(&metadata).user));
    let me = accounts::own_name();
    match owner {
        Some(owner) if owner != me && owner != "root" => {
            format!(
                "{failed} by {me}: run this as {owner}, with sudo -u {owner}, or as root, with sudo"
            )
        }
        _ => format!("{failed} by {me}: run this as root, with sudo"),
    }
}
