//! HTTP: one `reqwest` client for each sender, made when an exchange first needs it.

mod connect_to;

use std::{
    convert::Infallible,
    error::Error,
    io,
    net::SocketAddr,
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
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect, retry,
};
use textsender_plugin_api::{FailureKind, HttpRequest, HttpResponse, MAX_ANSWER, Stage};

use super::{Egress, Progress, egress::is_loopback, tls};
use connect_to::ConnectTo;

/// Kept connections are given up before a provider's usual 60 s, so that none is closed by the
/// provider in the moment of its use: that would leave a message in doubt.
const IDLE: Duration = Duration::from_secs(15);

/// What of HTTP a sender may set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpSettings {
    /// A proxy's URL. Loopback addresses are reached without it.
    pub proxy: Option<String>,
    /// A PEM file of roots to trust in place of the system's.
    pub ca_file: Option<PathBuf>,
    /// `HOST:PORT` to connect to in place of every host. There is no proxy then.
    pub connect_to: Option<String>,
}

/// The HTTP transport of one sender.
pub struct Http {
    settings: HttpSettings,
    /// For loopback without TLS: no roots are read for it.
    plain: OnceLock<Result<Client, ()>>,
    secure: OnceLock<Result<Client, ()>>,
}

impl Http {
    /// A transport with these settings.
    pub fn new(settings: HttpSettings) -> Self {
        Self {
            settings,
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
    ) -> Result<HttpResponse, FailureKind> {
        let (mut url, mut headers) = checked(&request, egress)?;
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
        read_body(answer.map_err(|error| cause(&error))?).await
    }

    fn proxy_host(&self) -> Option<String> {
        let proxy: Url = self.settings.proxy.as_deref()?.parse().ok()?;
        proxy.host_str().map(ToOwned::to_owned)
    }

    fn connect_to(&self) -> Option<ConnectTo> {
        ConnectTo::parse(self.settings.connect_to.as_deref()?)
    }

    /// The client for a URL: with TLS, or on this machine.
    fn client_for(&self, url: &Url, egress: &Arc<Egress>) -> Result<&Client, FailureKind> {
        let made = match url.scheme() {
            "https" => self.secure.get_or_init(|| self.client(true, egress)),
            _ => self.plain.get_or_init(|| self.client(false, egress)),
        };
        made.as_ref().map_err(|()| FailureKind::Tls)
    }

    fn client(&self, secure: bool, egress: &Arc<Egress>) -> Result<Client, ()> {
        let made = self.try_client(secure, egress);
        made.map_err(|error| tracing::error!(error, "no HTTP client can be made"))
    }

    fn try_client(&self, secure: bool, egress: &Arc<Egress>) -> Result<Client, String> {
        let tls = match secure {
            true => tls::client(self.settings.ca_file.as_deref())?,
            false => tls::none(),
        };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            // Nor the environment's: a proxy there would be given what is meant for this machine.
            .no_proxy()
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true);
        builder = match self.connect_to() {
            Some(connect_to) => return built(builder.dns_resolver(Arc::new(connect_to))),
            None => builder.dns_resolver(Arc::new(Resolver {
                egress: egress.clone(),
                proxy: self.proxy_host(),
            })),
        };
        if let Some(proxy) = &self.settings.proxy {
            let local = NoProxy::from_string("localhost,127.0.0.0/8,::1");
            let proxy = Proxy::all(proxy).map_err(|error| format!("[http] proxy: {error}"))?;
            builder = builder.proxy(proxy.no_proxy(local));
        }
        built(builder)
    }
}

fn built(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| error.to_string())
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

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, FailureKind> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let name = HeaderName::try_from(name).map_err(|_| FailureKind::Malformed)?;
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

/// Resolves names by the system, and keeps a plugin's names off this machine.
struct Resolver {
    egress: Arc<Egress>,
    /// The administrator's choice, wherever it is: with a proxy it alone is resolved here.
    proxy: Option<String>,
}

/// A name that leads nowhere that it may lead.
#[derive(Debug, thiserror::Error)]
#[error("the name does not resolve")]
struct Unresolved;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.egress.clone();
        let is_proxy = self.proxy.as_deref() == Some(name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let allowed: Vec<SocketAddr> = found
                .map_err(|_| Unresolved)?
                .filter(|address| is_proxy || egress.allows_address(name.as_str(), address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(Unresolved.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// What stands behind `reqwest`'s error.
fn cause(error: &reqwest::Error) -> FailureKind {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<Unresolved>() {
            return FailureKind::NameNotFound;
        }
        if error.is::<rustls::Error>() {
            return FailureKind::Tls;
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return if error.is_parse() {
                FailureKind::Unreadable
            } else {
                FailureKind::Cut
            };
        }
        // An I/O error's source is not what it holds but that one's source, and TLS errors come in
        // two such shells.
        let held = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        cause = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    if error.is_connect() {
        FailureKind::Connect
    } else {
        FailureKind::Cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::NamedHost;

    #[tokio::test]
    async fn a_declared_name_that_leads_here_does_not_resolve() {
        let named = NamedHost {
            host: "localhost".to_owned(),
            ports: vec![8080],
        };
        let declared = || Egress::new(["localhost".to_owned()], []);
        let proxy = || Some("localhost".to_owned());
        for (egress, proxy, resolves) in [
            (declared(), None, false),
            // The administrator's own choices.
            (Egress::new([], [named]), None, true),
            (declared(), proxy(), true),
        ] {
            let egress = Arc::new(egress);
            let resolver = Resolver { egress, proxy };
            let found = resolver.resolve("localhost".parse().unwrap()).await;
            assert_eq!(found.is_ok(), resolves);
        }
    }
}
