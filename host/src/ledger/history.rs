//! Reading the ledger back: what `log`, `explain`, `stats` and `doctor` show.
//!
//! A connection of its own on the caller's thread, which may take its time: no sender waits for it. It
//! makes and writes no file, so it also reads where nothing may be written.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use textsender_plugin_api::Phone;

use super::Options;
use super::entry::{Entry, EntryState, hexadecimal};
use super::error::LedgerError;
use super::folder::Folder;
use super::health::Health;
use super::keys::{Digest, Keys};
use super::sqlite::{columns, schema};
use crate::protocol::Outcome;

/// The ledger, open for reading.
pub struct History {
    pub(super) sql: Connection,
    keys: Keys,
    folder: Folder,
    identity: Option<(u64, u64)>,
    /// Whether there was a log. What is written into one that is made later is not seen ([`Self::renewed`]).
    has_log: bool,
    lock_timeout: Duration,
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
    /// Whose answer this sender gave.
    pub sender: Option<String>,
    /// That this policy decided.
    pub policy: Option<String>,
    /// That this actor asked for.
    pub actor: Option<String>,
    /// Whose id begins so.
    pub id_prefix: Option<String>,
    /// For the user of this name.
    pub user: Option<String>,
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
    /// What its process lacked of its seal when it last did something.
    pub unsealed: Option<String>,
}

impl History {
    /// Opens the ledger in `folder` for reading.
    ///
    /// # Errors
    /// [`LedgerError::Absent`] if nothing was ever recorded there, or why it cannot be read. A
    /// damaged file is not set aside; the next send does that.
    pub fn open(folder: &Path, options: &Options) -> Result<History, LedgerError> {
        let folder = Folder::existing(folder)?;
        let (identity, has_log) = (folder.identity(), folder.has_log());
        let (sql, keys) = schema::open_to_read(&folder, options.lock_timeout)?;
        Ok(History {
            identity,
            has_log,
            sql,
            keys,
            folder,
            lock_timeout: options.lock_timeout,
        })
    }

