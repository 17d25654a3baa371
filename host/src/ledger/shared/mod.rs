//! The store of a ledger that several machines share: who has it, and who does without.
//!
//! A database's client makes the program a tenth larger, and each send starts it twice; most installations
//! have one machine. So `textsender` knows this store by three functions that it may lack, and where
//! `[state.shared]` is configured it becomes `textsender-postgres`, the same program with them.

mod schema;

use std::path::Path;
use std::sync::OnceLock;

use jiff::Timestamp;

use super::Options;
use super::archive::{Archive, Server};
use super::error::LedgerError;
use super::keys::{Digest, Keys};
use super::store::Engine;
use crate::config::Shared;

pub use schema::{
    VERSION as POSTGRES_SCHEMA, migration as postgres_migration, schema as postgres_schema,
};

/// What a program needs to use a shared ledger.
pub struct SharedStore {
    /// Opens it for sending.
    pub(super) engine: fn(&Shared, &Path, &Options) -> Box<dyn Engine>,
    /// Opens it for reading, and for erasing what leads to a person.
    pub(super) archive: fn(&Path, &Shared, &Options) -> Result<OpenShared, LedgerError>,
    /// The server, as it presents itself to a machine that may have no key yet.
    pub(super) server: fn(&Path, &Shared) -> Result<Server, LedgerError>,
    /// Brings over what this machine's own ledger in a folder has decided and the shared one does not know yet.
    pub(super) bring: fn(&Path, &Shared, &Options) -> Result<Brought, LedgerError>,
    /// Brings over a ledger that was one machine's until now, with what its limits count, its pauses, and what is known
    /// of its senders.
    pub(super) move_all: fn(&Path, &Shared, &Options) -> Result<Brought, LedgerError>,
    /// Until when the certificates of the servers are valid, by server.
    pub(super) certificates: fn(&Path, &Shared) -> Vec<(String, Timestamp)>,
}

/// What was brought over to the shared ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Brought {
    /// Decisions.
    pub decisions: u64,
    /// Windows of limits.
    pub windows: u64,
    /// Whether nothing is left: a message that is being sent is brought over once it has ended.
    pub is_all: bool,
}

/// An open store, and its keys.
pub(super) type OpenShared = (Box<dyn SharedArchive>, Keys);

/// What reads, and erases.
pub(super) trait SharedArchive: Archive {
    /// How many decisions with this hash, of a user or of a number, were erased, and how many since `until` were kept.
    fn erase(&self, hash: &Digest, is_user: bool, until: i64) -> Result<[u64; 2], LedgerError>;
}

static STORE: OnceLock<&SharedStore> = OnceLock::new();

/// Lets this program use a shared ledger. To be called first; the first word counts.
pub fn share(store: &'static SharedStore) {
    let _ = STORE.set(store);
}

/// Whether this program can use a shared ledger.
#[must_use]
pub fn can_share() -> bool {
    store().is_ok()
}

/// The store that this program has.
pub(super) fn store() -> Result<&'static SharedStore, LedgerError> {
    #[cfg(test)]
    share(&super::POSTGRES);
    STORE.get().copied().ok_or(LedgerError::NotShared)
}
