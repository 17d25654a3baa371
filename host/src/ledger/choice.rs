//! Which of its senders a message asks first.
//!
//! It is the first that is neither paused nor at its limit; for that one a place is taken. The others
//! follow in their order, those that are paused behind those that are not, those at their limit last.
//! Where all are paused, the first of them is asked nevertheless; where all are at their limit, the
//! message is refused. A sender that an administrator paused is as one at its limit.

use std::mem;
use std::time::Duration;

use super::health::{self, Health};
use super::limits::{Rule, Scope};
use super::pause::{self, Pause};
use super::reservation::{Counter, LimitReached, Reached, longest};
use super::store::{Breaker, Place, Store, StoreResult};

/// The senders of a claim, as they stand.
pub(super) struct Candidates<'a> {
    all: Vec<Candidate<'a>>,
    first: Option<usize>,
    now: i64,
}

struct Candidate<'a> {
    sender: &'a str,
    breaker: Breaker,
    health: Health,
    counter: Option<Counter>,
    refused: Option<LimitReached>,
    stopped: Option<&'a Pause>,
    over: Vec<LimitReached>,
}

/// What was chosen.
pub(super) struct Choice {
    /// The senders in the order in which they are to be asked.
    pub order: Vec<String>,
    /// The place at the first of them, if its texts are counted.
    pub place: Option<Place>,
    /// The limits in mode `record` that the first is over.
    pub over: Vec<LimitReached>,
}

impl<'a> Candidates<'a> {
    /// Looks at the senders. Their texts are counted if there is a `rule`; pauses matter unless the
    /// message is a `test`, which is how an administrator tries a sender that failed.
    pub fn look(
        store: &dyn Store,
        senders: &'a [String],
        rule: Option<&Rule>,
        pauses: &'a [Pause],
        is_test: bool,
        now: i64,
    ) -> StoreResult<Self> {
        let look = |sender: &'a String| Candidate::look(store, sender, rule, pauses, now);
        let mut all: Vec<Candidate<'_>> = senders.iter().map(look).collect::<StoreResult<_>>()?;
        let is_free =
            |candidate: &Candidate<'_>| candidate.refused.is_none() && candidate.stopped.is_none();
        let is_ready =
            |candidate: &Candidate<'_>| is_free(candidate) && (is_test || !candidate.is_paused());
        let first = all
            .iter()
            .position(is_ready)
            .or_else(|| all.iter().position(is_free));
        // Only the first of all will be tried.
        for (index, candidate) in all.iter_mut().enumerate() {
            if Some(index) != first {
                candidate.health.deny_trial();
            }
        }
        Ok(Candidates { all, first, now })
    }

    /// The limit that keeps every sender, and the soonest of them to have room again; `None` if one has.
    pub fn refused(&self) -> Option<&LimitReached> {
        if self.first.is_some() {
            return None;
        }
        let refused = self.all.iter().filter_map(|one| one.refused.as_ref());
        refused.min_by_key(|reached| reached.retry_after)
    }

    /// The pause that keeps every sender; `None` if one is not paused.
    pub fn stopped(&self) -> Option<&'a Pause> {
        let all = self.all.iter().map(|one| one.stopped);
        all.collect::<Option<Vec<_>>>()?.first().copied()
    }

    /// The health of each, in the claim's order.
    pub fn health(&self) -> Vec<Health> {
        self.all.iter().map(|one| one.health.clone()).collect()
    }

    /// Takes the place at the first, and notes a trial of it.
    pub fn choose(mut self, store: &dyn Store, takes_place: bool) -> StoreResult<Choice> {
        let Some(first) = self.first else {
            let order = self.all.iter().map(|one| one.sender.to_owned()).collect();
            return Ok(Choice {
                order,
                place: None,
                over: Vec::new(),
            });
        };
        let mut chosen = self.all.remove(first);
        if matches!(chosen.health, Health::Trial { .. }) {
            chosen.breaker.trial_at = Some(self.now);
            store.put_breaker(chosen.sender, &chosen.breaker)?;
        }
        let place = match chosen.counter.take() {
            Some(counter) if takes_place => Some(counter.take(store)?),
            _ => None,
        };
        let rank = |one: &Candidate<'_>| {
            let is_free = one.refused.is_none() && one.stopped.is_none();
            (!is_free, one.is_paused())
        };
        self.all.sort_by_key(rank);
        let others = self.all.iter().map(|one| one.sender.to_owned());
        Ok(Choice {
            order: std::iter::once(chosen.sender.to_owned())
                .chain(others)
                .collect(),
            place,
            over: chosen.over,
        })
    }
}

impl<'a> Candidate<'a> {
    fn look(
        store: &dyn Store,
        sender: &'a str,
        rule: Option<&Rule>,
        pauses: &'a [Pause],
        now: i64,
    ) -> StoreResult<Self> {
        let breaker = health::breaker(store, sender, now)?;
        let mut counter = rule
            .map(|rule| Counter::read(store, Scope::Sender, rule, sender, now))
            .transpose()?;
        let reached = counter.as_mut().map(|it| mem::take(&mut it.reached));
        let Reached { refusing, over } = reached.unwrap_or_default();
        Ok(Candidate {
            sender,
            health: breaker.health(now),
            breaker,
            counter,
            // It has room again when the last of its limits has.
            refused: longest(&refusing).cloned(),
            stopped: pause::of_sender(pauses, sender),
            over,
        })
    }

    fn is_paused(&self) -> bool {
        matches!(
            self.health,
            Health::Paused { .. } | Health::RateLimited { .. }
        )
    }
}

impl Health {
    /// The same, where another sender is tried instead.
    fn deny_trial(&mut self) {
        if let Health::Trial { failures, reason } = self {
            *self = Health::Paused {
                failures: *failures,
                reason: mem::take(reason),
                remaining: Duration::ZERO,
            };
        }
    }
}
