//! The ledger's store on this machine: one SQLite file, shared by any number of processes.
//!
//! [`rows`] has the statements; `schema` makes, opens and migrates the file; `process` sees which
//! processes live; `sync` makes commits durable; `upkeep` keeps the file small; `totals` has the
//! counts of what it deleted.

pub(super) mod archive;
pub(super) mod columns;
pub(super) mod outgoing;
pub(super) mod process;
mod rows;
pub(super) mod schema;
mod sync;
pub(super) mod totals;
mod upkeep;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::Connection;

use super::Options;
use super::error::LedgerError;
use super::folder::Folder;
use super::keys::Keys;
use super::store::{Engine, Job, Store, StoreError};
use crate::failpoint::Step;
use crate::os::identity::FileId;
use process::Process;
use sync::Syncer;
use upkeep::LONG_LOG;

/// Opens the file in a state folder, any number of times in the life of a process.
pub(super) struct Sqlite {
    folder: PathBuf,
    options: Options,
    /// Held by the ledger's thread for its life, and lent to each store: a store that is closed and
    /// opened anew is not the death of its process, whose claims are still being sent.
    process: Option<Rc<Process>>,
    /// Differs between boots of the machine.
    boot: String,
}

impl Sqlite {
    pub fn new(folder: &Path, options: &Options) -> Sqlite {
        Sqlite {
            folder: folder.to_owned(),
            options: Options {
                lock_timeout: options
                    .failpoints
                    .lock_timeout
                    .unwrap_or(options.lock_timeout),
                ..options.clone()
            },
            process: None,
            boot: process::boot_mark(),
        }
    }

    /// The same after another boot of the machine.
    #[cfg(test)]
    pub fn of_boot(self, boot: &str) -> Sqlite {
        Sqlite {
            boot: boot.to_owned(),
            ..self
        }
    }
}

impl Engine for Sqlite {
    fn open(&mut self) -> Result<Box<dyn Store>, LedgerError> {
        let folder = Folder::prepare(&self.folder)?;
        // In a folder that was moved away and made anew, no one would see that this process lives.
        let process = match self.process.take().filter(|process| process.is_in(&folder)) {
            Some(process) => process,
            None => Rc::new(Process::enter(&folder, &self.boot)?),
        };
        self.process = Some(Rc::clone(&process));
        let store = SqliteStore::open(folder, process, &self.options)?;
        Ok(Box::new(store))
    }
}

/// The name in `meta` of what is paused.
const PAUSES: &str = "pauses";

/// The open file.
pub(super) struct SqliteStore {
    sql: Connection,
    keys: Keys,
    process: Rc<Process>,
    options: Options,
    folder: Folder,
    identity: FileId,
    /// Syncs what was committed.
    syncer: Syncer,
    log_pages: Arc<AtomicI32>,
    /// Pages in the log from which it is written back although messages wait.
    long_log: Cell<i32>,
}

impl SqliteStore {
    fn open(folder: Folder, process: Rc<Process>, options: &Options) -> Result<Self, LedgerError> {
        let (mut sql, keys) = schema::open(&folder, options)?;
        let identity = folder.identity().ok_or_else(|| LedgerError::Unusable {
            path: folder.database(),
            reason: "it was moved while it was opened".to_owned(),
        })?;
        // The hook takes the place of SQLite's own, which would write the log back within a commit.
        let log_pages = Arc::new(AtomicI32::new(0));
        let pages = Arc::clone(&log_pages);
        sql.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
            pages.store(count, Ordering::Relaxed);
            Ok(())
        }))
        .and_then(|()| sql.pragma_update(None, "secure_delete", "fast"))
        // Commits do not sync; `sync` does.
        .and_then(|()| sql.pragma_update(None, "synchronous", "normal"))
        .map_err(|error| {
            LedgerError::from_sqlite(&error, &folder.database(), options.lock_timeout, || {
                folder.is_full()
            })
        })?;
        Ok(SqliteStore {
            syncer: Syncer::open(&folder)?,
            sql,
            keys,
            process,
            options: options.clone(),
            folder,
            identity,
            log_pages,
            long_log: Cell::new(LONG_LOG),
        })
    }

    /// Pages in the log, as of the last commit of this process.
    fn log_pages(&self) -> i32 {
        self.log_pages.load(Ordering::Relaxed)
    }

    fn begin_transaction(&self) -> rusqlite::Result<()> {
        self.sql.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    fn commit_transaction(&self) -> rusqlite::Result<()> {
        self.sql.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Still the ledger, not one that was moved or set aside, and what was committed reached the disk.
    fn is_in_place(&self) -> bool {
        !self.syncer.has_failed() && self.folder.identity() == Some(self.identity)
    }

    /// SQLite ends a transaction itself after some errors.
    fn end_transaction(&self) {
        if !self.sql.is_autocommit() {
            // There is nothing left to do if this fails: the connection is closed next.
            let _ = self.sql.execute_batch("ROLLBACK");
        }
    }

    /// A damaged file is set aside.
    fn explain(&self, error: &rusqlite::Error) -> LedgerError {
        let (file, wait) = (self.folder.database(), self.options.lock_timeout);
        match LedgerError::from_sqlite(error, &file, wait, || self.folder.is_full()) {
            LedgerError::Corrupt { reason, .. } => {
                schema::set_aside_if_same(&self.folder, &self.options, self.identity, reason)
            }
            other => other,
        }
    }

    fn time(&self) -> i64 {
        (self.options.failpoints.clock)().as_millisecond()
    }

    fn pass(&self, step: Step) {
        (self.options.failpoints.at)(step);
    }

    fn sync(&mut self, steps: Vec<Box<dyn Job>>) {
        self.syncer.answer(steps);
    }

    fn explain_any(&self, error: &StoreError) -> LedgerError {
        match error {
            StoreError::Sqlite(error) => self.explain(error),
            StoreError::Damaged(column) => {
                self.explain(&columns::damaged(column, rusqlite::types::Type::Blob))
            }
            StoreError::Server(error) => error.clone(),
            // A file that is locked can't change meanwhile.
            StoreError::Stale => LedgerError::Stopped,
            #[cfg(test)]
            StoreError::Injected => LedgerError::Stopped,
        }
    }
}
