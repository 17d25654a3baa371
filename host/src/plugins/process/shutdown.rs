//! How a host process ends: killed once, its calls answered, waited for.
//!
//! [`watchdog`] ends one that has stopped working.

pub(super) mod watchdog;

use std::{
    io,
    process::{Child, ExitStatus},
    sync::Mutex,
    time::Duration,
};

use textsender_plugin_api::Level;
use tokio::{runtime::Handle, sync::watch, time::sleep};

use super::{calls::Calls, lock};
use crate::plugins::Refusal;

/// How often a process that was killed is asked whether it has ended.
const REAP: Duration = Duration::from_millis(5);

/// How far a host process has come.
#[derive(Clone)]
pub(super) enum Phase {
    Starting,
    Ready,
    Refused(Refusal),
    Ended,
}

/// The life of one host process: its phase, and its end.
pub(super) struct Lifecycle {
    sender: String,
    phase: watch::Sender<Phase>,
    /// `None` once it has been ended.
    child: Mutex<Option<Child>>,
}

/// Why a process is ended.
#[derive(Clone, Copy)]
pub(super) struct Reason {
    words: &'static str,
    level: Level,
    /// It was stuck in a call, which would have got no answer until its deadline either.
    is_stuck: bool,
}

/// A process that was killed, and has to be waited for.
pub(super) struct Killed {
    child: Child,
    sender: String,
    reason: Reason,
}

impl Reason {
    /// It did what it may not.
    pub(super) const fn fault(words: &'static str) -> Self {
        Self {
            words,
            level: Level::Warn,
            is_stuck: false,
        }
    }

    /// It did nothing wrong.
    pub(super) const NO_LONGER_NEEDED: Self = Self {
        words: "it is no longer needed",
        level: Level::Debug,
        is_stuck: false,
    };

    const STUCK: Self = Self {
        words: "it is stuck in its plugin",
        level: Level::Warn,
        is_stuck: true,
    };
}

impl Lifecycle {
    /// A process that has just been started.
    pub(super) fn new(sender: &str, child: Child) -> Self {
        Self {
            sender: sender.to_owned(),
            phase: watch::Sender::new(Phase::Starting),
            child: Mutex::new(Some(child)),
        }
    }

    pub(super) fn phase(&self) -> watch::Ref<'_, Phase> {
        self.phase.borrow()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    pub(super) fn is_starting(&self) -> bool {
        matches!(*self.phase(), Phase::Starting)
    }

    /// Whether it has ended or never got ready.
    pub(super) fn is_over(&self) -> bool {
        matches!(*self.phase(), Phase::Ended | Phase::Refused(_))
    }

    /// Notes that its plugin is loaded and configured.
    pub(super) fn set_ready(&self) {
        self.phase.send_replace(Phase::Ready);
    }

    /// Notes why it does not serve its plugin.
    pub(super) fn set_refused(&self, refusal: Refusal) {
        self.phase.send_replace(Phase::Refused(refusal));
    }

    /// Waits until it is over.
    pub(super) async fn over(&self) {
        let mut phase = self.subscribe();
        let over = phase.wait_for(|phase| matches!(phase, Phase::Ended | Phase::Refused(_)));
        // Its sender is here, and outlives this borrow.
        let _ = over.await;
    }

    /// Ends the process, once: every call that runs has died. It is waited for in a task: the kernel
    /// may need long to take a gigabyte back, and no message waits for that.
    pub(super) fn end(&self, reason: Reason, calls: &Mutex<Calls>) {
        let Some(mut killed) = self.kill(reason, calls) else {
            return;
        };
        // Without a runtime the front is at its own end.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            let status = loop {
                match killed.child.try_wait() {
                    Ok(None) => sleep(REAP).await,
                    Ok(Some(status)) => break Ok(status),
                    Err(error) => break Err(error),
                }
            };
            killed.log_end(status);
        });
    }

    /// Kills the process and lets its calls die. `None` if that was done, or it had ended by itself.
    pub(super) fn kill(&self, reason: Reason, calls: &Mutex<Calls>) -> Option<Killed> {
        let child = lock(&self.child).take()?;
        // A refusal stays: it says more than that the process ended, and may not have been read yet.
        let is_refused = !self.phase.send_if_modified(|phase| {
            let says_less = !matches!(phase, Phase::Refused(_));
            if says_less {
                *phase = Phase::Ended;
            }
            says_less
        });
        lock(calls).all_died(reason.is_stuck);
        let level = match is_refused {
            true => Level::Debug,
            false => reason.level,
        };
        let mut killed = Killed {
            child,
            sender: self.sender.clone(),
            reason: Reason { level, ..reason },
        };
        // One that ended by itself has a status that says more.
        let status = match killed.child.try_wait() {
            Ok(None) => match killed.child.kill() {
                Ok(()) => return Some(killed),
                Err(error) => Err(error),
            },
            Ok(Some(status)) => Ok(status),
            Err(error) => Err(error),
        };
        killed.log_end(status);
        None
    }
}

impl Killed {
    /// Waits for its end.
    pub(super) fn wait(mut self) {
        let status = self.child.wait();
        self.log_end(status);
    }

    fn log_end(self, status: io::Result<ExitStatus>) {
        let Self { sender, reason, .. } = self;
        let why = reason.words;
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        match reason.level {
            Level::Debug => tracing::debug!(sender, why, status, "host process ended"),
            _ => tracing::warn!(sender, why, status, "host process ended"),
        }
    }
}
