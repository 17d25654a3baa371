//! Who asks, and whether it may: `Host` against other sites' pages in a browser of this machine, a token
//! for every request over TCP.

use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, WWW_AUTHENTICATE},
    uri::Authority,
};

use zeroize::Zeroizing;

use super::{Shared, read, reply};
use crate::{
    config,
    protocol::{ErrorCode, Failure, MessageId},
};

/// How a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// Through the Unix socket, by this account.
    Socket {
        /// Its number.
        uid: u32,
    },
    /// Through the socket for readers, by this account.
    Reader {
        /// Its number.
        uid: u32,
    },
    /// Over TCP, from this machine.
    Http,
    /// Over TCP with TLS, from anywhere.
    Https,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// The account, where it is known.
    pub(super) uid: Option<u32>,
    /// The name of its token, if it showed one.
    name: Option<String>,
}

/// Stands for the field `id` of a message.
pub(super) const KEY: &str = "idempotency-key";

/// The configuration that the caller means, by its path.
pub(super) const CONFIG: &str = "textsender-config";

/// Headers of which there is one at the most: of two that differ, one program takes the first and another the last.
const SINGLE: [&str; 10] = [
    "host",
    "content-length",
    "content-type",
    "authorization",
    KEY,
    CONFIG,
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "zitadel-signature",
];

/// Where messages in other products' shapes go. Some of their callers show a signature in place of a token.
const SHAPED: &str = "/callers/";

impl Caller {
    /// Neither by its account nor by a token is it known who asks.
    const UNKNOWN: Self = Self {
        uid: None,
        name: None,
    };

    /// The name of its token, if it showed one.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it is known who asks.
    pub(super) fn is_known(&self) -> bool {
        self.uid.is_some() || self.name.is_some()
    }

    /// Whether it may send as the caller of this name: by that caller's own token, or as an account that may
    /// use the socket.
    pub(super) fn may_speak_for(&self, name: &str) -> bool {
        match &self.name {
            Some(own) => own == name,
            None => self.uid.is_some(),
        }
    }

    /// The same, as the caller of this name.
    pub(super) fn named(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }

    /// The id of its message in the ledger: a caller with a name has ids of its own.
    pub(super) fn ledger_id(&self, id: &MessageId) -> Result<MessageId, Failure> {
        let Some(name) = &self.name else {
            return Ok(id.clone());
        };
        MessageId::parse(&format!("{name}/{id}")).ok_or_else(|| {
            let most = MessageId::MAX - name.len() - 1;
            let detail = format!("id: at most {most} characters for the caller {name}");
            Failure::with_detail(ErrorCode::BadField, detail)
        })
    }
}

/// Lets a request in, or refuses it before its body is read.
pub(super) fn admit<B>(
    shared: &Shared,
    origin: Origin,
    request: &Request<B>,
) -> Result<Caller, Box<Response>> {
    let headers = request.headers();
    if let Some(name) = SINGLE.into_iter().find(|name| is_ambiguous(headers, name)) {
        let words = format!("there are two headers {name}, which differ: send one");
        return Err(reply::refused(StatusCode::BAD_REQUEST, &words).into());
    }
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        let words = "give Content-Length or Transfer-Encoding, not both";
        return Err(reply::refused(StatusCode::BAD_REQUEST, words).into());
    }
    if matches!(origin, Origin::Reader { .. }) != (request.uri().path() == read::PATH) {
        let words = match origin {
            Origin::Reader { .. } => "on this socket there is POST /v1/read alone",
            _ => "what is read is asked for on the socket of [serve] read_socket",
        };
        return Err(reply::refused(StatusCode::FORBIDDEN, words).into());
    }
    let is_shaped = request.uri().path().starts_with(SHAPED);
    let name = match token(headers) {
        Some(token) => shared.name_of(&token).map(Some),
        None => Ok(None),
    };
    let name = match name {
        // Its signature is looked at once its body is read.
        Err(_) if is_shaped => return Ok(Caller::UNKNOWN),
        name => name?,
    };
    match origin {
        Origin::Socket { uid } | Origin::Reader { uid } => Ok(Caller {
            uid: Some(uid),
            name,
        }),
        Origin::Http if !is_for_loopback(request.uri(), headers) => {
            let words = "the header Host does not name this machine: 127.0.0.1, [::1] or localhost";
            Err(reply::refused(StatusCode::MISDIRECTED_REQUEST, words).into())
        }
        Origin::Http | Origin::Https if name.is_none() && !is_shaped => Err(unauthorized().into()),
        Origin::Http | Origin::Https => Ok(Caller { uid: None, name }),
    }
}

/// Whether there is a second header of this name that says something else.
fn is_ambiguous(headers: &HeaderMap, name: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.any(|value| Some(value) != first)
}

