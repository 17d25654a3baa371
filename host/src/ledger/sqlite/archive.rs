//! The ledger's file, read back on the caller's thread. It makes and writes no file, so it also reads where
//! nothing may be written.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::process::life_of_holder;
use super::{PAUSES, columns, schema, totals};
use crate::ledger::Options;
use crate::ledger::archive::{Archive, Found, PAGE, Page, Server, Wanted};
use crate::ledger::counts::{Deliveries, Machine, Mark, UsedBy, Uses};
use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::keys::Keys;
use crate::ledger::stats::Tally;
use crate::ledger::store::Breaker;
use crate::ledger::stored;
use crate::ledger::totals::Total;
use crate::protocol::Outcome;
use crate::trust;

pub(in crate::ledger) struct SqliteArchive {
    sql: Connection,
    folder: Folder,
    identity: Option<(u64, u64)>,
    /// Whether there was a log. What is written into one that is made later is not seen.
    has_log: bool,
    lock_timeout: Duration,
}

impl SqliteArchive {
    pub fn open(folder: &Path, options: &Options) -> Result<(SqliteArchive, Keys), LedgerError> {
        let folder = Folder::existing(folder)?;
        let (identity, has_log) = (folder.identity(), folder.has_log());
        let (sql, keys) = schema::open_to_read(&folder, options.lock_timeout)?;
        let archive = SqliteArchive {
            sql,
            folder,
            identity,
            has_log,
            lock_timeout: options.lock_timeout,
        };
        Ok((archive, keys))
    }

    /// Runs a query, and says what its failure means.
    fn read<T>(&self, query: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        query().map_err(|error| {
            let full = || self.folder.is_full();
            LedgerError::from_sqlite(&error, &self.folder.database(), self.lock_timeout, full)
        })
    }

    /// Whether decisions have this column: a ledger of an earlier version lacks some.
    fn has_column(&self, column: &str) -> rusqlite::Result<bool> {
        self.sql
            .prepare_cached("SELECT 1 FROM pragma_table_info('decisions') WHERE name = ?1")?
            .exists([column])
    }

    fn found(&self, row: &Row<'_>) -> rusqlite::Result<Found> {
        let decision = columns::decision(row)?;
        let life = life_of_holder(&self.folder, &decision);
        Ok((decision, life))
    }
}

impl Archive for SqliteArchive {
    fn page(&self, wanted: &Wanted, page: Page) -> Result<Vec<Found>, LedgerError> {
        let (range, order, at) = match page {
            Page::From(number) => ("seq >= ?4", "seq", number),
            Page::Before(number) => ("seq < ?4", "seq DESC", number),
        };
        let sql =
            format!("SELECT * FROM decisions WHERE {range} AND {WANTED} ORDER BY {order} LIMIT ?5");
        let values = params![
            wanted.since,
            wanted.recipient,
            wanted.outcome,
            at,
            PAGE as i64,
            wanted.or_recipient
        ];
        self.read(|| {
            self.sql
                .prepare_cached(&sql)?
                .query_map(values, |row| self.found(row))?
                .collect()
        })
    }

