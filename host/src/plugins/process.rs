//! The front's end of a host process.
//!
//! | | |
//! |---|---|
//! | `calls` | what it was asked and has not answered |
//! | `hosts` | to whom the plugin may talk |
//! | `ids` | the form of its provider's ids |
//! | `outbox` | what goes to it |
//! | `inbound` | what comes from it, believed as far as it fits |
//! | `shutdown` | how it ends, and what ends it |
//! | `trace` | what left this machine for one call |
//! | `withheld` | what may not be shown, and how much it may say |

mod calls;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod hosts;
mod ids;
mod inbound;
mod outbox;
mod shutdown;
mod trace;
mod withheld;

use std::{
    fmt,
    io::{self, ErrorKind},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use textsender_plugin_api::{Answer, ExchangeError, SendError};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{
    DeclaredHosts, Launch, Refusal, Sealed,
    frames::{BUILD, Down, Reply, Start, Work},
};
use crate::{
    budget::Budget,
    net::Share,
    os::{process, seal::Lack},
    transport::Transports,
};
use calls::{Calls, Ended};
use hosts::OpenHosts;
use ids::DeclaredIds;
use outbox::Outbox;
use shutdown::{Killed, Lifecycle, Phase, Reason, watchdog};

use withheld::Withheld;

pub use trace::Trace;

/// How long a host process has to acknowledge a cancelled call before it is ended.
const GRACE: Duration = Duration::from_millis(500);

/// How long a process that is closed may take: its caller has the answer, and waits for the end.
const GOODBYE: Duration = Duration::from_millis(100);

/// A running host process. Ended when it is dropped.
pub struct HostProcess {
    shared: Arc<Shared>,
    /// Released, and not waited for yet.
    released: Mutex<Option<Killed>>,
}

/// What the tasks of one host process share.
struct Shared {
    launch: Launch,
    withheld: Mutex<Withheld>,
    budget: Budget,
    transports: Transports,
    sealed: OnceLock<Sealed>,
    hosts: OpenHosts,
    ids: DeclaredIds,
    outbox: Outbox,
    calls: Mutex<Calls>,
    /// How many frames it sent, but for log lines.
    frames_received: AtomicU64,
    /// Told when something is asked of it, or an answer handed to it: its plugin has something to do.
    asked: Notify,
    life: Lifecycle,
}

/// Why a host process takes no calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartupError {
    /// It says why.
    Refused(Refusal),
    /// It ended before it was ready.
    Ended,
    /// It was not ready in time.
    TimedOut,
}

/// How a call ended, and what left this machine for it.
pub struct CallEnd {
    /// What the plugin says of it, if it got to say anything.
    pub result: CallResult,
    /// Its exchanges.
    pub trace: Trace,
}

/// What a plugin says of a call. All text in it is bounded and redacted.
pub enum CallResult {
    /// A reply.
    Replied(Reply),
    /// An error with a verdict.
    Failed(SendError),
    /// The plugin panicked.
    Panicked,
    /// The plugin is older than what it was asked for, and was not asked.
    TooOld,
    /// The host process ended.
    Died,
    /// Nothing, until the deadline.
    TimedOut,
}

impl HostProcess {
    /// Starts a host process. It gets ready in its own time: see [`HostProcess::ready`].
    ///
    /// # Errors
    ///
    /// No process can be started.
    pub fn start(launch: Launch) -> io::Result<Self> {
        let transports = Transports::new(launch.http.clone(), Share::default());
        Self::start_with(launch, transports, None)
    }

