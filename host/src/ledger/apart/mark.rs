//! The file that says: the shared ledger is away, or this machine's own still has what was sent meanwhile.
//!
//! Every process of this machine sees it, so that not each waits for a server that does not answer. It says since
//! when, in milliseconds since 1970; when it was last written is when the shared ledger was last tried.

use std::fs::{self, File, FileTimes};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::trust;

pub(super) struct Mark {
    folder: PathBuf,
    path: PathBuf,
}

impl Mark {
    pub fn in_folder(folder: &Path) -> Mark {
        Mark {
            folder: folder.to_owned(),
            path: folder.join("ledger.away"),
        }
    }

    /// Whether it is there: what this machine's own ledger has may be unknown to the others.
    pub fn is_set(&self) -> bool {
        self.path.exists()
    }

    /// Whether the shared ledger was not reached just now: it is left alone for a while.
    pub fn is_fresh(&self) -> bool {
        let tried = self.path.metadata().and_then(|file| file.modified());
        // One in the future was written before the clock was set back.
        let ago = tried.ok().and_then(|tried| tried.elapsed().ok());
        ago.is_some_and(|ago| ago < AGAIN)
    }

    /// Since when the shared ledger is away, or was; `None` if it is not.
    pub fn since(&self) -> Option<Timestamp> {
        let text = trust::read_to_string(&self.path).ok()?;
        Timestamp::from_millisecond(text.trim().parse().ok()?).ok()
    }

    /// Notes that the shared ledger was not reached, or is being tried: others leave it alone. True: it was there
    /// until now.
    pub fn set(&self) -> Result<bool, LedgerError> {
        let is_new = !self.is_set();
        let folder = Folder::prepare(&self.folder)?;
        let mut file = folder.open_or_make(&self.path)?;
        let written = match is_new {
            true => writeln!(file, "{}", Timestamp::now().as_millisecond()),
            false => file.set_times(FileTimes::new().set_modified(SystemTime::now())),
        };
        written.map_err(|error| folder.fault(&error, &self.path))?;
        Ok(is_new)
    }

    /// Notes that it was reached: no process leaves it alone any more. It is there until its rows are brought over.
    pub fn age(&self) {
        let Ok(file) = File::options().write(true).open(&self.path) else {
            return;
        };
        // Where that fails, it is tried again a little later.
        let _ = file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH));
    }

    /// Sets it where another process took it away meanwhile. The shared ledger is not left alone for that.
    pub fn restore(&self) -> Result<(), LedgerError> {
        if !self.is_set() {
            self.set()?;
            self.age();
        }
        Ok(())
    }

    /// Takes it away.
    pub fn clear(&self) -> std::io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Locks it, so that one process of this machine brings over what there is; `None`: another one does.
    pub fn lock(&self) -> Option<File> {
        let file = trust::open(&self.path).ok()?;
        file.try_lock().is_ok().then_some(file)
    }
}

/// How long the shared ledger is left alone after it was not reached.
const AGAIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fresh_until_the_shared_ledger_was_reached() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark::in_folder(folder.path());
        assert!(!mark.is_set() && !mark.is_fresh() && mark.since().is_none());
        assert!(mark.set().unwrap());
        assert!(mark.is_set() && mark.is_fresh());
        let since = mark.since().unwrap();
        mark.age();
        assert!(mark.is_set() && !mark.is_fresh());
        assert!(!mark.set().unwrap());
        assert!(mark.is_fresh());
        assert_eq!(mark.since(), Some(since));
        mark.clear().unwrap();
        assert!(!mark.is_set());
    }

    #[test]
    fn one_process_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark::in_folder(folder.path());
        assert!(mark.lock().is_none());
        mark.set().unwrap();
        let held = mark.lock();
        assert!(held.is_some());
        assert!(mark.lock().is_none());
        drop(held);
        assert!(mark.lock().is_some());
    }
}
