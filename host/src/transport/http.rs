//! HTTP: one `reqwest` client for each sender, made when an exchange first needs it.

mod connect_to;

use std::{
    convert::Infallible,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use reqwest::{
    Body, Client, ClientBuilder, NoProxy, Proxy, Response, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect, retry,
};
use textsender_plugin_api::{FailureKind, HttpRequest, HttpResponse, MAX_ANSWER, Stage};

use super::{Egress, Fault, Progress, egress::is_loopback, resolver};
use crate::net::{self, Cause, Lookups, NetError, chain};
use connect_to::ConnectTo;

/// Kept connections are given up before a provider's usual 60 s, so that none is closed by the
/// provider in the moment of its use: that would leave a message in doubt.
const IDLE: Duration = Duration::from_secs(15);

/// What of HTTP a sender may set.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpSettings {
    /// A proxy's URL. Loopback addresses are reached without it.
    pub proxy: Option<String>,
    /// A PEM file of roots to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// `HOST:PORT` to connect to in place of every host. There is no proxy then.
    pub connect_to: Option<String>,
    /// How long an attempt with the sender may take.
    pub timeout: Duration,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            proxy: None,
            ca_file: None,
            connect_to: None,
            timeout: Duration::from_secs(10),
        }
    }
}

impl HttpSettings {
    /// How long a connection may take to be made, by whichever of a host's addresses: a peer that
    /// answers only then still has a quarter of the time for the exchange.
    pub(super) fn connect_within(&self) -> Duration {
        self.timeout * 3 / 4
    }
}

/// The HTTP transport of one sender.
pub struct Http {
    settings: HttpSettings,
    lookups: Lookups,
    /// For loopback without TLS: no roots are read for it.
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
}

impl Http {
    /// A transport with these settings.
    pub fn new(settings: HttpSettings, lookups: Lookups) -> Self {
        Self {
            settings,
            lookups,
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }
    }

    /// Carries one request and reads its whole answer.
    pub(super) async fn carry(
        &self,
        request: HttpRequest,
        egress: &Arc<Egress>,
        progress: &Progress,
    ) -> Result<HttpResponse, Fault> {
        let (mut url, mut headers) = checked(&request, egress)?;
        let host = peer_of(&request.url);
        if let Some(connect_to) = self.connect_to() {
            connect_to.redirect(&mut url, &mut headers)?;
        }
        let client = self.client_for(&url, egress)?;
        // Malformed, not a panic: reqwest's own method type knows all of ours.
        let method = request
            .method
            .as_str()
            .parse()
            .map_err(|_| FailureKind::Malformed)?;

        let mut builder = client.request(method, url).headers(headers);
        let has_body = !request.body.is_empty();
        if has_body {
            builder = builder.body(Body::wrap(Tracked::new(request.body, progress)));
        } else {
            // No body shows when it leaves. So it has, from the start: a caller that drops this future
            // must not find that it did not.
            progress.reach(Stage::Written);
        }
        let answer = builder.send().await;
        if !has_body && answer.as_ref().is_err_and(reqwest::Error::is_connect) {
            progress.not_written();
        }
        let answer = answer.map_err(|error| self.fault(&error, &host))?;
        Ok(read_body(answer).await?)
    }

    fn proxy_host(&self) -> Option<String> {
        let proxy: Url = self.settings.proxy.as_deref()?.parse().ok()?;
        proxy.host_str().map(ToOwned::to_owned)
    }

    fn connect_to(&self) -> Option<ConnectTo> {
        ConnectTo::parse(self.settings.connect_to.as_deref()?)
    }

    /// The client for a URL: with TLS, or on this machine. One that can't be made is tried anew with
    /// the next exchange.
    fn client_for(&self, url: &Url, egress: &Arc<Egress>) -> Result<&Client, Fault> {
        let is_secure = url.scheme() == "https";
        let made = match is_secure {
            true => &self.secure,
            false => &self.plain,
        };
        if let Some(client) = made.get() {
            return Ok(client);
        }
        let client = self.client(is_secure, egress);
        let client = client.map_err(|cause| NetError::new(peer_of(url.as_str()), cause))?;
        Ok(made.get_or_init(|| client))
    }

    fn client(&self, is_secure: bool, egress: &Arc<Egress>) -> Result<Client, Cause> {
        let tls = match is_secure {
            true => net::client(self.settings.ca_file.as_deref())?,
            false => net::without_roots(),
        };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // Nor the environment's: a proxy there would be given what is meant for this machine.
            .no_proxy()
            .pool_idle_timeout(IDLE)
            .connect_timeout(self.settings.connect_within())
            .tcp_nodelay(true);
        let proxy = self.settings.proxy.as_deref();
        let resolver = resolver(egress, self.proxy_host(), &self.lookups);
        if let Some(connect_to) = self.connect_to() {
            return built(builder.dns_resolver(Arc::new(connect_to.resolver(resolver))));
        }
        builder = builder.dns_resolver(Arc::new(resolver));
        if let Some(proxy) = proxy {
            let local = NoProxy::from_string("localhost,127.0.0.0/8,::1");
            let proxy = Proxy::all(proxy).map_err(|_| Cause::BadProxy)?;
            builder = builder.proxy(proxy.no_proxy(local));
        }
        built(builder)
    }

