//! The watch over a host process: one that neither gets ready nor answers is ended, long before the
//! deadlines of all the messages that wait behind what it is stuck in; and one that takes more threads or
//! processor time than a plugin has use for.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::sleep;

use super::{Phase, Reason};
use crate::{
    budget::{Limit, PROCESSOR_INSIDE, PROCESSOR_OUTSIDE, THREADS},
    os::process::Usage,
    plugins::{frames::Down, process::Shared},
};

/// How long a host process has to load and configure its plugin.
const START: Duration = Duration::from_secs(10);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How many looks in a row may find it silent, although it is the plugin's turn. It is pinged at the
/// first of them: one that only waits says so.
const SILENT_LOOKS: u32 = 12;

/// Over how many looks processor time is counted.
const COUNTED_LOOKS: u32 = 4;

/// Processor time for each frame that it sends: a busy stream's process is no spinner.
const PER_FRAME: Duration = Duration::from_millis(2);

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
        reason = look(&shared) => shared.end(reason),
    }
}

/// Looks at it until there is a reason to end it.
async fn look(shared: &Shared) -> Reason {
    let mut silence = Silence::default();
    // Counted from the first look on: one send is over by then.
    let mut consumption = None;
    loop {
        sleep(LOOK).await;
        if silence.is_too_long(shared) {
            return Reason::STUCK;
        }
        let Some(usage) = shared.life.usage() else {
            continue;
        };
        let consumption = consumption.get_or_insert_with(|| Consumption::since(shared, usage));
        if let Some(limit) = consumption.exceeds(shared, usage) {
            return Reason::used_up(limit);
        }
    }
}

/// How long it has said nothing.
#[derive(Default)]
struct Silence {
    frames: u64,
    looks: u32,
}

impl Silence {
    fn is_too_long(&mut self, shared: &Shared) -> bool {
        // With a network of its own it may wait in a call of the system's, as vendors' libraries do:
        // each message's own deadline is the bound then.
        if shared.launch.seal.grants_network() {
            return false;
        }
        let frames = shared.frames_received.load(Ordering::Relaxed);
        if frames != self.frames || !shared.calls().is_plugins_turn() {
            *self = Self { frames, looks: 0 };
            return false;
        }
        if self.looks == 0 {
            let _ = shared.outbox.post(&Down::Ping);
        }
        self.looks += 1;
        self.looks == SILENT_LOOKS
    }
}

/// What it has used since the counting began.
struct Consumption {
    looks: u32,
    processor: Duration,
    frames: u64,
    calls: u64,
    was_idle: bool,
}

impl Consumption {
    fn since(shared: &Shared, usage: Usage) -> Self {
        let calls = shared.calls();
        Self {
            looks: 0,
            processor: usage.processor,
            frames: shared.frames_received.load(Ordering::Relaxed),
            calls: calls.count(),
            was_idle: calls.is_idle(),
        }
    }

    /// The budget that it used up, if it is to be ended for it.
    fn exceeds(&mut self, shared: &Shared, usage: Usage) -> Option<Limit> {
        if usage.threads.is_some_and(|threads| threads > THREADS) {
            return Some(Limit::Threads);
        }
        let used = usage.processor.saturating_sub(self.processor);
        let frames = shared.frames_received.load(Ordering::Relaxed) - self.frames;
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        // At once: by the end of the second, others would have waited for all of it.
        if used > Duration::from_millis(PROCESSOR_INSIDE) + PER_FRAME.saturating_mul(frames) {
            shared.life.set_greedy();
        }
        self.looks += 1;
        if self.looks <= COUNTED_LOOKS {
            return None;
        }
        let before = std::mem::replace(self, Self::since(shared, usage));
        self.looks = 1;
        let was_idle = before.was_idle && self.was_idle && before.calls == self.calls;
        let is_spinning = used > Duration::from_millis(PROCESSOR_OUTSIDE);
        (was_idle && is_spinning).then_some(Limit::ProcessorOutside)
    }
}
