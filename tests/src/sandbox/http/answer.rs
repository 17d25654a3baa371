//! An answer, and how it is put on the wire.

use std::borrow::Cow;

/// A complete HTTP answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub status: u16,
    /// Header lines besides the standing ones of the provider, `Date`, `Content-Length` and `Content-Type`.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// `Content-Type`; a header line of that name replaces it.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: &impl serde::Serialize) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "application/json",
            // Bodies are made here, of types with string keys only: they always serialise.
            body: serde_json::to_vec(body).unwrap_or_default(),
        }
    }

    /// Adds a header line.
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Writes the whole answer.
    pub fn write(&self, standing: &str, date: &str, keep_alive: bool, out: &mut Vec<u8>) {
        self.write_head(
            standing,
            date,
            keep_alive,
            Length::Known(self.body.len() as u64),
            out,
        );
        out.extend_from_slice(&self.body);
    }

    /// Writes the status line and the headers up to the empty line.
    pub fn write_head(
        &self,
        standing: &str,
        date: &str,
        keep_alive: bool,
        length: Length,
        out: &mut Vec<u8>,
    ) {
        let mut line = |parts: &[&str]| {
            for part in parts {
                out.extend_from_slice(part.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        };
        line(&[
            "HTTP/1.1 ",
            &self.status.to_string(),
            " ",
            reason(self.status),
        ]);
        for standing in standing.lines() {
            line(&[standing]);
        }
        line(&["Date: ", date]);
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            line(&["Content-Type: ", self.content_type]);
        }
        for (name, value) in &self.headers {
            line(&[name, ": ", value]);
        }
        match length {
            Length::Known(bytes) => line(&["Content-Length: ", &bytes.to_string()]),
            Length::Chunked => line(&["Transfer-Encoding: chunked"]),
        }
        line(&[
            "Connection: ",
            if keep_alive { "keep-alive" } else { "close" },
        ]);
        line(&[]);
    }
}

/// How the end of the body is announced.
pub(crate) enum Length {
    Known(u64),
    Chunked,
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        // The reason phrase may be empty (RFC 9112, 4).
        _ => "",
    }
}
