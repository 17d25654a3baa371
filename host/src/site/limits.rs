//! The limits of an installation as they hold, and what each would have done with the texts of the last week.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Site;
use crate::ledger::{
    Daily, Hindsight, History, LedgerError, Limit, Limits, Mode, Options, Proposals, Scope, Tried,
};

/// How far back it looks.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A limit as it holds.
#[derive(Debug, Serialize)]
pub struct LimitLine {
    /// Its key in `[limits]`.
    pub limit: &'static str,
    /// What it counts, in words.
    pub counts: &'static str,
    /// Its figures; none if nothing is limited.
    pub limits: Vec<String>,
    /// `enforce` or `record`.
    pub mode: &'static str,
    /// Whether the configuration does not name it.
    pub is_default: bool,
    /// What it would have done in the last week, had it refused; `null` where that can't be told.
    pub last_week: Option<Hindsight>,
}

/// Every limit.
///
/// # Errors
///
/// The ledger can't be read.
pub fn lines(site: &Site) -> anyhow::Result<Vec<LimitLine>> {
    let limits = &site.config.limits;
    let rules: Vec<_> = Scope::CONFIGURED
        .into_iter()
        .filter_map(|key| tried(key, limits))
        .collect();
    let last_week = hindsight(site, &rules)?;
    let of = |scope| {
        let place = rules.iter().position(|tried| tried.scope() == scope)?;
        last_week.as_ref()?.get(place).copied()
    };
    let line = |key: Scope| LimitLine {
        limit: key.key(),
        counts: key.describe(),
        limits: figures(key, limits),
        mode: mode(key, limits).as_str(),
        is_default: !site.config.limits.is_configured(key),
        last_week: of(key),
    };
    Ok(Scope::CONFIGURED.into_iter().map(line).collect())
}

/// What a limit with these figures would have done in the last week; `None` where nothing was sent yet, or it can't
/// be told.
///
/// # Errors
///
/// The ledger can't be read.
pub fn try_out(site: &Site, key: Scope, limits: Vec<Limit>) -> anyhow::Result<Option<Hindsight>> {
    if matches!(key, Scope::Unused | Scope::Daily) {
        return Ok(None);
    }
    let found = hindsight(site, &[Tried::Rule(key, limits)])?;
    Ok(found.and_then(|found| found.first().copied()))
}

/// A limit as it holds, to be looked at in the past; `None` for what can't be told of it.
fn tried(key: Scope, limits: &Limits) -> Option<Tried> {
    match (key, limits.rule(key)) {
        (_, Some(rule)) => Some(Tried::Rule(key, rule.limits.clone())),
        (Scope::Daily, None) => Some(Tried::Daily(limits.daily.clone())),
        (_, None) => None,
    }
}

/// The figures of a limit as it holds.
pub fn figures(key: Scope, limits: &Limits) -> Vec<String> {
    match limits.rule(key) {
        Some(rule) => rule.limits.iter().map(Limit::to_string).collect(),
        None if key == Scope::Daily => {
            let Daily { times, floor, .. } = limits.daily;
            let times = f64::from(times) / 1000.0;
            let words =
                |floor| format!("{floor}/1d, or {times} times the mean of the last 14 days");
            floor.map(words).into_iter().collect()
        }
        None => {
            let shares = limits.unused;
            let spans = [(shares.day, "a day"), (shares.hour, "an hour")];
            let share = |(share, span): (Option<u32>, &str)| {
                Some(format!("{} in {span}", f64::from(share?) / 1000.0))
            };
            spans.into_iter().filter_map(share).collect()
        }
    }
}

/// What happens at a limit as it holds.
pub fn mode(key: Scope, limits: &Limits) -> Mode {
    match limits.rule(key) {
        Some(rule) => rule.mode,
        None if key == Scope::Unused => limits.unused.mode,
        None if limits.daily.enforce.is_empty() => Mode::Record,
        None => Mode::Enforce,
    }
}

/// What the record of the last fourteen days proposes, a limit each; `None` where nothing was sent yet.
///
/// # Errors
///
/// The ledger can't be read.
pub fn proposals(site: &Site) -> anyhow::Result<Option<Proposals>> {
    let Some(history) = history(site)? else {
        return Ok(None);
    };
    Ok(Some(
        history.propose(&site.config.limits.exempt, Timestamp::now())?,
    ))
}

fn history(site: &Site) -> anyhow::Result<Option<History>> {
    match History::open(&site.state, &Options::of(&site.config.state)) {
        Ok(history) => Ok(Some(history)),
        Err(LedgerError::Absent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn hindsight(site: &Site, rules: &[Tried]) -> anyhow::Result<Option<Vec<Hindsight>>> {
    let Some(history) = history(site)? else {
        return Ok(None);
    };
    let since = Timestamp::now() - WEEK;
    Ok(Some(history.hindsight(
        rules,
        &site.config.limits.exempt,
        since,
    )?))
}
