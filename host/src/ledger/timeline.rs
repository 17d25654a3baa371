//! When messages were asked for and how they ended: of each only what is counted and drawn. A whole entry takes ten
//! times as long to read.

use std::collections::HashSet;

use jiff::Timestamp;

use super::counts::Mark;
use super::entry::EntryState;
use super::error::LedgerError;
use super::history::History;

impl History {
    /// Every message since then, in no order. Answers that were replayed are left out.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn timeline(&self, since: Timestamp) -> Result<Vec<Mark>, LedgerError> {
        // One that ends meanwhile is among both, and is counted once.
        let (_, open) = self.archive.end()?;
        let known: HashSet<i64> = open.iter().copied().collect();
        let mut marks = self.archive.ended(since.as_millisecond())?;
        marks.retain(|mark| !known.contains(&mark.seq));
        for found in self.archive.numbered(&open)? {
            let entry = self.entry(found)?;
            if entry.at < since || entry.replayed {
                continue;
            }
            marks.push(Mark {
                seq: entry.seq,
                at: entry.at.as_millisecond(),
                outcome: match entry.state {
                    EntryState::Sending => None,
                    EntryState::Ended(outcome) => Some(outcome),
                },
                region: entry.region,
                segments: entry.segments.unwrap_or(0),
                ms: entry.ms,
            });
        }
        Ok(marks)
    }
}
