//! Takes requests out of a byte stream (RFC 9112), with limits, and without copying what it can leave in place.

use bytes::{Buf, Bytes, BytesMut};
use jiff::Timestamp;

use super::Request;
use crate::sandbox::Provider;

/// Longest head that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;
/// Longest body that is read, in bytes.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// Most header lines that are read.
const MAX_HEADERS: usize = 100;

/// What the bytes so far hold.
pub(crate) enum Parsed {
    /// A whole request, taken out of the buffer.
    Complete(Request),
    /// Not yet. `expects` says that the head is there and the client waits for `100 Continue`.
    Partial { expects: bool },
    /// Not HTTP, or too large: answer with this status and close.
    Refused(u16),
}

/// Takes the next request out of `buffer` if it is complete.
pub(crate) fn parse(buffer: &mut BytesMut, provider: Provider, secure: bool) -> Parsed {
    let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parser = httparse::Request::new(&mut lines);
    let head_length = match parser.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if buffer.len() > MAX_HEAD => return Parsed::Refused(431),
        Ok(httparse::Status::Partial) => return Parsed::Partial { expects: false },
        Err(httparse::Error::TooManyHeaders) => return Parsed::Refused(431),
        Err(_) => return Parsed::Refused(400),
    };
    let (Some(method), Some(target)) = (parser.method, parser.path) else {
        return Parsed::Refused(400);
    };
    let start = buffer.as_ptr() as usize;
    let place = |part: &[u8]| {
        let from = (part.as_ptr() as usize).saturating_sub(start);
        from..from + part.len()
    };
    let (method, target) = (place(method.as_bytes()), place(target.as_bytes()));
    let headers: Box<[_]> = parser
        .headers
        .iter()
        .map(|line| (place(line.name.as_bytes()), place(line.value)))
        .collect();
    let named = |name: &str| {
        parser
            .headers
            .iter()
            .find(|line| line.name.eq_ignore_ascii_case(name))
            .map(|line| line.value)
    };

    let keep_alive = match named("connection") {
        Some(value) if value.eq_ignore_ascii_case(b"close") => false,
        Some(value) if value.eq_ignore_ascii_case(b"keep-alive") => true,
        _ => parser.version == Some(1),
    };
    let expects = named("expect").is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
    let framing = match (named("transfer-encoding"), named("content-length")) {
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Framing::Chunked,
        (Some(_), _) => return Parsed::Refused(400),
        (None, None) => Framing::Length(0),
        (None, Some(length)) => match std::str::from_utf8(length)
            .ok()
            .and_then(|length| length.parse().ok())
        {
            Some(length) if length <= MAX_BODY => Framing::Length(length),
            Some(_) => return Parsed::Refused(413),
            None => return Parsed::Refused(400),
        },
    };

    let (body, length) = match framing {
        Framing::Length(length) if buffer.len() >= head_length + length => {
            (None, head_length + length)
        }
        Framing::Length(_) => return Parsed::Partial { expects },
        Framing::Chunked => match unchunk(&buffer[head_length..]) {
            Unchunked::Whole { body, length } => (Some(body), head_length + length),
            Unchunked::Partial => return Parsed::Partial { expects },
            Unchunked::Refused(status) => return Parsed::Refused(status),
        },
    };
    let whole = buffer.split_to(length).freeze();
    Parsed::Complete(Request {
        provider,
        at: Timestamp::now(),
        secure,
        body: body.unwrap_or_else(|| whole.slice(head_length..)),
        head: whole.slice(..head_length),
        method,
        target,
        headers,
        keep_alive,
    })
}

enum Framing {
    Length(usize),
    Chunked,
}

enum Unchunked {
    Whole { body: Bytes, length: usize },
    Partial,
    Refused(u16),
}

