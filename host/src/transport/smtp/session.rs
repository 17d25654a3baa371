//! Commands and replies on one connection to a mail server (RFC 5321, 4.1 and 4.2).
//!
//! A reply's code counts, and whatever bytes stand behind it do not: none, in no known charset, or
//! in several lines. Servers refuse with codes that no standard lists, and write their extensions
//! in small letters; lettre's own reader takes none of that, and a mail that was taken would count
//! as lost.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use textsender_plugin_api::{FailureKind, SmtpCommand, SmtpReply};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::client::TlsStream;

use super::Stop;

/// The longest reply that is read, in bytes. A line has at most 512 (RFC 5321, 4.5.3.1.5), and
/// replies to EHLO have some twenty.
const MAX_REPLY: u64 = 16 * 1024;

/// A connection on which commands are said, protected or not.
pub struct Session {
    stream: BufReader<Wire>,
    offers: Offers,
}

/// What carries a session's bytes.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What a server answers to a command.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// What stands behind them, one entry for each line; what is not ASCII is `?`.
    lines: Vec<String>,
}

/// The extensions that a server names in its answer to EHLO.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Offers {
    /// STARTTLS.
    pub start_tls: bool,
    /// 8BITMIME.
    pub eight_bit: bool,
    /// The mechanisms of AUTH, in capitals.
    pub auth: Vec<String>,
}

impl Session {
    /// A session on a connection of which nothing was read.
    pub fn new(wire: Wire) -> Self {
        Self {
            stream: BufReader::new(wire),
            offers: Offers::default(),
        }
    }

    /// What the server offers, as of its last answer to EHLO.
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().tcp().local_addr()
    }

    /// What carries it, if the server has said no more than it was asked.
    pub fn into_wire(self) -> Option<Wire> {
        self.stream
            .buffer()
            .is_empty()
            .then(|| self.stream.into_inner())
    }

    /// Introduces this machine, and learns what the server offers.
    pub async fn hello(&mut self, name: &str) -> Result<(), Stop> {
        let reply = self
            .ask(SmtpCommand::Connect, &format!("EHLO {name}"))
            .await?;
        self.offers = Offers::of(&reply);
        Ok(())
    }

    /// Says a command to which the server should agree.
    ///
    /// # Errors
    ///
    /// It refuses, or does not answer.
    pub async fn ask(&mut self, command: SmtpCommand, line: &str) -> Result<Reply, Stop> {
        let reply = self.say(line).await?;
        reply.expect(command)
    }

    /// Says a line and reads the reply to it.
    pub async fn say(&mut self, line: &str) -> Result<Reply, FailureKind> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.read().await
    }

    /// Writes bytes, all of them and at once.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FailureKind> {
        let written = self.stream.write_all(bytes).await;
        written.map_err(|_| FailureKind::Cut)?;
        self.stream.flush().await.map_err(|_| FailureKind::Cut)
    }

    /// Reads one reply.
    pub async fn read(&mut self) -> Result<Reply, FailureKind> {
        let mut bounded = (&mut self.stream).take(MAX_REPLY);
        let mut reply: Option<Reply> = None;
        loop {
            let mut line = Vec::new();
            let read = bounded.read_until(b'\n', &mut line).await;
            read.map_err(|_| FailureKind::Cut)?;
            if line.last() != Some(&b'\n') {
                return Err(match bounded.limit() {
                    0 => FailureKind::Unreadable,
                    _ => FailureKind::Cut,
                });
            }
            let (code, is_last, text) = read_line(&line).ok_or(FailureKind::Unreadable)?;
            let reply = reply.get_or_insert(Reply {
                code,
                lines: Vec::new(),
            });
            if reply.code != code {
                return Err(FailureKind::Unreadable);
            }
            reply.lines.push(text);
            if is_last {
                return Ok(std::mem::replace(
                    reply,
                    Reply {
                        code,
                        lines: Vec::new(),
                    },
                ));
            }
        }
    }
}

/// A line's code, whether it is the reply's last, and its text.
fn read_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.trim_ascii_end();
    let (code, rest) = line.split_at_checked(3)?;
    let is_code = matches!(code[0], b'2'..=b'5') && code.iter().all(u8::is_ascii_digit);
    let (separator, text) = match rest.split_first() {
        None => (b' ', &[][..]),
        Some((separator, text)) => (*separator, text),
    };
    if !is_code || !matches!(separator, b' ' | b'-' | b'\t') {
        return None;
    }
    let code = code
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    let plain = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    Some((code, separator != b'-', text.iter().map(plain).collect()))
}

impl Reply {
    /// Whether the server agrees to the command, or wants to hear more of it.
    pub fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// The reply, if it agrees to the command.
    pub fn expect(self, command: SmtpCommand) -> Result<Self, Stop> {
        match self.is_positive() {
            true => Ok(self),
            false => Err(Stop::Refused(self.answer(command))),
        }
    }

    /// The reply as a plugin sees it.
    pub fn answer(self, command: SmtpCommand) -> SmtpReply {
        SmtpReply {
            code: self.code,
            command,
            text: self.lines.join(" "),
        }
    }
}

impl Offers {
    fn of(reply: &Reply) -> Self {
        let mut offers = Self::default();
        // The first line is the server's name.
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            // Old servers write AUTH=LOGIN.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("STARTTLS") => offers.start_tls = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("AUTH") => offers.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offers
    }
}

impl Wire {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_counts_and_any_bytes_after_it() {
        type Read = Option<(u16, bool, &'static str)>;
        let cases: [(&[u8], Read); 11] = [
            (b"250 2.0.0 Ok\r\n", Some((250, true, "2.0.0 Ok"))),
            (b"250-PIPELINING\r\n", Some((250, false, "PIPELINING"))),
            (b"250\r\n", Some((250, true, ""))),
            (b"250 \r\n", Some((250, true, ""))),
            (b"250-\r\n", Some((250, false, ""))),
            (b"250 ok\n", Some((250, true, "ok"))),
            (b"571 refused\r\n", Some((571, true, "refused"))),
            (b"250 gr\xfc\xdfe\r\n", Some((250, true, "gr??e"))),
            (b"2500\r\n", None),
            (b"what?\r\n", None),
            (b"25\r\n", None),
        ];
        for (line, expected) in cases {
            let read = read_line(line);
            let read = read
                .as_ref()
                .map(|(code, last, text)| (*code, *last, text.as_str()));
            assert_eq!(read, expected, "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn extensions_are_known_however_they_are_written() {
        let lines = [
            "mail.example.org",
            "starttls",
            "8BitMime",
            "auth plain Login",
            "AUTH=XOAUTH2",
        ];
        let reply = Reply {
            code: 250,
            lines: lines.map(str::to_owned).to_vec(),
        };
        let expected = Offers {
            start_tls: true,
            eight_bit: true,
            auth: ["PLAIN", "LOGIN", "XOAUTH2"].map(str::to_owned).to_vec(),
        };
        assert_eq!(Offers::of(&reply), expected);
    }
}
