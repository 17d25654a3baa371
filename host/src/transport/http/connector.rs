//! Connections for HTTP: to the host itself, to what takes its place, or through a proxy's tunnel; and with
//! TLS, where the URL wants it.

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Uri};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, proxy::Tunnel},
    rt::TokioIo,
};
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};
use tower_service::Service;
use url::Url;

use super::connect_to::ConnectTo;
use crate::{
    net::{self, Cause, NetError, Pace, Resolver},
    transport::egress::is_loopback,
};

/// Makes the connections of one client. Clones are the same.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) route: Arc<Route>,
    pub(super) resolver: Resolver,
    pub(super) pace: Pace,
    pub(super) tls: Arc<ClientConfig>,
    /// How long a connection may take, with its tunnel and TLS, once it is this sender's turn.
    pub(super) within: Duration,
}

/// The way to a host.
pub(super) enum Route {
    /// To the host itself.
    Direct,
    /// To this address in place of every host.
    Instead(ConnectTo),
    /// Through this proxy, but to this machine.
    Proxy(Proxy),
}

/// A proxy that makes tunnels.
pub(super) struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Reads a proxy's URL, which may hold a user and a password.
    pub(super) fn read(address: &str) -> Result<Self, Cause> {
        let mut url: Url = address.parse().map_err(|_| Cause::BadProxy)?;
        let authorization = take_credentials(&mut url);
        Ok(Self {
            uri: url.as_str().parse().map_err(|_| Cause::BadProxy)?,
            authorization,
        })
    }

    /// As errors name it.
    fn peer(&self) -> String {
        let (host, port) = target(&self.uri);
        format!("proxy {}", net::peer(host, port))
    }
}

/// User and password of a URL, which then has none, as a header's value (RFC 7617).
pub(super) fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    let user = url.username().to_owned();
    let password = url.password().map(ToOwned::to_owned);
    if user.is_empty() && password.is_none() {
        return None;
    }
    // A URL with a host can be without them.
    let _ = (url.set_username(""), url.set_password(None));
    let mut pair: Vec<u8> = percent_decode_str(&user).collect();
    pair.push(b':');
    pair.extend(percent_decode_str(password.as_deref().unwrap_or_default()));
    let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Host and port of a URL with a host, without brackets.
fn target(uri: &Uri) -> (&str, u16) {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let default = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    (host, uri.port_u16().unwrap_or(default))
}

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, NetError>> + Send>>;

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = NetError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NetError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let turn = connector.pace.turn_within(connector.within).await;
            turn.map_err(|cause| NetError::new(connector.peer(&uri), cause))?;
            let connected = timeout(connector.within, connector.connect(&uri)).await;
            let late = |_| NetError::new(connector.peer(&uri), Cause::TimedOut);
            connected.map_err(late)?
        })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri) -> Result<TokioIo<Wire>, NetError> {
        let (host, port) = target(uri);
        let stream: Box<dyn Stream> = match &*self.route {
            Route::Instead(address) => self.reach(address.host(), address.port()).await?,
            Route::Proxy(proxy) if !is_local(host) => self.tunnel(proxy, uri).await?,
            _ => self.reach(host, port).await?,
        };
        let stream = match uri.scheme_str() {
            Some("https") => {
                let protected = net::handshake(stream, host, port, self.tls.clone()).await?;
                Box::new(protected) as Box<dyn Stream>
            }
            _ => stream,
        };
        Ok(TokioIo::new(Wire::new(stream)))
    }

    async fn reach(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, NetError> {
        let stream = net::connect(host, port, &self.resolver, self.within).await?;
        Ok(Box::new(stream))
    }

    async fn tunnel(&self, proxy: &Proxy, uri: &Uri) -> Result<Box<dyn Stream>, NetError> {
        let mut tunnel = Tunnel::new(proxy.uri.clone(), ToProxy(self.clone()));
        if let Some(authorization) = &proxy.authorization {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        let failed = |error: &(dyn Error + 'static)| {
            let refused = || Cause::ProxyRefused(peer(uri));
            // Its error's own type is not public.
            let cause = match error.to_string().as_str() {
                "tunnel error: proxy authorization required" => Cause::ProxyAuthentication,
                "tunnel error: failed to create underlying connection"
                | "tunnel error: io error establishing tunnel" => {
                    error.source().map_or_else(refused, cause_of)
                }
                _ => refused(),
            };
            NetError::new(proxy.peer(), cause)
        };
        let stream = tunnel
            .call(uri.clone())
            .await
            .map_err(|error| failed(&error))?;
        Ok(Box::new(stream.into_inner()))
    }

    /// With whom a connection is made, as errors name it.
    fn peer(&self, uri: &Uri) -> String {
        match &*self.route {
            Route::Proxy(proxy) if !is_local(target(uri).0) => proxy.peer(),
            _ => peer(uri),
        }
    }
}

/// Why a connection was not made, in one of our errors or behind it.
fn cause_of(error: &(dyn Error + 'static)) -> Cause {
    match error.downcast_ref::<NetError>() {
        Some(known) => known.cause().clone(),
        None => Cause::of(error),
    }
}

fn peer(uri: &Uri) -> String {
    let (host, port) = target(uri);
    net::peer(host, port)
}

/// Whether a proxy has no part in the way to a host.
fn is_local(host: &str) -> bool {
    is_loopback(host) || host.ends_with(".localhost")
}

/// Connects to a proxy, with TLS where its own URL wants it.
#[derive(Clone)]
struct ToProxy(Connector);

impl Service<Uri> for ToProxy {
    type Response = TokioIo<Wire>;
    type Error = NetError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NetError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = Connector {
            route: Arc::new(Route::Direct),
            ..self.0.clone()
        };
        Box::pin(async move { connector.connect(&uri).await })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection that can be cut off while it is read from, in the middle of the reading: what comes in then
/// is not even looked at.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    cutter: Cutter,
}

/// Cuts a connection off.
#[derive(Clone, Debug, Default)]
pub(super) struct Cutter(Arc<AtomicBool>);

impl Cutter {
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Wire {
    fn new(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            cutter: Cutter::default(),
        }
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.cutter.clone())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cutter.0.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
