//! The seam: what a store of the ledger must do. [`sqlite`](super::sqlite) does it in a file on this
//! machine, [`postgres`](super::postgres) in a database that several machines share.
//!
//! A store keeps rows and finds them again; it knows no rule. What a claim comes to, which sender is
//! asked, what a limit counts, what settles an id: that is decided above the seam ([`claim`](super::claim),
//! [`settle`](super::settle), [`reservation`](super::reservation), [`health`](super::health)), once for
//! every store.
//!
//! | a step of the ledger | what it asks of the store |
//! |---|---|
//! | claim | the [`Holder`] of the id, pauses, windows, breakers; a new [`Row`] |
//! | dispatched | the [`OpenClaim`], pauses; the sender's name in it; a window |
//! | settle, give back | the [`OpenClaim`]; its [`Ending`]; windows, breakers |
//! | health | breakers |
//! | pause, resume | the pauses |
//! | upkeep | [`Store::tidy`], which closes dead claims by [`settle::close_abandoned`](super::settle) |
//!
//! # What a store promises
//! - **All or nothing.** What is done between [`Store::begin`] and [`Store::commit`] is kept whole or not
//!   at all, and no other process sees or changes the rows in between. Where one did, COMMIT says so
//!   ([`StoreError::Stale`]), nothing is kept, and the steps are run again. After any other error the store
//!   is rolled back and dropped; the [`Engine`] opens it anew.
//! - **A claim is one owner's.** Every write to a claim names its sequence number, id and owner
//!   ([`ClaimKey`]); where one of them differs, nothing is written and the answer says so.
//! - **A death is seen, a life is not mistaken for one.** [`Holder::life`] is [`Life::Alive`] unless it is
//!   certain that the owner writes no more. An owner outlives every store that its process opens.
//! - **Durable means durable.** [`Store::answer_durably`] answers once a power cut can't take the step back.

use jiff::Timestamp;
use textsender_plugin_api::Purpose;

use super::error::LedgerError;
use super::keys::{Digest, Keys};
use crate::failpoint::Step;
use crate::protocol::{ErrorCode, Outcome};

/// Opens stores, for the life of one process.
pub(super) trait Engine {
    /// Opens the store, or says why it can't be.
    fn open(&mut self) -> Result<Box<dyn Store>, LedgerError>;
}

/// A step that waits for its transaction.
pub(super) trait Job: Send {
    /// Does the work, inside the transaction. It may be done again.
    fn run(&mut self, store: &dyn Store) -> StoreResult<()>;
    /// Answers, after the transaction was committed or given up. One that is committed may still be an
    /// error: it did not become durable.
    fn answer(self: Box<Self>, end: Result<(), LedgerError>, is_committed: bool);
}

/// An open store, on the ledger's own thread.
pub(super) trait Store {
    /// Begins a transaction, alone; if `synced`, one that is durable once it is answered durably.
    fn begin(&self, synced: bool) -> StoreResult<()>;
    /// Commits it. Until it is durable a power cut may lose it, but the death of the process may not.
    fn commit(&self) -> StoreResult<()>;
    /// Gives the transaction up, if there still is one.
    fn roll_back(&self);
    /// Answers committed steps once they survive a power cut.
    fn answer_durably(&mut self, steps: Vec<Box<dyn Job>>);
    /// Whether it can be used on: it is still the ledger, and what was committed was kept.
    fn is_usable(&self) -> bool;
    /// What an error means; after damage, what was done about it.
    fn fault(&self, error: &StoreError) -> LedgerError;

    /// The time, in milliseconds since 1970.
    fn now(&self) -> i64;
    /// The keys of all hashes.
    fn keys(&self) -> &Keys;
    /// The name under which this process claims.
    fn owner(&self) -> &str;
    /// Marks that a send has passed this step, where a test may end the process.
    fn reached(&self, step: Step);

