//! What keeps the ledger small and honest. All of it happens after an answer: when the thread is
//! idle, when the log has grown long, and when the last message of a process is done.

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{OptionalExtension, ToSql, params};

use super::SqliteStore;
use super::totals::{self, Which};
use crate::ledger::settle::close_abandoned;
use crate::ledger::store::{ClaimKey, Life, StoreResult};

impl SqliteStore {
    /// Whether the log is so long that it must be written back even if messages wait.
    pub(super) fn log_is_long(&self) -> bool {
        self.log_pages() >= self.long_log.get()
    }

    /// Writes the log back if it has grown, and once a minute closes what dead processes left open
    /// and deletes what is old. In a ledger that was not `used` since the last time, only an expired
    /// tag is a reason to write.
    pub(super) fn keep_tidy(&self, used: bool) -> StoreResult<()> {
        let now = self.time();
        if !used && !self.a_tag_has_expired(now)? {
            return Ok(());
        }
        let written_back = self.log_pages() >= WRITE_BACK_FROM && self.write_log_back()?;
        let due = self
            .last_tidied()?
            .is_none_or(|last| !(0..TIDY_EVERY).contains(&(now - last)));
        if !due && !written_back {
            return Ok(());
        }
        // After a write-back, the first transaction starts the log over and syncs its header: better
        // this one than the next send's.
        self.begin_transaction()?;
        if due {
            self.close_the_dead()?;
            self.delete_old(now)?;
        }
        self.stamp(if due { "tidied_at" } else { "written_back_at" }, now)?;
        self.commit_transaction()?;
        Ok(())
    }

    /// A checkpoint that does not wait. True if the whole log was written back.
    fn write_log_back(&self) -> rusqlite::Result<bool> {
        let (busy, pages, done): (bool, i32, i32) =
            self.sql
                .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
        let whole = !busy && pages == done;
        // While a reader holds the log, it grows; trying after every message would not change that.
        self.long_log.set(if whole {
            LONG_LOG
        } else {
            pages.saturating_add(LONG_LOG)
        });
        Ok(whole)
    }

    /// Closes the claims of dead processes, so that the audit says what became of them although
    /// their ids were never repeated.
    fn close_the_dead(&self) -> StoreResult<()> {
        for name in self.process.dead() {
            let life = self.process.life_of(&name);
            if life == Life::Alive {
                continue;
            }
            let open: Vec<ClaimKey> = self
                .sql
                .prepare_cached(
                    "SELECT seq, id FROM decisions WHERE outcome IS NULL AND owner = ?1",
                )?
                .query_map([&name], |row| {
                    Ok(ClaimKey {
                        seq: row.get(0)?,
                        id: row.get(1)?,
                        owner: name.clone(),
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            for claim in open {
                close_abandoned(self, &claim, life)?;
            }
            self.process.forget(&name);
        }
        Ok(())
    }

    fn a_tag_has_expired(&self, now: i64) -> rusqlite::Result<bool> {
        self.sql
            .prepare_cached(
                "SELECT 1 FROM decisions WHERE tag IS NOT NULL AND expires <= ?1 LIMIT 1",
            )?
            .exists([now])
    }

    fn delete_old(&self, now: i64) -> rusqlite::Result<()> {
        self.sql
            .prepare_cached(
                "UPDATE decisions SET tag = NULL WHERE tag IS NOT NULL AND expires <= ?1",
            )?
            .execute([now])?;
        let retention = i64::try_from(self.options.retention.as_millis()).unwrap_or(i64::MAX);
        let (before, most) = (now.saturating_sub(retention), DELETE_AT_ONCE);
        let values: &[&dyn ToSql] = &[&before, &now, &most];
        let is_any = format!("SELECT 1 FROM decisions WHERE {OLD}");
        if self.sql.prepare_cached(&is_any)?.exists(values)? {
            let (condition, sql) = (OLD, &self.sql);
            totals::add(sql, &Which { condition, values })?;
            sql.prepare_cached(&format!("DELETE FROM decisions WHERE {OLD}"))?
                .execute(values)?;
        }
        self.delete_empty_windows(now)
    }

    /// Deletes windows that everything has left, in a random stretch of the table: keys are hashes,
    /// so each stretch is as good as any other, and no index is needed that every send would pay.
    fn delete_empty_windows(&self, now: i64) -> rusqlite::Result<()> {
        let mut from = [0u8; 16];
        if SystemRandom::new().fill(&mut from).is_err() {
            return Ok(());
        }
        let reached_the_end = self.delete_empty_windows_from(from, now)?;
        if reached_the_end {
            self.delete_empty_windows_from([0; 16], now)?;
        }
        Ok(())
    }

    fn delete_empty_windows_from(&self, from: [u8; 16], now: i64) -> rusqlite::Result<bool> {
        let to: Option<[u8; 16]> = self
            .sql
            .prepare_cached(
                "SELECT key FROM windows WHERE key >= ?1 ORDER BY key LIMIT 1 OFFSET ?2",
            )?
            .query_row(params![from, DELETE_AT_ONCE], |row| row.get(0))
            .optional()?;
        self.sql
            .prepare_cached("DELETE FROM windows WHERE key >= ?1 AND key < ?2 AND until <= ?3")?
            .execute(params![from, to.map_or(vec![0xFF; 17], Vec::from), now])?;
        Ok(to.is_none())
    }

    fn last_tidied(&self) -> rusqlite::Result<Option<i64>> {
        self.sql
            .prepare_cached("SELECT value FROM meta WHERE name = 'tidied_at'")?
            .query_row([], |row| row.get(0))
            .optional()
    }

    fn stamp(&self, name: &str, now: i64) -> rusqlite::Result<()> {
        self.sql
            .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
            .execute(params![name, now])?;
        Ok(())
    }
}

/// Pages in the log from which it is written back when there is time: 512 KiB. The first process
/// after a pause reads the log through once, so a longer one would cost each send.
const WRITE_BACK_FROM: i32 = 256;

/// Pages in the log from which it is written back although messages wait: 1 MiB.
pub(super) const LONG_LOG: i32 = 512;

/// Milliseconds between two cleanings.
const TIDY_EVERY: i64 = 60_000;

/// The oldest decisions, and not too many at once; the next time takes more.
const OLD: &str = "seq IN (SELECT seq FROM decisions
    WHERE at < ?1 AND outcome IS NOT NULL AND coalesce(expires, 0) <= ?2 ORDER BY at LIMIT ?3)";

/// Rows looked at, at most, by one cleaning of a table [about 10 ms].
const DELETE_AT_ONCE: u32 = 10_000;
