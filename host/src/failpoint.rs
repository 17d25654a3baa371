//! What a test may put into a run: an action at each step of a send, and another time of day.
//!
//! It is a value that the program gives to the library, so that no environment variable and no
//! option can shift a limit or stop a send in an installed program. `textsender` gives
//! [`Failpoints::default`]; the tests have a program of their own, `textsender-failpoints`.

use std::time::Duration;

use jiff::Timestamp;

/// What happens besides sending. The default is nothing.
#[derive(Debug, Clone, Copy)]
pub struct Failpoints {
    /// Called at each step that a send passes.
    pub at: fn(Step),
    /// The time of day by which limits, pauses and retention are counted.
    pub clock: fn() -> Timestamp,
    /// How long the ledger waits for other processes, instead of what it has by default.
    pub lock_timeout: Option<Duration>,
    /// How long after it was sent the hub asks what became of a text, instead of a minute.
    pub delivery_after: Option<Duration>,
    /// How often the hub looks whether something is to be alerted, instead of twice a minute.
    pub alerts_every: Option<Duration>,
}

impl Default for Failpoints {
    fn default() -> Self {
        Failpoints {
            at: |_| {},
            clock: Timestamp::now,
            lock_timeout: None,
            delivery_after: None,
            alerts_every: None,
        }
    }
}

/// A point that a send passes. What a repeat of the same id finds, if the process died there, is
/// the last column of the table in the documentation of [`ledger`](crate::ledger).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The ledger is open; nothing is written yet.
    Opened,
    /// The claim is written, but not yet committed.
    Claiming,
    /// The claim is durable.
    Claimed,
    /// The mark that a sender is about to get the message is committed.
    Dispatched,
    /// The provider's answer is known (passed by the pipeline, not by the ledger).
    Answered,
    /// The outcome is written, but not yet committed.
    Settling,
    /// The outcome is committed.
    Settled,
    /// The response is on standard output, or about to be an answer of the hub's (passed by the command and
    /// the hub, not by the ledger).
    Responded,
}

impl Step {
    /// Every step, in the order in which a send passes them.
    pub const ALL: [Step; 8] = [
        Step::Opened,
        Step::Claiming,
        Step::Claimed,
        Step::Dispatched,
        Step::Answered,
        Step::Settling,
        Step::Settled,
        Step::Responded,
    ];

    /// The step's name, for tests that choose one.
    pub fn name(self) -> &'static str {
        match self {
            Step::Opened => "opened",
            Step::Claiming => "claiming",
            Step::Claimed => "claimed",
            Step::Dispatched => "dispatched",
            Step::Answered => "answered",
            Step::Settling => "settling",
            Step::Settled => "settled",
            Step::Responded => "responded",
        }
    }
}
