//! The front's end of a host process: its calls, the exchanges it wants carried, and its end.

mod calls;
mod foreign;
mod outbox;
mod trace;

use std::{
    io,
    process::Child,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use textsender_plugin_api::{
    Answer, ExchangeError, FailureKind, Level, PluginInfo, SendError, Stage,
};
use tokio::{net::unix::pipe, sync::watch, time::Instant};

use super::{
    Launch, Refusal,
    frames::{BUILD, Down, FrameReader, Reply, Start, Up, Work},
    os,
    seal::Sealed,
};
use crate::{
    redact::Redactor,
    transport::{Egress, Transports},
};
use calls::{Calls, Ended};
use outbox::Outbox;

pub use trace::Trace;

/// How long a host process has to acknowledge a cancelled call before it is ended.
const GRACE: Duration = Duration::from_millis(500);

/// A running host process. Ended when it is dropped.
pub struct HostProcess {
    shared: Arc<Shared>,
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
            state: watch::Sender::new(State::Starting),
            launch,
        });
        let launch = &shared.launch;
        shared.outbox.post(&Down::Start(Start {
            build: BUILD.into(),
            library: launch.library.clone(),
            plugin: launch.plugin.clone(),
            settings: launch.settings.clone(),
            max_level: launch.max_level,
            approved: launch.pin.as_ref().map(|pin| pin.checksum),
            seal: launch.seal.clone(),
        }))?;
        tokio::spawn(shared.clone().write());
        tokio::spawn(shared.clone().read(up));
        Ok(Self { shared })
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

    /// Whether it finished a call.
    pub fn has_served(&self) -> bool {
        self.shared.calls().has_served()
    }

    /// Takes leave of the provider, and lets the process go.
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
                State::Ended => Err(NotReady::Ended),
                State::Starting | State::Ready => Ok(()),
            },
            Ok(Err(_)) => Err(NotReady::Ended),
            Err(_) => Err(NotReady::TimedOut),
        }
    }

    /// Asks the plugin to do something, until the deadline.
    pub async fn call(&self, work: Work, deadline: Instant) -> CallEnd {
        let shared = &self.shared;
        let granted = shared.launch.seal.grants_network();
        let (call, ended, trace) = shared.calls().begin(&work, deadline, granted);
        // Dropped before its end, by whoever gave up on it, the call is taken back.
        let mut guard = CallGuard {
            shared,
            call,
            armed: true,
        };
        if self.is_over() || shared.outbox.post(&Down::Call { call, work }).is_err() {
            // It was not handed over: nothing can have left.
            return CallEnd {
                result: CallResult::Died,
                trace: Trace::default(),
            };
        }
        let ended = tokio::time::timeout_at(deadline, ended).await;
        guard.armed = ended.is_err();
        let result = match ended {
            Ok(Ok(Ended::Done(result))) => result,
            Ok(Ok(Ended::Died) | Err(_)) => CallResult::Died,
            Err(_) => CallResult::TimedOut,
        };
        CallEnd { result, trace }
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        self.shared.end("it is no longer needed", Level::Debug);
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

    /// Reads frames until the process ends or says something that it may not.
    async fn read(self: Arc<Self>, pipe: pipe::Receiver) {
        let mut frames = FrameReader::new(pipe);
        loop {
            let fault = match frames.next().await {
                Ok(Some(frame)) => match self.take(frame) {
                    Ok(()) => continue,
                    Err(fault) => fault,
                },
                Ok(None) => "it ended",
                Err(_) => "it broke the frames' form",
            };
            self.end(fault, Level::Warn);
            return;
        }
    }

    /// Takes one frame. What does not fit is a fault that ends the process.
    fn take(self: &Arc<Self>, frame: Up) -> Result<(), &'static str> {
        match frame {
            Up::Sealed(sealed) => self.got_sealed(sealed),
            Up::Ready { build, info } => self.got_ready(&build, info),
            Up::Described(_) => Err("it describes what it was not asked to"),
            Up::Refused(refusal)
                if self.sealed.get().is_some() && refusal.is_settled_before_seal() =>
            {
                Err("it says of its file what was settled before")
            }
            Up::Refused(refusal) => {
                let refusal = refusal.cleaned(&self.redactor);
                self.state.send_replace(State::Refused(refusal));
                Ok(())
            }
            Up::Exchange {
                call,
                exchange,
                request,
            } => {
                let Some(open) = self.calls().exchange(call, request.delivers())? else {
                    let error = ExchangeError::new(Stage::NotSent, FailureKind::Unsupported);
                    self.exchanged(exchange, Err(error));
                    return Ok(());
                };
                let egress = self
                    .egress
                    .get()
                    .ok_or("it wants an exchange before it is ready")?;
                let (shared, egress) = (self.clone(), egress.clone());
                let task = tokio::spawn(async move {
                    let carried =
                        shared
                            .transports
                            .carry(request, &egress, open.deadline, &open.progress);
                    let result = carried.await;
                    shared.exchanged(exchange, result);
                });
                self.calls().carrying(call, task.abort_handle());
                Ok(())
            }
            Up::Log { level, line } => {
                self.log(level, &line);
                Ok(())
            }
            Up::Done { call, result } => {
                // Before the call is forgotten, and with it what may not be shown.
                let result = self.cleaned(call, result);
                self.calls().done(call, result)
            }
            Up::Cancelled { call } => self.calls().cancelled(call),
        }
    }

    fn got_sealed(&self, sealed: Sealed) -> Result<(), &'static str> {
        let (sender, plan) = (self.launch.sender.as_str(), &self.launch.seal);
        tracing::debug!(sender, %sealed, "sealed");
        for lack in sealed.lacks(plan) {
            tracing::debug!(sender, "the plugin is not wholly sealed: {lack}");
        }
        self.sealed.set(sealed).map_err(|_| "it was sealed twice")
    }

    fn got_ready(&self, build: &str, info: PluginInfo) -> Result<(), &'static str> {
        if build != BUILD || info.id != self.launch.plugin {
            return Err("it is another build's");
        }
        if self.sealed.get().is_none() {
            return Err("it got ready before it was sealed");
        }
        if let Some(pin) = &self.launch.pin {
            let unapproved = pin.unapproved(&info.hosts);
            if !unapproved.is_empty() {
                let hosts = unapproved.into_iter().map(|host| self.clean(host));
                let refusal = Refusal::Hosts(hosts.collect());
                self.state.send_replace(State::Refused(refusal));
                return Err("it declares hosts that nobody approved");
            }
        }
        let egress = Arc::new(Egress::new(info.hosts, self.launch.hosts.clone()));
        self.egress.set(egress).map_err(|_| "it got ready twice")?;
        self.state.send_replace(State::Ready);
        Ok(())
    }

    fn exchanged(&self, exchange: u64, result: Result<Answer, ExchangeError>) {
        // A process that is gone no longer waits.
        let _ = self.outbox.post(&Down::Exchanged { exchange, result });
    }

    /// Takes a call back, and ends the process if it does not let go.
    fn cancel(self: &Arc<Self>, call: u64) {
        self.calls().cancel(call);
        let _ = self.outbox.post(&Down::Cancel { call });
        let shared = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            if shared.calls().is_cancelling(call) {
                shared.end("it does not let go of a cancelled call", Level::Warn);
            }
        });
    }

    /// Ends the process, once: every call that runs has died.
    fn end(&self, why: &str, level: Level) {
        let Some(mut child) = lock(&self.child).take() else {
            return;
        };
        // A refusal stays: it says more than that the process ended, and may not have been read yet.
        let is_refused = !self.state.send_if_modified(|state| {
            let says_less = !matches!(state, State::Refused(_));
            if says_less {
                *state = State::Ended;
            }
            says_less
        });
        let level = if is_refused { Level::Debug } else { level };
        // It may have ended by itself: then there is nothing to kill, and its status says more.
        let status = match child.try_wait() {
            Ok(Some(status)) => Some(status),
            _ => child.kill().and_then(|()| child.wait()).ok(),
        };
        let sender = self.launch.sender.as_str();
        let status = status.map(|status| status.to_string()).unwrap_or_default();
        match level {
            Level::Debug => tracing::debug!(sender, why, status, "host process ended"),
            _ => tracing::warn!(sender, why, status, "host process ended"),
        }
        self.calls().all_died();
    }

    /// Logs a plugin's line, as the foreign text that it is.
    fn log(&self, level: Level, line: &str) {
        let Some(suppressed) = self.calls().may_log() else {
            return;
        };
        let (sender, line) = (self.launch.sender.as_str(), self.clean(line));
        match level {
            Level::Error => tracing::error!(sender, "plugin: {line}"),
            Level::Warn => tracing::warn!(sender, "plugin: {line}"),
            Level::Info => tracing::info!(sender, "plugin: {line}"),
            Level::Debug => tracing::debug!(sender, "plugin: {line}"),
            Level::Trace => tracing::trace!(sender, "plugin: {line}"),
        }
        if suppressed {
            tracing::warn!(
                sender,
                "the plugin logs too much: its further lines are dropped"
            );
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A lock of ours is poisoned only by a panic of ours, after which its content is still whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