    /// The row that repeats of an id meet.
    fn holder(&self, id: &str) -> StoreResult<Option<Holder>>;
    /// A claim that is open and whose key is this.
    fn open_claim(&self, key: &ClaimKey) -> StoreResult<Option<OpenClaim>>;
    /// Writes a row; returns its number.
    fn insert(&self, row: &Row) -> StoreResult<i64>;
    /// Makes the row that an id is held by this owner's open claim, until `lease`. It counts as dispatched.
    fn take_over(&self, holder: &Holder, lease: i64) -> StoreResult<()>;
    /// Writes the senders that an open claim was dispatched to, and its places. False: there is none.
    fn mark_dispatched(
        &self,
        key: &ClaimKey,
        sent_to: &[String],
        places: &[Place],
    ) -> StoreResult<bool>;
    /// Writes the places of an open claim.
    fn put_places(&self, key: &ClaimKey, places: &[Place]) -> StoreResult<()>;
    /// Ends an open claim; if `live`, repeats of the id meet it. False: there is none.
    fn end(&self, key: &ClaimKey, ending: &Ending<'_>, live: bool) -> StoreResult<bool>;
    /// Ends an open claim as the `unknown` that it was before it was taken over.
    fn end_as_before(&self, key: &ClaimKey) -> StoreResult<bool>;
    /// Writes that the code of a message was typed in.
    fn put_used(&self, seq: i64, at: i64) -> StoreResult<()>;
    /// Writes what a provider said became of a message.
    fn put_delivery(&self, seq: i64, state: &str, at: i64) -> StoreResult<()>;
    /// Whether a code that went to this number was typed in.
    fn has_used(&self, recipient: &Digest) -> StoreResult<bool>;
    /// Whether a decision since `since` has this provider id.
    fn has_provider_id(&self, provider_id: &str, since: Timestamp) -> StoreResult<bool>;

    /// A window of a limit, as [`Window::bytes`](super::window::Window::bytes) wrote it.
    fn window(&self, key: &Digest) -> StoreResult<Option<Vec<u8>>>;
    /// Writes a window; it may be deleted once `until` has passed. `None` leaves that as it is.
    fn put_window(&self, key: &Digest, until: Option<i64>, events: &[u8]) -> StoreResult<()>;
    /// What is known of a sender that has failed.
    fn breaker(&self, sender: &str) -> StoreResult<Option<Breaker>>;
    /// Writes it.
    fn put_breaker(&self, sender: &str, breaker: &Breaker) -> StoreResult<()>;

    /// What is paused, as [`pause`](super::pause) wrote it. A step that reads it is not committed once another wrote it.
    fn pauses(&self) -> StoreResult<Option<String>>;
    /// Writes it.
    fn put_pauses(&self, pauses: Option<&str>) -> StoreResult<()>;

    /// Whether it must be tidied although messages wait.
    fn needs_tidying(&self) -> bool;
    /// Keeps the store small, and closes what dead processes left open. `used`: since the last time.
    fn tidy(&self, used: bool) -> StoreResult<()>;
}

/// What a store's operation comes to.
pub(super) type StoreResult<T> = Result<T, StoreError>;

/// Why a store's operation failed. [`Store::fault`] puts it in words.
#[derive(Debug)]
pub(super) enum StoreError {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// The column holds what textsender never writes.
    Damaged(&'static str),
    /// Another machine changed what was read: the steps are to be run again.
    Stale,
    /// A server says so, or there is none.
    Server(LedgerError),
    /// A test wants it so.
    #[cfg(test)]
    Injected,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::Sqlite(error)
    }
}

/// What makes a claim this one and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClaimKey {
    pub seq: i64,
    pub id: String,
    pub owner: String,
}

/// What became of the owner of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It runs.
    Alive,
    /// It ended, and what it last wrote is in the store.
    Dead,
    /// It ended with an earlier boot, and what it last wrote may be lost.
    Lost,
}

/// The row that holds an id.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub seq: i64,
    pub id: String,
    pub at: Timestamp,
    pub content: Option<Digest>,
    pub tag: Option<u16>,
    pub expires: i64,
    pub owner: Option<String>,
    /// What became of the owner, if the claim is open.
    pub life: Life,
    /// `None`: it was dispatched to no sender.
    pub sent_to: Option<Vec<String>>,
    /// `None`: the claim is open.
    pub outcome: Option<Outcome>,
    pub code: Option<String>,
    pub sender: Option<String>,
    pub provider_id: Option<String>,
    pub response: Option<String>,
    /// When the provider was last asked about a message that ended as `unknown`.
    pub looked_at: Option<i64>,
    /// The number's region.
    pub region: Option<String>,
    /// When its code was typed in.
    pub used_at: Option<i64>,
}

/// A claim that has no ending yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenClaim {
    /// `None`: it was dispatched to no sender. Empty: a power cut hides to which.
    pub sent_to: Option<Vec<String>>,
    pub places: Vec<Place>,
    /// It had ended as `unknown`, and what a repeat was answered is still there.
    pub was_unknown: bool,
}