    /// Starts one whose exchanges these carry. Hosts that were not `declared` before are warned of.
    ///
    /// # Errors
    ///
    /// No process can be started.
    pub fn start_with(
        launch: Launch,
        transports: Transports,
        declared: Option<DeclaredHosts>,
    ) -> io::Result<Self> {
        let (child, down, up) = process::spawn(&launch.seal)?;
        let secrets = launch.secrets.iter().map(|secret| secret.expose());
        let shared = Arc::new(Shared {
            withheld: Mutex::new(Withheld::new(secrets)),
            budget: Budget::default(),
            transports,
            sealed: OnceLock::new(),
            hosts: OpenHosts::new(declared),
            ids: DeclaredIds::default(),
            outbox: Outbox::new(down),
            calls: Mutex::new(Calls::new()),
            frames_received: AtomicU64::new(0),
            asked: Notify::new(),
            life: Lifecycle::new(&launch.sender, child),
            launch,
        });
        let launch = &shared.launch;
        let posted = shared.outbox.post(&Down::Start(Start {
            build: BUILD.into(),
            library: launch.library.clone(),
            plugin: launch.plugin.clone(),
            settings: launch.settings.clone(),
            max_level: launch.max_level,
            approved: launch.pin.as_ref().map(|pin| pin.checksum),
            seal: launch.seal.clone(),
        }));
        let process = Self {
            shared: shared.clone(),
            released: Mutex::default(),
        };
        // Dropped, it is ended.
        posted?;
        tokio::spawn(shared.clone().write());
        tokio::spawn(watchdog::watch(shared.clone()));
        tokio::spawn(inbound::read(shared, up));
        Ok(process)
    }

    /// What it was started with.
    pub fn launch(&self) -> &Launch {
        &self.shared.launch
    }

    /// How far the kernel seals it; `None` until it says so.
    pub fn sealed(&self) -> Option<Sealed> {
        self.shared.sealed.get().copied()
    }

    /// What it lacks of its seal; `None` until it says so.
    pub fn lacks(&self) -> Option<Vec<Lack>> {
        Some(self.sealed()?.lacks(&self.launch().seal))
    }

    /// Whether it has ended or never got ready.
    pub fn is_over(&self) -> bool {
        self.shared.life.is_over()
    }

    /// Whether it said that it can't serve its plugin.
    pub fn is_refused(&self) -> bool {
        matches!(*self.shared.life.phase(), Phase::Refused(_))
    }

    /// Whether it used more of the processors than it may.
    pub fn is_greedy(&self) -> bool {
        self.shared.life.is_greedy()
    }

    /// Lets it run only when no other wants the processor.
    pub fn restrain(&self) {
        self.shared.life.restrain();
    }

    /// Whether it finished a call, or began an exchange for one.
    pub fn has_worked(&self) -> bool {
        self.shared.calls().has_worked()
    }

    /// Ends it, as there is nothing more to ask. It is waited for when this is dropped: the kernel may
    /// take its memory back while other things are done.
    pub fn release(&self) {
        let Shared { life, calls, .. } = &*self.shared;
        let killed = life.kill(Reason::NO_LONGER_NEEDED, calls);
        if killed.is_some() {
            *lock(&self.released) = killed;
        }
    }

    /// Takes leave of the provider, and waits for the end of a process that was [released](Self::release).
    pub async fn close(&self) {
        let killed = lock(&self.released).take();
        let leave = async {
            if let Some(killed) = killed {
                killed.wait().await;
            }
            self.shared.hosts.are_kept().await;
            self.shared.transports.close().await;
        };
        let _ = tokio::time::timeout(GOODBYE, leave).await;
    }

    /// How long it has had no call; `None` while it has one.
    pub fn idle_for(&self) -> Option<Duration> {
        self.shared
            .calls()
            .idle_since()
            .map(|since| since.elapsed())
    }

    /// Waits until the plugin is loaded and configured.
    ///
    /// # Errors
    ///
    /// It is not, and will not be, or not in time.
    pub async fn ready(&self, deadline: Instant) -> Result<(), StartupError> {
        let mut phase = self.shared.life.subscribe();
        let settled = phase.wait_for(|phase| !matches!(phase, Phase::Starting));
        let settled = tokio::time::timeout_at(deadline, settled).await;
        match settled {
            Ok(Ok(phase)) => match &*phase {
                Phase::Refused(refusal) => Err(StartupError::Refused(refusal.clone())),
                // It was ready, and has ended since: a call finds out, and may move.
                Phase::Ended if self.shared.hosts.are_known() => Ok(()),
                Phase::Ended => Err(StartupError::Ended),
                Phase::Starting | Phase::Ready => Ok(()),
            },
            Ok(Err(_)) => Err(StartupError::Ended),
            Err(_) => Err(StartupError::TimedOut),
        }
    }

