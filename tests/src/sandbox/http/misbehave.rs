//! Puts a fault on the wire. The request has been read; whether its text is taken is settled first.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::answer::{Answer, Length};
use super::connection::Ending;
use super::{Api, Request, Service};
use crate::sandbox::fault::{Effect, Fault};

const BLOCK: usize = 16 * 1024;
const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
static PADDING: [u8; BLOCK] = [b'a'; BLOCK];

/// What the connection does afterwards.
pub(super) enum Next {
    Request,
    End(Ending),
}

/// Deals with a request as the fault wants it.
pub(super) async fn misbehave<S, A>(
    stream: &mut S,
    service: &Service<A>,
    request: &Request,
    fault: &Fault,
    date: &str,
) -> io::Result<Next>
where
    S: AsyncRead + AsyncWrite + Unpin,
    A: Api,
{
    let mut answer = service.api.answer(request, fault.takes);
    fault.wait().await;
    let keep_alive = request.keep_alive();
    let head = |answer: &Answer, keep_alive, length| {
        let mut out = Vec::new();
        answer.write_head(A::STANDING, date, keep_alive, length, &mut out);
        out
    };
    match &fault.effect {
        Effect::Genuine => {}
        Effect::Status {
            status,
            headers,
            body,
        } => {
            answer = service.api.failure(*status);
            for (name, value) in headers {
                answer
                    .headers
                    .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                answer = answer.header(name.clone(), value.clone());
            }
            if let Some(body) = body {
                answer.body = body.to_vec();
            }
        }
        Effect::EmptyBody => answer.body.clear(),
        Effect::BadJson => answer.body.truncate(answer.body.len() / 2),
        Effect::HeaderFlood(lines) => {
            for line in 0..*lines {
                answer = answer.header(format!("X-Flood-{line}"), "a".repeat(64));
            }
        }
        Effect::Interim => loop {
            stream
                .write_all(&INTERIM.repeat(BLOCK / INTERIM.len()))
                .await?;
        },
        Effect::GzipBomb(unpacked) => {
            answer.body = gzip(*unpacked, &answer.body)?;
            answer = answer.header("Content-Encoding", "gzip");
        }
        Effect::DropUnread | Effect::Drop => return Ok(Next::End(Ending::Close)),
        Effect::Reset => return Ok(Next::End(Ending::Reset)),
        Effect::Silence => {
            let mut ignored = [0; 1024];
            while stream.read(&mut ignored).await? > 0 {}
            return Ok(Next::End(Ending::Close));
        }
        Effect::InvalidHttp => {
            stream.write_all(b"250 2.1.5 OK\r\n\r\n").await?;
            return Ok(Next::End(Ending::Close));
        }
        Effect::Cut => {
            let mut out = head(&answer, keep_alive, Length::Known(answer.body.len() as u64));
            out.extend_from_slice(&answer.body[..answer.body.len() / 2]);
            stream.write_all(&out).await?;
            return Ok(Next::End(Ending::Close));
        }
        Effect::CloseAfter => {
            let mut out = head(&answer, true, Length::Known(answer.body.len() as u64));
            out.extend_from_slice(&answer.body);
            stream.write_all(&out).await?;
            return Ok(Next::End(Ending::Close));
        }
        Effect::HugeBody(bytes) => {
            const OPEN: &[u8] = br#"{"padding":""#;
            const CLOSE: &[u8] = br#""}"#;
            let padding = bytes.saturating_sub((OPEN.len() + CLOSE.len()) as u64);
            let length = Length::Known(padding + (OPEN.len() + CLOSE.len()) as u64);
            stream.write_all(&head(&answer, keep_alive, length)).await?;
            stream.write_all(OPEN).await?;
            pad(stream, padding).await?;
            stream.write_all(CLOSE).await?;
            stream.flush().await?;
            return Ok(after(keep_alive));
        }
        Effect::EndlessBody => {
            stream
                .write_all(&head(&answer, false, Length::Chunked))
                .await?;
            let mut chunk = format!("{BLOCK:x}\r\n").into_bytes();
            chunk.resize(chunk.len() + BLOCK, b' ');
            chunk.extend_from_slice(b"\r\n");
            loop {
                stream.write_all(&chunk).await?;
            }
        }
        Effect::Drip(pause) => {
            let mut out = Vec::new();
            answer.write(A::STANDING, date, keep_alive, &mut out);
            for byte in out {
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
                tokio::time::sleep(*pause).await;
            }
            return Ok(after(keep_alive));
        }
    }
    let mut out = Vec::new();
    answer.write(A::STANDING, date, keep_alive, &mut out);
    stream.write_all(&out).await?;
    stream.flush().await?;
    Ok(after(keep_alive))
}

fn after(keep_alive: bool) -> Next {
    if keep_alive {
        Next::Request
    } else {
        Next::End(Ending::Close)
    }
}

async fn pad<S: AsyncWrite + Unpin>(stream: &mut S, mut bytes: u64) -> io::Result<()> {
    while bytes > 0 {
        let part = bytes.min(BLOCK as u64);
        // At most BLOCK, which is a usize.
        stream.write_all(&PADDING[..part as usize]).await?;
        bytes -= part;
    }
    Ok(())
}

/// `spaces` blanks and then `body`, compressed. Blanks before JSON are still JSON.
fn gzip(spaces: u64, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    io::copy(&mut io::Read::take(io::repeat(b' '), spaces), &mut encoder)?;
    encoder.write_all(body)?;
    encoder.finish()
}
