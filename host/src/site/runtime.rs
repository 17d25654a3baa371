//! The event loop of a command.

use std::{future::Future, io};

use tokio::runtime::{Builder, Runtime};

use crate::os::limits;

/// Descriptors that an event loop has: itself twice, what wakes it, and three ends of the pipe for signals.
const DESCRIPTORS: usize = 6;

/// Runs a command's future to its end. What other threads are still at then, such as the look-up of a name
/// by a resolver that is silent, is left to the end of the process: no caller waits for it.
///
/// # Errors
///
/// The system has no descriptor or thread left for it.
pub fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = start()?;
    let result = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(result)
}

/// The same for a command with something to do between two futures.
///
/// # Errors
///
/// As above.
pub fn start() -> io::Result<Runtime> {
    // tokio panics where it can't have all of them.
    limits::can_open(DESCRIPTORS)?;
    Builder::new_current_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_hangs_in_another_thread_is_not_waited_for() {
        let (release, hang) = mpsc::channel::<()>();
        let result = block_on(async {
            let look_up = tokio::task::spawn_blocking(move || hang.recv());
            tokio::task::yield_now().await;
            drop(look_up);
            "answered"
        });
        // Only now: a runtime that waits for the look-up would wait for ever.
        drop(release);
        assert_eq!(result.unwrap(), "answered");
    }
}
