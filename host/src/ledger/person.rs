//! What the ledger holds of one person, under a number or a user's name: to be handed out or erased.

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use textsender_plugin_api::Phone;

use super::error::LedgerError;
use super::folder::Folder;
use super::history::Filter;
use super::keys::{Digest, Keys};
use super::shared;
use super::sqlite::schema;
use super::{Ledger, Options};

/// Repeats of an id and limits rely on what is younger.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// By what a person is found. The ledger has keyed hashes of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// By a number.
    Phone(Phone),
    /// By the user's name, as requests have it.
    User(String),
}

impl Person {
    /// The hashes that the ledger may have.
    fn hashes(&self, keys: &Keys) -> impl Iterator<Item = Digest> {
        keys.all().map(|keys| match self {
            Person::Phone(phone) => keys.recipient(phone),
            Person::User(name) => keys.user(name),
        })
    }

    fn is_user(&self) -> bool {
        matches!(self, Person::User(_))
    }
}

/// What erasing came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// Decisions that no longer lead to the person.
    pub erased: u64,
    /// Decisions of the last day: they stay until they are older.
    pub kept: u64,
}

impl From<Person> for Filter {
    fn from(person: Person) -> Self {
        let (recipient, user) = match person {
            Person::Phone(phone) => (Some(phone), None),
            Person::User(name) => (None, Some(name)),
        };
        Filter {
            recipient,
            user,
            ..Filter::default()
        }
    }
}

impl Ledger {
    /// Takes out of every decision about a person what leads there: the masked number, its keyed hash, the
    /// user's, the provider's id and words, the stored response. The counts stay.
    ///
    /// # Errors
    /// [`LedgerError::Absent`] if there is no ledger, or why it cannot be written.
    pub fn erase(
        state: &Path,
        person: &Person,
        now: Timestamp,
        options: &Options,
    ) -> Result<Erased, LedgerError> {
        let until = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        let until = until.as_millisecond();
        if let Some(shared) = &options.shared {
            let (archive, keys) = (shared::store()?.archive)(state, shared, options)?;
            let mut sum = Erased::default();
            for hash in person.hashes(&keys) {
                let [erased, kept] = archive.erase(&hash, person.is_user(), until)?;
                sum.erased += erased;
                sum.kept += kept;
            }
            return Ok(sum);
        }
        let folder = Folder::existing(state)?;
        let (sql, keys) = schema::open_to_erase(&folder, options.lock_timeout)?;
        let column = if person.is_user() {
            "user_hash"
        } else {
            "recipient_hash"
        };
        let mut sum = Erased::default();
        for hash in person.hashes(&keys) {
            let erased = erase(&sql, column, &hash, until).map_err(|error| {
                let full = || folder.is_full();
                LedgerError::from_sqlite(&error, &folder.database(), options.lock_timeout, full)
            })?;
            sum.erased += erased.erased;
            sum.kept += erased.kept;
        }
        Ok(sum)
    }
}

/// Erases the decisions of which `column` is `hash` and that are older than `until`.
fn erase(sql: &Connection, column: &str, hash: &[u8], until: i64) -> rusqlite::Result<Erased> {
    // A ledger that an older version wrote has fewer columns.
    let is_there = |column| sql.column_exists(None, "decisions", column);
    let more = match (is_there("user_hash")?, column) {
        (true, _) if is_there("source_hash")? => {
            ", user_hash = NULL, source_hash = NULL, prefix_hash = NULL, reasons = NULL"
        }
        (true, _) => ", user_hash = NULL, reasons = NULL",
        (false, "user_hash") => return Ok(Erased { erased: 0, kept: 0 }),
        (false, _) => "",
    };
    // What is taken out is overwritten, too.
    sql.pragma_update(None, "secure_delete", true)?;
    let erased = sql.execute(
        &format!(
            "UPDATE decisions
             SET recipient = NULL, recipient_hash = NULL, content = NULL, tag = NULL,
                 provider_id = NULL, response = NULL, live = 0{more}
             WHERE {column} = ?1 AND at < ?2 AND outcome IS NOT NULL"
        ),
        params![hash, until],
    )?;
    let kept: i64 = sql.query_row(
        &format!("SELECT count(*) FROM decisions WHERE {column} = ?1"),
        [hash],
        |row| row.get(0),
    )?;
    // In the log it stands until that is written back, which waits for no one: else the next send does it.
    sql.busy_timeout(Duration::ZERO)?;
    sql.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(Erased {
        erased: erased as u64,
        kept: kept.unsigned_abs(),
    })
}
