//! Providers on loopback: they answer as the real ones were recorded to answer, fail as they are told to, and
//! show what the phones got.
//!
//! # Which part to use
//! | part | stands in for | reached at |
//! |---|---|---|
//! | [`Sandbox::twilio`] | Twilio Programmable Messaging | [`Endpoint::url`], [`Endpoint::https_url`] |
//! | [`Sandbox::notify`] | GOV.UK Notify | the same |
//! | [`Sandbox::smtp`] | an e-mail to SMS gateway | [`Smtp::address`] |
//! | [`Sandbox::echo`] | any provider that is not here | a sender's `[http] connect_to` |
//!
//! Every port is chosen by the operating system. All of it runs on one thread of its own, with a plain blocking
//! interface for tests:
//!
//! ```
//! use textsender_tests::sandbox::{Fault, Sandbox, When, twilio};
//!
//! let sandbox = Sandbox::start();
//! sandbox.twilio().fault(When::next(), Fault::status(503));
//! // ... send something to sandbox.twilio().url(), as twilio::ACCOUNT_SID with twilio::AUTH_TOKEN ...
//! assert_eq!(sandbox.texts(), []);
//! # let _ = (twilio::ACCOUNT_SID, twilio::AUTH_TOKEN);
//! ```
//! A text is in [`Sandbox::texts`] before the first byte of the answer leaves, so after an answer (or after the
//! connection broke) the count is exact and nothing needs to be waited for.

#[cfg(test)]
mod client;
mod clock;
mod fault;
mod handset;
mod http;
mod ids;
mod journal;
mod tls;
mod when;

pub mod echo;
pub mod fault_spec;
pub mod notify;
pub mod run;
pub mod site;
pub mod smtp;
pub mod twilio;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use echo::Echo;
pub use fault::{Fault, Hold};
pub use handset::phones;
pub use http::{Endpoint, Request};
pub use journal::{Provider, Text, TooFew};
pub use notify::Notify;
pub use smtp::{Smtp, SmtpFault};
pub use tls::{Authority, Certificate, TlsError};
pub use twilio::Twilio;
pub use when::When;

use clock::Clock;
use journal::Journal;

