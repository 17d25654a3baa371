//! HTTP: one client for each sender, made when an exchange first needs it.

mod client;
mod connect_to;
mod connector;

use std::{
    future::poll_fn,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri,
    header::{ACCEPT, AUTHORIZATION, Entry},
};
use http_body::Body;
use hyper::body::Incoming;
use textsender_plugin_api::{FailureKind, HttpRequest, HttpResponse, MAX_ANSWER, Stage};
use url::Url;

use super::{Egress, Fault, Progress, egress::is_loopback, resolver};
use crate::{
    budget,
    net::{self, Cause, NetError, Resolver, Share, chain},
};
use client::{Client, Tracked, Unanswered};
use connect_to::ConnectTo;
use connector::{Connector, Proxy, Route, take_credentials};

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
    share: Share,
    /// For loopback without TLS: no roots are read for it.
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
}

impl Http {
    /// A transport with these settings.
    pub fn new(settings: HttpSettings, share: Share) -> Self {
        Self {
            settings,
            share,
            plain: OnceLock::new(),
            secure: OnceLock::new(),
        }
    }

    /// Carries one request and reads its whole answer, which is held in `held` beside the request.
    pub(super) async fn carry(
        &self,
        request: HttpRequest,
        egress: &Arc<Egress>,
        progress: &Progress,
        held: &mut budget::Bytes,
    ) -> Result<HttpResponse, Fault> {
        let (mut url, mut headers) = checked(&request, egress)?;
        let peer = peer_of(&request.url);
        if let Some(connect_to) = self.connect_to() {
            connect_to.redirect(&mut url, &mut headers)?;
        }
        let client = self.client_for(&url, egress)?;
        let has_body = !request.body.is_empty();
        let request = composed(request, url, headers, progress)?;
        if !has_body {
            // No body shows when it leaves. So it has, from the start: a caller that drops this future
            // must not find that it did not.
            progress.reach(Stage::Written);
        }
        let answer = match client.send(request).await {
            Ok(answer) => answer,
            Err(Unanswered::UsedUp(limit)) => return Err(used_up(limit, &peer)),
            Err(Unanswered::Failed(error)) => {
                if !has_body && error.is_connect() {
                    progress.not_written();
                }
                return Err(self.fault(&error, &peer));
            }
        };
        Ok(read_body(answer, held).await?)
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
        let mut tls = match is_secure {
            true => net::client(self.settings.ca_file.as_deref())?,
            false => net::without_roots(),
        };
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (route, resolver) = self.route(egress)?;
        Ok(Client::new(Connector {
            route: Arc::new(route),
            resolver,
            pace: self.share.pace.clone(),
            tls: Arc::new(tls),
            within: self.settings.connect_within(),
        }))
    }

    /// What stands behind the client's error.
    fn fault(&self, error: &hyper_util::client::legacy::Error, peer: &str) -> Fault {
        let known = chain(error).find_map(|error| error.downcast_ref::<NetError>());
        match (known, &self.settings.connect_to) {
            (Some(known), Some(address)) => {
                let peer = format!("{peer} (by connect_to {address})");
                return NetError::new(peer, known.cause().clone()).into();
            }
            (Some(known), None) => return known.clone().into(),
            (None, _) if error.is_connect() => {
                return NetError::new(peer, Cause::of(error)).into();
            }
            (None, _) => {}
        }
        let broken = chain(error).find_map(|error| error.downcast_ref::<hyper::Error>());
        let kind = match broken.is_some_and(hyper::Error::is_parse) {
            true => FailureKind::Unreadable,
            false => FailureKind::Cut,
        };
        kind.into()
    }

    /// The way to every host, and who may be found on it.
    fn route(&self, egress: &Arc<Egress>) -> Result<(Route, Resolver), Cause> {
        if let Some(connect_to) = self.connect_to() {
            // The administrator's own choice, wherever it is.
            let resolver = Resolver::new(Arc::new(|_, _| true), &self.share.lookups);
            return Ok((Route::Instead(connect_to), resolver));
        }
        // Not the environment's proxy: it would be given what is meant for this machine.
        let proxy = self.settings.proxy.as_deref();
        let host = proxy.and_then(|proxy| Some(proxy.parse::<Url>().ok()?.host_str()?.to_owned()));
        let resolver = resolver(egress, host, &self.share.lookups);
        Ok(match proxy {
            Some(proxy) => (Route::Proxy(Proxy::read(proxy)?), resolver),
            None => (Route::Direct, resolver),
        })
    }
}

/// A plugin's request as the client takes it.
fn composed(
    request: HttpRequest,
    mut url: Url,
    mut headers: HeaderMap,
    progress: &Progress,
) -> Result<Request<Tracked>, FailureKind> {
    let method = Method::from_bytes(request.method.as_str().as_bytes());
    if let Some(credentials) = take_credentials(&mut url)
        && let Entry::Vacant(entry) = headers.entry(AUTHORIZATION)
    {
        entry.insert(credentials);
    }
    if let Entry::Vacant(entry) = headers.entry(ACCEPT) {
        entry.insert(HeaderValue::from_static("*/*"));
    }
    let uri: Uri = url.as_str().parse().map_err(|_| FailureKind::Malformed)?;
    let mut composed = Request::new(Tracked::new(request.body, progress));
    *composed.method_mut() = method.map_err(|_| FailureKind::Malformed)?;
    *composed.uri_mut() = uri;
    *composed.headers_mut() = headers;
    Ok(composed)
}

