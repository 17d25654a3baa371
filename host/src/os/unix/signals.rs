//! Signals: the request to end, and an end without any tidying up.

use std::io;

use rustix::process::{Signal, getpid, kill_process};
use tokio::signal::unix::{self, SignalKind};

/// Requests to end (SIGTERM), from now on.
pub struct EndRequests(unix::Signal);

impl EndRequests {
    /// Listens for them. Without this, the first one ends the process.
    ///
    /// # Errors
    ///
    /// The system gives no handler.
    pub fn listen() -> io::Result<Self> {
        unix::signal(SignalKind::terminate()).map(Self)
    }

    /// Waits for the next one.
    pub async fn recv(&mut self) {
        // It ends without a word only with its runtime.
        self.0.recv().await;
    }
}

/// Lets a write past the limit of file sizes fail (EFBIG) instead of ending the process without a word.
#[allow(unsafe_code)]
pub fn ignore_file_size_limit() {
    // SAFETY: no handler of ours is set, and nothing else in this process uses the signal.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Ends this process as a power switch does it: no destructors, no buffers written.
pub fn kill_self() -> ! {
    // If the kernel refused to kill us, abort() is the next best death.
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort();
}
