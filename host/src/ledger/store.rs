//! The open ledger, on the ledger's own thread: a connection, the keys, and this process's mark.
//!
//! Methods that work on rows are where their subject is (`claim`, `decision`, `reservation`,
//! `health`, `upkeep`); they run inside the transaction that [`Store::begin`] opened.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::Connection;

use super::Options;
use super::error::LedgerError;
use super::folder::Folder;
use super::keys::Keys;
use super::process::Process;
use super::schema;
use super::sync::Syncer;
use crate::failpoint::Step;

/// Pages in the log from which it is written back although messages wait: 16 MiB.
pub(super) const LONG_LOG: i32 = 8 * 1024;

/// The open ledger.
pub(super) struct Store {
    pub(super) sql: Connection,
    pub(super) keys: Keys,
    pub(super) process: Process,
    pub(super) options: Options,
    folder: Folder,
    identity: (u64, u64),
    /// Syncs what was committed.
    pub(super) syncer: Syncer,
    log_pages: Arc<AtomicI32>,
    /// Pages in the log from which it is written back although messages wait.
    pub(super) long_log: Cell<i32>,
}

impl Store {
    /// Opens the ledger in `folder`.
    pub fn open(folder: &Path, options: &Options) -> Result<Store, LedgerError> {
        let folder = Folder::prepare(folder)?;
        let process = Process::enter(&folder)?;
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
        let options = options.clone();
        Ok(Store {
            syncer: Syncer::open(&folder)?,
            sql,
            keys,
            process,
            options,
            folder,
            identity,
            log_pages,
            long_log: Cell::new(LONG_LOG),
        })
    }

    /// Whether the file that is open can be used on: it is still the ledger, not one that was moved
    /// or set aside, and what was committed reached the disk.
    pub fn is_usable(&self) -> bool {
        !self.syncer.has_failed() && self.folder.identity() == Some(self.identity)
    }

    /// Marks that a send has passed this step, where a test may end the process.
    pub fn reached(&self, step: Step) {
        (self.options.failpoints.at)(step);
    }

    /// The time, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.options.failpoints.clock)().as_millisecond()
    }

    /// Pages in the log, as of the last commit of this process.
    pub fn log_pages(&self) -> i32 {
        self.log_pages.load(Ordering::Relaxed)
    }

    /// Begins a transaction and takes the write lock. Until the log is synced, a power cut may lose
    /// what it commits, but the death of the process may not.
    pub fn begin(&self) -> rusqlite::Result<()> {
        self.sql.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    /// Commits.
    pub fn commit(&self) -> rusqlite::Result<()> {
        self.sql.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Gives the transaction up, if there still is one: SQLite ends it itself after some errors.
    pub fn roll_back(&self) {
        if !self.sql.is_autocommit() {
            // There is nothing left to do if this fails: the connection is closed next.
            let _ = self.sql.execute_batch("ROLLBACK");
        }
    }

    /// What an error of SQLite means. A damaged file is set aside.
    pub fn fault(&self, error: &rusqlite::Error) -> LedgerError {
        let file = self.folder.database();
        match LedgerError::from_sqlite(error, &file, self.options.lock_timeout, || {
            self.folder.is_full()
        }) {
            LedgerError::Corrupt { reason, .. } => {
                schema::set_aside_if_same(&self.folder, &self.options, self.identity, reason)
            }
            other => other,
        }
    }
}
