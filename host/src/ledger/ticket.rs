//! The right to send one message.

use std::fmt;
use std::time::Duration;

use super::choice::Choice;
use super::health::Health;
use super::reservation::LimitReached;
use super::settle::{Held, close_abandoned};
use super::store::{Life, Store};
use super::worker::{Durability, Queue};
use crate::os::process::since_boot;

/// The right to send one message. It ends with [`Ledger::settle`](super::Ledger::settle). Dropped
/// without, the claim is released if nothing was dispatched, and `unknown` if something was.
pub struct Ticket {
    pub(super) held: Option<Held>,
    senders: Vec<String>,
    health: Vec<Health>,
    pub(super) over: Vec<LimitReached>,
    /// `None` until the claim is committed: a claim that never was can't be closed, and the row that
    /// it would have been may by then be another's.
    pub(super) queue: Option<Queue>,
    /// Until when it is this process's, by a clock that no one sets, where no lock says so.
    pub(super) until: Option<Duration>,
    /// Claimed in this machine's own ledger, as the one that is shared could not be reached.
    pub(super) is_apart: bool,
}

impl Ticket {
    /// The right to what is held, before it is committed.
    pub(super) fn new(held: Held, health: Vec<Health>, choice: Choice) -> Ticket {
        Ticket {
            held: Some(held),
            senders: choice.order,
            health,
            over: Vec::new(),
            queue: None,
            until: None,
            is_apart: false,
        }
    }

    /// Whether its time is up: then another process may have taken the message over.
    pub(super) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| since_boot() >= until)
    }

    /// Whether other machines do not know of it: the message may be sent by one of them as well.
    pub fn may_be_doubled(&self) -> bool {
        self.is_apart
    }

    /// The ledger that it was claimed in.
    pub(super) fn queue_or<'a>(&'a self, other: &'a Queue) -> &'a Queue {
        self.queue.as_ref().unwrap_or(other)
    }

    /// The id that was claimed: the message's own, or the one that a resend got.
    pub fn id(&self) -> Option<&str> {
        Some(&self.held.as_ref()?.key.id)
    }

    /// The senders in the order in which they are to be asked. The first is the one that the limits
    /// have counted; senders that are known to fail follow those that are not.
    pub fn senders(&self) -> &[String] {
        &self.senders
    }

    /// The health of the claim's senders, in the claim's order.
    pub fn health(&self) -> &[Health] {
        &self.health
    }

    /// The limits in mode `record` that the message went over.
    pub fn over(&self) -> &[LimitReached] {
        &self.over
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.held.as_ref().map(|held| &held.row.facts.id);
        f.debug_struct("Ticket")
            .field("id", &id)
            .finish_non_exhaustive()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (Some(held), Some(queue)) = (self.held.take(), &self.queue) else {
            return;
        };
        let close = move |store: &dyn Store| close_abandoned(store, &held.key, Life::Dead);
        drop(queue.post(Durability::Written, close));
    }
}