/// A place that a claim takes in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The window.
    pub window: Digest,
    /// When the place was taken.
    pub at: i64,
    /// For how long the window counts it, in milliseconds.
    pub span: i64,
    /// Whether the window counts the texts of one sender.
    pub is_senders: bool,
}

/// What the ledger knows of a sender that has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breaker {
    pub failures: u32,
    pub reason: String,
    pub failed_at: i64,
    pub trial_at: Option<i64>,
    /// The provider wants nothing before.
    pub wait_until: Option<i64>,
    /// The recipients that were refused, it may be for the sender's sake.
    pub doubts: Vec<Digest>,
    /// What its process lacked of its seal when it last did something.
    pub unsealed: Option<String>,
}

/// What the audit says of a message, whatever became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The request's id, or the one that the front made.
    pub id: String,
    /// The id of the message that it is, sent again.
    pub resend_of: Option<String>,
    /// `enroll` or `reset`.
    pub event: Option<String>,
    /// Who asked for it, as the request says.
    pub actor: Option<String>,
    /// The user's name. The audit keeps its keyed hash.
    pub user: Option<String>,
    /// Where the user's request came from. The audit keeps its keyed hash.
    pub source: Option<String>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// The number's region, as two letters.
    pub region: Option<String>,
    /// How many segments the text has.
    pub segments: Option<u32>,
    /// The user id of the process that asked.
    pub uid: u32,
    /// Whether a hub is configured that was away.
    pub without_hub: bool,
}

/// A row of the audit, as it is first written.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub at: i64,
    pub live: bool,
    pub facts: Facts,
    pub user: Option<Digest>,
    pub source: Option<Digest>,
    pub purpose: Option<Purpose>,
    pub masked: Option<String>,
    pub recipient: Option<Digest>,
    /// The number less its last four digits.
    pub prefix: Option<Digest>,
    pub content: Option<Digest>,
    pub tag: Option<u16>,
    pub expires: Option<i64>,
    pub owner: Option<String>,
    /// Until when a claim is its owner's, where no lock says whether that one lives.
    pub lease: Option<i64>,
    pub places: Vec<Place>,
    pub over_limit: Option<String>,
    /// Senders that were known to fail, a line each: sender, why.
    pub paused: Option<String>,
}

/// How a row ended.
#[derive(Debug, Clone)]
pub(super) struct Ending<'a> {
    pub at: i64,
    pub outcome: Outcome,
    pub code: Option<&'a str>,
    pub sender: Option<&'a str>,
    pub provider_id: Option<&'a str>,
    /// A line each: sender, outcome, code or `-`, milliseconds.
    pub attempts: Option<String>,
    /// What the provider said, a line for each attempt.
    pub reasons: Option<String>,
    pub ms: Option<i64>,
    pub response: Option<&'a str>,
    pub replayed: bool,
}

impl Ending<'_> {
    /// An ending of which there is no more to say.
    pub fn bare(code: ErrorCode, at: i64) -> Ending<'static> {
        Ending {
            at,
            outcome: code.outcome(),
            code: Some(code.as_str()),
            sender: None,
            provider_id: None,
            attempts: None,
            reasons: None,
            ms: None,
            response: None,
            replayed: false,
        }
    }
}

/// Bytes of a place as it is stored.
const PLACE: usize = size_of::<Digest>() + 8 + 8 + 1;

impl Place {
    /// Places as they are stored.
    pub fn bytes(places: &[Place]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(places.len() * PLACE);
        for place in places {
            bytes.extend_from_slice(&place.window);
            bytes.extend_from_slice(&place.at.to_le_bytes());
            bytes.extend_from_slice(&place.span.to_le_bytes());
            bytes.push(place.is_senders.into());
        }
        bytes
    }

    /// The places that these bytes are; `None` if they are damaged.
    pub fn read(bytes: &[u8]) -> Option<Vec<Place>> {
        let (places, rest) = bytes.as_chunks::<PLACE>();
        let place = |bytes: &[u8; PLACE]| {
            let (window, rest) = bytes.split_first_chunk()?;
            let (at, rest) = rest.split_first_chunk()?;
            let (span, rest) = rest.split_first_chunk()?;
            Some(Place {
                window: *window,
                at: i64::from_le_bytes(*at),
                span: i64::from_le_bytes(*span),
                is_senders: rest == [1],
            })
        };
        match rest {
            [] => places.iter().map(place).collect(),
            _ => None,
        }
    }
}
