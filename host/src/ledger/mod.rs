//! The ledger: at most one text per id, no flood, and a record of every decision.
//!
//! One SQLite file in the state folder, shared by any number of short-lived processes and streams
//! on one machine. It is the only thing in the host that keeps state between requests.
//!
//! # A send, step by step
//!
//! | step ([`Step`]) | in the ledger | a repeat of the id, if the process died here |
//! |---|---|---|
//! | `Opened`, `Claiming` | nothing | is sent |
//! | `Claimed` | the id, its process, its places in the limits; **synced** | is sent: nothing had left |
//! | `Dispatched`, `Answered`, `Settling` | also the sender it was handed to | may have been sent: [`ClaimResult::Abandoned`], to be found at the provider or answered `unknown` |
//! | `Settled`, `Responded` | the outcome and the response | is answered the same, if the outcome settles the id |
//!
//! `accepted`, `rejected` and `unknown` settle an id; every other outcome releases it, and a repeat
//! runs anew. A message that ended as `unknown` may be looked for again by a repeat, at most once in 5
//! seconds. Death is seen by a lock that the kernel lets go (see `sqlite::process`). After a power cut,
//! steps after the claim may be lost from the disk; so a claim of an earlier boot counts as
//! dispatched.
//!
//! # What a send costs
//!
//! One sync, at the claim [0.3 ms added to one send on a disk that syncs in 0.1 ms, opening included;
//! 19,000 sends a second with 64 in flight, about 40 µs of processor time each]. SQLite runs on a thread
//! of its own that commits the steps of all waiting messages together (see `worker`); the log is synced
//! beside it. The log is written back,
//! old rows are deleted and dead processes' claims are closed when nothing waits.
//! `.cargo/config.toml` builds SQLite so that a process's first commit does not sync the folder too.
//!
//! # What is in the folder
//!
//! | file | |
//! |---|---|
//! | `ledger.sqlite3`, `-wal`, `-shm` | the ledger, its log and its shared memory |
//! | `ledger.key` | the key of all hashes in it |
//! | `ledger.lock` | locked while the ledger is made, opened or set aside |
//! | `ledger.processes/` | a locked file for each process that uses the ledger |
//! | `ledger.damaged-DATE.sqlite3` | a damaged ledger that was set aside |
//!
//! Numbers are there as keyed hashes and masked; of a code or password there are 16 bits of a keyed
//! hash, until it expires.
//!
//! # The clock
//!
//! A clock that is set back does no harm: what happened in the future counts as having happened
//! now (windows, breakers), and rows are ordered by number, not by time. Set forward, it ends
//! windows and pauses early, as it must.

mod apart;
mod archive;
mod backup;
mod choice;
mod claim;
mod counts;
mod daily;
mod delivery;
mod entry;
mod error;
mod explain_history;
mod folder;
mod health;
mod hindsight;
mod history;
mod keys;
mod limits;
mod lookup;
mod options;
pub mod pause;
mod person;
mod postgres;
mod prometheus;
mod proposal;
mod report;
mod resend;
mod reservation;
mod settle;
mod shared;
mod sqlite;
mod stats;
mod store;
mod stored;
mod summary;
mod ticket;
mod timeline;
mod totals;
mod unused;
mod window;
mod worker;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use textsender_plugin_api::{DeliveryState, Phone};
use tokio::sync::oneshot;

