//! How many codes were typed in, of those that were sent: by prefix, region, sender and hour.

use jiff::Timestamp;
use serde::Serialize;

use super::error::LedgerError;
use super::history::History;

/// What codes are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedBy {
    /// Numbers that differ in the last four digits only.
    Prefix,
    /// The number's region.
    Region,
    /// The sender that took it.
    Sender,
    /// The hour in which it was asked for, in UTC.
    Hour,
}

/// How many codes were sent, and how many of them were typed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Uses {
    /// The region, the sender or the hour; of a prefix its keyed hash, in hexadecimal.
    pub by: String,
    /// One of the numbers of a prefix, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Of the sender's texts, those to one region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Codes that were sent, or may have been.
    pub sent: u64,
    /// Those of them that were typed in.
    pub used: u64,
}

impl UsedBy {
    /// What is selected, and what of it makes a group.
    const fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Prefix => (
                "lower(hex(substr(prefix_hash, 1, 6))) AS grouped, max(recipient) AS recipient, NULL AS region",
                "grouped",
            ),
            Self::Region => (
                "coalesce(region, '-') AS grouped, NULL AS recipient, NULL AS region",
                "grouped",
            ),
            Self::Sender => (
                "coalesce(sender, '-') AS grouped, NULL AS recipient, coalesce(region, '-') AS region",
                "grouped, 3",
            ),
            Self::Hour => (
                "strftime('%Y-%m-%dT%H:00Z', at / 1000, 'unixepoch') AS grouped, NULL AS recipient, NULL AS region",
                "grouped",
            ),
        }
    }
}

impl History {
    /// Counts the codes since `since`, those most of which went unused first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn uses(&self, by: UsedBy, since: Option<Timestamp>) -> Result<Vec<Uses>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        let (columns, group) = by.columns();
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
                    "SELECT {columns}, count(*) AS sent, count(used_at) AS used FROM decisions
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

    /// Whether decisions have this column: a ledger of an earlier version lacks some.
    pub(super) fn has_column(&self, column: &str) -> rusqlite::Result<bool> {
        self.sql
            .prepare_cached("SELECT 1 FROM pragma_table_info('decisions') WHERE name = ?1")?
            .exists([column])
    }
}
