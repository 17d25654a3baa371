//! What builds with debug assertions can be told through their environment, so that tests go through
//! the real binary: to die at a step, and to be ahead of time. The `dist` profile, which packages
//! ship, has none of it.
//!
//! | variable | |
//! |---|---|
//! | `TEXTSENDER_CRASH_AT` | the [`Step`] at which the process kills itself |
//! | `TEXTSENDER_CLOCK_AHEAD` | by how many seconds the ledger's clock is fast |

use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;

use super::step::Step;

/// Dies here, if told to, as a power switch does it: no destructors, no buffers written.
pub(super) fn die_if_told(step: Step) {
    static CRASH_AT: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("TEXTSENDER_CRASH_AT").ok());

    if CRASH_AT.as_deref() != Some(step.name()) {
        return;
    }
    crate::os::signals::kill_self()
}

/// The time of day, or a later one.
pub(super) fn now() -> Timestamp {
    static AHEAD: LazyLock<Duration> = LazyLock::new(|| {
        let seconds = std::env::var("TEXTSENDER_CLOCK_AHEAD").ok();
        Duration::from_secs(
            seconds
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(0),
        )
    });

    Timestamp::now()
        .saturating_add(*AHEAD)
        .unwrap_or(Timestamp::MAX)
}
