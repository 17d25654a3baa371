//! What a host process says, frame by frame. It is believed as far as it fits what it was asked.
//!
//! [`sanitize`] makes its words safe to show.

pub(super) mod sanitize;

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
};

use textsender_plugin_api::{
    Answer, Exchange, ExchangeError, FailureKind, Level, PluginInfo, Stage,
};
use tokio::{
    task::{coop::consume_budget, yield_now},
    time::{Instant, timeout_at},
};

use super::{Shared, calls::Permission, shutdown::Reason, warn, withheld::MayLog};
use crate::{
    budget::Limit,
    os::{limits, pipes::Receiver, process, seal::Demand},
    plugins::{
        Refusal, Sealed,
        frames::{BUILD, Down, FrameReader, Up},
        setting_files,
    },
    redact::Foreign,
    transport::{self, Egress},
};

/// The most header lines of one request: a frame's worth of empty ones would take 50 MB here.
const MAX_HEADERS: usize = 256;

/// Reads frames until the process ends or says something that it may not.
pub(super) async fn read(shared: Arc<Shared>, pipe: Receiver) {
    let mut frames = FrameReader::new(pipe);
    let inbound = Inbound(shared);
    let reason = loop {
        match frames.next().await {
            Ok(Some(frame)) => {
                let is_line = matches!(frame, Up::Log { .. });
                if let Err(reason) = inbound.accept(frame) {
                    break reason;
                }
                // To clean one takes as long as a whole message does.
                if is_line {
                    yield_now().await;
                }
            }
            Ok(None) => {
                inbound.look_at_end().await;
                break Reason::fault("it ended");
            }
            Err(_) => break Reason::fault("it broke the frames' form"),
        }
        // Frames that are here already cost no wait: the others' tasks have their turn all the same.
        consume_budget().await;
    };
    inbound.0.end(reason);
}

/// What comes in from one host process.
struct Inbound(Arc<Shared>);

/// The most files that one plugin's settings name.
const MAX_FILES: usize = 8;

impl Inbound {
    /// Before a plugin's code runs in it, only a filter from outside ends a process for a system call.
    async fn look_at_end(&self) {
        let shared = &self.0;
        if shared.sealed.get().is_some() || !shared.life.is_starting() {
            return;
        }
        let status = shared.life.exit_status().await;
        if status.is_some_and(process::was_call_forbidden) {
            let refusal = Refusal::Forbidden(process::CALL_FORBIDDEN.to_owned());
            shared.life.set_refused(refusal);
        }
    }

    /// Takes one frame. What does not fit is a fault that ends the process.
    fn accept(&self, frame: Up) -> Result<(), Reason> {
        if let Up::Log { level, line } = frame {
            return self.log(level, &line);
        }
        self.accept_word(frame).map_err(Reason::fault)
    }

