//! From the reading of a configuration, through its edits, to the end.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use textsender_plugin_api::Level;
use tokio::time::Instant;

use super::{Dispatch, LedgerAccess, final_outcome};
use crate::{
    check,
    config::{self, Config, Environment, LogTarget, Sources},
    decision::Snapshot,
    directory::Directories,
    failpoint::Failpoints,
    ledger::{Facts, Limit, Mode, Options, Unclaimed},
    os::accounts,
    plugins::Pool,
    privilege,
    protocol::{ErrorCode, Failure, MessageId, Request, Response},
};

impl Dispatch {
    /// Reads the configuration. No sender is started before a request needs it.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or others can write to it: `misconfigured`.
    pub fn open(file: &Path, max_level: Level, failpoints: Failpoints) -> Result<Self, Failure> {
        Self::open_read(Sources::read(file), max_level, failpoints)
    }

    /// The same with files that were read.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn open_read(
        sources: Sources,
        max_level: Level,
        failpoints: Failpoints,
    ) -> Result<Self, Failure> {
        let file = sources.main.clone();
        let (snapshot, seen) = Snapshot::of_sources(sources);
        let snapshot = snapshot?;
        let config = snapshot.config();
        let state = Environment::current()
            .state_folder(config.state.folder.as_deref())
            .path;
        // The audit says who asked, not whom root becomes for it.
        let caller = match accounts::caller() {
            0 => accounts::asked_by().unwrap_or(0),
            other => other,
        };
        privilege::become_owner(&config.state, &state).map_err(|error| {
            let code = match error.kind() {
                ErrorKind::NotFound => ErrorCode::BadConfiguration,
                ErrorKind::PermissionDenied => ErrorCode::ForbiddenBySandbox,
                _ => ErrorCode::Crashed,
            };
            let detail = format!("can't act as the account that sends: {error}");
            Failure::with_detail(code, detail)
        })?;
        Ok(Self {
            file,
            seen: Mutex::new(seen),
            ledger: LedgerAccess::open(config, &state, caller, failpoints),
            pool: Arc::new(Pool::new(config.clone(), state.clone(), max_level)),
            without_hub: false,
            directories: Directories::of(config, &state).map(Box::new),
            state,
            snapshot,
        })
    }

    /// Where the log is to go.
    pub fn log(&self) -> &LogTarget {
        &self.snapshot.config().log
    }

    /// Looks for edits, rotated secrets and replaced plugins. After an edit, the dispatch for
    /// further requests, which shares the senders' processes with this one.
    ///
    /// # Errors
    ///
    /// The edited configuration is not used, and why. It is told once, until the next edit.
    pub fn refresh(&self) -> Result<Option<Self>, Failure> {
        self.pool.refresh();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.changed() {
            return Ok(None);
        }
        let (edited, now) = Snapshot::read(&self.file);
        seen.clone_from(&now);
        let edited = edited?;
        // One that breaks a policy is wrong, and the last good one goes on.
        if let (Some(fault), None) = (
            edited.policies().broken(),
            self.snapshot.policies().broken(),
        ) {
            return Err(Failure::with_detail(
                ErrorCode::BadConfiguration,
                fault.to_owned(),
            ));
        }
        self.accepts(edited.config())?;
        self.pool.reconfigure(edited.config().clone());
        Ok(Some(Self {
            file: self.file.clone(),
            seen: Mutex::new(now),
            ledger: self.ledger.reconfigured(edited.config(), &self.state),
            pool: self.pool.clone(),
            without_hub: false,
            directories: Directories::of(edited.config(), &self.state).map(Box::new),
            state: self.state.clone(),
            snapshot: edited,
        }))
    }

    /// An edit is used whole or not at all. One that moves the ledger and the secrets would part them
    /// from the messages in flight, and from the account that this process has become. One that breaks
    /// a text is wrong; one beside a text that was broken already is not.
    fn accepts(&self, edited: &Config) -> Result<(), Failure> {
        let refused = |why: String| Err(Failure::with_detail(ErrorCode::BadConfiguration, why));
        let current = self.snapshot.config();
        if edited.state.folder != current.state.folder {
            let folder: PathBuf = edited.state.folder.clone().unwrap_or_default();
            return refused(format!(
                "[state] folder is now {:?}, and this process keeps {}: restart it",
                folder.display(),
                self.state.display()
            ));
        }
        let [before, after] = [current, edited].map(|config| {
            let shared = config.state.shared.as_ref();
            shared.map(|shared| &shared.url.value)
        });
        if before != after {
            let now = after.map_or("away".to_owned(), |url| format!("{url:?}"));
            return refused(format!(
                "[state.shared] is now {now}, and this process keeps the ledger that it has: restart it"
            ));
        }
        match check::text_broken_by_edit(current, edited) {
            Some(fault) => refused(fault.to_string()),
            None => Ok(()),
        }
    }

    /// Waits until a message could be sent, as far as that lies with us.
    ///
    /// # Errors
    ///
    /// The ledger can't be used, and why.
    pub async fn ready(&self) -> Result<(), Failure> {
        self.ledger.ready(Instant::now() + self.timeout()).await
    }

    /// Stops senders' processes that have had no call for as long as `idle`.
    pub fn stop_idle(&self, idle: Duration) {
        self.pool.stop_idle(idle);
    }

    /// Takes leave of providers that are still connected. To be called after the last answer.
    pub async fn close(&self) {
        tokio::join!(self.pool.close(), self.ledger.close());
    }

    /// The user id of this process's caller.
    pub fn caller(&self) -> u32 {
        self.ledger.caller()
    }

    /// Where ledger and secrets are.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// How the ledger is opened to be read.
    pub fn ledger_options(&self) -> Options {
        Options::of(&self.snapshot.config().state)
    }

    /// Whether there is a way for alerts.
    pub fn has_alerts(&self) -> bool {
        !self.snapshot.config().alerts.is_off()
    }

    /// How many messages may be in flight, by `[send] concurrency`.
    pub fn concurrency(&self) -> usize {
        self.snapshot.config().sending.concurrency
    }

    /// When the caller of a message gets an answer at the latest, by `[send] timeout`.
    pub fn timeout(&self) -> Duration {
        self.snapshot.config().sending.timeout
    }

    /// The same of this message.
    pub fn time_for(&self, request: &Request) -> Duration {
        let timeout = self.timeout();
        request.timeout.map_or(timeout, |own| own.min(timeout))
    }

    /// `[callers.NAME]`.
    pub fn caller_named(&self, name: &str) -> Option<&config::Caller> {
        self.snapshot.config().callers.get(name)
    }

    /// How many texts one number may get; none where that is only recorded.
    pub fn recipient_limits(&self) -> &[Limit] {
        let rule = &self.snapshot.limits().recipient;
        match rule.mode {
            Mode::Enforce => &rule.limits,
            Mode::Record => &[],
        }
    }

    /// An id that is the same for the same content of a message; `None`: there is no ledger to ask what was
    /// sent before.
    ///
    /// # Errors
    ///
    /// The ledger fails, and is required.
    pub async fn content_id(
        &self,
        content: &[&str],
        within: Duration,
    ) -> Result<Option<String>, Failure> {
        self.ledger
            .content_id(content, Instant::now() + within)
            .await
    }

    /// Records a request that is wrong, with what its caller was told, so that there is an answer to
    /// "why was no text sent?".
    pub async fn note_invalid(&self, id: Option<&MessageId>, response: &Response, caller: u32) {
        let message = Unclaimed {
            facts: Facts {
                id: id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
                uid: caller,
                ..Facts::default()
            },
            purpose: None,
            phone: None,
            decision: final_outcome(response, Instant::now(), Vec::new()),
        };
        self.ledger
            .record(message, Instant::now() + self.timeout())
            .await;
    }
}
