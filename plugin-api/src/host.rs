//! What the host offers to a plugin.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{Answer, Exchange, ExchangeError, HttpClient, SmtpClient};

/// A future that owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The host, as a sender sees it: transports, log, clock, randomness. Cheap to clone.
///
/// Exchanges, sleep and log calls belong to the call during which they are made; keep a `Host` in
/// the sender, and use it inside `send`, `status`, `find` and `check`.
#[derive(Clone)]
pub struct Host(Arc<dyn Services>);

impl Host {
    /// A host that answers through `services`. Plugins are handed one; tests and the host make them.
    pub fn new(services: impl Services) -> Self {
        Self(Arc::new(services))
    }

    /// HTTP.
    pub fn http(&self) -> HttpClient {
        HttpClient(self.clone())
    }

    /// E-mail submission.
    pub fn smtp(&self) -> SmtpClient {
        SmtpClient(self.clone())
    }

    /// The time, by the host's clock.
    pub fn now(&self) -> SystemTime {
        self.0.now()
    }

    /// Waits. The message's deadline ends the wait, and the call with it.
    pub async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    /// Fills `bytes` from the system's secure random source.
    pub fn random(&self, bytes: &mut [u8]) {
        self.0.random(bytes);
    }

    /// Whether the operator wants to read lines of this level. The log macros ask.
    pub fn logs(&self, level: Level) -> bool {
        level <= self.0.max_level()
    }

    /// Writes one line to the operator's log, bounded and redacted. See the log macros.
    pub fn log(&self, level: Level, line: &str) {
        self.0.log(level, line);
    }

    pub(crate) async fn exchange(&self, exchange: Exchange) -> Result<Answer, ExchangeError> {
        let delivers = exchange.delivers();
        self.0
            .exchange(exchange)
            .await
            .map_err(|error| ExchangeError { delivers, ..error })
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Host")
    }
}

/// The levels of a log line, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Level {
    /// An administrator has to act.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What a calm operator wants to read.
    Info,
    /// What one who looks for a fault wants to read.
    Debug,
    /// Everything.
    Trace,
}

/// What stands behind a [`Host`]: the ABI in a plugin, a process in the host, a script in a test.
///
/// A method that a later version adds has a default that says *unsupported*.
pub trait Services: Send + Sync + 'static {
    /// Carries an exchange.
    fn exchange(&self, exchange: Exchange) -> BoxFuture<Result<Answer, ExchangeError>>;

    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<()>;

    /// The time.
    fn now(&self) -> SystemTime;

    /// Fills `bytes` with secure random ones.
    fn random(&self, bytes: &mut [u8]);

    /// The most detailed level that is logged.
    fn max_level(&self) -> Level;

    /// Takes one line.
    fn log(&self, level: Level, line: &str);
}

/// Logs a line at a level, composed only if that level is logged:
/// `log!(self.host, Level::Debug, "queued as {sid}")`.
#[macro_export]
macro_rules! log {
    ($host:expr, $level:expr, $($format:tt)+) => {
        if $host.logs($level) {
            $host.log($level, &::std::format!($($format)+));
        }
    };
}

/// Logs an error: an administrator has to act.
#[macro_export]
macro_rules! error { ($host:expr, $($format:tt)+) => { $crate::log!($host, $crate::Level::Error, $($format)+) } }

/// Logs a warning.
#[macro_export]
macro_rules! warn { ($host:expr, $($format:tt)+) => { $crate::log!($host, $crate::Level::Warn, $($format)+) } }

/// Logs something a calm operator wants to read.
#[macro_export]
macro_rules! info { ($host:expr, $($format:tt)+) => { $crate::log!($host, $crate::Level::Info, $($format)+) } }

/// Logs something for one who looks for a fault.
#[macro_export]
macro_rules! debug { ($host:expr, $($format:tt)+) => { $crate::log!($host, $crate::Level::Debug, $($format)+) } }
