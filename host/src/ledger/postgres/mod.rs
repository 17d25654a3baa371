//! The ledger's store in a PostgreSQL database that several machines share.
//!
//! | file | |
//! |---|---|
//! | `store`, `store/rows` | a transaction: sent as one step; what the rules read and write in it |
//! | `known` | what is known of the database; what a transaction has read and writes |
//! | `clock` | the server's time, and the numbers of rows |
//! | `archive`, `reader` | the audit, read back, by a thread with a connection of its own |
//! | `bring` | what a machine's own ledger has, brought over |
//! | `certificates` | until when those of the servers are valid |
//! | `address` | where the servers are |
//! | `link` | the connection; a step is done once, however often it is sent |
//! | `trouble` | what a server's errors mean |
//! | `pooler` | whether one is in front of the server |
//! | `wire` | what is said and answered, as JSON |
//!
//! The tables and functions are in `shared/schema_1.sql`.
//!
//! # One round trip
//!
//! The rules are above the seam, in Rust, and a database is far away. So a transaction is worked out here on
//! what is known, or guessed where nothing is known (no such row), and is sent whole: *this is what I have
//! read, each with its version; this is what I write*. One function of the database locks the rows in a
//! fixed order, compares the versions, and writes all or nothing. Where something had changed, it writes
//! nothing and answers how things are; the steps are run again on that ([`StoreError::Stale`]). A first text
//! to a number takes one round trip, a later one two. No rule is in SQL, and no lock outlives a round trip;
//! but for a step that finds what was known changed by another: its next try holds its locks until it is in time.
//!
//! # What stands in place of a process's lock file
//!
//! A claim is its owner's until its *lease* is over, by the server's clock: as long as its caller waits, and
//! a little longer. `dispatched` is refused by the database after that. The owner is a random name of this
//! process, and counts its steps: a step whose answer was lost is sent again on a new connection, and is
//! known to have been done, or is done then.
//!
//! A server that starts anew, and a standby that is promoted, may lack what was only written after a claim.
//! So a claim carries the *epoch* of its server; an open one of another epoch counts as dispatched, as after
//! a power cut ([`Life::Lost`](super::store::Life)).

mod address;
mod archive;
mod bring;
mod certificates;
mod clock;
mod known;
mod link;
mod pooler;
mod reader;
mod store;
mod trouble;
pub(super) mod wire;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ring::rand::{SecureRandom, SystemRandom};

use super::Options;
use super::error::LedgerError;
use super::folder::{Folder, Guard};
use super::keys::Keys;
use super::shared::SharedStore;
use super::store::{Engine, Store};
use super::stored::hexadecimal;
use crate::config::{self, WhenUnreachable};
use archive::PostgresArchive;
use link::Link;
use store::PostgresStore;

/// The shared ledger in PostgreSQL, for a program that is to have it.
pub static POSTGRES: SharedStore = SharedStore {
    engine: |shared, folder, options| Box::new(Postgres::new(shared, folder, options)),
    archive: |folder, shared, options| {
        let (archive, keys) = PostgresArchive::open(folder, shared, options)?;
        Ok((Box::new(archive), keys))
    },
    server: PostgresArchive::server_of,
    bring: bring::bring,
    move_all: bring::move_all,
    certificates: certificates::look,
};

/// Opens the shared ledger, any number of times in the life of a process.
pub(super) struct Postgres {
    shared: config::Shared,
    folder: PathBuf,
    options: Options,
    process: Rc<Process>,
}

/// This process, as others see it.
pub(super) struct Process {
    /// Random, so that it is no one else's.
    name: String,
    /// This machine's name.
    node: String,
    /// Steps that were sent.
    steps: Cell<i64>,
}

impl Postgres {
    pub fn new(shared: &config::Shared, folder: &Path, options: &Options) -> Postgres {
        Postgres {
            shared: shared.clone(),
            folder: folder.to_owned(),
            options: options.clone(),
            process: Rc::new(Process {
                name: random_name(),
                node: options.node.clone(),
                steps: Cell::new(0),
            }),
        }
    }

    /// The key of this machine, which must be that of all; made where there is none yet.
    fn keys(&self, folder: &Folder) -> Result<Keys, LedgerError> {
        if let Some(keys) = Keys::read(folder)? {
            return Ok(keys);
        }
        let _alone = folder.guard(Guard::Replace, self.options.lock_timeout)?;
        match Keys::read(folder)? {
            Some(keys) => Ok(keys),
            None => Keys::make(folder),
        }
    }
}

impl Engine for Postgres {
    fn open(&mut self) -> Result<Box<dyn Store>, LedgerError> {
        let folder = Folder::prepare(&self.folder)?;
        let keys = self.keys(&folder)?;
        let proof = keys.proofs();
        let link = Link::new(self.shared.clone(), self.folder.clone(), proof)?;
        let process = Rc::clone(&self.process);
        let store = PostgresStore::open(link, keys, process, &self.shared, &self.options)?;
        let goes_on_apart = self.shared.when_unreachable == WhenUnreachable::OwnLedger;
        let store = store.reporting(folder.clone());
        Ok(Box::new(
            store.keeping_pauses(goes_on_apart.then_some(folder)),
        ))
    }
}

/// Thirty-two random hexadecimal digits.
fn random_name() -> String {
    let mut bytes = [0u8; 16];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // Then no connection could be protected either. A name that is not random is still no other's.
        let (id, time) = (std::process::id(), crate::os::process::since_boot());
        return format!("{id}-{}", time.as_nanos());
    }
    hexadecimal(&bytes)
}