/// An exchange whose peer used a budget up.
fn used_up(limit: budget::Limit, peer: &str) -> Fault {
    Fault {
        words: Some(format!("{peer}: cut off: more than {limit}")),
        ..FailureKind::Unreadable.into()
    }
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

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, FailureKind> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let name = HeaderName::try_from(name).map_err(|_| FailureKind::Malformed)?;
        if HttpRequest::is_hosts_header(name.as_str()) {
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
async fn read_body(
    answer: Response<Incoming>,
    held: &mut budget::Bytes,
) -> Result<HttpResponse, FailureKind> {
    let (head, mut body) = answer.into_parts();
    if body.size_hint().lower() > MAX_ANSWER as u64 {
        return Err(FailureKind::TooLarge);
    }
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), text(value)));
    let headers = headers.collect();
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame.map_err(|_| FailureKind::Cut)?.into_data() else {
            continue;
        };
        // Before it is added: an answer that is too large must not take twice as much.
        if bytes.len() + data.len() > MAX_ANSWER || !held.add(data.len()) {
            return Err(FailureKind::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(HttpResponse {
        status: head.status.as_u16(),
        headers,
        body: bytes,
    })
}

#[cfg(test)]
mod tests {
    use textsender_plugin_api::Method as Verb;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use futures_util::FutureExt;

    use super::*;
    use crate::{budget::Budget, net::Pace, transport::NamedHost};

    const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

    /// What comes of a request to a server that answers with `first`, and then with `then` for ever.
    async fn answered(first: &[u8], then: &[u8]) -> Result<HttpResponse, Fault> {
        let mut held = Budget::default().hold(0).unwrap();
        answered_within(first, then, &mut held).await
    }

    async fn answered_within(
        first: &[u8],
        then: &[u8],
        held: &mut budget::Bytes,
    ) -> Result<HttpResponse, Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (first, then) = (first.to_owned(), then.to_owned());
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let mut written = stream.write_all(&first).await;
            while written.is_ok() {
                match then.is_empty() {
                    true => std::future::pending().await,
                    false => written = stream.write_all(&then).await,
                }
            }
        });
        let named = NamedHost {
            host: "127.0.0.1".to_owned(),
            ports: vec![address.port()],
        };
        let egress = Arc::new(Egress::new([], [named]));
        let http = Http::new(HttpSettings::default(), Share::default());
        let request = HttpRequest {
            method: Verb::Post,
            url: format!("http://{address}/"),
            headers: Vec::new(),
            body: b"text".to_vec(),
            delivers: true,
        };
        let progress = Progress::default();
        let carried = http.carry(request, &egress, &progress, held);
        let carried = tokio::time::timeout(Duration::from_secs(60), carried).await;
        server.abort();
        carried.expect("it does not end")
    }

    #[tokio::test]
    async fn a_peer_that_sends_nothing_but_interim_answers_is_cut_off() {
        let few = [&INTERIM.repeat(8)[..], b"HTTP/1.1 204 No Content\r\n\r\n"].concat();
        assert_eq!(answered(&few, b"").await.unwrap().status, 204);

        let fault = answered(b"", &INTERIM.repeat(1_000)).await.unwrap_err();
        assert_eq!(fault.kind, FailureKind::Unreadable);
        let words = fault.words.unwrap();
        assert!(words.contains("more than 8 interim answers"), "{words}");
    }

    #[tokio::test]
    async fn without_a_turn_no_connection_is_made() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let named = NamedHost {
            host: "127.0.0.1".to_owned(),
            ports: vec![address.port()],
        };
        let share = Share {
            pace: Pace::new(1, 0),
            ..Share::default()
        };
        share.pace.turn().await;
        let settings = HttpSettings {
            timeout: Duration::from_millis(200),
            ..HttpSettings::default()
        };
        let http = Http::new(settings, share);
        // Without a body, it counts as sent from the start.
        let request = HttpRequest {
            method: Verb::Get,
            url: format!("http://{address}/"),
            headers: Vec::new(),
            body: Vec::new(),
            delivers: true,
        };
        let (egress, progress) = (Arc::new(Egress::new([], [named])), Progress::default());
        let mut held = Budget::default().hold(0).unwrap();
        let carried = http.carry(request, &egress, &progress, &mut held).await;
        let fault = carried.unwrap_err();
        assert_eq!(fault.kind, FailureKind::Timeout);
        assert_eq!(fault.used_up, Some(budget::Limit::NewConnections));
        assert_eq!(progress.stage(), Stage::NotSent);
        assert!(listener.accept().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_head_without_an_end_is_cut_off() {
        let line = [b"x: ", &b"y".repeat(8_000)[..]].concat();
        let fault = answered(b"HTTP/1.1 200 OK\r\n", &line).await.unwrap_err();
        assert_eq!(fault.kind, FailureKind::Unreadable);
    }

    #[tokio::test]
    async fn an_answer_counts_among_the_bytes_in_flight() {
        let whole = format!("HTTP/1.1 200 OK\r\nContent-Length: {MAX_ANSWER}\r\n\r\n");
        let answer = [whole.as_bytes(), &vec![b'x'; MAX_ANSWER][..]].concat();
        assert_eq!(answered(&answer, b"").await.unwrap().body.len(), MAX_ANSWER);

        let budget = Budget::default();
        let mut held = budget
            .hold(budget::BODY_BYTES as usize - MAX_ANSWER / 2)
            .unwrap();
        let fault = answered_within(&answer, b"", &mut held).await.unwrap_err();
        assert_eq!(fault.kind, FailureKind::TooLarge);
        assert!(held.is_used_up());
    }

    #[test]
    fn a_client_that_can_not_be_made_is_tried_anew() {
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        let settings = HttpSettings {
            ca_file: Some(ca_file.clone()),
            ..HttpSettings::default()
        };
        let http = Http::new(settings, Share::default());
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
