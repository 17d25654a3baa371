//! What is counted of the decisions.

use jiff::Timestamp;
use serde::Serialize;

use crate::protocol::Outcome;

/// How many texts of a sender to a region were asked about, and how many of them had arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliveries {
    /// The sender.
    pub sender: String,
    /// The numbers' region.
    pub region: String,
    /// Texts whose provider could tell.
    pub asked: u64,
    /// Those that the phone had.
    pub delivered: u64,
}

/// A machine that shares the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Its name, as it gives it itself.
    pub name: String,
    /// When it first recorded something, of what was counted.
    pub first: Timestamp,
    /// When it last did.
    pub last: Timestamp,
    /// Messages that it recorded; answers that were replayed are not counted.
    pub messages: u64,
    /// Those of them that a provider took.
    pub accepted: u64,
    /// Those of them of which that is not known.
    pub unknown: u64,
}

/// A message in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its place in the order of claims.
    pub seq: i64,
    /// When it was asked for, in milliseconds.
    pub at: i64,
    /// How it ended; `None` while it is being sent.
    pub outcome: Option<Outcome>,
    /// The number's region.
    pub region: Option<String>,
    /// Segments of the text.
    pub segments: u32,
    /// Milliseconds from the request to the outcome.
    pub ms: Option<i64>,
}

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
