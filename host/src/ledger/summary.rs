//! The ledger read back as counts: what `stats`, the metrics and `health` show.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::counts::{Deliveries, Machine, UsedBy, Uses};
use super::error::LedgerError;
use super::history::History;
use super::reservation::scopes_named;
use super::stats::Tally;
use super::totals::Total;

impl History {
    /// How many messages since then reached each limit, by its name, those that only record included.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn over_limits(&self, since: Timestamp) -> Result<BTreeMap<String, u64>, LedgerError> {
        let mut counts = BTreeMap::new();
        for (words, count) in self.archive.over_limits(since.as_millisecond())? {
            for scope in scopes_named(&words) {
                *counts.entry(scope.to_owned()).or_default() += count;
            }
        }
        Ok(counts)
    }

    /// Counts since the ledger began: neither upkeep nor an erasure nor a restored copy lowers them.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn totals(&self) -> Result<Vec<Total>, LedgerError> {
        self.archive.totals()
    }

    /// Counts the decisions since `since` by day, sender, region and outcome. Answers that were
    /// replayed are not counted again.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn tallies(&self, since: Option<Timestamp>) -> Result<Vec<Tally>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        let mut tallies = self.archive.tallies(since)?;
        for tally in &mut tallies {
            // Nothing is paid for what was not sent.
            if tally
                .outcome
                .is_some_and(|outcome| !outcome.may_have_been_sent())
            {
                tally.segments = 0;
            }
        }
        Ok(tallies)
    }

    /// When a message was last accepted, of those that are recorded.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn last_accepted(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.archive.last_accepted()
    }

    /// Counts the texts since `since` whose providers were asked, by sender and region.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn deliveries(&self, since: Option<Timestamp>) -> Result<Vec<Deliveries>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.archive.deliveries(since)
    }

    /// How many messages since `since` were sent without the hub that is configured, as it was away.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn sent_without_hub(&self, since: Option<Timestamp>) -> Result<u64, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.archive.sent_without_hub(since)
    }

    /// The machines that recorded something since then, by name. None of a ledger that is one machine's own.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn machines(&self, since: Option<Timestamp>) -> Result<Vec<Machine>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.archive.machines(since)
    }

    /// Counts the codes since `since`, those most of which went unused first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn uses(&self, by: UsedBy, since: Option<Timestamp>) -> Result<Vec<Uses>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.archive.uses(by, since)
    }
}
