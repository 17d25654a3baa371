//! One connection: requests in, answers out, in order, until either side ends it.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::misbehave::{Next, misbehave};
use super::parse::{Parsed, parse};
use super::{Answer, Api, Service};
use crate::sandbox::clock::http_date;

/// Least room for a read, and what is asked for when there is less. Requests share these blocks.
const LEAST_ROOM: usize = 1024;
const BLOCK: usize = 16 * 1024;
/// Answers are held back while more requests are at hand, up to this many bytes.
const WRITE_AT: usize = 64 * 1024;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Close,
    Reset,
}

/// Serves a connection to its end. A client that goes away is an end like any other.
pub(super) async fn serve<S, A>(stream: &mut S, secure: bool, service: &Service<A>) -> Ending
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Api,
{
    let ending = exchange(stream, secure, service)
        .await
        .unwrap_or(Ending::Close);
    if ending == Ending::Close {
        // For TLS this says goodbye; the client may have gone already.
        let _ = stream.shutdown().await;
    }
    ending
}

async fn exchange<S, A>(stream: &mut S, secure: bool, service: &Service<A>) -> io::Result<Ending>
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Api,
{
    let mut input = BytesMut::new();
    let mut out = Vec::new();
    let mut date = DateLine::default();
    let mut untouched = true;
    let mut continued = false;
    loop {
        if untouched && !input.is_empty() {
            untouched = false;
            if service.breaks_unread() {
                flush(stream, &mut out).await?;
                return Ok(Ending::Close);
            }
        }
        match parse(&mut input, A::PROVIDER, secure) {
            Parsed::Complete(request) => {
                (untouched, continued) = (true, false);
                let request = Arc::new(request);
                service.journal.request(&request);
                let date = date.at(service.clock.now());
                if let Some(fault) = service.fault_for(&request) {
                    flush(stream, &mut out).await?;
                    match misbehave(stream, service, &request, &fault, date).await? {
                        Next::Request => continue,
                        Next::End(ending) => return Ok(ending),
                    }
                }
                let mut answer = service.api.answer(&request, true);
                if request.method() == "HEAD" {
                    answer.body.clear();
                }
                answer.write(A::STANDING, date, request.keep_alive(), &mut out);
                if !request.keep_alive() {
                    flush(stream, &mut out).await?;
                    return Ok(Ending::Close);
                }
                if out.len() > WRITE_AT {
                    flush(stream, &mut out).await?;
                }
            }
            Parsed::Partial { expects } => {
                if expects && !continued {
                    continued = true;
                    out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
                flush(stream, &mut out).await?;
                if input.capacity() - input.len() < LEAST_ROOM {
                    input.reserve(BLOCK);
                }
                if stream.read_buf(&mut input).await? == 0 {
                    return Ok(Ending::Close);
                }
            }
            Parsed::Refused(status) => {
                let refusal = Answer {
                    status,
                    headers: Vec::new(),
                    content_type: "text/plain",
                    body: b"this is not a request that the sandbox can read\n".to_vec(),
                };
                refusal.write(A::STANDING, date.at(service.clock.now()), false, &mut out);
                flush(stream, &mut out).await?;
                return Ok(Ending::Close);
            }
        }
    }
}

async fn flush<S: AsyncWrite + Unpin>(stream: &mut S, out: &mut Vec<u8>) -> io::Result<()> {
    if !out.is_empty() {
        stream.write_all(out).await?;
        stream.flush().await?;
        out.clear();
    }
    Ok(())
}

/// The `Date` line's value, written anew once a second.
#[derive(Default)]
struct DateLine {
    second: i64,
    text: String,
}

impl DateLine {
    fn at(&mut self, now: jiff::Timestamp) -> &str {
        if self.second != now.as_second() || self.text.is_empty() {
            self.second = now.as_second();
            self.text = http_date(now);
        }
        &self.text
    }
}