    /// Asks the plugin to do something, until the deadline.
    pub async fn call(&self, work: Work, deadline: Instant) -> CallEnd {
        // A trace of its own, as of this call nothing left.
        self.try_call(work, deadline).await.unwrap_or(CallEnd {
            result: CallResult::Died,
            trace: Trace::default(),
        })
    }

    /// The same; `None` if the process ended through no doing of this call, and before anything of it
    /// left: another process may be asked.
    pub async fn try_call(&self, work: Work, deadline: Instant) -> Option<CallEnd> {
        if self.is_over() {
            return None;
        }
        let shared = &self.shared;
        let granted = shared.launch.seal.grants_network();
        let (call, ended, trace) = shared.calls().begin(deadline, granted);
        shared.withheld().begin(call, &work);
        shared.asked.notify_waiters();
        // Dropped before its end, as it is no longer wanted, the call is taken back.
        let mut guard = CallGuard {
            shared,
            call,
            armed: true,
        };
        match shared.outbox.post(&Down::Call { call, work }) {
            Ok(()) => {}
            // It has ended, and may have said more than was read yet: its end comes after that.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            // It was not handed over: nothing can have left.
            Err(_) => {
                return Some(CallEnd {
                    result: CallResult::Died,
                    trace: Trace::default(),
                });
            }
        }
        let ended = tokio::time::timeout_at(deadline, ended).await;
        guard.armed = ended.is_err();
        let result = match ended {
            Ok(Ok(Ended::Done(result))) => result,
            Ok(Ok(Ended::Died { of_it: false }))
                if !trace.was_written() && !trace.has_own_network() =>
            {
                return None;
            }
            Ok(Ok(Ended::Died { .. }) | Err(_)) => CallResult::Died,
            Err(_) => CallResult::TimedOut,
        };
        Some(CallEnd { result, trace })
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        self.release();
        if let Some(killed) = lock(&self.released).take() {
            killed.wait_aside();
        }
    }
}

/// Takes a call back when it is dropped.
struct CallGuard<'a> {
    shared: &'a Arc<Shared>,
    call: u64,
    armed: bool,
}

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.shared.cancel(self.call);
        }
    }
}

impl Shared {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        lock(&self.calls)
    }

    fn withheld(&self) -> MutexGuard<'_, Withheld> {
        lock(&self.withheld)
    }

    async fn write(self: Arc<Self>) {
        tokio::select! {
            () = self.life.over() => {}
            _ = self.outbox.run() => {}
        }
    }

    /// Ends the process.
    fn end(&self, reason: Reason) {
        self.life.end(reason, &self.calls);
    }

    fn exchanged(&self, call: u64, exchange: u64, result: Result<Answer, ExchangeError>) {
        self.calls().answered(call);
        self.asked.notify_waiters();
        let posted = self.outbox.post(&Down::Exchanged { exchange, result });
        // A process that is gone no longer waits.
        if posted.is_err_and(|error| error.kind() == ErrorKind::QuotaExceeded) {
            self.end(Reason::fault("it does not read what it asked for"));
        }
    }

    /// Takes a call back, and ends the process if it does not let go.
    fn cancel(self: &Arc<Self>, call: u64) {
        self.calls().cancel(call);
        self.withheld().end(call);
        let _ = self.outbox.post(&Down::Cancel { call });
        let shared = self.clone();
        tokio::spawn(async move {
            sleep(GRACE).await;
            if shared.calls().is_cancelling(call) {
                shared.end(Reason::fault("it does not let go of a cancelled call"));
            }
        });
    }
}

/// Warns of what a sender's plugin or its process did: one place in the file for all of them.
fn warn(sender: &str, words: fmt::Arguments<'_>) {
    tracing::warn!(sender, "{words}");
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A lock of ours is poisoned only by a panic of ours, after which its content is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
