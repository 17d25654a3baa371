//! Lines in and out: what SMTP needs of a stream.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::MAX_MAIL;

/// Longest command line, in bytes (RFC 5321 asks for 512; AUTH needs more).
const MAX_LINE: usize = 12_288;

/// A stream and what was read ahead of it.
pub(super) struct Wire<S> {
    stream: S,
    input: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
        }
    }

    /// Ends the use of the stream; what was read ahead is forgotten.
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// Whether the client has said more than was asked of it.
    pub fn has_more(&self) -> bool {
        !self.input.is_empty()
    }

    /// Reads and forgets until the client leaves.
    pub async fn ignore(&mut self) -> io::Result<()> {
        while self.fill().await? > 0 {
            self.input.clear();
        }
        Ok(())
    }

    /// Says a reply, which may have several lines.
    pub async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.stream
            .write_all(format!("{reply}\r\n").as_bytes())
            .await?;
        self.stream.flush().await
    }

    /// The next line without its end; `None` at the end of the connection. One that is too long is refused and
    /// forgotten.
    pub async fn line(&mut self) -> io::Result<Option<String>> {
        let mut too_long = false;
        loop {
            if let Some(end) = self.input.iter().position(|&byte| byte == b'\n') {
                let line = self.input.split_to(end + 1);
                if !too_long {
                    let line = String::from_utf8_lossy(&line);
                    return Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()));
                }
                too_long = false;
                self.say("500 5.5.2 Line too long").await?;
                continue;
            }
            if self.input.len() > MAX_LINE {
                too_long = true;
                self.input.clear();
            }
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The text up to the final dot, dots unstuffed; `None` at the end of the connection. Once it is longer than
    /// [`MAX_MAIL`] no more of it is kept.
    pub async fn text(&mut self) -> io::Result<Option<Bytes>> {
        let mut text = BytesMut::new();
        loop {
            let end = loop {
                if let Some(end) = self.input.windows(2).position(|two| two == b"\r\n") {
                    break end + 2;
                }
                if self.input.len() > MAX_MAIL || self.fill().await? == 0 {
                    return Ok(None);
                }
            };
            let line = self.input.split_to(end);
            match &line[..] {
                b".\r\n" => return Ok(Some(text.freeze())),
                _ if text.len() > MAX_MAIL => {}
                [b'.', rest @ ..] => text.extend_from_slice(rest),
                line => text.extend_from_slice(line),
            }
        }
    }

    /// Reads more; 0 is the end of the connection.
    async fn fill(&mut self) -> io::Result<usize> {
        self.input.reserve(8192);
        self.stream.read_buf(&mut self.input).await
    }
}
