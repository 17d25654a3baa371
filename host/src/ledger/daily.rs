//! The bound of a day that learns: so many times the mean of the last fourteen days, and never under a floor.
//!
//! Texts are counted by region and event, as what is usual for a reset is not for an enrolment. One window has the
//! count of each of the last fifteen days (UTC): each day's events stand at its beginning, so that a place is given
//! back to its own day.

use std::time::Duration;

use super::keys::Digest;
use super::limits::{Daily, Limit, Scope};
use super::reservation::{LimitReached, read_window, with_other};
use super::store::{Place, Store, StoreResult};
use super::window::Window;

/// How many days the mean is of.
pub(super) const DAYS: i64 = 14;

/// A day, in milliseconds.
pub(super) const DAY: i64 = 24 * 60 * 60 * 1000;

/// For how long a day counts: itself, and then in the mean.
const SPAN: i64 = (DAYS + 1) * DAY;

/// How one message is counted.
pub(super) struct Counter {
    key: Digest,
    window: Window,
    /// What today counts.
    today: u64,
    bound: u64,
    refuses: bool,
    now: i64,
}

impl Counter {
    /// Reads the days of a region and event; `None`: they have no bound.
    pub fn read(
        store: &dyn Store,
        daily: &Daily,
        region: Option<&str>,
        event: Option<&str>,
        now: i64,
    ) -> StoreResult<Option<Self>> {
        let Some(floor) = daily.floor else {
            return Ok(None);
        };
        let kind = kind(region, event);
        let key = store.keys().window(Scope::Daily, &kind);
        let window = read_window(store, &key, now)?.unwrap_or_default();
        let merged = with_other(store, &window, Scope::Daily, &kind, now)?;
        let counted = merged.as_ref().unwrap_or(&window);
        let today = counted.count(DAY, now);
        let earlier = counted.count(SPAN, now) - today;
        Ok(Some(Counter {
            key,
            bound: bound(earlier, daily.times, floor),
            window,
            today,
            refuses: daily.enforce.iter().any(|of| Some(of.as_str()) == event),
            now,
        }))
    }

    /// The bound, if it is reached: where it refuses, and where it only records.
    pub fn reached(&self) -> (Option<LimitReached>, Option<LimitReached>) {
        let count = self.today;
        if count < self.bound {
            return (None, None);
        }
        let tomorrow = day_of(self.now).saturating_add(DAY);
        let reached = LimitReached {
            scope: Scope::Daily,
            limit: Limit::of(u32::try_from(self.bound).unwrap_or(u32::MAX), 86_400),
            count,
            retry_after: Duration::from_millis(tomorrow.abs_diff(self.now)),
        };
        match self.refuses {
            true => (Some(reached), None),
            false => (None, Some(reached)),
        }
    }

    /// Takes a place in today.
    pub fn take(mut self, store: &dyn Store) -> StoreResult<Place> {
        let today = day_of(self.now);
        self.window.add_at(today, SPAN, self.now);
        let until = today.saturating_add(SPAN);
        store.put_window(&self.key, Some(until), &self.window.bytes())?;
        Ok(Place {
            window: self.key,
            at: today,
            span: SPAN,
            is_senders: false,
        })
    }
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
