//! HTTP, carried by the host.
//!
//! A plugin composes a request and judges the answer; the host carries the bytes, because only who
//! carries them knows what left. That is also why a plugin needs no HTTP client, TLS or runtime.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Answer, Exchange, ExchangeError, FailureKind, Host, Stage};

/// The largest answer that the host hands to a plugin, in bytes. A longer one is an error.
pub const MAX_ANSWER: usize = 1024 * 1024;

/// Sends HTTP requests through the host. Get one from [`Host::http`].
#[derive(Clone, Debug)]
pub struct HttpClient(pub(crate) Host);

impl HttpClient {
    /// Asks for something. A GET *reads*: losing its answer leaves no doubt about a message.
    pub fn get(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::Get, url)
    }

    /// Posts something. A POST *delivers*: once it is written, only its answer tells whether a
    /// message was taken. Say [`RequestBuilder::read_only`] where it is not so.
    pub fn post(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::Post, url)
    }

    /// Any other method. All but GET deliver.
    pub fn request(&self, method: Method, url: impl Into<String>) -> RequestBuilder {
        RequestBuilder {
            host: self.0.clone(),
            request: HttpRequest {
                method,
                url: url.into(),
                headers: Vec::new(),
                body: Vec::new(),
                delivers: method != Method::Get,
            },
        }
    }
}

/// A request in the making.
#[must_use = "nothing is sent before `send`"]
pub struct RequestBuilder {
    host: Host,
    request: HttpRequest,
}

impl RequestBuilder {
    /// Adds a header. A name or value that HTTP forbids makes the exchange fail, not sent.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.headers.push((name.into(), value.into()));
        self
    }

    /// HTTP Basic authentication (RFC 7617).
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.header("authorization", format!("Basic {credentials}"))
    }

    /// A bearer token (RFC 6750).
    pub fn bearer_auth(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Adds one parameter to the URL's query, encoded.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        let pair = form_urlencoded::Serializer::new(String::new())
            .append_pair(name, value)
            .finish();
        let url = &mut self.request.url;
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str(&pair);
        self
    }

    /// The body as `application/x-www-form-urlencoded`.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(
        mut self,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.request.body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish()
            .into_bytes();
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// The body as `application/json`.
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// The body, in a media type of your own.
    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = body.into();
        self.header("content-type", media_type)
    }

    /// Marks a request that hands no message over, such as fetching an access token, although its
    /// method is not GET.
    pub fn read_only(mut self) -> Self {
        self.request.delivers = false;
        self
    }

    /// Marks a GET that hands a message over: some providers are asked by their address alone.
    pub fn delivering(mut self) -> Self {
        self.request.delivers = true;
        self
    }

    /// Sends it and waits for the whole answer, within the message's deadline.
    ///
    /// # Errors
    ///
    /// No whole answer came. With `?` in a function that returns
    /// [`SendError`](crate::SendError) this becomes the right verdict: *unavailable* where the
    /// request certainly did not leave, *unknown* where a message may have been taken.
    pub async fn send(self) -> Result<HttpResponse, ExchangeError> {
        match self.host.exchange(Exchange::Http(self.request)).await? {
            Answer::Http(answer) => Ok(answer),
            Answer::Smtp(_) => Err(ExchangeError::new(Stage::Written, FailureKind::Unreadable)),
        }
    }
}

/// The methods of RFC 9110 that providers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// The method's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A composed request. `Debug` shows no header value, query or body: they hold secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL, `https:`, or `http:` to a loopback address.
    pub url: String,
    /// Header names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
    /// Whether it may hand a message over.
    pub delivers: bool,
}

impl HttpRequest {
    /// The URL without its query, which may hold secrets.
    pub fn url_without_query(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }

    /// Whether a header says how a message is framed or what becomes of its connection (RFC 9112, 6 and 9). The host
    /// writes these, and refuses a request that has one: a plugin that wrote them could have it said *not sent* of
    /// what a server took.
    pub fn is_hosts_header(name: &str) -> bool {
        const OF_HOST: [&str; 9] = [
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
        let begin = name.get(..6).unwrap_or_default();
        let is = |other: &&str| name.eq_ignore_ascii_case(other);
        OF_HOST.iter().any(is) || begin.eq_ignore_ascii_case("proxy-")
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.url_without_query())
    }
}

/// A whole answer. `Debug` shows the status and the size: a body may echo the message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`MAX_ANSWER`] bytes.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON, or `None` where it is not what `T` needs: providers also answer with
    /// HTML, nothing, or half of what they meant to say.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// How long to wait, as the `Retry-After` header says it (RFC 9110, 10.2.3): in seconds, or as a
    /// date, which is held against the answer's own `Date`. A part of a second, which some providers
    /// write, is a whole one. Anything else says nothing.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.')) {
            let seconds: f64 = value.parse().ok()?;
            return Some(Duration::from_secs_f64(seconds.ceil().min(LONGEST_WAIT)));
        }
        let date = |value: &str| httpdate::parse_http_date(value).ok();
        let now = self.header("date").and_then(date);
        let wait = date(value)?.duration_since(now.unwrap_or_else(SystemTime::now));
        // A date that is past: no longer.
        Some(wait.unwrap_or_default())
    }
}

/// What a wait comes to that is longer: what RFC 9111, 1.2.2, has for such numbers.
const LONGEST_WAIT: f64 = 2_147_483_648.0;

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}, {} bytes", self.status, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let date = ("date", "Sat, 28 Nov 2026 12:00:00 GMT");
        let cases = [
            ("120", Some(120)),
            ("0", Some(0)),
            (" 7 ", Some(7)),
            ("Sat, 28 Nov 2026 12:02:30 GMT", Some(150)),
            // The older forms, which must be read (RFC 9110, 5.6.7).
            ("Saturday, 28-Nov-26 12:02:30 GMT", Some(150)),
            ("Sat Nov 28 12:02:30 2026", Some(150)),
            ("Sat, 28 Nov 2026 11:00:00 GMT", Some(0)),
            ("1.5", Some(2)),
            ("2.0", Some(2)),
            ("0.001", Some(1)),
            ("1.5s", None),
            ("1.2.3", None),
            (".", None),
            ("+5", None),
            ("-5", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999999", Some(1 << 31)),
        ];
        for (value, seconds) in cases {
            let headers = [date, ("retry-after", value)];
            let answer = HttpResponse {
                status: 429,
                headers: headers
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
                body: Vec::new(),
            };
            assert_eq!(
                answer.retry_after(),
                seconds.map(Duration::from_secs),
                "{value:?}"
            );
        }
    }
}
