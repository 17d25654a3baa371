//! The watch over a host process: one that neither gets ready nor answers is ended, long before the
//! deadlines of all those that wait behind what it is stuck in.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use textsender_plugin_api::Level;
use tokio::time::sleep;

use super::{Shared, State};
use crate::plugins::frames::Down;

/// How long a host process has to load and configure its plugin.
const START: Duration = Duration::from_secs(10);

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How many looks in a row may find it silent, although it is the plugin's turn. It is pinged at the
/// first of them: one that only waits says so.
const SILENT_LOOKS: u32 = 3;

impl Shared {
    /// Looks at the process until it ends.
    pub(super) async fn watch(self: Arc<Self>) {
        let mut state = self.state.subscribe();
        let started = state.wait_for(|state| !matches!(state, State::Starting));
        if tokio::time::timeout(START, started).await.is_err() {
            self.end("it did not get ready", Level::Warn);
            return;
        }
        let over = state.wait_for(|state| !matches!(state, State::Ready));
        tokio::select! {
            _ = over => {}
            () = self.until_stuck() => {
                self.end_of("it is stuck in its plugin", Level::Warn, true);
            }
        }
    }

    async fn until_stuck(&self) {
        // With a network of its own it may wait in a call of the system's, as vendors' libraries do:
        // each message's own deadline is the bound then.
        if self.launch.seal.grants_network() {
            return std::future::pending().await;
        }
        let mut heard = 0;
        let mut silent = 0;
        while silent < SILENT_LOOKS {
            sleep(LOOK).await;
            let now = self.heard.load(Ordering::Relaxed);
            if now != heard || !self.calls().is_plugins_turn() {
                (heard, silent) = (now, 0);
                continue;
            }
            if silent == 0 {
                let _ = self.outbox.post(&Down::Ping);
            }
            silent += 1;
        }
    }
}
