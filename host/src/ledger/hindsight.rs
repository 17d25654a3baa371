//! What limits would have done with the messages of a past time: so that a figure can be judged before it refuses
//! anyone.
//!
//! The audit is played again through each limit by itself. What was certainly not sent has given its place back, as
//! it does at sending. Of what was refused by another limit nothing is known.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::Serialize;
use textsender_plugin_api::{Phone, Purpose};

use super::claim::scopes_named;
use super::entry::{Entry, EntryState};
use super::error::LedgerError;
use super::history::{Filter, History};
use super::limits::{Limit, Scope};
use super::stored::hexadecimal;
use crate::protocol::Outcome;

/// What a limit would have done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Hindsight {
    /// Texts that it counts.
    pub texts: u64,
    /// Those of them that it would have refused.
    pub refused: u64,
}

/// A limit that is tried.
struct Trial<'l> {
    scope: Scope,
    limits: &'l [Limit],
    /// When the texts of a kind were let through, the oldest first.
    taken: HashMap<String, VecDeque<i64>>,
    found: Hindsight,
}

impl History {
    /// What each of these would have done since then, had it refused. Exempt numbers, in E.164 form, are counted
    /// nowhere.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn hindsight(
        &self,
        rules: &[(Scope, Vec<Limit>)],
        exempt: &[String],
        since: Timestamp,
    ) -> Result<Vec<Hindsight>, LedgerError> {
        let mut trials: Vec<Trial<'_>> = rules
            .iter()
            .map(|(scope, limits)| Trial {
                scope: *scope,
                limits,
                taken: HashMap::new(),
                found: Hindsight::default(),
            })
            .collect();
        let exempt = exempt.iter().filter_map(|number| Phone::parse(number).ok());
        let exempt: HashSet<String> = exempt.map(|phone| self.recipient_hash(&phone)).collect();
        // What was sent before may fill a window at the beginning.
        let limits = rules.iter().flat_map(|(_, limits)| limits);
        let longest = limits.map(|limit| limit.window()).max();
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

    fn recipient_hash(&self, phone: &Phone) -> String {
        hexadecimal(self.keys.recipient(phone))
    }
}

impl Trial<'_> {
    fn meet(&mut self, entry: &Entry, since: Timestamp) {
        let Some(kind) = kind(self.scope, entry) else {
            return;
        };
        let now = entry.at.as_millisecond();
        let taken = self.taken.entry(kind).or_default();
        let is_over = self.limits.iter().any(|limit| {
            let begin = now - millis(limit);
            let within = taken.iter().rev().take_while(|at| **at > begin).count();
            within >= limit.count() as usize
        });
        if !is_over {
            taken.push_back(now);
        }
        let most = self.limits.iter().map(|limit| limit.count()).max();
        while taken.len() > most.unwrap_or(0) as usize {
            taken.pop_front();
        }
        if entry.at >= since {
            self.found.texts += 1;
            self.found.refused += u64::from(is_over);
        }
    }
}

fn millis(limit: &Limit) -> i64 {
    i64::try_from(limit.window().as_millis()).unwrap_or(i64::MAX)
}

/// What an entry is counted together with; `None`: this limit does not count it.
fn kind(scope: Scope, entry: &Entry) -> Option<String> {
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
