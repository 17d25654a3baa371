//! Reading the ledger back: what `log`, `explain`, `stats` and `doctor` show.
//!
//! A connection of its own on the caller's thread, which may take its time: it holds nobody up.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row};
use serde::Serialize;
use textsender_plugin_api::Phone;

use super::columns;
use super::error::LedgerError;
use super::folder::Folder;
use super::health::{Breaker, Health};
use super::keys::{Digest, Keys};
use super::process::{Life, life_seen_from};
use super::store::Store;
use super::{Options, schema};
use crate::protocol::{Attempt, ErrorCode, Outcome};

/// The ledger, open for reading.
pub struct History {
    pub(super) sql: Connection,
    keys: Keys,
    folder: Folder,
    patience: Duration,
}

/// One decision, as the audit keeps it. There is no secret in it, and no full number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place in the order of claims.
    pub seq: i64,
    /// When it was asked for.
    pub at: Timestamp,
    /// The request's id.
    pub id: String,
    /// The purpose, as the protocol spells it.
    pub purpose: Option<String>,
    /// `enroll` or `reset`.
    pub event: Option<String>,
    /// Who asked.
    pub actor: Option<String>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// The masked number.
    pub recipient: Option<String>,
    /// The number's keyed hash, in hexadecimal: equal for equal numbers of one state folder.
    pub recipient_hash: Option<String>,
    /// The number's region.
    pub region: Option<String>,
    /// Segments of the text.
    pub segments: Option<u32>,
    /// The user id that asked.
    pub uid: u32,
    /// Where it is, or how it ended.
    pub state: State,
    /// The error code.
    pub code: Option<String>,
    /// The sender whose answer decided.
    pub sender: Option<String>,
    /// The senders it was handed to, in that order.
    pub dispatched_to: Vec<String>,
    /// The provider's id of it.
    pub provider_id: Option<String>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// Milliseconds from the request to the outcome.
    pub ms: Option<i64>,
    /// Whether it was answered from the ledger.
    pub replayed: bool,
    /// The limits that it reached, as `recipient 5/10m`, by comma.
    pub over_limit: Option<String>,
    /// The senders that were known to fail when it was claimed, each with why: `twilio timeout`. Others
    /// were asked before them.
    pub paused: Vec<String>,
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being sent by a process that lives.
    Sending,
    /// It ended so.
    Ended(Outcome),
}

/// Which decisions to show; the default shows all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not earlier than this.
    pub since: Option<Timestamp>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// To this number.
    pub recipient: Option<Phone>,
    /// The latest so many.
    pub last: Option<u32>,
}

/// How far a reader has followed the ledger.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    after: i64,
    sending: BTreeSet<i64>,
}

/// What is known of a sender that has failed at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderState {
    /// The sender.
    pub sender: String,
    /// Its health now.
    pub health: Health,
    /// When it failed last.
    pub failed_at: Option<Timestamp>,
}

impl History {
    /// Opens the ledger in `folder` for reading.
    ///
    /// # Errors
    /// [`LedgerError::Absent`] if nothing was ever recorded there, or why it cannot be read. A
    /// damaged file is not set aside; the next send does that.
    pub fn open(folder: &Path, options: &Options) -> Result<History, LedgerError> {
        let folder = Folder::existing(folder)?;
        let (sql, keys) = schema::open_to_read(&folder, options.patience)?;
        Ok(History {
            sql,
            keys,
            folder,
            patience: options.patience,
        })
    }