pub use apart::Away;
pub use archive::{Pooler, Server};
pub use claim::{Claim, ClaimResult, EarlierAttempt};
pub use counts::{Deliveries, Machine, Mark, UsedBy, Uses};
pub use entry::{Entry, EntryState};
pub use error::LedgerError;
pub use explain_history::explain_history;
pub use health::{FIRST_PAUSE, Health, HealthReport, LONGEST_PAUSE, TRIAL};
pub use hindsight::{Hindsight, Tried};
pub use history::{Cursor, Filter, History, SenderState};
pub use limits::{CallerLimit, Daily, InvalidLimit, Limit, Limits, Mode, Rule, Scope, Shares};
pub use options::Options;
pub use pause::{Pause, Subject};
pub use person::{Erased, Person};
pub use postgres::POSTGRES;
pub use prometheus::{Exposition, Sample};
pub use proposal::{Proposal, Proposals};
pub use report::Drift;
pub use resend::REPEAT;
pub use reservation::LimitReached;
pub use settle::{DispatchRefusal, FinalOutcome, Unclaimed};
pub use shared::{
    Brought, POSTGRES_SCHEMA, SharedStore, can_share, postgres_migration, postgres_schema, share,
};
pub use stats::Tally;
pub use store::Facts;
pub use ticket::Ticket;
pub use totals::{STEPS, Total};
pub use unused::Used;

use crate::failpoint::{Failpoints, Step};
use crate::os;
use apart::Apart;
use claim::LEASE;
use settle::Handover;
use sqlite::Sqlite;
use store::Engine;
use worker::{Durability, Queue};

/// How long [`Ledger::close`] waits in a process that has answered.
pub const CLOSING: Duration = Duration::from_millis(150);

/// The ledger, open for sending.
///
/// Dropping it finishes what is waiting and tidies the ledger, on its own thread; [`Ledger::close`]
/// waits for that.
pub struct Ledger {
    queue: Queue,
    /// Ends with the thread.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
    failpoints: Failpoints,
    /// Whether several machines share it.
    is_shared: bool,
    /// This machine's own ledger, for while a shared one can't be reached.
    apart: Option<Box<Apart>>,
}

/// Waits for a thread that drops the other end with its own, once, and not longer than this.
async fn wait_for_end(thread: &Mutex<Option<oneshot::Receiver<()>>>, within: Duration) {
    let ended = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(ended) = ended {
        // It ends by being dropped, with an error; or the time is up.
        let _ = tokio::time::timeout(within, ended).await;
    }
}

