//! What a host process says, frame by frame. It is believed as far as it fits what it was asked.

use std::sync::{Arc, atomic::Ordering};

use textsender_plugin_api::{Exchange, ExchangeError, FailureKind, Level, PluginInfo, Stage};
use tokio::net::unix::pipe;

use super::{Shared, State};
use crate::{
    plugins::{
        Refusal,
        frames::{BUILD, FrameReader, Up},
        seal::Sealed,
    },
    transport::Egress,
};

/// The most header lines of one request: a frame's worth of empty ones would take 50 MB here.
const MAX_HEADERS: usize = 256;

impl Shared {
    /// Reads frames until the process ends or says something that it may not.
    pub(super) async fn read(self: Arc<Self>, pipe: pipe::Receiver) {
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
        if !matches!(frame, Up::Log { .. }) {
            self.heard.fetch_add(1, Ordering::Relaxed);
        }
        match frame {
            Up::Sealed {
                sealed,
                verifying,
                sealing,
            } => {
                let [verified_ms, sealed_ms] =
                    [verifying, sealing].map(|it| it.as_secs_f64() * 1e3);
                let sender = self.launch.sender.as_str();
                tracing::debug!(sender, %sealed, verified_ms, sealed_ms, "sealed");
                self.got_sealed(sealed)
            }
            Up::Ready { build, info } => self.got_ready(&build, info),
            Up::Described(_) => Err("it describes what it was not asked to"),
            Up::Refused(refusal)
                if self.sealed.get().is_some() && refusal.is_settled_before_seal() =>
            {
                Err("it says of its file what was settled before")
            }
            Up::Refused(_) if !self.is_starting() => Err("it refuses what it had taken on"),
            Up::Refused(refusal) => {
                let refusal = refusal.cleaned(&self.redactor);
                self.state.send_replace(State::Refused(refusal));
                Ok(())
            }
            Up::Exchange {
                call,
                exchange,
                request,
            } => self.carry(call, exchange, request),
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
            Up::Pong => Ok(()),
        }
    }

    fn is_starting(&self) -> bool {
        matches!(*self.state.borrow(), State::Starting)
    }

    /// Carries an exchange for a call, and answers it.
    fn carry(
        self: &Arc<Self>,
        call: u64,
        exchange: u64,
        request: Exchange,
    ) -> Result<(), &'static str> {
        let refuse = |kind| {
            let error = ExchangeError::new(Stage::NotSent, kind);
            self.exchanged(call, exchange, Err(error));
            Ok(())
        };
        let Some(open) = self.calls().exchange(call, request.delivers())? else {
            return refuse(FailureKind::Unsupported);
        };
        if matches!(&request, Exchange::Http(request) if request.headers.len() > MAX_HEADERS) {
            return refuse(FailureKind::Malformed);
        }
        let egress = self
            .egress
            .get()
            .ok_or("it wants an exchange before it is ready")?;
        let (shared, egress) = (self.clone(), egress.clone());
        let task = tokio::spawn(async move {
            let transports = &shared.transports;
            let carried = transports.carry(request, &egress, open.deadline, &open.progress);
            let result = carried.await;
            if let (Some(trace), Ok(answer)) = (&open.trace, &result) {
                trace.answered(answer);
            }
            shared.exchanged(call, exchange, result);
        });
        self.calls().carrying(call, task.abort_handle());
        Ok(())
    }

    fn got_sealed(&self, sealed: Sealed) -> Result<(), &'static str> {
        let (sender, plan) = (self.launch.sender.as_str(), &self.launch.seal);
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
        if !self.is_starting() {
            return Err("it got ready twice");
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
