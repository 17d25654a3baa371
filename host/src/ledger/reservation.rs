//! Limits at work: a claim reserves its place in every window that counts it, or is refused.
//!
//! A reservation is made in the claim's own transaction, so no two processes can take the last
//! place. It is given back when the message was certainly not sent.

use std::fmt;
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{OptionalExtension, params};
use textsender_plugin_api::{Phone, Purpose};

use super::columns;
use super::keys::Digest;
use super::limits::{Limit, Limits, Mode, Rule, Scope};
use super::store::Store;
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

/// What is counted for a message.
pub(super) struct Counted<'a> {
    pub purpose: Purpose,
    pub phone: &'a Phone,
    pub region: Option<&'a str>,
    pub sender: Option<&'a str>,
}

/// The outcome of asking for a place in all windows.
pub(super) enum Places {
    /// The places are taken. `reserved` is kept with the claim, to give them back.
    Taken {
        reserved: Vec<u8>,
        over: Vec<LimitReached>,
    },
    /// A limit that is enforced is reached; of several, the one that keeps longest.
    Refused(LimitReached),
}

impl Store {
    /// Takes a place in every window that counts the message, or in none.
    pub(super) fn reserve(
        &self,
        limits: &Limits,
        message: &Counted<'_>,
        now: i64,
    ) -> rusqlite::Result<Places> {
        let mut windows = Vec::new();
        let mut over = Vec::new();
        let mut refused: Option<LimitReached> = None;
        for (scope, rule, value) in applicable(limits, message) {
            let key = self.keys.window(scope, value);
            let window = self.window(&key, now)?;
            for reached in reached(scope, rule, &window, now) {
                let longest = refused
                    .as_ref()
                    .map_or(Duration::ZERO, |other| other.retry_after);
                match rule.mode {
                    Mode::Record => over.push(reached),
                    Mode::Enforce if reached.retry_after < longest => {}
                    Mode::Enforce => refused = Some(reached),
                }
            }
            windows.push((key, rule, window));
        }
        if let Some(reached) = refused {
            return Ok(Places::Refused(reached));
        }
        let mut reserved = Vec::with_capacity(windows.len() * KEY);
        for (key, rule, window) in windows {
            self.take_place(&key, rule, window, now)?;
            reserved.extend_from_slice(&key);
        }
        Ok(Places::Taken { reserved, over })
    }

    /// Takes a place for a sender that a message went over to; never refuses. Returns what to add
    /// to the claim's reservation.
    pub(super) fn take_sender_place(
        &self,
        rule: &Rule,
        sender: &str,
        now: i64,
    ) -> rusqlite::Result<Digest> {
        let key = self.keys.window(Scope::Sender, sender);
        let window = self.window(&key, now)?;
        self.take_place(&key, rule, window, now)?;
        Ok(key)
    }

    /// Gives back the places that a claim of time `at` took.
    pub(super) fn give_back(&self, reserved: &[u8], at: i64, now: i64) -> rusqlite::Result<()> {
        let (keys, rest) = reserved.as_chunks::<KEY>();
        if !rest.is_empty() {
            return Err(columns::damaged("reserved", Type::Blob));
        }
        for key in keys {
            let mut window = self.window(key, now)?;
            window.give_back(at);
            self.store_events(key, &window)?;
        }
        Ok(())
    }

    fn window(&self, key: &Digest, now: i64) -> rusqlite::Result<Window> {
        let events: Option<Vec<u8>> = self
            .sql
            .prepare_cached("SELECT events FROM windows WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        let Some(events) = events else {
            return Ok(Window::default());
        };
        let window =
            Window::read(&events, now).ok_or_else(|| columns::damaged("events", Type::Blob))?;
        // The clock was set back: what is now counted as of now must age from now on.
        if window.bytes() != events {
            self.store_events(key, &window)?;
        }
        Ok(window)
    }

    fn store_events(&self, key: &Digest, window: &Window) -> rusqlite::Result<()> {
        self.sql
            .prepare_cached("UPDATE windows SET events = ?1 WHERE key = ?2")?
            .execute(params![window.bytes(), key])?;
        Ok(())
    }

    fn take_place(
        &self,
        key: &Digest,
        rule: &Rule,
        mut window: Window,
        now: i64,
    ) -> rusqlite::Result<()> {
        let spans: Vec<i64> = rule.limits.iter().map(|limit| span(*limit)).collect();
        window.add(&spans, now);
        let until = now.saturating_add(spans.into_iter().max().unwrap_or(0));
        self.sql
            .prepare_cached(
                "INSERT OR REPLACE INTO windows (key, until, events) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![key, until, window.bytes()])?;
        Ok(())
    }
}

/// The rules that count the message, and the value that each counts together.
fn applicable<'a>(limits: &'a Limits, message: &Counted<'a>) -> Vec<(Scope, &'a Rule, &'a str)> {
    let number = message.phone.e164();
    let value = |scope| match scope {
        Scope::Recipient => Some(number),
        Scope::Prefix => Some(prefix(number)),
        Scope::Region => message.region,
        Scope::Sender => message.sender,
        Scope::All | Scope::Test => Some(""),
    };
    let rules = limits.counting(message.purpose, message.phone).into_iter();
    rules
        .filter_map(|(scope, rule)| Some((scope, rule, value(scope)?)))
        .collect()
}

/// The number less its last four digits.
fn prefix(number: &str) -> &str {
    number
        .len()
        .checked_sub(4)
        .and_then(|end| number.get(..end))
        .unwrap_or(number)
}

/// The rule's limits that leave no place.
fn reached(scope: Scope, rule: &Rule, window: &Window, now: i64) -> Vec<LimitReached> {
    let reached = |limit: &Limit| {
        let count = window.count(span(*limit), now);
        if count < u64::from(limit.count()) {
            return None;
        }
        let wait = window
            .free_at(span(*limit), limit.count(), now)
            .saturating_sub(now);
        let retry_after = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        Some(LimitReached {
            scope,
            limit: *limit,
            count,
            retry_after,
        })
    };
    rule.limits.iter().filter_map(reached).collect()
}

/// The limit's window in milliseconds.
fn span(limit: Limit) -> i64 {
    i64::try_from(limit.window().as_millis()).unwrap_or(i64::MAX)
}

/// Bytes of a key; `reserved` is a list of keys.
const KEY: usize = size_of::<Digest>();
