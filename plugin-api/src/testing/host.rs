//! The host that a test plays.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Reply, Request};
use crate::{
    Answer, BoxFuture, Exchange, ExchangeError, Host, Level, Mail, Sender, Services, SettingsError,
};

/// A host that answers exchanges from a script and records everything.
///
/// Its clock stands at 2026-01-01T00:00:00Z and moves only by [`Host::sleep`], which returns at
/// once, [`Reply::after`] and [`FakeHost::advance`]. Its random bytes count up: 0, 1, 2. It reads
/// log lines of every level. Clones are the same host.
#[derive(Clone)]
pub struct FakeHost(Arc<Mutex<State>>);

struct State {
    now: SystemTime,
    next_random: u8,
    exchanges: Vec<Exchange>,
    log: Vec<(Level, String)>,
    script: VecDeque<Reply>,
    /// What senders were configured with, and nothing may show.
    secrets: Vec<String>,
    /// Answers HTTP once the script is empty.
    provider: Option<Arc<Provider>>,
}

type Provider = dyn Fn(&Request) -> Reply + Send + Sync;

impl FakeHost {
    /// A host without a script: any exchange fails the test.
    #[expect(clippy::new_without_default, reason = "one way to make one is enough")]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            now: UNIX_EPOCH + Duration::from_secs(1_767_225_600),
            next_random: 0,
            exchanges: Vec::new(),
            log: Vec::new(),
            script: VecDeque::new(),
            secrets: Vec::new(),
            provider: None,
        })))
    }

    /// Makes a sender as the host does: settings from the configuration, secrets from its store.
    ///
    /// # Errors
    ///
    /// As the administrator would see them, from reading the settings or from
    /// [`Sender::configure`].
    ///
    /// # Panics
    ///
    /// `settings` is not an object.
    #[track_caller]
    pub fn configure<'a, S: Sender>(
        &self,
        settings: serde_json::Value,
        secrets: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<S, SettingsError> {
        let secrets: Vec<_> = secrets.into_iter().collect();
        let values = secrets.iter().map(|(_, secret)| (*secret).to_owned());
        self.state().secrets.extend(values);
        S::configure(super::settings(settings, secrets)?, self.host())
    }

    /// This host, as a sender sees it.
    pub fn host(&self) -> Host {
        Host::new(self.clone())
    }

    /// Answers the next exchange that has no answer yet.
    pub fn answer(&self, reply: Reply) {
        self.state().script.push_back(reply);
    }

    /// Answers every HTTP request that the script leaves over, by what it asks.
    pub fn answer_with(&self, provider: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        self.state().provider = Some(Arc::new(provider));
    }

    /// The HTTP requests so far, the first one first.
    pub fn requests(&self) -> Vec<Request> {
        let state = self.state();
        let requests = state
            .exchanges
            .iter()
            .filter_map(|exchange| match exchange {
                Exchange::Http(request) => Some(Request(request.clone())),
                Exchange::Smtp(_) => None,
            });
        requests.collect()
    }

    /// The one HTTP request so far.
    ///
    /// # Panics
    ///
    /// There is none, or there are several.
    #[track_caller]
    pub fn request(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "requests so far: {requests:?}");
        requests.remove(0)
    }

    /// The e-mails so far, the first one first.
    pub fn mails(&self) -> Vec<Mail> {
        let state = self.state();
        let mails = state
            .exchanges
            .iter()
            .filter_map(|exchange| match exchange {
                Exchange::Smtp(mail) => Some(mail.clone()),
                Exchange::Http(_) => None,
            });
        mails.collect()
    }

    /// The lines logged so far, with their levels.
    pub fn log_lines(&self) -> Vec<(Level, String)> {
        self.state().log.clone()
    }

    /// The time by this host's clock.
    pub fn now(&self) -> SystemTime {
        self.state().now
    }

    /// Sets the clock.
    pub fn set_now(&self, now: SystemTime) {
        self.state().now = now;
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: Duration) {
        self.state().now += duration;
    }

    /// Fails unless a logged line holds `words`.
    ///
    /// # Panics
    ///
    /// None does.
    #[track_caller]
    pub fn assert_logged(&self, words: &str) {
        let log = self.log_lines();
        assert!(
            log.iter().any(|(_, line)| line.contains(words)),
            "no logged line holds {words:?}; logged: {log:#?}"
        );
    }

    /// Fails if a logged line holds `secret`: a code, a token, a number.
    ///
    /// # Panics
    ///
    /// One does.
    #[track_caller]
    pub fn assert_not_logged(&self, secret: &str) {
        for (level, line) in self.log_lines() {
            assert!(
                !line.contains(secret),
                "{secret:?} was logged, {level:?}: {line}"
            );
        }
    }

    /// Fails if an error, a finding or anything else that is shown to people holds what may not be
    /// shown, or a logged line does: the secrets that a sender was [configured](Self::configure)
    /// with; number, text and code of [`message`](super::message).
    ///
    /// # Panics
    ///
    /// One does.
    #[track_caller]
    pub fn assert_no_secret_leaked(&self, what: &impl fmt::Debug) {
        let message = super::message();
        let mut hidden = self.state().secrets.clone();
        hidden.extend(message.code.iter().map(|code| code.expose().to_owned()));
        hidden.extend([
            message.to.digits().to_owned(),
            message.national,
            message.text,
        ]);
        let shown = format!("{what:?}");
        for secret in hidden.iter().filter(|secret| !secret.is_empty()) {
            assert!(!shown.contains(secret), "{secret:?} is shown: {shown}");
            self.assert_not_logged(secret);
        }
    }

    /// Fails if the script holds answers that were not asked for.
    ///
    /// # Panics
    ///
    /// It does.
    #[track_caller]
    pub fn assert_script_consumed(&self) {
        let left = self.state().script.len();
        assert_eq!(left, 0, "scripted answers that no exchange asked for");
    }

    fn reply(&self, exchange: &Exchange) -> Reply {
        let mut state = self.state();
        if let Some(reply) = state.script.pop_front() {
            return reply;
        }
        let provider = state.provider.clone();
        // Unlocked, for the provider may use this host too.
        drop(state);
        match (exchange, provider) {
            (Exchange::Http(request), Some(provider)) => provider(&Request(request.clone())),
            _ => panic!("no answer is scripted for {exchange:?}: see FakeHost::answer"),
        }
    }

    /// A test that panicked elsewhere has left nothing half done here.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FakeHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeHost")
    }
}

impl Services for FakeHost {
    fn exchange(&self, exchange: Exchange) -> BoxFuture<Result<Answer, ExchangeError>> {
        let host = self.clone();
        // Nothing leaves before the future is polled, as with the real host.
        Box::pin(async move {
            let reply = host.reply(&exchange);
            let mut state = host.state();
            state.exchanges.push(exchange);
            state.now += reply.after;
            reply.result
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let host = self.clone();
        Box::pin(async move { host.advance(duration) })
    }

    fn now(&self) -> SystemTime {
        self.state().now
    }

    fn random(&self, bytes: &mut [u8]) {
        let state = &mut *self.state();
        for byte in bytes {
            *byte = state.next_random;
            state.next_random = state.next_random.wrapping_add(1);
        }
    }

    fn max_level(&self) -> Level {
        Level::Trace
    }

    fn log(&self, level: Level, line: &str) {
        self.state().log.push((level, line.into()));
    }
}
