//! A small HTTP/1.1 server that keeps every byte in its own hands, because faults need that.
//!
//! All of it runs on the sandbox's one thread. A connection reads what there is, answers every complete request
//! in order and writes once, so that pipelined requests are cheap.

mod answer;
mod connection;
mod misbehave;
mod parse;
mod request;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::clock::Clock;
use super::fault::Fault;
use super::journal::{Journal, Provider};
use super::when::{Facts, Rules, When};

pub(crate) use answer::Answer;
pub use request::Request;

/// One provider's API: what it answers, apart from how the answer travels.
pub(crate) trait Api: Send + Sync + 'static {
    /// Whose API it is.
    const PROVIDER: Provider;
    /// Header lines of every answer, each with its line end.
    const STANDING: &'static str;

    /// The provider's answer. Without `take` nothing changes: no text is taken, no limit is used up.
    fn answer(&self, request: &Request, take: bool) -> Answer;

    /// What the provider sends with a failure of this status.
    fn failure(&self, status: u16) -> Answer;

    /// The recipient of a request to send, as the client wrote it.
    fn recipient(&self, request: &Request) -> Option<String>;
}

/// A provider on loopback: its addresses, its faults and, through the methods of its own type, its accounts.
pub struct Endpoint<A> {
    http: SocketAddr,
    https: SocketAddr,
    service: Arc<Service<A>>,
}

/// What all connections of a provider share.
pub(crate) struct Service<A> {
    pub api: A,
    pub faults: Rules<Fault>,
    pub journal: Arc<Journal>,
    pub clock: Arc<Clock>,
}

impl<A> Endpoint<A> {
    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// `https://localhost:PORT`; trust the sandbox's authority to reach it.
    pub fn https_url(&self) -> String {
        format!("https://localhost:{}", self.https.port())
    }

    /// The address of the HTTP server.
    pub fn address(&self) -> SocketAddr {
        self.http
    }

    /// The address of the HTTPS server.
    pub fn https_address(&self) -> SocketAddr {
        self.https
    }

    /// Sets a fault. Faults are asked in the order in which they were set; the first that strikes wins.
    ///
    /// # Panics
    /// If a fault that strikes before the request is read depends on what the request says.
    pub fn fault(&self, when: When, fault: Fault) {
        assert!(
            !(fault.is_blind() && when.looks_inside()),
            "Fault::drop_unread strikes before the request is read: it cannot depend on recipient, method or path",
        );
        self.service.faults.add(when, fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.service.faults.clear();
    }

    pub(crate) fn api(&self) -> &A {
        &self.service.api
    }

    /// A provider for these listeners; it answers once [`Endpoint::listen`] runs.
    pub(crate) fn new(
        api: A,
        http: SocketAddr,
        https: SocketAddr,
        journal: Arc<Journal>,
        clock: Arc<Clock>,
    ) -> Self
    where
        A: Api,
    {
        let faults = Rules::default();
        Self {
            http,
            https,
            service: Arc::new(Service {
                api,
                faults,
                journal,
                clock,
            }),
        }
    }

    /// Accepts connections on both listeners, from now on. Must be called inside the runtime.
    pub(crate) fn listen(&self, http: TcpListener, https: TcpListener, acceptor: TlsAcceptor)
    where
        A: Api,
    {
        tokio::spawn(accept(http, Arc::clone(&self.service), None));
        tokio::spawn(accept(https, Arc::clone(&self.service), Some(acceptor)));
    }
}

impl<A: Api> Service<A> {
    /// The fault that strikes at this request, now that it has been read.
    fn fault_for(&self, request: &Request) -> Option<Fault> {
        if self.faults.is_empty() {
            return None;
        }
        let recipient = self.api.recipient(request);
        let facts = Facts {
            to: recipient.as_deref(),
            method: Some(request.method()),
            path: Some(request.path()),
        };
        self.faults.pick(&facts, |fault| !fault.is_blind())
    }

    /// Whether a connection breaks before the request is read.
    fn breaks_unread(&self) -> bool {
        self.faults
            .pick(&Facts::default(), Fault::is_blind)
            .is_some()
    }
}

async fn accept<A: Api>(
    listener: TcpListener,
    service: Arc<Service<A>>,
    acceptor: Option<TlsAcceptor>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&service), acceptor.clone()));
            }
            // Out of file descriptors, most likely: connections end and give some back.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve<A: Api>(
    mut stream: TcpStream,
    service: Arc<Service<A>>,
    acceptor: Option<TlsAcceptor>,
) {
    // Failing to switch Nagle off costs time, not correctness.
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = acceptor else {
        let ending = connection::serve(&mut stream, false, &service).await;
        end(&stream, ending);
        return;
    };
    // A client that does not trust the certificate is the client's affair.
    if let Ok(mut stream) = acceptor.accept(stream).await {
        let ending = connection::serve(&mut stream, true, &service).await;
        end(stream.get_ref().0, ending);
    }
}

/// Prepares the way the socket closes when it is dropped next.
fn end(stream: &TcpStream, ending: connection::Ending) {
    if ending == connection::Ending::Reset {
        // With no time to linger, the kernel sends RST. If it cannot, the client sees a plain end.
        let _ = stream.set_zero_linger();
    }
}
