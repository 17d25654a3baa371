//! Counts of decisions, for `stats`.

use jiff::civil::Date;
use serde::Serialize;

use crate::protocol::Outcome;

/// How many decisions share a day, a machine, a sender, a region and an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The day, in UTC.
    pub day: Date,
    /// The machine that it came to, in a ledger that several share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The sender whose answer decided.
    pub sender: Option<String>,
    /// The number's region.
    pub region: Option<String>,
    /// The outcome; `None` while it is being sent.
    pub outcome: Option<Outcome>,
    /// How many decisions.
    pub messages: u64,
    /// How many segments were sent with them, or may have been: what providers charge for.
    pub segments: u64,
}

impl Tally {
    /// The outcome, or that there is none yet.
    pub fn word(&self) -> &'static str {
        self.outcome.map_or("sending", Outcome::as_str)
    }
}
