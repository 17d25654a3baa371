//! What reads the ledger back asks of its store: the seam of `log`, `explain`, `stats` and the console.
//!
//! Decisions come as they are stored; what they mean is said by [`Entry`](super::Entry).

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::counts::{Deliveries, Machine, Mark, UsedBy, Uses};
use super::error::LedgerError;
use super::keys::Digest;
use super::stats::Tally;
use super::store::{Breaker, Life};
use super::stored::Decision;
use super::totals::Total;

/// A decision, and what became of its owner if it is open.
pub(super) type Found = (Decision, Life);

/// Which decisions are read: a filter's part that a store can apply. An open one may be that of a process
/// that died, whatever outcome is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub since: i64,
    pub recipient: Option<Digest>,
    /// The same by another key.
    pub or_recipient: Option<Digest>,
    pub outcome: Option<&'static str>,
}

/// One page of decisions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Page {
    /// The first ones from this number on.
    From(i64),
    /// The last ones before this number, the latest first.
    Before(i64),
}

/// The server of a ledger that several machines share, as it presents itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its hosts, as they are configured.
    pub hosts: String,
    /// Whether a machine has begun the ledger, with its key.
    pub is_begun: bool,
    /// Its version, such as 15.
    pub version: u32,
    /// `synchronous_standby_names`: the standbys that a commit waits for. Empty: none.
    pub standbys: String,
    /// Whether what is committed is on its disk.
    pub fsync: bool,
    /// The version of its schema.
    pub schema: u32,
    /// Whether the account may write to the tables by itself, which it need not.
    pub may_write_tables: bool,
    /// By how much its clock differs from this machine's.
    pub clock_differs: Duration,
    /// How long one question takes.
    pub round_trip: Duration,
    /// What is between, if that shows.
    pub pooler: Option<Pooler>,
}

/// A pooler such as PgBouncer in front of a server, by what gets a connection of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooler {
    /// Each statement. The ledger needs transactions of more than one.
    Statement,
    /// Each transaction.
    Transaction,
    /// Each session, or that can't be told.
    Unknown,
}

/// A store, open for reading.
pub(super) trait Archive {
    /// At most [`PAGE`] decisions.
    fn page(&self, wanted: &Wanted, page: Page) -> Result<Vec<Found>, LedgerError>;
    /// The number of the first decision since then.
    fn first(&self, since: i64) -> Result<i64, LedgerError>;
    /// All of an id, oldest first.
    fn of_id(&self, id: &str) -> Result<Vec<Found>, LedgerError>;
    /// Those with these numbers.
    fn numbered(&self, numbers: &[i64]) -> Result<Vec<Found>, LedgerError>;
    /// The row that tells most of an id: the one that holds it, else the last that was no repeat.
    fn answered(&self, id: &str) -> Result<Option<Found>, LedgerError>;
    /// The last number, and those of the open decisions.
    fn end(&self) -> Result<(i64, Vec<i64>), LedgerError>;
    /// By how much a decision that is written later may have a lower number.
    fn overlap(&self) -> i64;
    /// What is known of senders, by name.
    fn senders(&self) -> Result<Vec<(String, Breaker)>, LedgerError>;
    /// What is paused, as [`pause`](super::pause) wrote it.
    fn pauses(&self) -> Result<Option<String>, LedgerError>;
    /// Counts since then.
    fn tallies(&self, since: i64) -> Result<Vec<Tally>, LedgerError>;
    /// Counts since the ledger began, those included of what is gone.
    fn totals(&self) -> Result<Vec<Total>, LedgerError>;
    /// Messages since then that have ended, but for answers that were replayed.
    fn ended(&self, since: i64) -> Result<Vec<Mark>, LedgerError>;
    /// Codes since then, and those of them that were typed in.
    fn uses(&self, by: UsedBy, since: i64) -> Result<Vec<Uses>, LedgerError>;
    /// Texts since then whose providers were asked, by sender and region.
    fn deliveries(&self, since: i64) -> Result<Vec<Deliveries>, LedgerError>;
    /// Messages since then that went without the hub.
    fn sent_without_hub(&self, since: i64) -> Result<u64, LedgerError>;
    /// Messages since then that reached a limit, by what is noted of it.
    fn over_limits(&self, since: i64) -> Result<Vec<(String, u64)>, LedgerError>;
    /// Machines that recorded something since then, by name; none of one machine's own ledger.
    fn machines(&self, since: i64) -> Result<Vec<Machine>, LedgerError>;
    /// How machines are set up: name, when they said so, what they said. None of one machine's own ledger.
    fn reports(&self) -> Result<Vec<(String, i64, String)>, LedgerError>;
    /// When a message was last accepted.
    fn last_accepted(&self) -> Result<Option<Timestamp>, LedgerError>;
    /// The server behind it, if there is one.
    fn server(&self) -> Result<Option<Server>, LedgerError>;
    /// Whether what is open is still the ledger.
    fn is_in_place(&self) -> bool;
    /// Sees from now on what was written since.
    fn renew(&mut self) -> Result<(), LedgerError>;
    /// Writes a copy of the ledger and its key into a folder.
    fn copy_into(&self, copies: &Path) -> Result<(), LedgerError>;
}

/// Decisions that are read at once.
pub(super) const PAGE: usize = 1000;
