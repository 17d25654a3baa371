//! The bound of a day that learns: so many times the mean of the last fourteen days, and never under a floor.
//!
//! Texts are counted by region and event, as what is usual for a reset is not for an enrolment. One window has the
//! count of each of the last fifteen days (UTC): each day's events stand at its beginning, so that a place is given
//! back to its own day.

use std::time::Duration;

use super::limits::{Daily, Limit, Mode, Scope};
use super::reservation::{Counter, LimitReached, Reached, read_window, with_other};
use super::store::{Store, StoreResult};

/// How many days the mean is of.
pub(super) const DAYS: i64 = 14;

/// A day, in milliseconds.
pub(super) const DAY: i64 = 24 * 60 * 60 * 1000;

/// For how long a day counts: itself, and then in the mean.
const SPAN: i64 = (DAYS + 1) * DAY;

/// How the texts of a region and event are counted today; `None`: they have no bound.
pub(super) fn counter(
    store: &dyn Store,
    daily: &Daily,
    region: Option<&str>,
    event: Option<&str>,
    now: i64,
) -> StoreResult<Option<Counter>> {
    let Some(floor) = daily.floor else {
        return Ok(None);
    };
    let kind = kind(region, event);
    let key = store.keys().window(Scope::Daily, &kind);
    let window = read_window(store, &key, now)?.unwrap_or_default();
    let merged = with_other(store, &window, Scope::Daily, &kind, now)?;
    let counted = merged.as_ref().unwrap_or(&window);
    let count = counted.count(DAY, now);
    let bound = bound(counted.count(SPAN, now) - count, daily.times, floor);
    let today = day_of(now);
    let tomorrow = today.saturating_add(DAY);
    let reached = (count >= bound).then(|| LimitReached {
        scope: Scope::Daily,
        limit: Limit::of(u32::try_from(bound).unwrap_or(u32::MAX), 86_400),
        count,
        retry_after: Duration::from_millis(tomorrow.abs_diff(now)),
    });
    let mode = match daily.enforce.iter().any(|of| Some(of.as_str()) == event) {
        true => Mode::Enforce,
        false => Mode::Record,
    };
    Ok(Some(Counter {
        key,
        window,
        spans: vec![SPAN],
        at: today,
        now,
        is_senders: false,
        reached: Reached::of(mode, reached.into_iter().collect()),
    }))
}

/// How many texts a day may have, where the fourteen before had so many together.
pub(super) fn bound(earlier: u64, times: u32, floor: u32) -> u64 {
    let learned = earlier.saturating_mul(times.into()) / (1000 * DAYS.unsigned_abs());
    learned.max(floor.into())
}

/// What is counted together.
pub(super) fn kind(region: Option<&str>, event: Option<&str>) -> String {
    format!("{} {}", region.unwrap_or("-"), event.unwrap_or("-"))
}

/// When the day began that this is in.
pub(super) fn day_of(at: i64) -> i64 {
    at.div_euclid(DAY) * DAY
}
