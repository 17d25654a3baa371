//! What the ledger holds of one person: everything under one number, to be handed out or erased.

use jiff::{SignedDuration, Timestamp};
use rusqlite::params;
use textsender_plugin_api::Phone;

use super::error::LedgerError;
use super::history::History;

/// Repeats of an id and limits rely on what is younger.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What erasing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Decisions that no longer lead to the number.
    pub erased: u64,
    /// Decisions of the last day: they stay until they are older.
    pub kept: u64,
}

impl History {
    /// Takes out of every decision about this number what leads to the person: the masked number, its
    /// keyed hash, the user's, the provider's id and words, the stored response. The counts stay.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub fn erase(&self, phone: &Phone, now: Timestamp) -> Result<Erased, LedgerError> {
        let hash = self.hash_of(phone);
        let until = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        let until = until.as_millisecond();
        self.read(|| {
            self.sql.pragma_update(None, "query_only", false)?;
            // A ledger that an older version wrote has no more columns.
            let more = match self.sql.column_exists(None, "decisions", "user_hash")? {
                true => ", user_hash = NULL, reasons = NULL",
                false => "",
            };
            let erase = format!(
                "UPDATE decisions
                 SET recipient = NULL, recipient_hash = NULL, content = NULL, tag = NULL,
                     provider_id = NULL, response = NULL, live = 0{more}
                 WHERE recipient_hash = ?1 AND at < ?2 AND outcome IS NOT NULL"
            );
            let erased = self.sql.execute(&erase, params![hash, until]);
            self.sql.pragma_update(None, "query_only", true)?;
            let kept = "SELECT count(*) FROM decisions WHERE recipient_hash = ?1";
            let kept: i64 = self.sql.query_row(kept, [hash], |row| row.get(0))?;
            Ok(Erased {
                erased: erased? as u64,
                kept: kept.unsigned_abs(),
            })
        })
    }
}
