//! The configuration in force, in a process that serves for long: a stream, the hub.

use std::{path::PathBuf, sync::Arc, time::Duration};

use textsender_plugin_api::Level;
use tokio::time::Instant;

use super::Dispatch;
use crate::{config::LogTarget, failpoint::Failpoints, protocol::Failure};

/// Where the configuration is, and how it is worked out.
pub struct Source {
    /// `textsender.toml`.
    pub file: PathBuf,
    /// The level below which plugins need not log.
    pub max_level: Level,
    /// What tests make happen.
    pub failpoints: Failpoints,
    /// Called whenever a configuration was opened: root has become the account that sends by then, so
    /// that threads may begin. It is given where the log is to go.
    pub opened: fn(&LogTarget),
}

/// What the configuration came to when it was looked at last.
pub struct Current {
    source: Source,
    dispatch: Result<Arc<Dispatch>, Failure>,
    looked: Instant,
}

impl Current {
    /// Opens it. A wrong one is told to every message, until it is right.
    ///
    /// To be called before there is a second thread, as root becomes the account that sends.
    pub fn open(source: Source) -> Self {
        // Before it is read: an edit that comes meanwhile is seen by the next look.
        let looked = Instant::now();
        Self {
            dispatch: source.open(),
            looked,
            source,
        }
    }

    /// The dispatch for the next message, as of the last look.
    pub fn dispatch(&self) -> Result<Arc<Dispatch>, Failure> {
        self.dispatch.clone()
    }

    /// What tests make happen.
    pub fn failpoints(&self) -> Failpoints {
        self.source.failpoints
    }

    /// When it was looked at last.
    pub fn looked(&self) -> Instant {
        self.looked
    }

    /// Looks for edits, rotated secrets and replaced plugins. A bad edit keeps the last good
    /// configuration, and is logged.
    pub fn look(&mut self) {
        self.looked = Instant::now();
        let Ok(current) = &self.dispatch else {
            self.dispatch = self.source.open();
            return;
        };
        match current.refresh() {
            Ok(None) => {}
            Ok(Some(edited)) => {
                (self.source.opened)(edited.log());
                tracing::info!("the edited configuration is in force");
                self.dispatch = Ok(Arc::new(edited));
            }
            Err(failure) => {
                tracing::error!(
                    "the edited configuration is not used, the last good one stays: {failure}"
                );
            }
        }
    }

    /// Stops senders' processes that have had no call for as long as `idle`.
    pub fn stop_idle(&self, idle: Duration) {
        if let Ok(dispatch) = &self.dispatch {
            dispatch.stop_idle(idle);
        }
    }

    /// How many messages may be in flight: one at a time, where nothing says.
    pub fn concurrency(&self) -> usize {
        self.dispatch.as_ref().map_or(1, |it| it.concurrency())
    }

    /// The most that a message may take; nothing, where no message can be sent.
    pub fn timeout(&self) -> Duration {
        let timeout = self.dispatch.as_ref().map(|it| it.timeout());
        timeout.unwrap_or_default()
    }

    /// Takes leave of providers, and leaves the ledger tidy. To be called after the last answer.
    pub async fn close(self) {
        if let Ok(dispatch) = self.dispatch {
            dispatch.close().await;
        }
    }
}

impl Source {
    fn open(&self) -> Result<Arc<Dispatch>, Failure> {
        let dispatch = Dispatch::open(&self.file, self.max_level, self.failpoints)?;
        (self.opened)(dispatch.log());
        Ok(Arc::new(dispatch))
    }
}
