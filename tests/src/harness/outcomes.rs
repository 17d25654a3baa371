//! The outcomes as a caller is promised them, written down apart from the program's own table.

/// What a caller may rely on, for one outcome.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// The word in the response.
    pub outcome: &'static str,
    /// The exit code of a one-shot send.
    pub exit: i32,
    /// Whether it says that certainly no text was sent.
    pub not_sent: bool,
    /// Whether repeating the same request may succeed without anybody's doing. `None`: it depends on the error.
    pub retryable: Option<bool>,
}

/// Every outcome.
pub const PROMISES: [Promise; 10] = [
    promise("accepted", 0, false, Some(false)),
    promise("invalid", 65, true, Some(false)),
    promise("rejected", 67, true, Some(false)),
    promise("unavailable", 69, true, None),
    promise("crashed", 70, true, Some(true)),
    promise("in_progress", 73, true, Some(true)),
    promise("limited", 75, true, Some(true)),
    promise("unknown", 76, false, Some(false)),
    promise("refused", 77, true, Some(false)),
    promise("misconfigured", 78, true, Some(false)),
];

const fn promise(
    outcome: &'static str,
    exit: i32,
    not_sent: bool,
    retryable: Option<bool>,
) -> Promise {
    Promise {
        outcome,
        exit,
        not_sent,
        retryable,
    }
}

/// The promise that goes with a word.
///
/// # Panics
/// If it is not the word of an outcome.
#[track_caller]
pub fn promise_of(outcome: &str) -> Promise {
    PROMISES
        .into_iter()
        .find(|promise| promise.outcome == outcome)
        .unwrap_or_else(|| panic!("{outcome:?} is no outcome"))
}
