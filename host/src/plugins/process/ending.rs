//! The end of a host process: killed once, its calls told, waited for.

use std::{
    io,
    process::{Child, ExitStatus},
    time::Duration,
};

use textsender_plugin_api::Level;
use tokio::{runtime::Handle, time::sleep};

use super::{Shared, State, lock};

/// How often a process that was killed is asked whether it has ended.
const REAP: Duration = Duration::from_millis(5);

/// A process that was killed, and has to be waited for.
pub(super) struct Killed {
    pub(super) child: Child,
    sender: String,
    why: &'static str,
    level: Level,
}

impl Shared {
    /// Ends the process, once: every call that runs has died.
    pub(super) fn end(&self, why: &'static str, level: Level) {
        self.end_of(why, level, false);
    }

    /// The same; `is_stuck` in a call. It is waited for in a task: the kernel may need long to give a
    /// gigabyte back, and nobody's message waits for that.
    pub(super) fn end_of(&self, why: &'static str, level: Level, is_stuck: bool) {
        let Some(mut killed) = self.kill(why, level, is_stuck) else {
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
            killed.tell(status);
        });
    }

    /// Kills the process and lets its calls die. `None` if that was done, or it had ended by itself.
    pub(super) fn kill(&self, why: &'static str, level: Level, is_stuck: bool) -> Option<Killed> {
        let child = lock(&self.child).take()?;
        // A refusal stays: it says more than that the process ended, and may not have been read yet.
        let is_refused = !self.state.send_if_modified(|state| {
            let says_less = !matches!(state, State::Refused(_));
            if says_less {
                *state = State::Ended;
            }
            says_less
        });
        self.calls().all_died(is_stuck);
        let mut killed = Killed {
            child,
            sender: self.launch.sender.clone(),
            why,
            level: if is_refused { Level::Debug } else { level },
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
        killed.tell(status);
        None
    }
}

impl Killed {
    pub(super) fn tell(self, status: io::Result<ExitStatus>) {
        let Self {
            sender, why, level, ..
        } = self;
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        match level {
            Level::Debug => tracing::debug!(sender, why, status, "host process ended"),
            _ => tracing::warn!(sender, why, status, "host process ended"),
        }
    }
}
