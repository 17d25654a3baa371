//! What can go wrong in an SMTP dialogue, and where.

use std::time::Duration;

/// The points of a dialogue at which a fault can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The connection itself, in place of the greeting.
    Connect,
    /// `EHLO` or `HELO`.
    Ehlo,
    /// `STARTTLS`.
    StartTls,
    /// `AUTH`, when the credentials have come.
    Auth,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// `DATA`, in place of 354.
    Data,
    /// The final dot: the mail has been read.
    Dot,
    /// `RSET`.
    Rset,
    /// `NOOP`.
    Noop,
    /// `QUIT`.
    Quit,
}

impl Command {
    /// The one that the command line calls so.
    pub fn named(name: &str) -> Option<Self> {
        let mut names = Self::NAMES.into_iter();
        names
            .find(|(known, _)| *known == name)
            .map(|(_, command)| command)
    }

    /// All of them, with the names that the command line uses.
    pub(crate) const NAMES: [(&'static str, Command); 11] = [
        ("connect", Command::Connect),
        ("ehlo", Command::Ehlo),
        ("starttls", Command::StartTls),
        ("auth", Command::Auth),
        ("mail", Command::Mail),
        ("rcpt", Command::Rcpt),
        ("data", Command::Data),
        ("dot", Command::Dot),
        ("rset", Command::Rset),
        ("noop", Command::Noop),
        ("quit", Command::Quit),
    ];
}

/// Something that goes wrong at one command. Unless [`SmtpFault::taken`] says so, no mail is taken, but for
/// [`SmtpFault::delay`], which changes nothing but the time.
#[derive(Clone, Debug)]
pub struct SmtpFault {
    pub(super) effect: Effect,
    pub(super) delay: Duration,
    pub(super) takes: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Effect {
    Genuine,
    Reply(String),
    Drop,
    Reset,
    Silence,
}

impl SmtpFault {
    /// This reply in place of the right one, for example `451 4.3.0 try later`. After 421 the connection closes.
    pub fn reply(line: &str) -> Self {
        Self::of(Effect::Reply(line.to_owned()))
    }

    /// The connection closes without a reply.
    pub fn drop() -> Self {
        Self::of(Effect::Drop)
    }

    /// The connection is reset (RST) without a reply.
    pub fn reset() -> Self {
        Self::of(Effect::Reset)
    }

    /// There is no reply; the connection stays open.
    pub fn silence() -> Self {
        Self::of(Effect::Silence)
    }

    /// The right reply, this much later.
    pub fn delay(delay: Duration) -> Self {
        Self::of(Effect::Genuine).taken().after(delay)
    }

    /// Waits this long between the command and what follows.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// At [`Command::Dot`]: the mail is taken although the client is not told so.
    #[must_use]
    pub fn taken(mut self) -> Self {
        self.takes = true;
        self
    }

    fn of(effect: Effect) -> Self {
        Self {
            effect,
            delay: Duration::ZERO,
            takes: false,
        }
    }
}
