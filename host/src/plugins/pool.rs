//! The host processes of all senders: started when first needed, kept, and started again with
//! growing pauses when they fail.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::join_all;
use textsender_plugin_api::Level;
use tokio::time::Instant;

use super::{
    CallEnd, DeclaredHosts, HostProcess, Launch, Work, launch, process::lock, startup_error,
};
use crate::{
    budget::RESTRAINED,
    config::{Config, Fingerprint, Trust},
    net::Share,
    os::process::spawn_failure,
    protocol::{ErrorCode, Failure},
    transport::Transports,
};

/// The longest pause before a host process that keeps failing is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pause after the second failure in a row; doubled for each one after.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest pause that a message waits for. For a longer one its failure says how long it is, so
/// that another sender may be asked.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How long a refusal stands before the plugin is tried again. Edits are noticed at once; what is
/// repaired elsewhere, such as a folder's mode, shows in no file that is watched.
const REFUSAL: Duration = Duration::from_secs(1);

/// Host processes by sender.
pub struct Pool {
    config: Mutex<Arc<Config>>,
    state: PathBuf,
    max_level: Level,
    slots: Mutex<HashMap<String, Slot>>,
}

/// One sender's process, and how the last ones fared.
#[derive(Default)]
struct Slot {
    process: Option<Arc<HostProcess>>,
    /// When the process was started.
    started: Option<Instant>,
    /// Whether the log says why the process takes no calls.
    is_logged: bool,
    /// What the files looked like that the process was started with.
    files: Fingerprint,
    /// Failures in a row of processes that did nothing for any call.
    failures: u32,
    /// No process is started before.
    not_before: Option<Instant>,
    /// When a process ended that had used more of the processors than it may.
    was_greedy: Option<Instant>,
    /// What it may take of the network, whichever process runs.
    share: Share,
}

impl Pool {
    /// A pool for the senders of a configuration, with secrets in the state folder.
    pub fn new(config: Arc<Config>, state: PathBuf, max_level: Level) -> Self {
        Self {
            config: Mutex::new(config),
            state,
            max_level,
            slots: Mutex::default(),
        }
    }

    /// The sender's host process, started now if none runs.
    ///
    /// # Errors
    ///
    /// It can't be started, or failed so often that it has to wait.
    pub fn process(&self, sender: &str) -> Result<Arc<HostProcess>, Failure> {
        let mut slots = lock(&self.slots);
        let slot = match slots.get_mut(sender) {
            Some(slot) => slot,
            None => slots.entry(sender.to_owned()).or_default(),
        };
        if let Some(process) = &slot.process {
            let is_fresh = slot.started.is_some_and(|time| time.elapsed() < REFUSAL);
            if !process.is_over() || (process.is_refused() && is_fresh) {
                return Ok(process.clone());
            }
            slot.forget();
        }
        if let Some(pause) = slot.pause() {
            let failures = slot.failures;
            let detail = format!("sender {sender}: it failed {failures} times in a row");
            return Err(Failure::with_detail(ErrorCode::PluginFailed, detail).after(Some(pause)));
        }
        let config = lock(&self.config).clone();
        // Before they are read, so that an edit in between is noticed later.
        slot.files = Fingerprint::of(launch::files(&config, &self.state, sender));
        let launch = Launch::of(&config, &self.state, sender, self.max_level)?;
        let declared = self.declared(&config, sender)?;
        let transports = Transports::new(launch.http.clone(), slot.share.clone());
        let process = HostProcess::start_with(launch, transports, declared).map_err(|error| {
            let (words, passes) = spawn_failure(&error);
            let detail = format!("sender {sender}: no host process can be started: {words}");
            let code = match passes {
                true => ErrorCode::PluginFailed,
                false => ErrorCode::ForbiddenBySandbox,
            };
            Failure::with_detail(code, detail)
        })?;
        if slot.was_greedy.is_some_and(|at| at.elapsed() < RESTRAINED) {
            process.restrain();
        }
        let process = Arc::new(process);
        slot.process = Some(process.clone());
        slot.started = Some(Instant::now());
        slot.is_logged = false;
        Ok(process)
    }

    /// What its plugin declared before; `None` where only approved hosts are used.
    fn declared(&self, config: &Config, sender: &str) -> Result<Option<DeclaredHosts>, Failure> {
        let configured = config.senders.get(sender);
        let configured = configured.filter(|_| config.plugins.trust == Trust::Owner);
        let read = configured.map(|it| DeclaredHosts::read(config, &self.state, sender, it));
        read.transpose().map_err(|error| {
            let detail = format!("sender {sender}: {error}");
            Failure::with_detail(ErrorCode::LedgerUnusable, detail)
        })
    }

    /// The sender's host process, once its plugin is loaded and configured. A short pause before its
    /// start is waited for.
    ///
    /// # Errors
    ///
    /// It is not, and why.
    pub async fn ready(
        &self,
        sender: &str,
        deadline: Instant,
    ) -> Result<Arc<HostProcess>, Failure> {
        let process = loop {
            match self.process(sender) {
                Ok(process) => break process,
                Err(failure) => {
                    let pause = failure.retry_after.filter(|pause| *pause <= LONGEST_WAIT);
                    let start = pause.map(|pause| Instant::now() + pause);
                    let start = start.filter(|start| *start < deadline).ok_or(failure)?;
                    tokio::time::sleep_until(start).await;
                }
            }
        };
        match process.ready(deadline).await {
            Ok(()) => Ok(process),
            Err(reason) => {
                if self.is_news(sender) {
                    startup_error::log_cause(process.launch(), &reason);
                }
                let Launch {
                    sender,
                    plugin,
                    library,
                    ..
                } = process.launch();
                Err(reason.failure(sender, plugin, library))
            }
        }
    }

