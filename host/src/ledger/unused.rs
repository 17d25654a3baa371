//! Codes that were sent and never typed in: the one sign that shows texts which are pumped, and texts which
//! silently do not arrive.
//!
//! Callers tell when a code was typed in. For each region two windows of a day are kept: one of the codes
//! that were not used, in which a code has its place until it is, and one of those that were. Of a region
//! many of whose codes go unused no more are sent, but to numbers that used one before. As long as no caller
//! tells of use there is nothing to judge by, and nothing is counted.

use std::time::Duration;

use textsender_plugin_api::{Phone, Purpose};

use super::keys::Digest;
use super::limits::{Limit, Scope, Shares};
use super::reservation::{Counter, LimitReached, Reached, read_window, with_other};
use super::store::{Holder, Store, StoreResult};
use super::window::Window;

/// What became of the news that a code was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Used {
    /// It is in the ledger, now or since before.
    Noted,
    /// No message that was sent has the id.
    Unknown,
}

const HOUR: u32 = 60 * 60;
const DAY: u32 = 24 * HOUR;

/// The window of all codes that were used. It is looked at for each code, so its key is not worked out.
const ALL: Digest = *b"codes used, all:";

/// So many unused codes are nothing to worry about, whatever the share: some users give up.
const ALWAYS: u64 = 20;

/// Milliseconds for which a code that was not typed in yet is no sign of anything.
const GRACE: i64 = 10 * 60 * 1000;

/// How a region's codes are counted for one message: as unused, until its own is used. `None`: it is not counted.
pub(super) fn counter(
    store: &dyn Store,
    shares: Shares,
    purpose: Purpose,
    region: Option<&str>,
    phone: &Phone,
    now: i64,
) -> StoreResult<Option<Counter>> {
    let (Some(region), true) = (region, is_typed_in(purpose)) else {
        return Ok(None);
    };
    let is_told = read_window(store, &ALL, now)?;
    if is_told.is_none_or(|used| used.count(millis(DAY), now) == 0) {
        return Ok(None);
    }
    for keys in store.keys().all() {
        if store.has_used(&keys.recipient(phone))? {
            return Ok(None);
        }
    }
    // What this key's window has, and what another's has besides.
    let read = |value: &str| {
        let key = store.keys().window(Scope::Unused, value);
        let own = read_window(store, &key, now)?.unwrap_or_default();
        let both = with_other(store, &own, Scope::Unused, value, now)?;
        StoreResult::Ok((key, both.unwrap_or_else(|| own.clone()), own))
    };
    let (key, unused, own) = read(region)?;
    let (_, used, _) = read(&of_used(region))?;
    let spans = [(shares.day, DAY), (shares.hour, HOUR)];
    let reached = spans
        .into_iter()
        .filter_map(|(share, span)| is_reached(&unused, &used, share?, span, now))
        .collect();
    Ok(Some(Counter {
        key,
        window: own,
        spans: vec![GRACE, millis(HOUR), millis(DAY)],
        at: now,
        now,
        is_senders: false,
        reached: Reached::of(shares.mode, reached),
    }))
}

fn is_reached(
    unused: &Window,
    used: &Window,
    share: u32,
    seconds: u32,
    now: i64,
) -> Option<LimitReached> {
    let span = millis(seconds);
    let most = (used.count(span, now) * u64::from(share) / 1000).max(ALWAYS);
    // A user who asked just now may be about to type it in.
    let fresh = unused.count(GRACE, now);
    let count = unused.count(span, now).saturating_sub(fresh);
    if count < most {
        return None;
    }
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let wait = unused.free_at(span, most, now) - now;
    Some(LimitReached {
        scope: Scope::Unused,
        limit: Limit::of(most, seconds),
        count,
        retry_after: Duration::from_millis(u64::try_from(wait).unwrap_or(0)),
    })
}

/// Notes that the code of a message was typed in. One that is not settled yet may have arrived already.
pub(super) fn note_used(store: &dyn Store, id: &str) -> StoreResult<Used> {
    let Some(holder) = store.holder(id)?.filter(may_have_arrived) else {
        return Ok(Used::Unknown);
    };
    if holder.used_at.is_some() {
        return Ok(Used::Noted);
    }
    let now = store.now();
    store.put_used(holder.seq, now)?;
    let of_region = |region: &String| store.keys().window(Scope::Unused, &of_used(region));
    let windows = [Some(ALL), holder.region.as_ref().map(of_region)];
    for key in windows.into_iter().flatten() {
        let mut used = read_window(store, &key, now)?.unwrap_or_default();
        used.add(&[millis(HOUR), millis(DAY)], now);
        let until = now.saturating_add(millis(DAY));
        store.put_window(&key, Some(until), &used.bytes())?;
    }
    // It may have been counted with another key.
    for keys in store.keys().all() {
        let Some(region) = &holder.region else { break };
        let key = keys.window(Scope::Unused, region);
        let Some(mut unused) = read_window(store, &key, now)? else {
            continue;
        };
        if unused.give_back(holder.at.as_millisecond(), millis(DAY), now) {
            store.put_window(&key, None, &unused.bytes())?;
            break;
        }
    }
    Ok(Used::Noted)
}

fn may_have_arrived(holder: &Holder) -> bool {
    match holder.outcome {
        Some(outcome) => outcome.may_have_been_sent(),
        None => holder.sent_to.is_some(),
    }
}

/// Whether users type in what such messages carry.
fn is_typed_in(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::VerificationCode | Purpose::HelpdeskCode)
}

/// What the codes of a region are counted under that were used.
fn of_used(region: &str) -> String {
    format!("used {region}")
}

fn millis(seconds: u32) -> i64 {
    i64::from(seconds) * 1000
}
