//! The journal of changes: who changed what, and when. A line of JSON for each change, in the file
//! `changes.jsonl` beside what was changed: that of the configuration in its folder, that of secrets
//! in the state folder. It is only added to, and each change goes to the system's log at once.

use std::{
    env, fmt,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{error::EditError, files};
use crate::{
    os::{accounts, log},
    redact::on_one_line,
};

/// The file's name.
pub const FILE: &str = "changes.jsonl";

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When it was made.
    pub at: Timestamp,
    /// The account that made it. Where that is root by sudo, who called sudo.
    pub by: String,
    /// The account that the command ran as, if it is another.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub ran_as: Option<String>,
    /// What was changed, in words; never a value of a secret.
    pub what: String,
    /// The files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Whether it brought a fault, and was made all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
}

impl Change {
    /// A change that is made now, by the account that runs this.
    pub fn now(what: String, files: Vec<String>, forced: bool) -> Self {
        let account = accounts::name_of(accounts::caller());
        // sudo sets it. Any account could set it; it counts only where root runs this.
        let caller = env::var("SUDO_USER").ok().filter(|_| accounts::is_root());
        let by = caller.filter(|name| !name.is_empty() && *name != account);
        let ran_as = by.is_some().then(|| account.clone());
        Self {
            at: Timestamp::now(),
            by: by.unwrap_or(account),
            ran_as,
            what,
            files,
            forced,
        }
    }
}

/// syslog(3)'s LOG_NOTICE.
const NOTICE: u8 = 5;

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "changed by {}", self.by)?;
        if let Some(account) = &self.ran_as {
            write!(f, " as {account}")?;
        }
        write!(f, ": {}", self.what)?;
        if !self.files.is_empty() {
            write!(f, " ({})", self.files.join(", "))?;
        }
        match self.forced {
            true => f.write_str(", forced"),
            false => Ok(()),
        }
    }
}

/// A journal that can be written: opened before a change, so that none is made that can't be noted.
pub(super) struct Journal {
    file: File,
    path: PathBuf,
}

/// Opens the journal in a folder, made if it is not there.
pub(super) fn open(folder: impl AsRef<Path>) -> Result<Journal, EditError> {
    let path = folder.as_ref().join(FILE);
    let file = files::open_to_append(&path)?;
    Ok(Journal { file, path })
}

impl Journal {
    /// Adds a change, in one write: a line is there whole or not at all.
    pub(super) fn add(mut self, change: &Change) -> Result<(), EditError> {
        // A change has nothing that JSON can't say.
        let line = serde_json::to_string(change).unwrap_or_default() + "\n";
        let written = self.file.write_all(line.as_bytes());
        written
            .and_then(|()| self.file.sync_all())
            .map_err(EditError::io(&self.path, "written"))?;
        // The file can be changed by the accounts whose changes it has: what another log has, it has. Without one, there
        // is still the file.
        let _ = log::to_system(NOTICE, &on_one_line(&change.to_string()));
        Ok(())
    }
}

/// The changes that the journals in these folders have, the latest last. A line that is none is left
/// out, and a journal that is not there is empty.
///
/// # Errors
///
/// One can't be read.
pub fn read<'p>(folders: impl IntoIterator<Item = &'p Path>) -> Result<Vec<Change>, EditError> {
    let mut changes = Vec::new();
    for folder in folders {
        let path = folder.join(FILE);
        let Some(text) = files::text(&path)? else {
            continue;
        };
        changes.extend(
            text.lines()
                .filter_map(|line| serde_json::from_str(line).ok()),
        );
    }
    changes.sort_by_key(|change: &Change| change.at);
    Ok(changes)
}

/// Notes a change that is none of a file's, in the journal of a folder.
///
/// # Errors
///
/// It can't be written.
pub fn note(folder: &Path, change: &Change) -> Result<(), EditError> {
    open(folder)?.add(change)
}
