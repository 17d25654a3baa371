//! A request as it came, byte for byte, and the views of it that tests compare.
//!
//! It keeps the bytes and remembers where its parts are, so that reading 20,000 of them a second costs no copies.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use percent_encoding::percent_decode;

use crate::sandbox::Provider;

/// A request that a provider read to its end.
#[derive(Clone)]
pub struct Request {
    pub(super) provider: Provider,
    pub(super) at: Timestamp,
    pub(super) secure: bool,
    pub(super) head: Bytes,
    pub(super) method: Range<usize>,
    pub(super) target: Range<usize>,
    pub(super) headers: Box<[(Range<usize>, Range<usize>)]>,
    pub(super) body: Bytes,
    pub(super) keep_alive: bool,
}

impl Request {
    /// Who read it.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// When it had been read.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Whether it came over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// `GET`, `POST`, ...
    pub fn method(&self) -> &str {
        self.part(&self.method)
    }

    /// The path as it was written, percent-encoding and all, without the query.
    pub fn path(&self) -> &str {
        let target = self.part(&self.target);
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// Path and query as they were written.
    pub fn target(&self) -> &str {
        self.part(&self.target)
    }

    /// The query's pairs, decoded, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        let target = self.part(&self.target);
        target
            .split_once('?')
            .map_or_else(Vec::new, |(_, query)| pairs(query.as_bytes()))
    }

    /// The first header line of this name, whatever the case; empty if its value is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| self.part(key).eq_ignore_ascii_case(name))
            .map(|(_, value)| self.part(value))
    }

    /// All header lines, in order, names as they were written.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (self.part(name), self.part(value)))
            .collect()
    }

    /// The body, without chunk framing.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as a form: its pairs, decoded, in order. Decoded forms compare where clients encode differently.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// The body as JSON, or `None` where it is not.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the client wants to go on with this connection.
    pub(crate) fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    fn part(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.head[range.clone()]).unwrap_or_default()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} {} ({} bytes)",
            self.provider,
            self.method(),
            self.target(),
            self.body.len()
        )
    }
}

/// The pairs of `application/x-www-form-urlencoded`, decoded; what is not UTF-8 becomes the replacement character.
fn pairs(text: &[u8]) -> Vec<(String, String)> {
    let decode = |part: &[u8]| {
        let spaced: Vec<u8> = part
            .iter()
            .map(|&byte| if byte == b'+' { b' ' } else { byte })
            .collect();
        percent_decode(&spaced).decode_utf8_lossy().into_owned()
    };
    text.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let end = pair
                .iter()
                .position(|&byte| byte == b'=')
                .unwrap_or(pair.len());
            (
                decode(&pair[..end]),
                decode(pair.get(end + 1..).unwrap_or_default()),
            )
        })
        .collect()
}
