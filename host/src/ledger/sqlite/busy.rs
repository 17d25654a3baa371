//! Waiting for another process's transaction to end.

use std::thread;
use std::time::{Duration, Instant};

/// A busy handler that gives up after `lock_timeout`. It asks again soon at first (a transaction takes
/// about a millisecond), then less and less often, to 8 ms, so that hundreds of waiting processes
/// do not keep the processor from the one that works. SQLite's own waits grow to 100 ms, which lets
/// a busy stream starve a single send.
pub(super) fn handler(lock_timeout: Duration) -> impl FnMut(i32) -> bool + Send + 'static {
    // Processes that started waiting together must not ask together.
    let stagger = u64::from(std::process::id() % 16) * 25;
    let mut started = Instant::now();
    move |earlier| {
        if earlier == 0 {
            started = Instant::now();
        }
        if started.elapsed() >= lock_timeout {
            return false;
        }
        let growth = u64::try_from(earlier).unwrap_or(0).min(38) * 200;
        thread::sleep(Duration::from_micros(300 + stagger + growth));
        true
    }
}
