//! How a host process ends: killed once, its calls answered, waited for.
//!
//! [`watchdog`] ends one that has stopped working.

pub(super) mod watchdog;

use std::{
    io::{self, ErrorKind},
    process::{Child, ExitStatus},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use textsender_plugin_api::Level;
use tokio::{runtime::Handle, sync::watch};

use super::{calls::Calls, lock, warn};
use crate::{budget::Limit, os::process, plugins::Refusal};

/// How long the front, at its own end, waits for a process that was killed: it leaves none behind that
/// was not waited for, unless the kernel needs long to take its memory back.
const LAST_WAIT: Duration = Duration::from_millis(50);

/// How often a process that closed its pipe is asked whether it has ended, and how often in all.
const REAP: Duration = Duration::from_millis(5);
const REAP_TRIES: u32 = 50;

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
    /// Whether it used more of the processors than it may.
    is_greedy: AtomicBool,
}

/// Why a process is ended.
#[derive(Clone, Copy)]
pub(super) struct Reason {
    words: &'static str,
    level: Level,
    /// It was stuck in a call, which would have got no answer until its deadline either.
    is_stuck: bool,
    /// The budget that it used up.
    limit: Option<Limit>,
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
            limit: None,
        }
    }

    /// It used a budget up.
    pub(super) const fn used_up(limit: Limit) -> Self {
        Self {
            limit: Some(limit),
            ..Self::fault("it used a budget up")
        }
    }

    /// It did nothing wrong.
    pub(super) const NO_LONGER_NEEDED: Self = Self {
        words: "it is no longer needed",
        level: Level::Debug,
        is_stuck: false,
        limit: None,
    };

    const STUCK: Self = Self {
        words: "it is stuck in its plugin",
        level: Level::Warn,
        is_stuck: true,
        limit: None,
    };
}

impl Lifecycle {
    /// A process that has just been started.
    pub(super) fn new(sender: &str, child: Child) -> Self {
        Self {
            sender: sender.to_owned(),
            phase: watch::Sender::new(Phase::Starting),
            child: Mutex::new(Some(child)),
            is_greedy: AtomicBool::new(false),
        }
    }

    /// Whether it used more of the processors than it may.
    pub(super) fn is_greedy(&self) -> bool {
        self.is_greedy.load(Ordering::Relaxed)
    }

    /// Notes that it did, and restrains it: each time anew, as its threads start others.
    fn set_greedy(&self) {
        let is_known = self.is_greedy.swap(true, Ordering::Relaxed);
        self.restrain();
        if !is_known {
            let (limit, sender) = (Limit::ProcessorInside, &self.sender);
            let then = limit.then();
            warn(
                sender,
                format_args!("the plugin took more than {limit}: {then}"),
            );
        }
    }

    /// Lets its process run only when no other wants the processor.
    pub(super) fn restrain(&self) {
        if let Some(child) = &*lock(&self.child) {
            process::lower_priority(child.id());
        }
    }

    /// The processor time that it took so far; `None` once it was ended, as its number may be another's then.
    fn processor_time(&self) -> Option<Duration> {
        process::processor_time(lock(&self.child).as_ref()?.id())
    }

    /// How many threads it has, in the same way.
    fn threads(&self) -> Option<u64> {
        process::threads(lock(&self.child).as_ref()?.id())
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

    /// How a process ended that closed its pipe; `None` if it goes on without one.
    pub(super) async fn exit_status(&self) -> Option<ExitStatus> {
        for _ in 0..REAP_TRIES {
            let status = match &mut *lock(&self.child) {
                Some(child) => child.try_wait(),
                None => return None,
            };
            match status {
                Ok(None) => tokio::time::sleep(REAP).await,
                ended => return ended.ok().flatten(),
            }
        }
        None
    }

    /// Ends the process, once: every call that runs has died. It is waited for in a task: the kernel
    /// may need long to take a gigabyte back, and no message waits for that.
    pub(super) fn end(&self, reason: Reason, calls: &Mutex<Calls>) {
        if let Some(killed) = self.kill(reason, calls) {
            killed.wait_aside();
        }
    }

    /// Kills the process and lets its calls die. `None` if that was done, or it had ended by itself.
    pub(super) fn kill(&self, reason: Reason, calls: &Mutex<Calls>) -> Option<Killed> {
        let child = lock(&self.child).take()?;
        if reason.limit.is_some_and(Limit::is_of_processors) {
            self.is_greedy.store(true, Ordering::Relaxed);
        }
        // A refusal stays: it says more than that the process ended, and may not have been read yet.
        let is_refused = !self.phase.send_if_modified(|phase| {
            let says_less = !matches!(phase, Phase::Refused(_));
            if says_less {
                *phase = Phase::Ended;
            }
            says_less
        });
        lock(calls).all_died(reason.is_stuck, reason.limit);
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
    pub(super) async fn wait(mut self) {
        let status = process::ended(&mut self.child).await;
        self.log_end(status);
    }

    /// Has it waited for in a task: nothing that runs here waits for it.
    pub(super) fn wait_aside(self) {
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(self.wait());
            }
            // Without a runtime the front is at its own end.
            Err(_) => self.wait_shortly(),
        }
    }

    fn wait_shortly(mut self) {
        let until = Instant::now() + LAST_WAIT;
        while Instant::now() < until {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(1)),
                status => {
                    let status = status.and_then(|status| status.ok_or(ErrorKind::TimedOut.into()));
                    return self.log_end(status);
                }
            }
        }
    }

    fn log_end(self, status: io::Result<ExitStatus>) {
        let Self { sender, reason, .. } = self;
        let why = match reason.limit {
            Some(limit) => format!("{}: {limit}", reason.words),
            None => reason.words.to_owned(),
        };
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        match reason.level {
            Level::Debug => tracing::debug!(sender, why, status, "host process ended"),
            _ => tracing::warn!(sender, why, status, "host process ended"),
        }
    }
}