    fn accept_word(&self, frame: Up) -> Result<(), &'static str> {
        let shared = &self.0;
        shared.frames_received.fetch_add(1, Ordering::Relaxed);
        match frame {
            Up::Sealed {
                sealed,
                verifying,
                sealing,
            } => {
                let [verified_ms, sealed_ms] =
                    [verifying, sealing].map(|it| it.as_secs_f64() * 1e3);
                let sender = shared.launch.sender.as_str();
                tracing::debug!(sender, %sealed, verified_ms, sealed_ms, "sealed");
                self.sealed(sealed)
            }
            Up::Ready { build, info } => self.ready(&build, info),
            Up::Described(_) => Err("it describes what it was not asked to"),
            Up::Refused(refusal) => self.refused(refusal),
            Up::Exchange {
                call,
                exchange,
                request,
            } => self.carry(call, exchange, request.unmarked()),
            Up::Log { .. } => Ok(()),
            Up::Done { call, result } => {
                let result = shared.sanitizer().cleaned(result);
                shared.withheld().end(call);
                shared.calls().done(call, result)
            }
            Up::Cancelled { call } => shared.calls().cancelled(call),
            Up::WantFiles(wanted) => self.files(wanted),
            Up::Schema(schema) => shared.schema(&schema),
            Up::Pong => Ok(()),
        }
    }

    fn sealed(&self, sealed: Sealed) -> Result<(), &'static str> {
        let launch = &self.0.launch;
        let sender = launch.sender.as_str();
        for lack in sealed.lacks(&launch.seal) {
            match launch.seal.demand {
                Demand::Any => tracing::info!(sender, "the plugin is not wholly sealed: {lack}"),
                _ => warn(
                    sender,
                    format_args!("the plugin is not wholly sealed: {lack}"),
                ),
            }
        }
        self.0.sealed.set(sealed).map_err(|_| "it was sealed twice")
    }

    fn ready(&self, build: &str, info: Foreign<PluginInfo>) -> Result<(), &'static str> {
        let shared = &self.0;
        let info = info.unmarked();
        if build != BUILD || info.id != shared.launch.plugin {
            return Err("it is another build's");
        }
        if shared.sealed.get().is_none() {
            return Err("it got ready before it was sealed");
        }
        if !shared.life.is_starting() {
            return Err("it got ready twice");
        }
        if let Some(pin) = &shared.launch.pin {
            let unapproved = pin.unapproved(&info.hosts);
            if !unapproved.is_empty() {
                let hosts = unapproved.into_iter().map(|host| shared.clean(host));
                shared.life.set_refused(Refusal::Hosts(hosts.collect()));
                return Err("it declares hosts that were not approved");
            }
        }
        if let Some(pattern) = info.provider_id {
            shared.ids.declare(pattern);
        }
        shared.warn_of_new(&info.hosts);
        if !shared.hosts.declare(info.hosts) {
            return Err("it got ready twice");
        }
        shared.life.set_ready();
        Ok(())
    }

    /// Reads the files that settings name, before the plugin is configured.
    fn files(&self, wanted: Vec<String>) -> Result<(), &'static str> {
        if !self.0.life.is_starting() || wanted.len() > MAX_FILES {
            return Err("it wants files that it was not to have");
        }
        let (shared, names) = (self.0.clone(), wanted.clone());
        let reading = thread::Builder::new().spawn(move || {
            let launch = &shared.launch;
            let files = setting_files::read(&launch.settings, &launch.folder, names);
            // If the process is gone, it needs none.
            let _ = shared.outbox.post(&Down::Files(files));
        });
        if let Err(error) = reading {
            let words = limits::explained(&error);
            let unread = wanted.into_iter().map(|name| (name, Err(words.clone())));
            let _ = self.0.outbox.post(&Down::Files(unread.collect()));
        }
        Ok(())
    }

    fn refused(&self, refusal: Foreign<Refusal>) -> Result<(), &'static str> {
        let shared = &self.0;
        if shared.sealed.get().is_some() && refusal.judge(Refusal::is_settled_before_seal) {
            return Err("it says of its file what was settled before");
        }
        if !shared.life.is_starting() {
            return Err("it refuses what it had taken on");
        }
        let refusal = refusal.unmarked().cleaned(|text| shared.clean(text));
        shared.life.set_refused(refusal);
        Ok(())
    }

    /// Carries an exchange for a call, and answers it.
    fn carry(&self, call: u64, exchange: u64, request: Exchange) -> Result<(), &'static str> {
        let shared = &self.0;
        let refuse = |kind| {
            let error = ExchangeError::new(Stage::NotSent, kind);
            shared.exchanged(call, exchange, Err(error));
            Ok(())
        };
        // By itself, so that the calls are not locked in what follows.
        let permission = shared.calls().exchange(call, request.delivers())?;
        let open = match permission {
            Permission::Granted(open) => open,
            Permission::TooLate => return refuse(FailureKind::Unsupported),
            Permission::UsedUp(limit) => {
                self.log_used_up(limit);
                return refuse(FailureKind::Unsupported);
            }
        };
        if matches!(&request, Exchange::Http(request) if request.headers.len() > MAX_HEADERS) {
            return refuse(FailureKind::Malformed);
        }
        if !shared.hosts.are_known() {
            return Err("it wants an exchange before it is ready");
        }
        let Some(mut held) = shared.budget.hold(size_of(&request)) else {
            open.trace.used_up(Limit::BodyBytes);
            self.log_used_up(Limit::BodyBytes);
            return refuse(FailureKind::TooLarge);
        };
        let shared = shared.clone();
        let carrying = tokio::spawn(async move {
            let target = transport::destination(&request);
            let egress = shared.egress_for(target.as_ref()).await;
            let transports = &shared.transports;
            // The call may end first, which ends this: so it is noted before.
            open.progress.set_waiting(true);
            let asked = Instant::now();
            let Ok(_connection) = timeout_at(open.deadline, shared.budget.connection()).await
            else {
                let error = ExchangeError::new(Stage::NotSent, FailureKind::Timeout);
                return shared.exchanged(call, exchange, Err(error));
            };
            // One that comes when most of the time is over comes too late.
            let left = open.deadline.saturating_duration_since(Instant::now());
            open.progress.set_waiting(asked.elapsed() > left);
            let carried =
                transports.carry(request, &egress, open.deadline, &open.progress, &mut held);
            let result = carried.await;
            if held.is_used_up() {
                open.trace.used_up(Limit::BodyBytes);
            }
            if result.is_err() {
                open.progress.clean_fault(|words| shared.clean(words));
                if let Some(limit) = open.progress.fault().and_then(|fault| fault.used_up) {
                    open.trace.used_up(limit);
                }
            }
            if let Ok(Answer::Smtp(reply)) = &result
                && reply.code >= 400
            {
                // The words are the server's: a plugin may not pass them on, and they tell why.
                let words = shared.clean(&format!("{} {}", reply.code, reply.text));
                let (sender, at) = (shared.launch.sender.as_str(), reply.command);
                tracing::warn!(sender, ?at, "the mail server said: {words}");
                open.trace.server_said(words);
            }
            if let (Err(error), Some(target)) = (&result, target)
                && error.kind == FailureKind::NotAllowed
            {
                Inbound(shared.clone()).log_refused_host(&target, &egress);
            }
            match (&result, open.delivers) {
                (Ok(answer), true) => open.trace.delivered(answer),
                (Ok(answer), false) => open.trace.answered(answer),
                (Err(_), _) => {}
            }
            shared.exchanged(call, exchange, result);
            // The outbox counts what waits in it.
            drop(held);
        });
        self.0.calls().carrying(call, carrying.abort_handle());
        Ok(())
    }

    fn log_refused_host(&self, target: &(String, u16), egress: &Egress) {
        let words = match self.0.why_refused(target, egress) {
            Some(words) => format!("refused: {words}"),
            None => format!(
                "refused: it asked for {}, which it does not declare",
                target.0
            ),
        };
        let _ = self.log(Level::Error, &Foreign::of(words));
    }

    fn log_used_up(&self, limit: Limit) {
        // Counted with the plugin's own lines: it can have as many of these as it likes.
        let words = format!("its exchange is refused: more than {limit}");
        let _ = self.log(Level::Warn, &Foreign::of(words));
    }

    /// Logs a plugin's line, or one about it, as the foreign text that it is.
    fn log(&self, level: Level, line: &Foreign) -> Result<(), Reason> {
        let shared = &self.0;
        // Before it costs anything: a host process holds back what is not logged.
        if level > shared.launch.max_level {
            return Err(Reason::fault("it logs below the level that it was given"));
        }
        let sender = shared.launch.sender.as_str();
        let line = {
            let mut withheld = shared.withheld();
            match withheld.may_log() {
                MayLog::Yes => withheld.clean(line),
                MayLog::No => return Ok(()),
                MayLog::NoMore => {
                    let words = "the plugin logs too much: its further lines are dropped";
                    warn(sender, format_args!("{words}"));
                    return Ok(());
                }
                MayLog::Flood => return Err(Reason::used_up(Limit::Dropped)),
            }
        };
        match level {
            Level::Error => tracing::error!(sender, "plugin: {line}"),
            Level::Warn => tracing::warn!(sender, "plugin: {line}"),
            Level::Info => tracing::info!(sender, "plugin: {line}"),
            Level::Debug => tracing::debug!(sender, "plugin: {line}"),
            _ => tracing::trace!(sender, "plugin: {line}"),
        }
        Ok(())
    }
}

/// How much of the front's memory an exchange takes, give or take what holds it.
fn size_of(request: &Exchange) -> usize {
    match request {
        Exchange::Http(request) => {
            let headers = request.headers.iter();
            let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
            request.url.len() + headers + request.body.len()
        }
        Exchange::Smtp(mail) => mail.body.len() + mail.subject.len(),
        _ => 0,
    }
}