/// Joins the chunks (RFC 9112, 7.1); trailers are not kept.
fn unchunk(bytes: &[u8]) -> Unchunked {
    let mut body = BytesMut::new();
    let mut rest = bytes;
    loop {
        let (head, size) = match httparse::parse_chunk_size(rest) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Unchunked::Partial,
            Err(_) => return Unchunked::Refused(400),
        };
        let Ok(size) = usize::try_from(size) else {
            return Unchunked::Refused(413);
        };
        if body.len().saturating_add(size) > MAX_BODY {
            return Unchunked::Refused(413);
        }
        if rest.len() < head + size + 2 {
            return Unchunked::Partial;
        }
        rest.advance(head);
        if size > 0 {
            body.extend_from_slice(&rest[..size]);
            rest.advance(size + 2);
            continue;
        }
        // The trailer ends with an empty line; without trailers that line comes at once.
        let end = if rest.starts_with(b"\r\n") {
            Some(2)
        } else {
            rest.windows(4)
                .position(|four| four == b"\r\n\r\n")
                .map(|at| at + 4)
        };
        return match end {
            Some(end) => Unchunked::Whole {
                body: body.freeze(),
                length: bytes.len() - rest.len() + end,
            },
            None => Unchunked::Partial,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Parsed, BytesMut) {
        let mut buffer = BytesMut::from(bytes);
        (parse(&mut buffer, Provider::Twilio, false), buffer)
    }

    fn complete(bytes: &[u8]) -> Request {
        match read(bytes).0 {
            Parsed::Complete(request) => request,
            _ => panic!("not a complete request"),
        }
    }

    #[test]
    fn parts_are_seen_as_they_were_written_and_decoded() {
        let request = complete(
            b"POST /a%20b/c?To=%2B44&DateSent%3E=2026-11-24&x HTTP/1.1\r\nHost: h\r\nX-Name:  v \r\nContent-Length: 24\r\n\r\nBody=a+b%20c&To=%2B1&z=\xff",
        );
        assert_eq!((request.method(), request.path()), ("POST", "/a%20b/c"));
        assert_eq!(
            request.query(),
            [
                ("To".into(), "+44".into()),
                ("DateSent>".into(), "2026-11-24".into()),
                ("x".into(), String::new())
            ]
        );
        assert_eq!(request.header("x-name"), Some("v"));
        assert_eq!(request.headers()[0], ("Host", "h"));
        assert_eq!(
            request.form()[..2],
            [("Body".into(), "a b c".into()), ("To".into(), "+1".into())]
        );
        assert_eq!(request.form()[2].1, "\u{fffd}");
        assert_eq!(request.json(), None);
    }

    #[test]
    fn every_prefix_of_a_request_is_partial_and_the_rest_stays() {
        let whole = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: t\r\n\r\n";
        for end in 0..whole.len() {
            assert!(
                matches!(read(&whole[..end]).0, Parsed::Partial { .. }),
                "{end}"
            );
        }
        let mut two = whole.to_vec();
        two.extend_from_slice(b"GET /next");
        let (parsed, rest) = read(&two);
        assert!(matches!(parsed, Parsed::Complete(request) if request.body() == b"abcde"));
        assert_eq!(&rest[..], b"GET /next");
    }

    #[test]
    fn connections_stay_open_as_the_protocol_says() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
        ] {
            assert_eq!(complete(head.as_bytes()).keep_alive(), expected, "{head}");
        }
    }

    #[test]
    fn what_is_not_http_or_too_large_is_refused() {
        let flood = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
        let long = format!("GET /{}", "a".repeat(MAX_HEAD));
        for (bytes, status) in [
            ("EHLO localhost\r\n", 400),
            ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
            (
                "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                400,
            ),
            ("POST / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n", 413),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                400,
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF\r\n",
                413,
            ),
            (&flood, 431),
            (&long, 431),
        ] {
            assert!(
                matches!(read(bytes.as_bytes()).0, Parsed::Refused(found) if found == status),
                "{bytes:.60}"
            );
        }
    }
}