    /// What stands behind `reqwest`'s error, and with which peer: the host, or what leads there.
    fn fault(&self, error: &reqwest::Error, host: &str) -> Fault {
        if !error.is_connect() {
            let broken = chain(error).find_map(|error| error.downcast_ref::<hyper::Error>());
            let kind = match broken.is_some_and(hyper::Error::is_parse) {
                true => FailureKind::Unreadable,
                false => FailureKind::Cut,
            };
            return kind.into();
        }
        let cause = match error.is_timeout() {
            true => Cause::TimedOut,
            false => Cause::of(error),
        };
        // The connector's own type for this is not public.
        let tunnel = chain(error).map(ToString::to_string);
        let tunnel = tunnel
            .into_iter()
            .find(|words| words.starts_with("tunnel error: "));
        let (peer, cause) = match tunnel.as_deref() {
            None => match &self.settings.connect_to {
                Some(address) => (format!("{host} (by connect_to {address})"), cause),
                None => (host.to_owned(), cause),
            },
            Some("tunnel error: proxy authorization required") => {
                (self.proxy_peer(), Cause::ProxyAuthentication)
            }
            Some(
                "tunnel error: failed to create underlying connection"
                | "tunnel error: io error establishing tunnel",
            ) => (self.proxy_peer(), cause),
            Some(_) => (self.proxy_peer(), Cause::ProxyRefused(host.to_owned())),
        };
        NetError::new(peer, cause).into()
    }

    /// The proxy as errors name it, without its user and password.
    fn proxy_peer(&self) -> String {
        format!(
            "proxy {}",
            peer_of(self.settings.proxy.as_deref().unwrap_or_default())
        )
    }
}

fn built(builder: ClientBuilder) -> Result<Client, Cause> {
    builder
        .build()
        .map_err(|error| Cause::Roots(error.to_string()))
}

/// A URL's host and port, and nothing else of it.
pub(super) fn peer_of(url: &str) -> String {
    let url = Url::parse(url).ok();
    let peer = url.as_ref().and_then(|url| {
        let port = url.port_or_known_default().unwrap_or_default();
        Some(net::peer(url.host_str()?, port))
    });
    peer.unwrap_or_else(|| "the provider".to_owned())
}

/// A request's URL and headers, if it is well formed and may leave: to a host that the plugin
/// declares or the settings name, with TLS or on this machine.
pub(super) fn checked(
    request: &HttpRequest,
    egress: &Egress,
) -> Result<(Url, HeaderMap), FailureKind> {
    let url: Url = request.url.parse().map_err(|_| FailureKind::Malformed)?;
    let host = url.host_str().ok_or(FailureKind::Malformed)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().ok_or(FailureKind::Malformed)?;
    if !egress.allows(host, port) {
        return Err(FailureKind::NotAllowed);
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(host) => {}
        _ => return Err(FailureKind::NotAllowed),
    }
    let headers = headers(&request.headers)?;
    Ok((url, headers))
}

/// A request's body that tells when it is first asked for: from then on bytes may have left.
struct Tracked {
    bytes: Option<Bytes>,
    progress: Progress,
}

impl Tracked {
    fn new(body: Vec<u8>, progress: &Progress) -> Self {
        Self {
            bytes: Some(body.into()),
            progress: progress.clone(),
        }
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.progress.reach(Stage::Written);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// Whether a header says how a message is framed or what becomes of its connection (RFC 9112, 6 and 9): a
/// plugin that wrote them could have it said *not sent* of what a server took.
fn is_ours(name: &HeaderName) -> bool {
    const OURS: [&str; 9] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let name = name.as_str();
    OURS.contains(&name) || name.starts_with("proxy-")
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, FailureKind> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let name = HeaderName::try_from(name).map_err(|_| FailureKind::Malformed)?;
        if is_ours(&name) {
            return Err(FailureKind::Malformed);
        }
        let mut value = HeaderValue::try_from(value).map_err(|_| FailureKind::Malformed)?;
        // Header values may hold secrets: nothing shows them.
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// Reads the answer to its end, or gives up at its bound.
async fn read_body(mut answer: Response) -> Result<HttpResponse, FailureKind> {
    let too_large = |length: u64| length > MAX_ANSWER as u64;
    if answer.content_length().is_some_and(too_large) {
        return Err(FailureKind::TooLarge);
    }
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)));
    let (status, headers) = (answer.status().as_u16(), headers.collect());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| FailureKind::Cut)? {
        // Before it is added: an answer that is too large must not take twice as much.
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(FailureKind::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse {
        status,
        headers,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_can_not_be_made_is_tried_anew() {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        let settings = HttpSettings {
            ca_file: Some(ca_file.clone()),
            ..HttpSettings::default()
        };
        let http = Http::new(settings, Lookups::default());
        let egress = Arc::new(Egress::new([], []));
        let url = "https://provider.example".parse().unwrap();
        assert!(http.client_for(&url, &egress).is_err());
        let authority = rcgen::generate_simple_self_signed(["provider.example".to_owned()]);
        std::fs::write(&ca_file, authority.unwrap().cert.pem()).unwrap();
        assert!(http.client_for(&url, &egress).is_ok());
    }

    #[test]
    fn framing_and_connection_are_ours() {
        let refused = |name: &str| headers(&[(name.to_owned(), "0".to_owned())]).is_err();
        for name in [
            "Content-Length",
            "Transfer-Encoding",
            "HOST",
            "connection",
            "Proxy-Connection",
        ] {
            assert!(refused(name), "{name}");
        }
        for name in ["Authorization", "Content-Type", "Idempotency-Key"] {
            assert!(!refused(name), "{name}");
        }
    }
}
