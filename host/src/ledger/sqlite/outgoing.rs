//! What is brought over to a shared ledger: decisions whole, in order, and what the limits count.

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, Row, params};

use super::process::life_of_holder;
use super::{PAUSES, columns, schema};
use crate::ledger::Options;
use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::keys::{Digest, Keys};
use crate::ledger::settle::code_of_abandoned;
use crate::ledger::store::{Breaker, Life};
use crate::ledger::stored::{Decision, hexadecimal};
use crate::ledger::totals;

/// A file whose rows are brought over. They stay where they are.
pub(in crate::ledger) struct Outgoing {
    sql: Connection,
    folder: Folder,
    options: Options,
}

/// A window of a limit: its key, until when it is needed, its events.
pub(in crate::ledger) type StoredWindow = (Digest, i64, Vec<u8>);

impl Outgoing {
    /// Opens the ledger of a folder; [`LedgerError::Absent`]: there is none.
    pub fn open(folder: &Folder, options: &Options) -> Result<(Outgoing, Keys), LedgerError> {
        let (sql, keys) = schema::open_to_erase(folder, options.lock_timeout)?;
        let outgoing = Outgoing {
            sql,
            folder: folder.clone(),
            options: options.clone(),
        };
        Ok((outgoing, keys))
    }

    /// The name of this file, made where it has none: it is no other's, whatever folder it lies in.
    pub fn name(&self) -> Result<String, LedgerError> {
        self.read(|| {
            let mut random = [0u8; 16];
            // Without random bytes there would be no key either.
            let _ = SystemRandom::new().fill(&mut random);
            self.sql
                .prepare_cached("INSERT OR IGNORE INTO meta VALUES ('name', ?1)")?
                .execute([hexadecimal(&random)])?;
            let name: Option<String> = schema::meta(&self.sql, "name")?;
            Ok(name.unwrap_or_default())
        })
    }

    /// At most so many decisions after this number, in order, up to the first that is still being sent; and whether
    /// there is none of those.
    pub fn decisions(&self, after: i64, most: i64) -> Result<(Vec<Decision>, bool), LedgerError> {
        let rows: Vec<(Decision, Life)> = self.read(|| {
            self.sql
                .prepare_cached("SELECT * FROM decisions WHERE seq > ?1 ORDER BY seq LIMIT ?2")?
                .query_map(params![after, most], |row| self.whole(row))?
                .collect()
        })?;
        let is_open =
            |(row, life): &(Decision, Life)| row.outcome.is_none() && *life == Life::Alive;
        let ended = rows.iter().position(is_open).unwrap_or(rows.len());
        let all_ended = ended == rows.len();
        let decisions = rows.into_iter().take(ended);
        let decisions = decisions.map(|(row, life)| row.closed(life));
        Ok((decisions.collect(), all_ended))
    }

    /// The number of the last decision; 0: there is none.
    pub fn last(&self) -> Result<i64, LedgerError> {
        self.read(|| {
            let last = "SELECT coalesce(max(seq), 0) FROM decisions";
            self.sql.query_row(last, [], |row| row.get(0))
        })
    }

    /// At most so many windows after this key.
    pub fn windows(&self, after: Digest, most: i64) -> Result<Vec<StoredWindow>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached(
                    "SELECT key, until, events FROM windows WHERE key > ?1 ORDER BY key LIMIT ?2",
                )?
                .query_map(params![after, most], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?
                .collect()
        })
    }

    /// What decisions counted that are gone.
    pub fn totals(&self) -> Result<Vec<totals::Row>, LedgerError> {
        self.read(|| super::totals::gone(&self.sql))
    }

    /// What is known of senders.
    pub fn senders(&self) -> Result<Vec<(String, Breaker)>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached("SELECT * FROM senders ORDER BY sender")?
                .query_map([], |row| Ok((row.get("sender")?, columns::breaker(row)?)))?
                .collect()
        })
    }

    /// What is paused.
    pub fn pauses(&self) -> Result<Option<String>, LedgerError> {
        self.read(|| schema::meta(&self.sql, PAUSES))
    }

    fn whole(&self, row: &Row<'_>) -> rusqlite::Result<(Decision, Life)> {
        let hex = |bytes: Option<Vec<u8>>| bytes.map(|bytes| hexadecimal(&bytes));
        let decision = Decision {
            content: hex(row.get("content")?),
            tag: row.get("tag")?,
            expires: row.get("expires")?,
            places: hex(columns::newer(row, "places")?),
            looked_at: columns::newer(row, "looked_at")?,
            delivery_at: columns::newer(row, "delivery_at")?,
            without_hub: columns::newer::<i64>(row, "without_hub")?.map(|without| without == 1),
            ..columns::decision(row)?
        };
        let life = life_of_holder(&self.folder, &decision);
        Ok((decision, life))
    }

    /// Runs a query, and says what its failure means.
    fn read<T>(&self, query: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, LedgerError> {
        query().map_err(|error| {
            let full = || self.folder.is_full();
            let (file, wait) = (self.folder.database(), self.options.lock_timeout);
            LedgerError::from_sqlite(&error, &file, wait, full)
        })
    }
}

impl Decision {
    /// The decision as the next cleaning would write it, where the process that made it died (`settle::close_abandoned`).
    fn closed(self, life: Life) -> Decision {
        if self.outcome.is_some() {
            return self;
        }
        // It had ended as unknown, and was looked for again.
        let was_unknown = self.response.is_some();
        let code = code_of_abandoned(life, self.sent_to.is_some());
        let outcome = code.outcome();
        Decision {
            live: outcome.settles(),
            outcome: Some(outcome.as_str().to_owned()),
            code: match was_unknown {
                true => self.code,
                false => Some(code.as_str().to_owned()),
            },
            owner: None,
            // Of what was certainly not sent nothing counts.
            places: self.places.filter(|_| outcome.may_have_been_sent()),
            ..self
        }
    }
}