impl Ledger {
    /// Starts to open the ledger in `folder`, and returns at once. The first step reports what went
    /// wrong; each later one tries again, so a stream recovers when the folder is fixed.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn open(folder: &Path, options: Options) -> Result<Ledger, LedgerError> {
        let (failpoints, path) = (options.failpoints, folder.to_owned());
        let is_shared = options.shared.is_some();
        let apart = Apart::of(folder, &options).map(Box::new);
        let store = options.shared.is_some().then(shared::store).transpose()?;
        let engine = move || match (&options.shared, store) {
            (Some(shared), Some(store)) => (store.engine)(shared, &path, &options),
            _ => Box::new(Sqlite::new(&path, &options)) as Box<dyn Engine>,
        };
        let (queue, ended) =
            Queue::start(engine).map_err(|error| LedgerError::of_thread(&error, folder))?;
        Ok(Ledger {
            queue,
            ended: Mutex::new(Some(ended)),
            failpoints,
            is_shared,
            apart,
        })
    }

    /// The server of the ledger that several machines share, before this one has its key; `None`: it is this
    /// machine's own.
    ///
    /// # Errors
    /// If it can't be reached, or refuses.
    pub fn server(folder: &Path, options: &Options) -> Result<Option<Server>, LedgerError> {
        let shared = options.shared.as_ref();
        shared
            .map(|shared| (shared::store()?.server)(folder, shared))
            .transpose()
    }

    /// Until when the certificates of the servers of a shared ledger are valid, by server; nothing is known of those
    /// that never answered, or are reached without TLS.
    #[must_use]
    pub fn certificates(folder: &Path, options: &Options) -> Vec<(String, Timestamp)> {
        match (&options.shared, shared::store()) {
            (Some(shared), Ok(store)) => (store.certificates)(folder, shared),
            _ => Vec::new(),
        }
    }

    /// Brings the ledger that was this machine's own over to the one that is now shared: its decisions, what its
    /// limits count, its pauses, and what is known of its senders. Done again, it brings what came since.
    ///
    /// # Errors
    /// [`LedgerError::Absent`] if this machine has none, or why one of the two can't be used.
    pub fn move_over(folder: &Path, options: &Options) -> Result<Brought, LedgerError> {
        apart::move_over(folder, options)
    }

    /// Finishes what is waiting, tidies the ledger, and waits for both, but not longer than this: what
    /// isn't done by then is left to the next process. For a process that has answered.
    pub async fn close(&self, within: Duration) {
        match &self.apart {
            Some(apart) => drop(tokio::join!(self.end(within), apart.end(within))),
            None => self.end(within).await,
        }
    }

    async fn end(&self, within: Duration) {
        self.queue.stop();
        wait_for_end(&self.ended, within).await;
    }

    /// Marks that a send has passed this step, where a test may end the process.
    pub fn reached(&self, step: Step) {
        (self.failpoints.at)(step);
    }

    /// Waits until the ledger is open and can be written.
    ///
    /// # Errors
    /// If it cannot.
    pub async fn ready(&self) -> Result<(), LedgerError> {
        self.ask(|_| Ok(())).await
    }

    /// Claims the message's id and its places in the limits, durably; not where it is paused.
    ///
    /// # Errors
    /// If the ledger fails; then nothing is claimed.
    pub async fn claim(&self, claim: Claim) -> Result<ClaimResult, LedgerError> {
        match &self.apart {
            None => self.claim_under(claim, None).await,
            Some(apart) => self.claim_beside(apart, claim).await,
        }
    }

    /// Claims in this ledger, after making its pauses these, if they are known.
    async fn claim_under(
        &self,
        claim: Claim,
        pauses: Option<String>,
    ) -> Result<ClaimResult, LedgerError> {
        // Its lease begins later, by whatever time it takes to be claimed.
        let (since, within) = (os::process::since_boot(), claim.within);
        let closer = self.queue.clone();
        let claimed = self
            .queue
            .call_then(
                Durability::Synced,
                move |store| {
                    apart::adopt_pauses(store, pauses.as_deref())?;
                    claim::claim(store, &claim)
                },
                |result| result.with_ticket(|ticket| ticket.queue = Some(closer)),
            )
            .await?;
        self.reached(Step::Claimed);
        Ok(claimed.with_ticket(|ticket| {
            ticket.until = self.is_shared.then_some(since + within + LEASE);
        }))
    }

    /// Marks that `sender` is about to get the message, and takes its place in the limits of that
    /// sender: to be awaited before anything is handed to it, and again before each retry and failover.
    /// What refuses it, a limit or a pause, is the answer; then nothing may be handed to this sender.
    ///
    /// # Errors
    /// If the ledger fails or the claim is gone; then nothing may be handed over.
    pub async fn dispatched(
        &self,
        ticket: &Ticket,
        sender: &str,
    ) -> Result<Option<DispatchRefusal>, LedgerError> {
        let Some(held) = ticket.held.clone() else {
            return Err(LedgerError::Stopped);
        };
        let (id, sender) = (held.key.id.clone(), sender.to_owned());
        let handover = ticket
            .queue_or(&self.queue)
            .call(Durability::Written, move |store| {
                settle::dispatched(store, &held, &sender)
            })
            .await?;
        match handover {
            // This machine slept meanwhile.
            Handover::Marked if ticket.is_over() => Err(LedgerError::Lost { id }),
            Handover::Marked => {
                self.reached(Step::Dispatched);
                Ok(None)
            }
            Handover::Refused(refusal) => Ok(Some(refusal)),
            Handover::Lost => Err(LedgerError::Lost { id }),
        }
    }

    /// Writes how the message ended: settles its id, or releases it and gives its places in the
    /// limits back, as the outcome says. It is written even if the future is dropped half-way.
    ///
    /// # Errors
    /// If the ledger fails. The outcome stands nevertheless; a repeat of the id will be answered
    /// `in_progress` while this process lives, and then as one that died.
    pub async fn settle(
        &self,
        mut ticket: Ticket,
        outcome: FinalOutcome,
    ) -> Result<(), LedgerError> {
        let Some(held) = ticket.held.take() else {
            return Err(LedgerError::Stopped);
        };
        ticket
            .queue_or(&self.queue)
            .call(Durability::Written, move |store| {
                settle::settle(store, &held, &outcome)?;
                store.reached(Step::Settling);
                Ok(())
            })
            .await?;
        self.reached(Step::Settled);
        Ok(())
    }

    /// Writes that looking for a message that had ended as `unknown` brought nothing new: the id is
    /// settled as before.
    ///
    /// # Errors
    /// If the ledger fails; the next repeat looks again.
    pub async fn still_unknown(&self, mut ticket: Ticket) -> Result<(), LedgerError> {
        let Some(held) = ticket.held.take() else {
            return Err(LedgerError::Stopped);
        };
        ticket
            .queue_or(&self.queue)
            .call(Durability::Written, move |store| {
                settle::still_unknown(store, &held)
            })
            .await
    }

    /// Notes that the code of a message was typed in. Told again, nothing changes.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn note_used(&self, id: &str) -> Result<Used, LedgerError> {
        let queue = self.holding(id).await;
        let id = id.to_owned();
        queue
            .call(Durability::Written, move |store| {
                unused::note_used(store, &id)
            })
            .await
    }

    /// Notes what a provider says became of the message with this id.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn note_delivery(&self, id: &str, state: DeliveryState) -> Result<(), LedgerError> {
        let queue = self.holding(id).await;
        let id = id.to_owned();
        queue
            .call(Durability::Written, move |store| {
                delivery::note(store, &id, state)
            })
            .await
    }

    /// Writes a decision that needed no claim.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn record(&self, message: Unclaimed) -> Result<(), LedgerError> {
        self.ask(move |store| settle::record(store, &message)).await
    }

    /// Takes note of how a sender did, outside a message or before a message is settled.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn report_health(&self, report: HealthReport) -> Result<(), LedgerError> {
        self.current()
            .call(Durability::Written, move |store| {
                health::report(store, &report, store.now())
            })
            .await
    }

    /// Notes, for every process, that a sender's provider is rate-limiting and wants nothing for so long.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn note_rate_limit(&self, sender: &str, wait: Duration) -> Result<(), LedgerError> {
        let sender = sender.to_owned();
        self.current()
            .call(Durability::Written, move |store| {
                health::rate_limited(store, &sender, wait, store.now())
            })
            .await
    }

    /// Notes that a sender refused a recipient with this error code, and that either may be the reason.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn note_doubt(
        &self,
        sender: &str,
        recipient: &Phone,
        code: &'static str,
    ) -> Result<(), LedgerError> {
        let (sender, recipient) = (sender.to_owned(), recipient.clone());
        self.current()
            .call(Durability::Written, move |store| {
                let recipient = store.keys().recipient(&recipient);
                health::doubted(store, &sender, recipient, code, store.now())
            })
            .await
    }

    /// An id for a message whose caller has none: a keyed hash of what it says, the same whenever it says
    /// the same.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn content_id(&self, content: &[&str]) -> Result<String, LedgerError> {
        let content: Vec<String> = content.iter().map(|part| (*part).to_owned()).collect();
        self.ask(move |store| {
            let id = |digest| format!("content-{:032x}", u128::from_be_bytes(digest));
            let (own, other) = store.keys().both(|keys| id(keys.message(&content)));
            // A machine that writes with another key may have it under that one's.
            match other {
                Some(other) if store.holder(&other)?.is_some() => Ok(other),
                _ => Ok(own),
            }
        })
        .await
    }

    /// Whether a message of ours since `since` already has this provider id: then what `find` found
    /// is not the message that was looked for.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn has_provider_id(
        &self,
        provider_id: &str,
        since: Timestamp,
    ) -> Result<bool, LedgerError> {
        let provider_id = provider_id.to_owned();
        self.current()
            .call(Durability::Written, move |store| {
                store.has_provider_id(&provider_id, since)
            })
            .await
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.queue.stop();
    }
}
