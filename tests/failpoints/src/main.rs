//! `textsender-failpoints`: `textsender` as tests run it, to die at a step and to be ahead of time.
//!
//! A program of its own, so that the one that is installed has no such thing.
//!
//! | variable | |
//! |---|---|
//! | `TEXTSENDER_CRASH_AT` | the [`Step`] at which the process kills itself, by its name |
//! | `TEXTSENDER_PANIC_AT` | the [`Step`] at which it panics |
//! | `TEXTSENDER_STOP_AT` | the [`Step`] at which it stops itself, to be killed |
//! | `TEXTSENDER_LOCK_TIMEOUT` | for how many milliseconds the ledger waits for other processes |
//! | `TEXTSENDER_DELIVERY_AFTER` | after how many milliseconds the hub asks what became of a text |
//! | `TEXTSENDER_ALERTS_EVERY` | how often, in milliseconds, the hub looks whether something is to be alerted |
//! | `TEXTSENDER_CLOCK_AHEAD` | by how many seconds the ledger's clock is fast |

use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Signal, getpid, kill_process};
use textsender::failpoint::{Failpoints, Step};
use textsender::ledger::{POSTGRES, share};

fn main() -> ExitCode {
    share(&POSTGRES);
    textsender::run(Failpoints {
        at: crash_panic_or_stop,
        clock: now,
        lock_timeout: number("TEXTSENDER_LOCK_TIMEOUT").map(Duration::from_millis),
        delivery_after: number("TEXTSENDER_DELIVERY_AFTER").map(Duration::from_millis),
        alerts_every: number("TEXTSENDER_ALERTS_EVERY").map(Duration::from_millis),
    })
}

/// Dies at the chosen step as a power switch does it, no destructors, no buffers written; panics or stops there.
fn crash_panic_or_stop(step: Step) {
    static CRASH_AT: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("TEXTSENDER_CRASH_AT").ok());
    static PANIC_AT: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("TEXTSENDER_PANIC_AT").ok());
    static STOP_AT: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("TEXTSENDER_STOP_AT").ok());

    if STOP_AT.as_deref() == Some(step.name()) {
        let _ = kill_process(getpid(), Signal::STOP);
        // Another thread may take the signal: until all are stopped, this one does not go on.
        loop {
            std::thread::park();
        }
    }
    assert_ne!(PANIC_AT.as_deref(), Some(step.name()), "a test wants it");
    if CRASH_AT.as_deref() != Some(step.name()) {
        return;
    }
    // If the kernel refused to kill us, abort() is the next best death.
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort();
}

/// The time of day, or a later one.
fn now() -> Timestamp {
    static AHEAD: LazyLock<Duration> =
        LazyLock::new(|| Duration::from_secs(number("TEXTSENDER_CLOCK_AHEAD").unwrap_or(0)));

    Timestamp::now()
        .saturating_add(*AHEAD)
        .unwrap_or(Timestamp::MAX)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
