//! Counts of decisions, for `stats`.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::OptionalExtension;
use rusqlite::types::Type;
use serde::Serialize;

use super::error::LedgerError;
use super::history::History;
use super::sqlite::columns;
use crate::protocol::Outcome;

/// How many decisions share a day, a sender, a region and an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The day, in UTC.
    pub day: Date,
    /// The sender whose answer decided.
    pub sender: Option<String>,
    /// The number's region.
    pub region: Option<String>,
    /// The outcome; `None` while it is being sent.
    pub outcome: Option<Outcome>,
    /// How many decisions.
    pub messages: u64,
    /// How many segments they have together; what providers charge for, where they were sent.
    pub segments: u64,
}

impl Tally {
    /// The outcome, or that there is none yet.
    pub fn word(&self) -> &'static str {
        self.outcome.map_or("sending", Outcome::as_str)
    }
}

impl History {
    /// Counts the decisions since `since` by day, sender, region and outcome. Answers that were
    /// replayed are not counted again.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn tallies(&self, since: Option<Timestamp>) -> Result<Vec<Tally>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
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
                    Ok(Tally {
                        day: day
                            .parse()
                            .map_err(|_| columns::damaged("at", Type::Text))?,
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
}

impl History {
    /// When a message was last accepted, of those that are recorded.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn last_accepted(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.read(|| {
            self.sql
                .prepare_cached(
                    "SELECT at FROM decisions WHERE outcome = ?1 ORDER BY seq DESC LIMIT 1",
                )?
                .query_row([Outcome::Accepted.as_str()], |row| columns::time(row, "at"))
                .optional()
        })
    }
}

/// A sum of the database, which has no unsigned numbers.
fn count(sum: i64) -> u64 {
    u64::try_from(sum).unwrap_or(0)
}
