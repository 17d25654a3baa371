//! The machines that share a ledger, as far as it knows them: by what they recorded.

use jiff::Timestamp;
use serde::Serialize;

use super::error::LedgerError;
use super::history::History;

/// A machine that shares the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Its name, as it gives it itself.
    pub name: String,
    /// When it first recorded something, of what was counted.
    pub first: Timestamp,
    /// When it last did.
    pub last: Timestamp,
    /// Messages that it recorded; answers that were replayed are not counted.
    pub messages: u64,
    /// Those of them that a provider took.
    pub accepted: u64,
    /// Those of them of which that is not known.
    pub unknown: u64,
}

impl History {
    /// The machines that recorded something since then, by name. None of a ledger that is one machine's own.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn machines(&self, since: Option<Timestamp>) -> Result<Vec<Machine>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.archive.machines(since)
    }
}
