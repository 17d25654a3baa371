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

impl Uses {
    /// The same without what is counted here: those of a later time, whose users may be about to type them in.
    pub fn without(all: Vec<Self>, later: &[Self]) -> Vec<Self> {
        let less = |one: Self| match later.iter().find(|later| later.by == one.by) {
            Some(later) => Self {
                sent: one.sent.saturating_sub(later.sent),
                used: one.used.saturating_sub(later.used),
                ..one
            },
            None => one,
        };
        all.into_iter().map(less).collect()
    }
}

impl History {
    /// Counts the codes since `since`, those most of which went unused first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn uses(&self, by: UsedBy, since: Option<Timestamp>) -> Result<Vec<Uses>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.archive.uses(by, since)
    }
}
