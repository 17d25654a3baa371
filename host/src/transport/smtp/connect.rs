//! A connection to a mail server, protected as the mail wants it, in lettre's hands.
//!
//! lettre can be handed a stream, but not our TLS configuration, and it would read what came in the
//! clear after STARTTLS as if it had come protected. So STARTTLS is said here, and lettre gets a
//! stream that is protected already.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use lettre::transport::smtp::{
    client::{AsyncSmtpConnection, AsyncTokioStream},
    commands::{Ehlo, Starttls},
    extension::{ClientId, Extension, ServerInfo},
    response::Response,
};
use rustls::{ClientConfig, pki_types::ServerName};
use textsender_plugin_api::{FailureKind, Mail, SmtpCommand, SmtpSecurity};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpStream, lookup_host},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Stop, dialogue, refused};
use crate::transport::Egress;

/// The longest reply that is read, in bytes: lettre itself would read until memory ends. A line has
/// at most 512 (RFC 5321, 4.5.3.1.5), and replies to EHLO have some twenty.
const MAX_REPLY: usize = 16 * 1024;

/// What lettre gets in place of the greeting that came before TLS.
const GREETING: &[u8] = b"220 \r\n";

/// Connects and says EHLO.
///
/// `tls` is there unless the mail wants no protection. A server that does not offer STARTTLS where
/// it is wanted, or whose offer was taken out on its way, gets nothing.
pub async fn open(
    mail: &Mail,
    tls: Option<Arc<ClientConfig>>,
    egress: &Egress,
) -> Result<AsyncSmtpConnection, Stop> {
    let mut stream = tcp(mail, egress).await?;
    let hello = hello(&stream)?;
    let greeting = match mail.security {
        SmtpSecurity::StartTls => {
            start_tls(&mut stream, &hello).await?;
            GREETING
        }
        SmtpSecurity::Tls | SmtpSecurity::None => &[],
    };
    let stream = match tls {
        Some(tls) => Wire::Tls(Box::new(protect(stream, &mail.server, tls).await?)),
        None => Wire::Plain(stream),
    };
    let opened = Box::new(Opened {
        greeting,
        stream,
        read: 0,
    });
    let connection = AsyncSmtpConnection::connect_with_transport(opened, &hello).await;
    connection.map_err(|error| dialogue::stop(SmtpCommand::Connect, &error))
}

async fn tcp(mail: &Mail, egress: &Egress) -> Result<TcpStream, FailureKind> {
    let found = lookup_host((mail.server.as_str(), mail.port)).await;
    let found = found.map_err(|_| FailureKind::NameNotFound)?;
    for address in found.filter(|address| egress.allows_address(&mail.server, address.ip())) {
        let connected = TcpStream::connect(address).await;
        if let Ok(stream) = connected.and_then(without_delay) {
            return Ok(stream);
        }
    }
    Err(FailureKind::Connect)
}

fn without_delay(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// How a client names itself that has no name in the DNS: by its address (RFC 5321, 4.1.4). The
/// server knows that anyway; this machine's name stays here.
fn hello(stream: &TcpStream) -> Result<ClientId, FailureKind> {
    let local = stream.local_addr().map_err(|_| FailureKind::Connect)?;
    Ok(match local {
        SocketAddr::V4(address) => ClientId::Ipv4(*address.ip()),
        SocketAddr::V6(address) => ClientId::Ipv6(*address.ip()),
    })
}

/// The dialogue in the clear (RFC 3207): greeting, EHLO, STARTTLS.
async fn start_tls(stream: &mut TcpStream, hello: &ClientId) -> Result<(), Stop> {
    reply(stream).await?;
    let offers = ask(stream, &Ehlo::new(hello.clone())).await?;
    let offers = ServerInfo::from_response(&offers).map_err(|_| FailureKind::Unreadable)?;
    if !offers.supports_feature(Extension::StartTls) {
        return Err(FailureKind::Tls.into());
    }
    ask(stream, &Starttls).await?;
    Ok(())
}

async fn ask(stream: &mut TcpStream, command: &impl fmt::Display) -> Result<Response, Stop> {
    let sent = stream.write_all(command.to_string().as_bytes()).await;
    sent.map_err(|_| FailureKind::Cut)?;
    reply(stream).await
}

/// Reads one reply, and refuses more than one: what follows the reply to STARTTLS in the clear was
/// put there by a third party.
async fn reply(stream: &mut TcpStream) -> Result<Response, Stop> {
    let mut bytes = Vec::new();
    while !is_whole(&bytes) {
        let read = stream.read_buf(&mut bytes).await;
        if read.map_err(|_| FailureKind::Cut)? == 0 {
            return Err(FailureKind::Cut.into());
        }
        if bytes.len() > MAX_REPLY {
            return Err(FailureKind::Unreadable.into());
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| FailureKind::Unreadable)?;
    if text.lines().filter(|line| is_last(line.as_bytes())).count() > 1 {
        return Err(FailureKind::Tls.into());
    }
    let response: Response = text.parse().map_err(|_| FailureKind::Unreadable)?;
    if !response.is_positive() {
        let text = response.first_line().unwrap_or_default();
        return Err(refused(SmtpCommand::Connect, response.code().into(), text));
    }
    Ok(response)
}

/// Whether the bytes end with a reply's last line.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(lines) = bytes.strip_suffix(b"\r\n") else {
        return false;
    };
    lines
        .rsplit(|byte| *byte == b'\n')
        .next()
        .is_some_and(is_last)
}

/// Whether a line is the last one of a reply: its others have a dash after the code.
fn is_last(line: &[u8]) -> bool {
    line.get(3) != Some(&b'-')
}

async fn protect(
    stream: TcpStream,
    server: &str,
    tls: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, FailureKind> {
    let name = ServerName::try_from(server.to_owned()).map_err(|_| FailureKind::Malformed)?;
    let protected = TlsConnector::from(tls).connect(name, stream).await;
    protected.map_err(|_| FailureKind::Tls)
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream as lettre wants it: one that begins with a greeting.
struct Opened {
    /// What is left to be read of [`GREETING`], where it stands in for the real one.
    greeting: &'static [u8],
    stream: Wire,
    /// What was read since the last command, in bytes.
    read: usize,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}

impl AsyncTokioStream for Opened {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Wire::Plain(stream) => stream.peer_addr(),
            Wire::Tls(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}

impl AsyncRead for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let read = self.greeting.len().min(buffer.remaining());
            let (now, later) = self.greeting.split_at(read);
            buffer.put_slice(now);
            self.greeting = later;
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = match &mut self.stream {
            Wire::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        self.read += buffer.filled().len() - before;
        match self.read > MAX_REPLY {
            true => Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
            false => polled,
        }
    }
}

impl AsyncWrite for Opened {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.read = 0;
        match &mut self.stream {
            Wire::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Wire::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(context),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
