//! Logs go to standard error or where `[log] to` says, as lines for people or as JSON for a collector.

mod stderr;
mod target;

use textsender_plugin_api::Level;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::{Layer, SubscriberExt},
};

use super::GLOBAL;
use crate::config::LogTarget;

#[derive(clap::Args)]
pub(super) struct LogOptions {
    /// How logs are written
    #[arg(long, value_enum, default_value_t = Format::Text, global = true, help_heading = GLOBAL)]
    log_format: Format,
    /// The minimum level that is logged
    #[arg(long, value_enum, default_value_t = Threshold::Warn, global = true, help_heading = GLOBAL)]
    log_level: Threshold,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Threshold {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Starts logging for this process. Only our own lines: those of the libraries below are of no use to
/// an operator, and what they hold is not ours to judge.
pub(super) fn start(options: &LogOptions) {
    let filter = match options.log_level {
        Threshold::Error => LevelFilter::ERROR,
        Threshold::Warn => LevelFilter::WARN,
        Threshold::Info => LevelFilter::INFO,
        Threshold::Debug => LevelFilter::DEBUG,
        Threshold::Trace => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target("textsender", filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr::Lines::default());
    let lines = lines.with_target(false).with_ansi(false);
    let lines = match options.log_format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(ours));
    // It fails only if it was called before.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Has the log go where the configuration says. Not before root has become another account: what it makes is that
/// account's.
pub(super) fn redirect(to: &LogTarget) {
    target::set(to);
}

/// The same in a stream, whose log is written by a thread of its own.
pub(super) fn start_writer(to: &LogTarget) {
    target::set(to);
    stderr::start_writer();
}

/// Waits for a moment until the log is written.
pub(super) fn finish() {
    stderr::finish();
}

impl LogOptions {
    /// The level below which plugins need not log.
    pub(super) fn level(&self) -> Level {
        match self.log_level {
            Threshold::Error => Level::Error,
            Threshold::Warn => Level::Warn,
            Threshold::Info => Level::Info,
            Threshold::Debug => Level::Debug,
            Threshold::Trace => Level::Trace,
        }
    }
}
