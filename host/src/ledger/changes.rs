//! Changes of the settings, in the audit: who changed what, and when.

use jiff::Timestamp;
use serde::Serialize;

use super::error::LedgerError;
use super::history::History;
use super::sqlite::columns;
use crate::redact::printable;

/// A change that a command made. The caller leaves secrets out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingsChange {
    /// When.
    pub at: Timestamp,
    /// The user id that made it: of who called `sudo`, where that is known.
    pub uid: u32,
    /// The account's name.
    pub actor: Option<String>,
    /// What was done, as `sender set twilio`.
    pub command: String,
    /// The lines that went (`-`) and came (`+`), with the file before them. Of a longer one the
    /// beginning is kept.
    pub difference: String,
}

impl SettingsChange {
    /// The change, as much of it as is kept.
    pub(super) fn bounded(self) -> SettingsChange {
        let lines = self.difference.lines().map(printable);
        let lines = lines.collect::<Vec<_>>().join("\n");
        SettingsChange {
            command: printable(&self.command),
            difference: lines.chars().take(LONGEST_DIFFERENCE).collect(),
            ..self
        }
    }
}

impl History {
    /// The latest changes of the settings since `since`, at most so many, oldest first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn changes(
        &self,
        count: usize,
        since: Option<Timestamp>,
    ) -> Result<Vec<SettingsChange>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.read(|| {
            // A ledger that an older version wrote has none.
            if !self.sql.table_exists(None, "changes")? {
                return Ok(Vec::new());
            }
            let mut changes: Vec<SettingsChange> = self
                .sql
                .prepare_cached(
                    "SELECT at, uid, actor, command, difference FROM changes
                     WHERE at >= ?1 ORDER BY seq DESC LIMIT ?2",
                )?
                .query_map([since, count], |row| {
                    Ok(SettingsChange {
                        at: columns::time(row, "at")?,
                        uid: row.get("uid")?,
                        actor: row.get("actor")?,
                        command: row.get("command")?,
                        difference: row.get("difference")?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            changes.reverse();
            Ok(changes)
        })
    }
}

/// Characters that are kept of a difference.
const LONGEST_DIFFERENCE: usize = 8 * 1024;
