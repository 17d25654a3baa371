//! The front's end of a host process: its calls, the exchanges it wants carried, and its end.

mod calls;
mod ending;
mod foreign;
mod outbox;
mod said;
mod stuck;
mod trace;

use std::{
    io::{self, ErrorKind},
    process::Child,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use textsender_plugin_api::{Answer, ExchangeError, Level, SendError};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{
    Launch, Refusal,
    frames::{BUILD, Down, Reply, Start, Work},
    os,
    seal::Sealed,
};
use crate::{
    redact::Redactor,
    transport::{Egress, Transports},
};
use calls::{Calls, Ended};
use ending::Killed;
use outbox::Outbox;

pub use trace::Trace;

/// How long a host process has to acknowledge a cancelled call before it is ended.
const GRACE: Duration = Duration::from_millis(500);

/// Why a process is ended that did nothing wrong.
const NO_LONGER_NEEDED: &str = "it is no longer needed";

/// A running host process. Ended when it is dropped.
pub struct HostProcess {
    shared: Arc<Shared>,
    /// Let go of, and not waited for yet.
    let_go: Mutex<Option<Killed>>,
}

struct Shared {
    launch: Launch,
    redactor: Redactor,
    transports: Transports,
    sealed: OnceLock<Sealed>,
    egress: OnceLock<Arc<Egress>>,
    /// `None` once it has been ended.
    child: Mutex<Option<Child>>,
    outbox: Outbox,
    calls: Mutex<Calls>,
    /// How many frames it sent.
    heard: AtomicU64,
    state: watch::Sender<State>,
}

#[derive(Clone)]
enum State {
    Starting,
    Ready,
    Refused(Refusal),
    Ended,
}

/// Why a host process takes no calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotReady {
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
        let transports = Transports::new(launch.http.clone());
        Self::start_with(launch, transports)
    }

    /// Starts one whose exchanges these carry.
    ///
    /// # Errors
    ///
    /// No process can be started.
    pub fn start_with(launch: Launch, transports: Transports) -> io::Result<Self> {
        let (child, down, up) = os::spawn(&launch.seal)?;
        let shared = Arc::new(Shared {
            redactor: Redactor::new(launch.secrets.iter().map(|secret| secret.expose())),
            transports,
            sealed: OnceLock::new(),
            egress: OnceLock::new(),
            child: Mutex::new(Some(child)),
            outbox: Outbox::new(down),
            calls: Mutex::new(Calls::new()),
            heard: AtomicU64::new(0),
            state: watch::Sender::new(State::Starting),
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
            let_go: Mutex::default(),
        };
        // Dropped, it is ended.
        posted?;
        tokio::spawn(shared.clone().write());
        tokio::spawn(shared.clone().watch());
        tokio::spawn(shared.read(up));
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

    /// Whether it has ended or never got ready.
    pub fn is_over(&self) -> bool {
        matches!(
            *self.shared.state.borrow(),
            State::Ended | State::Refused(_)
        )
    }

    /// Whether it said that it can't serve its plugin.
    pub fn is_refused(&self) -> bool {
        matches!(*self.shared.state.borrow(), State::Refused(_))
    }

    /// Whether it finished a call, or began an exchange for one.
    pub fn has_worked(&self) -> bool {
        self.shared.calls().has_worked()
    }

    /// Ends it, as there is nothing more to ask. It is waited for when this is dropped: the kernel may
    /// take its memory back while other things are done.
    pub fn let_go(&self) {
        let killed = self.shared.kill(NO_LONGER_NEEDED, Level::Debug, false);
        if killed.is_some() {
            *lock(&self.let_go) = killed;
        }
    }

    /// Takes leave of the provider.
    pub async fn close(&self) {
        let _ = tokio::time::timeout(GRACE, self.shared.transports.close()).await;
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
    pub async fn ready(&self, deadline: Instant) -> Result<(), NotReady> {
        let mut state = self.shared.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Starting));
        let settled = tokio::time::timeout_at(deadline, settled).await;
        match settled {
            Ok(Ok(state)) => match &*state {
                State::Refused(refusal) => Err(NotReady::Refused(refusal.clone())),
                // It was ready, and has ended since: a call finds out, and may move.
                State::Ended if self.shared.egress.get().is_some() => Ok(()),
                State::Ended => Err(NotReady::Ended),
                State::Starting | State::Ready => Ok(()),
            },
            Ok(Err(_)) => Err(NotReady::Ended),
            Err(_) => Err(NotReady::TimedOut),
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
        let (call, ended, trace) = shared.calls().begin(&work, deadline, granted);
        // Dropped before its end, by whoever gave up on it, the call is taken back.
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
        // It has no call, and holds no more than it needs: it goes at once, and leaves no zombie
        // behind where the runtime ends with it.
        self.let_go();
        if let Some(mut killed) = lock(&self.let_go).take() {
            let status = killed.child.wait();
            killed.tell(status);
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

    async fn write(self: Arc<Self>) {
        let mut state = self.state.subscribe();
        let over = state.wait_for(|state| matches!(state, State::Ended | State::Refused(_)));
        tokio::select! {
            _ = over => {}
            _ = self.outbox.run() => {}
        }
    }

    fn exchanged(&self, call: u64, exchange: u64, result: Result<Answer, ExchangeError>) {
        self.calls().answered(call);
        let posted = self.outbox.post(&Down::Exchanged { exchange, result });
        // A process that is gone no longer waits.
        if posted.is_err_and(|error| error.kind() == ErrorKind::QuotaExceeded) {
            self.end("it does not read what it asked for", Level::Warn);
        }
    }

    /// Takes a call back, and ends the process if it does not let go.
    fn cancel(self: &Arc<Self>, call: u64) {
        self.calls().cancel(call);
        let _ = self.outbox.post(&Down::Cancel { call });
        let shared = self.clone();
        tokio::spawn(async move {
            sleep(GRACE).await;
            if shared.calls().is_cancelling(call) {
                shared.end("it does not let go of a cancelled call", Level::Warn);
            }
        });
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A lock of ours is poisoned only by a panic of ours, after which its content is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