impl Shared {
    fn name_of(&self, token: &str) -> Result<String, Box<Response>> {
        let dispatch = self.current().dispatch();
        let dispatch = dispatch.map_err(|failure| reply::failed(&failure))?;
        let signs = |name: &String| {
            dispatch
                .caller_named(name)
                .is_some_and(config::Caller::signs)
        };
        let name = self.tokens.name_of(token, dispatch.state());
        // A caller that signs never shows its secret: that is no token.
        name.filter(|name| !signs(name))
            .ok_or_else(|| unauthorized().into())
    }
}

pub(super) fn unauthorized() -> Response {
    let words = "send Authorization: Bearer TOKEN, with a token that is stored as serve.NAME";
    let mut refused = reply::refused(StatusCode::UNAUTHORIZED, words);
    let scheme = http::HeaderValue::from_static("Bearer");
    refused.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    refused
}

/// The token of `Authorization: Bearer TOKEN`, or the password of `Basic`, which is all that some products
/// can show; anything else in that header is a wrong one.
fn token(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let value = headers.get(AUTHORIZATION)?.to_str().unwrap_or_default();
    let (scheme, shown) = value.split_once(' ').unwrap_or_default();
    let token = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(shown.trim().to_owned()),
        "basic" => password(shown.trim()),
        _ => None,
    };
    Some(Zeroizing::new(token.unwrap_or_default()))
}

fn password(credentials: &str) -> Option<String> {
    let decoded = Zeroizing::new(STANDARD.decode(credentials).ok()?);
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned())
}

/// Whether a request names this machine. A browser sends the name of the page's own site, whatever
/// address that name leads to by then.
fn is_for_loopback(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = Authority::try_from(host.as_bytes());
    let named = uri.authority().is_none_or(is_loopback);
    named && host.is_ok_and(|host| is_loopback(&host))
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let has_user = authority.as_str().contains('@');
    !has_user && (["127.0.0.1", "[::1]"].contains(&host) || host.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = http::HeaderName::try_from(*name).unwrap();
            map.append(name, value.parse().unwrap());
        }
        map
    }

    #[test]
    fn only_names_of_this_machine_are_hosts() {
        let is_let_in = |hosts: &[&str]| {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            is_for_loopback(&Uri::from_static("/healthz"), &request(&headers))
        };
        for host in ["127.0.0.1", "127.0.0.1:8025", "[::1]:8025", "LocalHost:1"] {
            assert!(is_let_in(&[host]), "{host}");
        }
        let others: [&[&str]; 8] = [
            &[],
            &[""],
            &["evil.example"],
            &["127.0.0.1.evil.example"],
            &["localhost@evil.example"],
            &["evil.example@localhost"],
            &["localhost", "evil.example"],
            &["127.0.0.2"],
        ];
        for hosts in others {
            assert!(!is_let_in(hosts), "{hosts:?}");
        }
        let absolute = Uri::from_static("http://evil.example/healthz");
        assert!(!is_for_loopback(
            &absolute,
            &request(&[("host", "localhost")])
        ));
    }

    #[test]
    fn a_second_header_that_differs_is_ambiguous() {
        let headers = request(&[
            ("idempotency-key", "a"),
            ("Idempotency-Key", "b"),
            ("authorization", "Bearer a"),
            ("authorization", "Bearer a"),
            ("host", "localhost"),
        ]);
        let ambiguous = SINGLE
            .into_iter()
            .filter(|name| is_ambiguous(&headers, name));
        assert_eq!(ambiguous.collect::<Vec<_>>(), ["idempotency-key"]);
    }

    #[test]
    fn a_token_stands_behind_bearer_or_is_a_password() {
        let shown = |value: &str| {
            let token = token(&request(&[("authorization", value)]));
            token.map(|token| token.to_string())
        };
        assert_eq!(shown("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(shown("bearer  abc ").as_deref(), Some("abc"));
        // The password of any user: `portal:abc`, `:a:b`.
        assert_eq!(shown("Basic cG9ydGFsOmFiYw==").as_deref(), Some("abc"));
        assert_eq!(shown("basic OmE6Yg==").as_deref(), Some("a:b"));
        for wrong in ["abc", "Basic abc", "Basic YWJj", "Bearer", "Digest abc", ""] {
            assert_eq!(shown(wrong).as_deref(), Some(""), "{wrong:?}");
        }
        assert_eq!(token(&HeaderMap::new()), None);
    }

    #[test]
    fn a_caller_with_a_name_has_ids_of_its_own() {
        let id = MessageId::parse("4711").unwrap();
        let caller = |name: Option<&str>| Caller {
            uid: None,
            name: name.map(str::to_owned),
        };
        assert_eq!(caller(None).ledger_id(&id).unwrap().as_str(), "4711");
        let own = caller(Some("portal")).ledger_id(&id).unwrap();
        assert_eq!(own.as_str(), "portal/4711");
        let long = MessageId::parse(&"x".repeat(MessageId::MAX)).unwrap();
        let refused = caller(Some("portal")).ledger_id(&long).unwrap_err();
        assert!(refused.to_string().contains("at most 121 characters"));
    }
}