    /// The latest decisions that pass the filter, at most so many, oldest first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn latest(&self, count: usize, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
        let (since, number, outcome) = self.wanted(filter);
        self.read(|| {
            let first = self.first(filter)?;
            let mut query = self.sql.prepare_cached(&format!(
                "SELECT * FROM decisions WHERE {WANTED} ORDER BY seq DESC"
            ))?;
            let rows = query.query_map(params![since, number, outcome, first], |row| {
                Entry::read(row, &self.folder)
            })?;
            let shown = rows.filter(|entry| entry.as_ref().map_or(true, |e| self.shows(filter, e)));
            let mut entries = shown.take(count).collect::<rusqlite::Result<Vec<_>>>()?;
            entries.reverse();
            Ok(entries)
        })
    }

    /// Calls `show` with each decision that passes the filter, oldest first, until it breaks. A slow
    /// `show`, such as a pager that is not scrolled, does not keep others from writing the log back: the
    /// ledger is read a page at a time.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn each(
        &self,
        filter: &Filter,
        mut show: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        let (since, number, outcome) = self.wanted(filter);
        let mut from = self.read(|| self.first(filter))?;
        loop {
            let page: Vec<Entry> = self.read(|| {
                self.sql
                    .prepare_cached(&format!(
                        "SELECT * FROM decisions WHERE {WANTED} ORDER BY seq LIMIT ?5"
                    ))?
                    .query_map(params![since, number, outcome, from, PAGE], |row| {
                        Entry::read(row, &self.folder)
                    })?
                    .collect()
            })?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            from = last.seq + 1;
            for entry in page.into_iter().filter(|entry| self.shows(filter, entry)) {
                if show(entry).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// All that is known of one id, oldest first: a message that was repeated has several entries.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn of_id(&self, id: &str) -> Result<Vec<Entry>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached("SELECT * FROM decisions WHERE id = ?1 ORDER BY seq")?
                .query_map([id], |row| Entry::read(row, &self.folder))?
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
                let rows = again.query_map([seq], |row| Entry::read(row, &self.folder))?;
                found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            let mut new = self
                .sql
                .prepare_cached("SELECT * FROM decisions WHERE seq > ?1 ORDER BY seq")?;
            let rows = new.query_map([cursor.after], |row| Entry::read(row, &self.folder))?;
            found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            Ok(found)
        })?;
        let (sending, ended): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|entry| entry.state == EntryState::Sending);
        let last = sending.iter().chain(&ended).map(|entry| entry.seq).max();
        cursor.after = last.map_or(cursor.after, |last| last.max(cursor.after));
        cursor.sending = sending.iter().map(|entry| entry.seq).collect();
        let shown = ended.into_iter().filter(|entry| self.shows(filter, entry));
        Ok(shown.collect())
    }

    /// Whether the file that is open is still the ledger: a damaged one may have been set aside.
    pub fn is_in_place(&self) -> bool {
        self.folder.identity() == self.identity
    }

    /// The same ledger with what was written since: opened again where its log came or went.
    ///
    /// # Errors
    /// If the ledger cannot be opened again.
    pub fn renewed(self) -> Result<History, LedgerError> {
        if self.has_log == self.folder.has_log() {
            return Ok(self);
        }
        let (sql, keys) = schema::open_to_read(&self.folder, self.lock_timeout)?;
        Ok(History {
            has_log: self.folder.has_log(),
            sql,
            keys,
            ..self
        })
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
                    let breaker = columns::breaker(row)?;
                    Ok(SenderState {
                        sender: row.get("sender")?,
                        health: breaker.health(now.as_millisecond()),
                        failed_at: breaker.failed_at(),
                        unsealed: breaker.unsealed,
                    })
                })?
                .collect()
        })
    }

    /// The first row that a filter may want: what is older is not even looked at.
    fn first(&self, filter: &Filter) -> rusqlite::Result<i64> {
        let Some(since) = filter.since else {
            return Ok(0);
        };
        self.sql
            .prepare_cached("SELECT coalesce(min(seq), 0) FROM decisions WHERE at >= ?1")?
            .query_row([since.as_millisecond()], |row| row.get(0))
    }

    /// The first three values of [`WANTED`].
    fn wanted(&self, filter: &Filter) -> (i64, Option<Digest>, Option<&'static str>) {
        (
            filter.since.map_or(i64::MIN, Timestamp::as_millisecond),
            filter
                .recipient
                .as_ref()
                .map(|phone| self.keys.recipient(phone)),
            filter.outcome.map(Outcome::as_str),
        )
    }

    /// The folder that it was read from.
    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Whether an entry passes the filter.
    fn shows(&self, filter: &Filter, entry: &Entry) -> bool {
        let is_of = |hash: &Option<String>, wanted: Option<Digest>| match wanted {
            Some(wanted) => *hash == Some(hexadecimal(wanted)),
            None => true,
        };
        let phone = filter.recipient.as_ref();
        let user = filter.user.as_deref();
        is_of(
            &entry.recipient_hash,
            phone.map(|phone| self.keys.recipient(phone)),
        ) && is_of(&entry.user_hash, user.map(|user| self.keys.user(user)))
            && filter
                .outcome
                .is_none_or(|outcome| entry.state == EntryState::Ended(outcome))
            && filter.since.is_none_or(|since| entry.at >= since)
            && is_wanted(&filter.sender, &entry.sender)
            && is_wanted(&filter.policy, &entry.policy)
            && is_wanted(&filter.actor, &entry.actor)
            && filter
                .id_prefix
                .as_ref()
                .is_none_or(|beginning| entry.id.starts_with(beginning))
    }

    /// Runs a query, and says what its failure means.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce() -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        query().map_err(|error| {
            let full = || self.folder.is_full();
            LedgerError::from_sqlite(&error, &self.folder.database(), self.lock_timeout, full)
        })
    }
}

fn is_wanted(wanted: &Option<String>, found: &Option<String>) -> bool {
    wanted.is_none() || wanted == found
}

impl Cursor {
    /// Whether an entry had ended before the cursor: following from it does not bring it again.
    pub fn has_passed(&self, entry: &Entry) -> bool {
        entry.seq <= self.after && !self.sending.contains(&entry.seq)
    }
}

/// What a [`Filter`] asks of a row. One without an outcome may be that of a process that died
/// ([`History::shows`]).
const WANTED: &str = "seq >= ?4 AND at >= ?1 AND (?2 IS NULL OR recipient_hash = ?2)
                      AND (?3 IS NULL OR outcome IS NULL OR outcome = ?3)";

/// Rows that are read at once.
const PAGE: u32 = 1000;
