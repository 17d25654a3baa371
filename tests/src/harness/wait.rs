//! Waiting for facts. Nothing in a test sleeps for a time that somebody guessed.

use std::thread;
use std::time::{Duration, Instant};

/// After this long without the fact, a case has failed. Long, because a machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at what tells nobody when it changes, such as `/proc`.
const LOOK: Duration = Duration::from_millis(1);

/// Looks until `fact` gives something.
///
/// # Panics
/// If it gives nothing for [`PATIENCE`].
#[track_caller]
pub fn wait_for<T>(what: &str, mut fact: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = fact() {
            return found;
        }
        assert!(Instant::now() < end, "waited {PATIENCE:?} for {what}");
        thread::park_timeout(LOOK);
    }
}