    fn first(&self, since: i64) -> Result<i64, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached("SELECT coalesce(min(seq), 0) FROM decisions WHERE at >= ?1")?
                .query_row([since], |row| row.get(0))
        })
    }

    fn of_id(&self, id: &str) -> Result<Vec<Found>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached("SELECT * FROM decisions WHERE id = ?1 ORDER BY seq")?
                .query_map([id], |row| self.found(row))?
                .collect()
        })
    }

    fn numbered(&self, numbers: &[i64]) -> Result<Vec<Found>, LedgerError> {
        self.read(|| {
            let mut query = self
                .sql
                .prepare_cached("SELECT * FROM decisions WHERE seq = ?1")?;
            let mut found = Vec::new();
            for number in numbers {
                let rows = query.query_map([number], |row| self.found(row))?;
                found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            Ok(found)
        })
    }

    fn answered(&self, id: &str) -> Result<Option<Found>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached(
                    "SELECT * FROM decisions WHERE id = ?1 AND replayed = 0
                     ORDER BY live DESC, seq DESC LIMIT 1",
                )?
                .query_row([id], |row| self.found(row))
                .optional()
        })
    }

    fn end(&self) -> Result<(i64, Vec<i64>), LedgerError> {
        self.read(|| {
            let last = "SELECT coalesce(max(seq), 0) FROM decisions";
            let last = self.sql.query_row(last, [], |row| row.get(0))?;
            let open = self
                .sql
                .prepare_cached("SELECT seq FROM decisions WHERE outcome IS NULL")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok((last, open))
        })
    }

    /// Numbers are given out as decisions are written.
    fn overlap(&self) -> i64 {
        0
    }

    fn senders(&self) -> Result<Vec<(String, Breaker)>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached("SELECT * FROM senders ORDER BY sender")?
                .query_map([], |row| Ok((row.get("sender")?, columns::breaker(row)?)))?
                .collect()
        })
    }

    fn pauses(&self) -> Result<Option<String>, LedgerError> {
        self.read(|| schema::meta(&self.sql, PAUSES))
    }

    fn tallies(&self, since: i64) -> Result<Vec<Tally>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached(
                    "SELECT date(at / 1000, 'unixepoch') AS day, sender, region, outcome,
                            count(*) AS messages, coalesce(sum(segments), 0) AS segments
                     FROM decisions WHERE at >= ?1 AND replayed = 0
                     GROUP BY day, sender, region, outcome ORDER BY day, sender, region, outcome",
                )?
                .query_map([since], |row| {
                    let day: String = row.get("day")?;
                    let day = day.parse();
                    Ok(Tally {
                        machine: None,
                        day: day.map_err(|_| columns::damaged("at", Type::Text))?,
                        sender: row.get("sender")?,
                        region: row.get("region")?,
                        outcome: columns::outcome(row, "outcome")?,
                        messages: count(row.get("messages")?),
                        segments: count(row.get("segments")?),
                    })
                })?
                .collect()
        })
    }

    fn totals(&self) -> Result<Vec<Total>, LedgerError> {
        self.read(|| totals::all(&self.sql))
    }

    fn ended(&self, since: i64) -> Result<Vec<Mark>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached(
                    "SELECT outcome, seq, at, region, segments, ms FROM decisions
                     WHERE at >= ?1 AND replayed = 0 AND outcome IS NOT NULL",
                )?
                .query_map([since], |row| {
                    // By their places: names are looked up for each row.
                    let word = row.get_ref(0)?.as_str()?;
                    let outcome = stored::outcome(word);
                    Ok(Mark {
                        outcome: Some(
                            outcome.ok_or_else(|| columns::damaged("outcome", Type::Text))?,
                        ),
                        seq: row.get(1)?,
                        at: row.get(2)?,
                        region: row.get(3)?,
                        segments: row.get::<_, Option<u32>>(4)?.unwrap_or(0),
                        ms: row.get(5)?,
                    })
                })?
                .collect()
        })
    }

    fn uses(&self, by: UsedBy, since: i64) -> Result<Vec<Uses>, LedgerError> {
        let (selected, group) = columns(by);
        self.read(|| {
            if !self.has_column("used_at")? {
                return Ok(Vec::new());
            }
            let order = match by {
                UsedBy::Hour => "grouped",
                _ => "sent - used DESC, grouped",
            };
            self.sql
                .prepare_cached(&format!(
                    "SELECT {selected}, count(*) AS sent, count(used_at) AS used FROM decisions
                     WHERE at >= ?1 AND replayed = 0 AND outcome IN ('accepted', 'unknown')
                     AND purpose IN ('verification_code', 'helpdesk_code')
                     GROUP BY {group} ORDER BY {order}"
                ))?
                .query_map([since], |row| {
                    let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                    Ok(Uses {
                        by: row.get::<_, Option<String>>("grouped")?.unwrap_or_default(),
                        recipient: row.get("recipient")?,
                        region: row.get("region")?,
                        sent: count("sent")?,
                        used: count("used")?,
                    })
                })?
                .collect()
        })
    }

    fn deliveries(&self, since: i64) -> Result<Vec<Deliveries>, LedgerError> {
        self.read(|| {
            // A ledger of an earlier version has no such columns.
            if !self.has_column("delivery")? {
                return Ok(Vec::new());
            }
            self.sql
                .prepare_cached(
                    "SELECT coalesce(sender, '-') AS sender, coalesce(region, '-') AS region,
                            count(*) AS asked, sum(delivery = 'delivered') AS delivered
                     FROM decisions WHERE at >= ?1 AND delivery IS NOT NULL
                     GROUP BY 1, 2 ORDER BY 1, 2",
                )?
                .query_map([since], |row| {
                    let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                    Ok(Deliveries {
                        sender: row.get("sender")?,
                        region: row.get("region")?,
                        asked: count("asked")?,
                        delivered: count("delivered")?,
                    })
                })?
                .collect()
        })
    }

    fn sent_without_hub(&self, since: i64) -> Result<u64, LedgerError> {
        self.read(|| {
            if !self.has_column("without_hub")? {
                return Ok(0);
            }
            self.sql
                .prepare_cached(
                    "SELECT count(*) FROM decisions WHERE at >= ?1 AND without_hub = 1",
                )?
                .query_row([since], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
        })
    }

    fn over_limits(&self, since: i64) -> Result<Vec<(String, u64)>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached(
                    "SELECT over_limit, count(*) FROM decisions
                     WHERE at >= ?1 AND over_limit IS NOT NULL GROUP BY over_limit",
                )?
                .query_map([since], |row| {
                    Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
                })?
                .collect()
        })
    }

    fn machines(&self, _: i64) -> Result<Vec<Machine>, LedgerError> {
        Ok(Vec::new())
    }

    fn reports(&self) -> Result<Vec<(String, i64, String)>, LedgerError> {
        Ok(Vec::new())
    }

    fn last_accepted(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached(
                    "SELECT at FROM decisions WHERE outcome = ?1 ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([Outcome::Accepted.as_str()], |row| columns::time(row, "at"))
                .optional()
        })
    }

    fn server(&self) -> Result<Option<Server>, LedgerError> {
        Ok(None)
    }

    fn is_in_place(&self) -> bool {
        self.folder.identity() == self.identity
    }

    fn renew(&mut self) -> Result<(), LedgerError> {
        if self.has_log != self.folder.has_log() {
            (self.sql, _) = schema::open_to_read(&self.folder, self.lock_timeout)?;
            self.has_log = self.folder.has_log();
        }
        Ok(())
    }

    fn copy_into(&self, copies: &Path) -> Result<(), LedgerError> {
        let source = &self.folder;
        let target = copies.join(file_name(&source.database()));
        let path = target.to_string_lossy();
        self.read(|| self.sql.execute("VACUUM INTO ?1", [&path]))?;
        let key = copies.join(file_name(&source.key()));
        let copied = || {
            let bytes = trust::read(&source.key())?;
            trust::folder(copies)?
                .create_new(file_name(&key))?
                .write_all(&bytes)
        };
        copied().map_err(|error| source.fault(&error, &key))
    }
}

/// What is selected, and what of it makes a group.
const fn columns(by: UsedBy) -> (&'static str, &'static str) {
    match by {
        UsedBy::Prefix => (
            "lower(hex(substr(prefix_hash, 1, 6))) AS grouped, max(recipient) AS recipient, NULL AS region",
            "grouped",
        ),
        UsedBy::Region => (
            "coalesce(region, '-') AS grouped, NULL AS recipient, NULL AS region",
            "grouped",
        ),
        UsedBy::Sender => (
            "coalesce(sender, '-') AS grouped, NULL AS recipient, coalesce(region, '-') AS region",
            "grouped, 3",
        ),
        UsedBy::Hour => (
            "strftime('%Y-%m-%dT%H:00Z', at / 1000, 'unixepoch') AS grouped, NULL AS recipient, NULL AS region",
            "grouped",
        ),
    }
}

/// What [`Wanted`] asks of a row.
const WANTED: &str = "at >= ?1 AND (?2 IS NULL OR recipient_hash IN (?2, ?6))
                      AND (?3 IS NULL OR outcome IS NULL OR outcome = ?3)";

/// A sum of the database, which has no unsigned numbers.
fn count(sum: i64) -> u64 {
    u64::try_from(sum).unwrap_or(0)
}

fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}
