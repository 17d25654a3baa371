//! The limits of an installation as they hold, and what each would have done with the texts of the last week.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Site;
use crate::{
    edit::limits::LimitKey,
    ledger::{Hindsight, History, LedgerError, Limit, Limits, Mode, Options, Scope},
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
    let limits = Limits::from(&site.config.limits);
    let rules: Vec<_> = LimitKey::ALL
        .into_iter()
        .filter_map(|key| Some((key.scope(), key.rule(&limits)?.limits.clone())))
        .collect();
    let last_week = hindsight(site, &rules)?;
    let of = |scope| {
        let place = rules.iter().position(|(of, _)| *of == scope)?;
        last_week.as_ref()?.get(place).copied()
    };
    let line = |key: LimitKey| LimitLine {
        limit: key.as_str(),
        counts: key.scope().describe(),
        limits: figures(key, &limits),
        mode: mode(key, &limits).as_str(),
        is_default: !key.is_configured(&site.config),
        last_week: of(key.scope()),
    };
    Ok(LimitKey::ALL.into_iter().map(line).collect())
}

/// What a limit with these figures would have done in the last week; `None` where nothing was sent yet, or it can't
/// be told.
///
/// # Errors
///
/// The ledger can't be read.
pub fn try_out(
    site: &Site,
    key: LimitKey,
    limits: Vec<Limit>,
) -> anyhow::Result<Option<Hindsight>> {
    if key == LimitKey::Unused {
        return Ok(None);
    }
    let found = hindsight(site, &[(key.scope(), limits)])?;
    Ok(found.and_then(|found| found.first().copied()))
}

/// The figures of a limit as it holds.
pub fn figures(key: LimitKey, limits: &Limits) -> Vec<String> {
    match key.rule(limits) {
        Some(rule) => rule.limits.iter().map(Limit::to_string).collect(),
        None => {
            let shares = limits.unused;
            let spans = [(shares.day, "day"), (shares.hour, "hour")];
            let share = |(share, span): (Option<u32>, &str)| {
                Some(format!("{} in a {span}", f64::from(share?) / 1000.0))
            };
            spans.into_iter().filter_map(share).collect()
        }
    }
}

/// What happens at a limit as it holds.
pub fn mode(key: LimitKey, limits: &Limits) -> Mode {
    key.rule(limits)
        .map_or(limits.unused.mode, |rule| rule.mode)
}

fn hindsight(site: &Site, rules: &[(Scope, Vec<Limit>)]) -> anyhow::Result<Option<Vec<Hindsight>>> {
    let history = match History::open(&site.state, &Options::of(&site.config.state)) {
        Ok(history) => history,
        Err(LedgerError::Absent { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let exempt = Limits::from(&site.config.limits).exempt;
    let since = Timestamp::now() - WEEK;
    Ok(Some(history.hindsight(rules, &exempt, since)?))
}
