//! Limits at work: a claim takes its place in every window that counts it, or is refused.
//!
//! A place is taken in the claim's own transaction, so no two processes can take the last one. It is
//! given back when the message was certainly not sent: that place and no other.

use std::fmt;
use std::time::Duration;

use textsender_plugin_api::{Phone, Purpose};

use super::keys::Digest;
use super::limits::{CallerLimit, Limit, Limits, Mode, Rule, Scope};
use super::store::{Facts, Place, Store, StoreError, StoreResult};
use super::window::Window;

/// A limit that was reached. `Display` says it in words: "5 texts to this number in 10m, the limit
/// recipient = 5/10m".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitReached {
    /// What is counted.
    pub scope: Scope,
    /// The limit.
    pub limit: Limit,
    /// How many are counted now.
    pub count: u64,
    /// After this long there is room again, unless others take it. Never more than the window.
    pub retry_after: Duration,
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit.to_string();
        let window = limit.split_once('/').map_or("", |(_, window)| window);
        let (scope, what) = (self.scope.name(), self.scope.describe());
        write!(
            f,
            "{} {what} in {window}, the limit {scope} = {limit}",
            self.count
        )
    }
}

/// What is counted for a message, whichever sender it goes through.
pub(super) struct Counted<'a> {
    pub purpose: Purpose,
    pub phone: &'a Phone,
    pub facts: &'a Facts,
    pub is_resend: bool,
}

/// A window that counts a message, and what it says of it.
pub(super) struct Counter {
    pub key: Digest,
    pub window: Window,
    /// How long the message counts for each of the limits, in milliseconds.
    pub spans: Vec<i64>,
    /// When it is counted.
    pub at: i64,
    pub now: i64,
    pub is_senders: bool,
    /// The limits that leave no place.
    pub reached: Reached,
}

/// Limits that leave no place, apart: those that refuse, and those that only record.
#[derive(Default)]
pub(super) struct Reached {
    pub refusing: Vec<LimitReached>,
    pub over: Vec<LimitReached>,
}

impl Reached {
    pub fn of(mode: Mode, limits: Vec<LimitReached>) -> Self {
        match mode {
            Mode::Enforce => Reached {
                refusing: limits,
                over: Vec::new(),
            },
            Mode::Record => Reached {
                refusing: Vec::new(),
                over: limits,
            },
        }
    }

    pub fn append(&mut self, mut other: Reached) {
        self.refusing.append(&mut other.refusing);
        self.over.append(&mut other.over);
    }
}

impl Counter {
    /// Reads the window in which the rule counts all that share `value`.
    pub fn read(
        store: &dyn Store,
        scope: Scope,
        rule: &Rule,
        value: &str,
        now: i64,
    ) -> StoreResult<Self> {
        let key = store.keys().window(scope, value);
        let window = read_window(store, &key, now)?.unwrap_or_default();
        // The same with what another key's window counts.
        let merged = with_other(store, &window, scope, value, now)?;
        let counted = merged.as_ref().unwrap_or(&window);
        let limits = rule.limits.iter();
        let reached = limits.filter_map(|limit| is_reached(counted, scope, *limit, now));
        Ok(Counter {
            key,
            reached: Reached::of(rule.mode, reached.collect()),
            spans: rule.limits.iter().map(|limit| span(*limit)).collect(),
            window,
            at: now,
            now,
            is_senders: scope == Scope::Sender,
        })
    }

    /// Takes a place in the window.
    pub fn take(mut self, store: &dyn Store) -> StoreResult<Place> {
        let longest = self.spans.iter().copied().max().unwrap_or(0);
        match self.at == self.now {
            true => self.window.add(&self.spans, self.now),
            // Those of a day are counted together.
            false => self.window.add_at(self.at, longest, self.now),
        }
        let until = self.at.saturating_add(longest);
        store.put_window(&self.key, Some(until), &self.window.bytes())?;
        Ok(Place {
            window: self.key,
            at: self.at,
            span: longest,
            is_senders: self.is_senders,
        })
    }
}

/// Of several limits the one that keeps longest.
pub(super) fn longest(reached: &[LimitReached]) -> Option<&LimitReached> {
    reached.iter().max_by_key(|one| one.retry_after)
}

