//! Signals: the request to end.

use std::io;

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