    /// The decisions that pass the filter, oldest first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn entries(&self, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
        let since = filter.since.map_or(i64::MIN, Timestamp::as_millisecond);
        let last = filter.last.map_or(usize::MAX, |last| last as usize);
        self.read(|| {
            let mut query = self.sql.prepare_cached(
                "SELECT * FROM decisions WHERE at >= ?1 ORDER BY at DESC, seq DESC",
            )?;
            let rows = query.query_map([since], |row| self.entry(row))?;
            let wanted =
                rows.filter(|entry| entry.as_ref().map_or(true, |e| self.shows(filter, e)));
            let mut entries = wanted.take(last).collect::<rusqlite::Result<Vec<_>>>()?;
            entries.reverse();
            Ok(entries)
        })
    }

    /// All that is known of one id, oldest first: a message that was repeated has several entries.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn of_id(&self, id: &str) -> Result<Vec<Entry>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached("SELECT * FROM decisions WHERE id = ?1 ORDER BY seq")?
                .query_map([id], |row| self.entry(row))?
                .collect()
        })
    }

    /// A cursor that stands after everything that is in the ledger now.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn end(&self) -> Result<Cursor, LedgerError> {
        self.read(|| {
            let after =
                self.sql
                    .query_row("SELECT coalesce(max(seq), 0) FROM decisions", [], |row| {
                        row.get(0)
                    })?;
            let sending = self
                .sql
                .prepare_cached("SELECT seq FROM decisions WHERE outcome IS NULL")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Cursor { after, sending })
        })
    }

    /// The decisions that pass the filter and have ended since the cursor's last use. None is
    /// missed because it took longer than a later one, and none comes twice.
    ///
    /// # Errors
    /// If the ledger cannot be read; the cursor then stays where it was.
    pub fn follow(&self, cursor: &mut Cursor, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
        let found = self.read(|| {
            let mut again = self
                .sql
                .prepare_cached("SELECT * FROM decisions WHERE seq = ?1")?;
            let mut found = Vec::new();
            for seq in &cursor.sending {
                let rows = again.query_map([seq], |row| self.entry(row))?;
                found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            let mut new = self
                .sql
                .prepare_cached("SELECT * FROM decisions WHERE seq > ?1 ORDER BY seq")?;
            let rows = new.query_map([cursor.after], |row| self.entry(row))?;
            found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            Ok(found)
        })?;
        let (sending, ended): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|entry| entry.state == State::Sending);
        let last = sending.iter().chain(&ended).map(|entry| entry.seq).max();
        cursor.after = last.map_or(cursor.after, |last| last.max(cursor.after));
        cursor.sending = sending.iter().map(|entry| entry.seq).collect();
        Ok(ended
            .into_iter()
            .filter(|entry| self.shows(filter, entry))
            .collect())
    }

    /// The senders that have failed at some time, by name.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn senders(&self, now: Timestamp) -> Result<Vec<SenderState>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached("SELECT * FROM senders ORDER BY sender")?
                .query_map([], |row| {
                    let breaker = Breaker::read(row)?;
                    Ok(SenderState {
                        sender: row.get("sender")?,
                        health: breaker.health(now.as_millisecond()),
                        failed_at: breaker.failed_at(),
                    })
                })?
                .collect()
        })
    }

    fn shows(&self, filter: &Filter, entry: &Entry) -> bool {
        let hash = filter
            .recipient
            .as_ref()
            .map(|phone| hexadecimal(self.keys.recipient(phone)));
        filter
            .outcome
            .is_none_or(|outcome| entry.state == State::Ended(outcome))
            && filter.since.is_none_or(|since| entry.at >= since)
            && (hash.is_none() || hash == entry.recipient_hash)
    }

    /// Runs a query, and says what its failure means.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce() -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        query().map_err(|error| {
            let full = || self.folder.is_full();
            LedgerError::from_sqlite(&error, &self.folder.database(), self.patience, full)
        })
    }

    fn entry(&self, row: &Row<'_>) -> rusqlite::Result<Entry> {
        let mut entry = Entry {
            seq: row.get("seq")?,
            at: columns::time(row, "at")?,
            id: row.get("id")?,
            purpose: row.get("purpose")?,
            event: row.get("event")?,
            actor: row.get("actor")?,
            policy: row.get("policy")?,
            recipient: row.get("recipient")?,
            recipient_hash: row
                .get::<_, Option<Digest>>("recipient_hash")?
                .map(hexadecimal),
            region: row.get("region")?,
            segments: row.get("segments")?,
            uid: row.get("uid")?,
            state: State::Sending,
            code: row.get("code")?,
            sender: row.get("sender")?,
            dispatched_to: columns::lines(row.get::<_, Option<String>>("sent_to")?.as_deref()),
            provider_id: row.get("provider_id")?,
            attempts: columns::attempts(row, "attempts")?,
            ms: row.get("ms")?,
            replayed: row.get("replayed")?,
            over_limit: row.get("over_limit")?,
            paused: columns::lines(row.get::<_, Option<String>>("paused")?.as_deref()),
        };
        if let Some(outcome) = columns::outcome(row, "outcome")? {
            entry.state = State::Ended(outcome);
            return Ok(entry);
        }
        // What the next repeat or cleaning will write (`Store::close_abandoned`).
        let owner: Option<String> = row.get("owner")?;
        let life = owner.map_or(Life::Lost, |owner| life_seen_from(&self.folder, &owner));
        let code = match life {
            Life::Alive => return Ok(entry),
            Life::Dead if row.get::<_, Option<String>>("sent_to")?.is_none() => ErrorCode::Crashed,
            Life::Dead | Life::Lost => ErrorCode::Interrupted,
        };
        entry.state = State::Ended(code.outcome());
        entry.code = Some(code.as_str().to_owned());
        Ok(entry)
    }
}

impl Store {
    /// Whether a decision since `since` has this provider id.
    pub(super) fn knows(&self, provider_id: &str, since: Timestamp) -> rusqlite::Result<bool> {
        self.sql
            .prepare_cached("SELECT 1 FROM decisions WHERE at >= ?1 AND provider_id = ?2 LIMIT 1")?
            .exists(rusqlite::params![since.as_millisecond(), provider_id])
    }
}

fn hexadecimal(digest: Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
