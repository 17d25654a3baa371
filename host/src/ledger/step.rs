//! The steps of a send, as the ledger sees them: one list, so that the crash test walks them all.

/// A point that a send passes. What a repeat of the same id finds, if the process died there, is
/// the last column of the table in the [module's documentation](super).
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
    /// The response is on standard output (passed by the command, not by the ledger).
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

    /// The name that `TEXTSENDER_CRASH_AT` knows the step by.
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

    /// Marks that this step was reached, where a rehearsal may end the process. In builds without debug
    /// assertions this is nothing at all.
    #[inline]
    pub fn reached(self) {
        #[cfg(debug_assertions)]
        super::rehearsal::die_if_told(self);
    }
}
