//! What limits would have done with the messages of a past time: so that a figure can be judged before it refuses
//! anyone.
//!
//! The audit is played again through each limit by itself. What was certainly not sent has given its place back, as
//! it does at sending. Of what was refused by another limit nothing is known.
//!
//! A figure is [proposed](History::propose) of a whole fortnight: twice what was the most in any of its windows, and
//! never less than one honest enrolment day may need.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use textsender_plugin_api::{Phone, Purpose};

use super::daily;
use super::entry::{Entry, EntryState};
use super::error::LedgerError;
use super::history::{Filter, History};
use super::limits::{Daily, Limit, Scope};
use super::reservation::scopes_named;
use super::stored::hexadecimal;
use crate::config::Exempt;
use crate::protocol::Outcome;

/// What a limit would have done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Hindsight {
    /// Texts that it counts.
    pub texts: u64,
    /// Those of them that it would have refused.
    pub refused: u64,
    /// Those of the refused whose code was typed in later: users whom it would have kept out.
    pub refused_used: u64,
}

/// A limit whose past is looked at.
#[derive(Debug, Clone)]
pub enum Tried {
    /// So many in a window.
    Rule(Scope, Vec<Limit>),
    /// The bound of a day.
    Daily(Daily),
}

/// A limit that is tried.
struct Trial<'l> {
    tried: &'l Tried,
    /// When the texts of a kind were let through, the oldest first.
    taken: HashMap<String, VecDeque<i64>>,
    /// How many texts of a kind were let through on each day.
    days: HashMap<String, BTreeMap<i64, u64>>,
    found: Hindsight,
}

impl History {
    /// What each of these would have done since then, had it refused. Exempt numbers are counted
    /// nowhere.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn hindsight(
        &self,
        rules: &[Tried],
        exempt: &[Exempt],
        since: Timestamp,
    ) -> Result<Vec<Hindsight>, LedgerError> {
        let mut trials: Vec<Trial<'_>> = rules
            .iter()
            .map(|tried| Trial {
                tried,
                taken: HashMap::new(),
                days: HashMap::new(),
                found: Hindsight::default(),
            })
            .collect();
        let exempt = self.exempt_hashes(exempt);
        // What was sent before may fill a window at the beginning.
        let longest = rules.iter().map(Tried::looks_back).max();
        let filter = Filter {
            since: Some(
                since
                    .saturating_sub(longest.unwrap_or_default())
                    .unwrap_or(since),
            ),
            ..Filter::default()
        };
        self.each(&filter, |entry| {
            let hash = entry.recipient_hash.as_ref();
            if !hash.is_some_and(|hash| exempt.contains(hash)) {
                for trial in &mut trials {
                    trial.meet(&entry, since);
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(trials.into_iter().map(|trial| trial.found).collect())
    }

    /// The hashes of these numbers, as entries have them.
    pub(super) fn exempt_hashes(&self, exempt: &[Exempt]) -> HashSet<String> {
        let phones = exempt
            .iter()
            .filter_map(|number| Phone::parse(number.as_e164()).ok());
        phones
            .map(|phone| hexadecimal(&self.keys.recipient(&phone)))
            .collect()
    }
}

impl Tried {
    /// What it counts.
    pub fn scope(&self) -> Scope {
        match self {
            Tried::Rule(scope, _) => *scope,
            Tried::Daily(_) => Scope::Daily,
        }
    }

    fn looks_back(&self) -> Duration {
        match self {
            Tried::Rule(_, limits) => limits
                .iter()
                .map(|limit| limit.window())
                .max()
                .unwrap_or_default(),
            Tried::Daily(_) => Duration::from_millis((daily::DAYS * daily::DAY).unsigned_abs()),
        }
    }
}

impl Trial<'_> {
    fn meet(&mut self, entry: &Entry, since: Timestamp) {
        let Some(kind) = kind(self.tried.scope(), entry) else {
            return;
        };
        let now = entry.at.as_millisecond();
        let is_over = match self.tried {
            Tried::Rule(_, limits) => is_over(self.taken.entry(kind).or_default(), limits, now),
            Tried::Daily(daily) => is_over_day(self.days.entry(kind).or_default(), daily, now),
        };
        if entry.at >= since {
            self.found.texts += 1;
            self.found.refused += u64::from(is_over);
            self.found.refused_used += u64::from(is_over && entry.used_at.is_some());
        }
    }
}

/// Whether one more is over these limits; it is counted if it is not.
fn is_over(taken: &mut VecDeque<i64>, limits: &[Limit], now: i64) -> bool {
    let is_over = limits.iter().any(|limit| {
        let begin = now - millis(limit);
        let within = taken.len() - taken.partition_point(|at| *at <= begin);
        within >= limit.count() as usize
    });
    if !is_over {
        taken.push_back(now);
    }
    let most = limits.iter().map(|limit| limit.count()).max();
    while taken.len() > most.unwrap_or(0) as usize {
        taken.pop_front();
    }
    is_over
}

/// The same of the bound of a day.
fn is_over_day(days: &mut BTreeMap<i64, u64>, daily: &Daily, now: i64) -> bool {
    let Some(floor) = daily.floor else {
        return false;
    };
    let today = daily::day_of(now);
    let earlier = days.range(today - daily::DAYS * daily::DAY..today);
    let earlier = earlier.map(|(_, count)| count).sum();
    let count = days.entry(today).or_default();
    let is_over = *count >= daily::bound(earlier, daily.times, floor);
    *count += u64::from(!is_over);
    is_over
}

fn millis(limit: &Limit) -> i64 {
    i64::try_from(limit.window().as_millis()).unwrap_or(i64::MAX)
}

/// What an entry is counted together with; `None`: this limit does not count it.
pub(super) fn kind(scope: Scope, entry: &Entry) -> Option<String> {
    let is_test = entry.purpose.as_deref() == Some(Purpose::Test.as_str());
    if entry.replayed || is_test != (scope == Scope::Test) {
        return None;
    }
    let has_place = match entry.state {
        EntryState::Sending => true,
        EntryState::Ended(Outcome::Limited) => has_reached(scope, entry),
        EntryState::Ended(outcome) => outcome.may_have_been_sent(),
    };
    if !has_place {
        return None;
    }
    match scope {
        Scope::Recipient => entry.recipient_hash.clone(),
        Scope::Prefix => entry.prefix_hash.clone(),
        Scope::Region => entry.region.clone(),
        Scope::Sender => entry.sender.clone(),
        Scope::Resend => entry.resend_of.as_ref().and(entry.recipient_hash.clone()),
        Scope::User => entry.user_hash.clone(),
        Scope::Actor => entry.actor.clone(),
        Scope::Source => entry.source_hash.clone(),
        Scope::Daily => Some(daily::kind(entry.region.as_deref(), entry.event.as_deref())),
        Scope::All | Scope::Test => Some(String::new()),
        // These depend on more than the audit has.
        Scope::Caller | Scope::Unused => None,
    }
}

/// Whether this limit is among those that the entry went over.
fn has_reached(scope: Scope, entry: &Entry) -> bool {
    let reached = entry.over_limit.as_deref().unwrap_or_default();
    scopes_named(reached).any(|name| name == scope.name())
}
