//! Counts since the ledger began, for counters that only grow.
//!
//! They are what the decisions say, and of those that are gone what a table of totals has. It is written where a
//! decision is deleted or its outcome changes, so that a send pays nothing for it.

use serde::Serialize;

use crate::protocol::Outcome;

/// The most milliseconds of each step of the histogram; the last has no bound.
pub const STEPS: [u32; 8] = [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/// How many decisions ever had this sender, region, outcome and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The sender whose answer decided; empty: none did.
    pub sender: String,
    /// The number's region; empty: it has none.
    pub region: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The step of the histogram: an index into [`STEPS`], or one more.
    pub step: usize,
    /// How many decisions.
    pub messages: u64,
    /// How many segments were sent with them, or may have been.
    pub segments: u64,
    /// How long they took together, in milliseconds.
    pub ms: u64,
}

impl Total {
    /// Whether it counts the same.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        let key = |total: &Self| (total.outcome, total.step);
        key(self) == key(other) && self.sender == other.sender && self.region == other.region
    }
}

/// A row of totals, as either store has it; `None` if it holds what textsender never writes.
#[derive(Serialize)]
pub(super) struct Row {
    pub sender: String,
    pub region: String,
    pub outcome: String,
    pub step: i64,
    pub messages: i64,
    pub segments: i64,
    pub ms: i64,
}

impl Row {
    pub fn read(self) -> Option<Total> {
        let outcome = super::stored::outcome(&self.outcome)?;
        // What is taken back in the middle of a message may be less than nothing for a moment.
        let count = |value: i64| u64::try_from(value).unwrap_or(0);
        Some(Total {
            sender: self.sender,
            region: self.region,
            outcome,
            step: usize::try_from(self.step).ok()?,
            messages: count(self.messages),
            // Nothing is paid for what was not sent.
            segments: match outcome.may_have_been_sent() {
                true => count(self.segments),
                false => 0,
            },
            ms: count(self.ms),
        })
    }
}

/// The expression by which SQLite sorts `ms` into steps.
pub(super) fn step_of_ms() -> String {
    let whens = STEPS.iter().enumerate();
    let whens: String = whens
        .map(|(step, most)| format!(" WHEN ms <= {most} THEN {step}"))
        .collect();
    format!(
        "CASE WHEN ms IS NULL THEN 0{whens} ELSE {} END",
        STEPS.len()
    )
}

#[cfg(test)]
mod tests {
    use super::STEPS;

    #[test]
    fn both_stores_have_the_same_steps() {
        let steps: Vec<String> = STEPS.iter().map(u32::to_string).collect();
        let array = format!("ARRAY[{}]", steps.join(", "));
        let schema = include_str!("shared/schema_1.sql");
        assert!(schema.contains(&array), "{array}");
    }
}
