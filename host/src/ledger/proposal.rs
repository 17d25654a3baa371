//! Figures for limits, proposed from what was sent: after a fortnight in which they only recorded.
//!
//! The most texts that any one number, user, prefix had in a window are doubled. Where callers tell of use, only
//! codes that were typed in count, so that a night of pumped texts in the record makes no room for the next. And no
//! figure is lower than one honest day may need: the numbers of a company lie in one block and are enrolled from one
//! network by one account, so what such a day shares is bounded for the whole of it.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::daily;
use super::error::LedgerError;
use super::hindsight::{Hindsight, Tried, kind};
use super::history::{Filter, History};
use super::limits::{Daily, Limit, Scope};
use crate::config::Exempt;

/// What the record proposes.
#[derive(Debug, Serialize)]
pub struct Proposals {
    /// When the first text of the fortnight was asked for.
    pub since: Option<Timestamp>,
    /// In how many days there is a record of a whole fortnight; 0: there is one.
    pub days_missing: i64,
    /// Whether callers tell of use.
    pub is_used_told: bool,
    /// A proposal for each limit; none as long as days are missing.
    pub proposals: Vec<Proposal>,
}

/// Figures for one limit.
#[derive(Debug, Serialize)]
pub struct Proposal {
    /// The limit.
    #[serde(rename = "limit")]
    pub scope: Scope,
    /// The figures.
    #[serde(serialize_with = "as_words")]
    pub limits: Vec<Limit>,
    /// The most that there was in a window of each.
    pub most: Vec<u64>,
    /// What they would have done in the fortnight.
    pub found: Hindsight,
}

/// The figures that are proposed at least: of what concerns one person, and of what a whole enrolment day shares.
const LEAST: [(Scope, &[Limit]); 7] = [
    (Scope::Recipient, &[Limit::of(5, 600), Limit::of(20, DAY)]),
    (Scope::User, &[Limit::of(10, 600), Limit::of(20, DAY)]),
    (Scope::Resend, &[Limit::of(3, 600)]),
    (Scope::Prefix, SHARED),
    (Scope::Actor, SHARED),
    (Scope::Source, SHARED),
    (Scope::Region, SHARED),
];

const SHARED: &[Limit] = &[Limit::of(Daily::FLOOR, DAY)];

const DAY: u32 = 86_400;

/// The largest number of texts that one window had.
struct Peak<'l> {
    scope: Scope,
    limits: &'l [Limit],
    taken: HashMap<String, VecDeque<i64>>,
    most: Vec<u64>,
}

impl History {
    /// What the last fourteen days propose. Exempt numbers, in E.164 form, are counted nowhere.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn propose(&self, exempt: &[Exempt], now: Timestamp) -> Result<Proposals, LedgerError> {
        let fortnight = SignedDuration::from_hours(24 * daily::DAYS);
        let since = now.saturating_sub(fortnight).unwrap_or(Timestamp::MIN);
        let begin = self.begin()?;
        let record = begin.map_or(SignedDuration::ZERO, |begin| now.duration_since(begin));
        let whole_days = (record.as_hours() / 24).clamp(0, daily::DAYS);
        let mut proposals = Proposals {
            since: begin.map(|begin| begin.max(since)),
            days_missing: daily::DAYS - whole_days,
            is_used_told: self.is_used_told(since)?,
            proposals: Vec::new(),
        };
        if proposals.days_missing > 0 {
            return Ok(proposals);
        }
        let peaks = self.peaks(exempt, since, proposals.is_used_told)?;
        let tried: Vec<Tried> = peaks
            .iter()
            .map(|peak| Tried::Rule(peak.scope, peak.proposed()))
            .collect();
        let found = self.hindsight(&tried, exempt, since)?;
        let with_found = peaks.into_iter().zip(found);
        proposals.proposals = with_found
            .map(|(peak, found)| Proposal {
                scope: peak.scope,
                limits: peak.proposed(),
                most: peak.most,
                found,
            })
            .collect();
        Ok(proposals)
    }

    /// When the first decision was asked for that is kept.
    fn begin(&self) -> Result<Option<Timestamp>, LedgerError> {
        let mut begin = None;
        self.each(&Filter::default(), |entry| {
            begin = Some(entry.at);
            ControlFlow::Break(())
        })?;
        Ok(begin)
    }

    fn is_used_told(&self, since: Timestamp) -> Result<bool, LedgerError> {
        let uses = self.uses(super::UsedBy::Region, Some(since))?;
        Ok(uses.iter().any(|region| region.used > 0))
    }

    fn peaks(
        &self,
        exempt: &[Exempt],
        since: Timestamp,
        is_used_told: bool,
    ) -> Result<Vec<Peak<'static>>, LedgerError> {
        let mut peaks = LEAST.map(|(scope, limits)| Peak {
            scope,
            limits,
            taken: HashMap::new(),
            most: vec![0; limits.len()],
        });
        let exempt = self.exempt_hashes(exempt);
        let filter = Filter {
            since: Some(since),
            ..Filter::default()
        };
        self.each(&filter, |entry| {
            let hash = entry.recipient_hash.as_ref();
            let is_exempt = hash.is_some_and(|hash| exempt.contains(hash));
            if !is_exempt && (!is_used_told || entry.used_at.is_some()) {
                for peak in &mut peaks {
                    if let Some(kind) = kind(peak.scope, &entry) {
                        peak.meet(kind, entry.at.as_millisecond());
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(peaks.into())
    }
}

impl Peak<'_> {
    fn meet(&mut self, kind: String, now: i64) {
        let taken = self.taken.entry(kind).or_default();
        taken.push_back(now);
        for (limit, most) in self.limits.iter().zip(&mut self.most) {
            let begin = now - i64::from(limit.seconds()) * 1000;
            let count = taken.len() - taken.partition_point(|at| *at <= begin);
            *most = (*most).max(count as u64);
        }
        let day_ago = now - i64::from(DAY) * 1000;
        while taken.front().is_some_and(|at| *at <= day_ago) {
            taken.pop_front();
        }
    }

    /// Twice the most, in round figures, and no less than what a day may need.
    fn proposed(&self) -> Vec<Limit> {
        let figure = |(limit, most): (&Limit, &u64)| {
            let twice = u32::try_from(most.saturating_mul(2)).unwrap_or(u32::MAX);
            Limit::of(rounded_up(twice).max(limit.count()), limit.seconds())
        };
        self.limits.iter().zip(&self.most).map(figure).collect()
    }
}

/// Up to two digits and zeros.
fn rounded_up(figure: u32) -> u32 {
    let digits = figure.checked_ilog10().unwrap_or(0);
    let unit = 10u32.pow(digits.saturating_sub(1));
    figure.div_ceil(unit).saturating_mul(unit)
}

fn as_words<S: serde::Serializer>(limits: &[Limit], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(limits.iter().map(Limit::to_string))
}