    /// What the sender's process lacks of its seal, in words: none if nothing. `None` while that is not known.
    pub fn unsealed(&self, sender: &str) -> Option<String> {
        let lacks = lock(&self.slots).get(sender)?.process.as_ref()?.lacks()?;
        let words: Vec<_> = lacks.iter().map(ToString::to_string).collect();
        Some(words.join("; "))
    }

    /// Whether this is the first message that the sender's process takes no calls of: a stream that
    /// keeps asking would fill the log.
    fn is_news(&self, sender: &str) -> bool {
        let mut slots = lock(&self.slots);
        let slot = slots.get_mut(sender);
        slot.is_none_or(|slot| !std::mem::replace(&mut slot.is_logged, true))
    }

    /// Uses an edited configuration from now on. Senders that it changes are started anew when they
    /// are next needed; what is in flight with the old ones ends there.
    pub fn reconfigure(&self, config: Arc<Config>) {
        *lock(&self.config) = config.clone();
        self.retire(|sender, process, _| {
            let launch = Launch::of(&config, &self.state, sender, self.max_level);
            launch.is_ok_and(|launch| launch == *process.launch())
        });
    }

    /// Looks for rotated secrets and replaced plugins, whose senders are started anew.
    pub fn refresh(&self) {
        self.retire(|_, _, files| !files.changed());
    }

    /// Stops host processes that have had no call for as long as `idle`.
    pub fn stop_idle(&self, idle: Duration) {
        for slot in lock(&self.slots).values_mut() {
            let Some(process) = &slot.process else {
                continue;
            };
            if process.idle_for().is_none_or(|time| time < idle) {
                continue;
            }
            // One that ended by itself is remembered for it.
            match process.is_over() {
                true => slot.forget(),
                false => slot.process = None,
            }
        }
    }

    /// Lets all processes end, now that nothing more is asked of them. What ends is waited for when
    /// the pool is dropped.
    pub fn release(&self) {
        for process in self.processes() {
            process.release();
        }
    }

    /// Takes leave of providers that are still connected, of all at once.
    pub async fn close(&self) {
        let processes = self.processes();
        join_all(processes.iter().map(|process| process.close())).await;
    }

    fn processes(&self) -> Vec<Arc<HostProcess>> {
        let slots = lock(&self.slots);
        slots
            .values()
            .filter_map(|slot| slot.process.clone())
            .collect()
    }

    /// Lets go of every process that is not to be kept. It ends with its last call.
    fn retire(&self, keep: impl Fn(&str, &HostProcess, &Fingerprint) -> bool) {
        for (sender, slot) in lock(&self.slots).iter_mut() {
            let is_kept = slot
                .process
                .as_ref()
                .is_none_or(|process| keep(sender, process, &slot.files));
            if !is_kept {
                *slot = Slot {
                    share: slot.share.clone(),
                    ..Slot::default()
                };
            }
        }
    }
}

impl Slot {
    /// How long it is until a process may be started; `None` if it may be now.
    fn pause(&self) -> Option<Duration> {
        let pause = self.not_before?.checked_duration_since(Instant::now())?;
        (!pause.is_zero()).then_some(pause)
    }

    /// Forgets a process that is over, and decides when the next one may start: at once after one
    /// that worked or that said why it does not, or after the first failure.
    fn forget(&mut self) {
        let process = self.process.take();
        if process.as_ref().is_some_and(|process| process.is_greedy()) {
            self.was_greedy = Some(Instant::now());
        }
        let fared_well = |process: Arc<HostProcess>| process.has_worked() || process.is_refused();
        self.failures = match process.is_some_and(fared_well) {
            true => 0,
            false => self.failures + 1,
        };
        let pause = PAUSE.saturating_mul(1 << self.failures.saturating_sub(2).min(10));
        let pause = (self.failures > 1).then(|| pause.min(LONGEST_PAUSE));
        self.not_before = pause.map(|pause| Instant::now() + pause);
    }
}

impl Pool {
    /// Asks a sender's plugin, and waits for the end.
    ///
    /// # Errors
    ///
    /// Its host process takes no calls.
    pub async fn call(
        &self,
        sender: &str,
        work: Work,
        deadline: Instant,
    ) -> Result<CallEnd, Failure> {
        // Each turn of this costs a process its life, and the message that it died of an attempt.
        loop {
            let process = self.ready(sender, deadline).await?;
            if let Some(end) = process.try_call(work.clone(), deadline).await {
                return Ok(end);
            }
        }
    }

    /// The most that one attempt with a sender may take.
    pub fn timeout(&self, sender: &str) -> Duration {
        let config = lock(&self.config);
        let configured = config.senders.get(sender);
        configured.map_or(config.sending.timeout, |sender| sender.timeout)
    }
}