/// "recipient 5/10m, all 1000/1d"
pub(super) fn name_all(reached: &[LimitReached]) -> String {
    let names = reached
        .iter()
        .map(|reached| format!("{} {}", reached.scope.name(), reached.limit));
    names.collect::<Vec<_>>().join(", ")
}

/// The names of the scopes in such words.
pub(super) fn scopes_named(words: &str) -> impl Iterator<Item = &str> {
    let limits = words.split(", ");
    limits.filter_map(|limit| limit.split(' ').next())
}

fn is_reached(window: &Window, scope: Scope, limit: Limit, now: i64) -> Option<LimitReached> {
    let count = window.count(span(limit), now);
    if count < u64::from(limit.count()) {
        return None;
    }
    let wait = window.free_at(span(limit), limit.count(), now) - now;
    Some(LimitReached {
        scope,
        limit,
        count,
        retry_after: Duration::from_millis(u64::try_from(wait).unwrap_or(0)),
    })
}

/// The windows that count a message, but those of its senders.
pub(super) fn counters(
    store: &dyn Store,
    limits: &Limits,
    message: &Counted<'_>,
    caller: Option<&CallerLimit>,
    now: i64,
) -> StoreResult<Vec<Counter>> {
    let number = message.phone.e164();
    // Directories do not tell capital letters from small ones.
    let user = message.facts.user.as_deref().map(str::to_lowercase);
    let value = |scope| match scope {
        Scope::Recipient | Scope::Resend => Some(number),
        Scope::Prefix => Some(prefix(number)),
        Scope::Region => message.facts.region.as_deref(),
        Scope::User => user.as_deref(),
        Scope::Actor => message.facts.actor.as_deref(),
        Scope::Source => message.facts.source.as_deref(),
        Scope::Sender | Scope::Caller | Scope::Unused | Scope::Daily => None,
        Scope::All | Scope::Test => Some(""),
    };
    let rules = limits
        .counting(message.purpose, message.phone, message.is_resend)
        .into_iter();
    let of_caller = caller.filter(|_| !limits.is_exempt(message.phone));
    let of_caller = of_caller.map(|caller| (Scope::Caller, &caller.rule, caller.caller.as_str()));
    rules
        .filter_map(|(scope, rule)| Some((scope, rule, value(scope)?)))
        .chain(of_caller)
        .map(|(scope, rule, value)| Counter::read(store, scope, rule, value, now))
        .collect()
}

/// Gives places back, each to the window that it was taken in.
pub(super) fn give_back<'a>(
    store: &dyn Store,
    places: impl IntoIterator<Item = &'a Place>,
    now: i64,
) -> StoreResult<()> {
    for place in places {
        // A window that is gone counts nothing any more.
        if let Some(mut window) = read_window(store, &place.window, now)? {
            window.give_back(place.at, place.span, now);
            store.put_window(&place.window, None, &window.bytes())?;
        }
    }
    Ok(())
}

pub(super) fn read_window(
    store: &dyn Store,
    key: &Digest,
    now: i64,
) -> StoreResult<Option<Window>> {
    let Some(events) = store.window(key)? else {
        return Ok(None);
    };
    let window = Window::read(&events, now).ok_or(StoreError::Damaged("events"))?;
    // The clock was set back: what is now counted as of now must age from now on.
    if window.bytes() != events {
        store.put_window(key, None, &window.bytes())?;
    }
    Ok(Some(window))
}

/// A window with what is counted by another key; `None`: there is none, or nothing in it.
pub(super) fn with_other(
    store: &dyn Store,
    window: &Window,
    scope: Scope,
    value: &str,
    now: i64,
) -> StoreResult<Option<Window>> {
    let Some(other) = store.keys().other() else {
        return Ok(None);
    };
    let Some(there) = read_window(store, &other.window(scope, value), now)? else {
        return Ok(None);
    };
    let mut merged = window.clone();
    merged.merge(&there);
    Ok(Some(merged))
}

/// The number less its last four digits.
pub(super) fn prefix(number: &str) -> &str {
    number
        .len()
        .checked_sub(4)
        .and_then(|end| number.get(..end))
        .unwrap_or(number)
}

/// The limit's window in milliseconds.
fn span(limit: Limit) -> i64 {
    i64::try_from(limit.window().as_millis()).unwrap_or(i64::MAX)
}
