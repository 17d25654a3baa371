//! The watch over a host process: one that neither gets ready nor answers is ended, long before the
//! deadlines of all the messages that wait behind what it is stuck in.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::sleep;

use super::{Phase, Reason};
use crate::plugins::{frames::Down, process::Shared};

/// How long a host process has to load and configure its plugin.
const START: Duration = Duration::from_secs(10);

/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How many looks in a row may find it silent, although it is the plugin's turn. It is pinged at the
/// first of them: one that only waits says so.
const SILENT_LOOKS: u32 = 3;

/// Looks at the process until it ends.
pub(in crate::plugins::process) async fn watch(shared: Arc<Shared>) {
    let mut phase = shared.life.subscribe();
    let started = phase.wait_for(|phase| !matches!(phase, Phase::Starting));
    if tokio::time::timeout(START, started).await.is_err() {
        shared.end(Reason::fault("it did not get ready"));
        return;
    }
    let over = phase.wait_for(|phase| !matches!(phase, Phase::Ready));
    tokio::select! {
        _ = over => {}
        () = until_stuck(&shared) => shared.end(Reason::STUCK),
    }
}

async fn until_stuck(shared: &Shared) {
    // With a network of its own it may wait in a call of the system's, as vendors' libraries do:
    // each message's own deadline is the bound then.
    if shared.launch.seal.grants_network() {
        return std::future::pending().await;
    }
    let mut received = 0;
    let mut silent = 0;
    while silent < SILENT_LOOKS {
        sleep(LOOK).await;
        let now = shared.frames_received.load(Ordering::Relaxed);
        if now != received || !shared.calls().is_plugins_turn() {
            (received, silent) = (now, 0);
            continue;
        }
        if silent == 0 {
            let _ = shared.outbox.post(&Down::Ping);
        }
        silent += 1;
    }
}
