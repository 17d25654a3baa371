//! What a host process says, frame by frame. It is believed as far as it fits what it was asked.
//!
//! [`sanitize`] makes its words safe to show.

pub(super) mod sanitize;

use std::sync::{Arc, atomic::Ordering};

use textsender_plugin_api::{Exchange, ExchangeError, FailureKind, Level, PluginInfo, Stage};

use super::{Shared, shutdown::Reason};
use crate::{
    os::pipes::Receiver,
    plugins::{
        Refusal, Sealed,
        frames::{BUILD, FrameReader, Up},
    },
    transport,
};

/// The most header lines of one request: a frame's worth of empty ones would take 50 MB here.
const MAX_HEADERS: usize = 256;

/// Reads frames until the process ends or says something that it may not.
pub(super) async fn read(shared: Arc<Shared>, pipe: Receiver) {
    let mut frames = FrameReader::new(pipe);
    let inbound = Inbound(shared);
    let fault = loop {
        match frames.next().await {
            Ok(Some(frame)) => match inbound.accept(frame) {
                Ok(()) => {}
                Err(fault) => break fault,
            },
            Ok(None) => break "it ended",
            Err(_) => break "it broke the frames' form",
        }
    };
    inbound.0.end(Reason::fault(fault));
}

/// What comes in from one host process.
struct Inbound(Arc<Shared>);

impl Inbound {
    /// Takes one frame. What does not fit is a fault that ends the process.
    fn accept(&self, frame: Up) -> Result<(), &'static str> {
        let shared = &self.0;
        if !matches!(frame, Up::Log { .. }) {
            shared.frames_received.fetch_add(1, Ordering::Relaxed);
        }
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
            } => self.carry(call, exchange, request),
            Up::Log { level, line } => {
                self.log(level, &line);
                Ok(())
            }
            Up::Done { call, result } => {
                // Before the call is forgotten, and with it what may not be shown.
                let result = shared.cleaned(call, result);
                shared.calls().done(call, result)
            }
            Up::Cancelled { call } => shared.calls().cancelled(call),
            Up::Schema(schema) => shared.schema(&schema),
            Up::Pong => Ok(()),
        }
    }

    fn sealed(&self, sealed: Sealed) -> Result<(), &'static str> {
        let launch = &self.0.launch;
        let sender = launch.sender.as_str();
        for lack in sealed.lacks(&launch.seal) {
            tracing::debug!(sender, "the plugin is not wholly sealed: {lack}");
        }
        self.0.sealed.set(sealed).map_err(|_| "it was sealed twice")
    }

    fn ready(&self, build: &str, info: PluginInfo) -> Result<(), &'static str> {
        let shared = &self.0;
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
        if !shared.hosts.declare(info.hosts) {
            return Err("it got ready twice");
        }
        shared.life.set_ready();
        Ok(())
    }

    fn refused(&self, refusal: Refusal) -> Result<(), &'static str> {
        let shared = &self.0;
        if shared.sealed.get().is_some() && refusal.is_settled_before_seal() {
            return Err("it says of its file what was settled before");
        }
        if !shared.life.is_starting() {
            return Err("it refuses what it had taken on");
        }
        let refusal = refusal.cleaned(&shared.redactor);
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
        let Some(open) = shared.calls().exchange(call, request.delivers())? else {
            return refuse(FailureKind::Unsupported);
        };
        if matches!(&request, Exchange::Http(request) if request.headers.len() > MAX_HEADERS) {
            return refuse(FailureKind::Malformed);
        }
        if !shared.hosts.are_known() {
            return Err("it wants an exchange before it is ready");
        }
        let shared = shared.clone();
        let carrying = tokio::spawn(async move {
            let target = transport::destination(&request);
            let egress = shared.egress_for(target.as_ref()).await;
            let transports = &shared.transports;
            let carried = transports.carry(request, &egress, open.deadline, &open.progress);
            let result = carried.await;
            if let (Err(error), Some(target)) = (&result, target)
                && error.kind == FailureKind::NotAllowed
            {
                shared.explain_refusal(&target, &egress);
            }
            if let (Some(trace), Ok(answer)) = (&open.trace, &result) {
                trace.answered(answer);
            }
            shared.exchanged(call, exchange, result);
        });
        self.0.calls().carrying(call, carrying.abort_handle());
        Ok(())
    }

    /// Logs a plugin's line, as the foreign text that it is.
    fn log(&self, level: Level, line: &str) {
        let shared = &self.0;
        let Some(suppressed) = shared.calls().may_log() else {
            return;
        };
        let (sender, line) = (shared.launch.sender.as_str(), shared.clean(line));
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
