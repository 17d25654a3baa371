//! What the ledger tells of the last day and week, in numbers.

use std::{collections::BTreeMap, ops::ControlFlow};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    config::{Prices, Spend},
    ledger::{Entry, EntryState, Filter, History, LedgerError, UsedBy, Uses},
    protocol::Outcome,
};

/// How many hours are counted one by one.
pub(super) const HOURS: usize = 24;

/// How far back the last success and the last error of a sender are looked for.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What was decided lately.
#[derive(Debug, Default, Serialize)]
pub(super) struct Recent {
    /// Messages of the last 24 hours, by outcome.
    pub(super) outcomes: BTreeMap<&'static str, u64>,
    /// The same by hour, the oldest first; the last is the one that is not over.
    pub(super) hours: Vec<Hour>,
    /// Segments that providers charge for, by region.
    pub(super) segments: BTreeMap<String, u64>,
    /// What they cost, where `[prices]` says so.
    #[serde(flatten)]
    pub(super) spend: Option<Spend>,
    /// Codes that were sent, and how many of them were typed in; none where no caller tells of use.
    pub(super) codes: Option<Codes>,
    /// The last week's last success and error, by sender.
    #[serde(skip)]
    pub(super) senders: BTreeMap<String, Last>,
}

/// Codes of the last 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Codes {
    pub(super) sent: u64,
    pub(super) used: u64,
}

/// One hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Hour {
    pub(super) accepted: u64,
    pub(super) others: u64,
}

/// What a sender did last.
#[derive(Debug, Default)]
pub(super) struct Last {
    pub(super) success: Option<Timestamp>,
    pub(super) error: Option<(Timestamp, String)>,
}

impl Recent {
    pub(super) fn of(
        history: &History,
        prices: &Prices,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let mut recent = Self {
            hours: vec![Hour::default(); HOURS],
            ..Self::default()
        };
        let filter = Filter {
            since: now.checked_sub(LOOK_BACK).ok(),
            ..Filter::default()
        };
        history.each(&filter, |entry| {
            recent.add(&entry, now);
            ControlFlow::Continue(())
        })?;
        let segments = recent.segments.iter();
        recent.spend = Spend::of(
            prices,
            segments.map(|(region, sum)| (region.as_str(), *sum)),
        );
        let day = now.checked_sub(SignedDuration::from_hours(24)).ok();
        let uses = history.uses(UsedBy::Region, day)?;
        let sum = |count: fn(&Uses) -> u64| uses.iter().map(count).sum();
        let codes = Codes {
            sent: sum(|uses| uses.sent),
            used: sum(|uses| uses.used),
        };
        recent.codes = (codes.used > 0).then_some(codes);
        Ok(recent)
    }

    fn add(&mut self, entry: &Entry, now: Timestamp) {
        let EntryState::Ended(outcome) = entry.state else {
            return;
        };
        if entry.replayed {
            return;
        }
        for attempt in &entry.attempts {
            let last = self.senders.entry(attempt.sender.clone()).or_default();
            match attempt.outcome {
                Outcome::Accepted => last.success = Some(entry.at),
                _ => {
                    let code = attempt.code.as_deref();
                    let code = code.unwrap_or(attempt.outcome.as_str());
                    last.error = Some((entry.at, code.to_owned()));
                }
            }
        }
        // A clock that was set back makes an entry of the future.
        let ago = now.duration_since(entry.at).as_hours().max(0);
        let Some(at) = usize::try_from(ago)
            .ok()
            .and_then(|ago| HOURS.checked_sub(1 + ago))
        else {
            return;
        };
        *self.outcomes.entry(outcome.as_str()).or_default() += 1;
        match outcome {
            Outcome::Accepted => self.hours[at].accepted += 1,
            _ => self.hours[at].others += 1,
        }
        // What may have been sent is charged for.
        if outcome.may_have_been_sent() {
            let region = entry.region.clone().unwrap_or_else(|| "-".to_owned());
            *self.segments.entry(region).or_default() += u64::from(entry.segments.unwrap_or(0));
        }
    }
}