/// A running sandbox. It ends when it is dropped: its ports close and open connections break.
pub struct Sandbox {
    twilio: Twilio,
    notify: Notify,
    echo: Echo,
    smtp: Smtp,
    journal: Arc<Journal>,
    clock: Arc<Clock>,
    ca_pem: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port, no thread or no runtime: the machine is out of something.
    #[error("cannot start the provider sandbox on 127.0.0.1: {0}")]
    Io(#[from] io::Error),
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What a sandbox may be told before it starts.
#[derive(Clone, Debug)]
pub struct SandboxBuilder {
    certificate: Certificate,
    keep_requests: bool,
}

impl Default for SandboxBuilder {
    fn default() -> Self {
        Self {
            certificate: Certificate::Valid,
            keep_requests: true,
        }
    }
}

impl SandboxBuilder {
    /// The certificate that all TLS ports show.
    #[must_use]
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// Whether [`Sandbox::requests`] keeps every request (it does unless told otherwise). A benchmark says no.
    #[must_use]
    pub fn keep_requests(mut self, keep: bool) -> Self {
        self.keep_requests = keep;
        self
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// Only where the machine has no port, thread or randomness to give.
    pub fn start(self) -> Result<Sandbox, StartError> {
        let authority = Authority::new(self.certificate)?;
        let journal = Arc::new(Journal::new(self.keep_requests));
        let clock = Arc::new(Clock::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let entered = runtime.enter();

        let (journal_of, clock_of) = (|| Arc::clone(&journal), || Arc::clone(&clock));
        let twilio = serve(
            twilio::Api::new(journal_of(), clock_of()),
            &journal,
            &clock,
            &authority,
        )?;
        let notify = serve(
            notify::Api::new(journal_of(), clock_of()),
            &journal,
            &clock,
            &authority,
        )?;
        let echo = serve(echo::Api::default(), &journal, &clock, &authority)?;
        let smtp = Smtp::start(&journal, &clock, authority.acceptor.clone())?;

        drop(entered);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("sandbox".into())
            .spawn(move || {
                // Either the word or the sender's end: both mean stop.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Sandbox {
            twilio,
            notify,
            echo,
            smtp,
            journal,
            clock,
            ca_pem: authority.pem,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Sandbox {
    /// Starts a sandbox with a valid certificate that keeps all requests.
    ///
    /// # Panics
    /// Where the machine has no port, thread or randomness to give; a test has nothing to do then.
    pub fn start() -> Self {
        Self::builder()
            .start()
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// For a sandbox with other choices.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Twilio.
    pub fn twilio(&self) -> &Twilio {
        &self.twilio
    }

    /// GOV.UK Notify.
    pub fn notify(&self) -> &Notify {
        &self.notify
    }

    /// The mail server of an e-mail to SMS gateway.
    pub fn smtp(&self) -> &Smtp {
        &self.smtp
    }

    /// The provider that is not in the sandbox.
    pub fn echo(&self) -> &Echo {
        &self.echo
    }

    /// The certificate authority that clients of the TLS ports have to trust, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Writes the authority's certificate to a file, as `[http] ca_file` wants it.
    ///
    /// # Errors
    /// Those of writing the file.
    pub fn write_ca(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, &self.ca_pem)
    }

    /// Every text that a provider took, oldest first.
    pub fn texts(&self) -> Vec<Text> {
        self.journal.texts()
    }

    /// How many texts were taken, without copying them.
    pub fn text_count(&self) -> usize {
        self.journal.text_count()
    }

    /// Waits until at least `wanted` texts have been taken.
    ///
    /// # Errors
    /// If they are not there when `patience` is over; the error holds those that are.
    pub fn wait_for_texts(
        &self,
        wanted: usize,
        patience: Duration,
    ) -> Result<Vec<Text>, TooFew<Text>> {
        self.journal.wait_for_texts(wanted, patience)
    }

    /// Every HTTP request that a provider read to its end, oldest first.
    pub fn requests(&self) -> Vec<Arc<Request>> {
        self.journal.requests()
    }

    /// Waits until at least `wanted` requests have been read; a fault may still hold back their answers.
    ///
    /// # Errors
    /// If they are not there when `patience` is over; the error holds those that are.
    pub fn wait_for_requests(
        &self,
        wanted: usize,
        patience: Duration,
    ) -> Result<Vec<Arc<Request>>, TooFew<Arc<Request>>> {
        self.journal.wait_for_requests(wanted, patience)
    }

    /// Forgets the texts and requests so far; what the providers themselves keep stays.
    pub fn forget(&self) {
        self.journal.clear();
    }

    /// Sets the providers' clocks this many seconds ahead of the machine's, or behind them if negative.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.clock.set_offset(seconds);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by a panic; then there is nobody to tell.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An address on loopback that refuses connections for as long as this value lives, and that nobody else gets.
pub struct Refusing {
    // Bound and never listened on.
    _socket: tokio::net::TcpSocket,
    address: SocketAddr,
}

impl Refusing {
    /// Reserves a port.
    ///
    /// # Errors
    /// Where the machine has no port to give.
    pub fn new() -> io::Result<Self> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self {
            address: socket.local_addr()?,
            _socket: socket,
        })
    }

    /// Where connections are refused.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Starts an HTTP provider, with and without TLS. Must be called inside the runtime.
fn serve<A: http::Api>(
    api: A,
    journal: &Arc<Journal>,
    clock: &Arc<Clock>,
    authority: &Authority,
) -> io::Result<Endpoint<A>> {
    let ((http, http_at), (https, https_at)) = (bind()?, bind()?);
    let endpoint = Endpoint::new(
        api,
        http_at,
        https_at,
        Arc::clone(journal),
        Arc::clone(clock),
    );
    endpoint.listen(http, https, authority.acceptor.clone());
    Ok(endpoint)
}

/// Binds a port of the system's choice. Must be called inside the runtime.
fn bind() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((TcpListener::from_std(listener)?, address))
}

/// Locks, whatever happened to the thread that held the lock before: every change here is made in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
