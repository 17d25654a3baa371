//! E-mail submission, carried by the host.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Answer, Exchange, ExchangeError, FailureKind, Host, Secret, Stage, secret};

/// Submits e-mail through the host. Get one from [`Host::smtp`].
#[derive(Clone, Debug)]
pub struct SmtpClient(pub(crate) Host);

impl SmtpClient {
    /// Submits one e-mail and waits for the server's reply to its last line.
    ///
    /// # Errors
    ///
    /// No reply came: see [`ExchangeError`]. A reply that refuses is not an error but an answer:
    /// look at [`SmtpReply::code`].
    pub async fn send(&self, mail: Mail) -> Result<SmtpReply, ExchangeError> {
        match self.0.exchange(Exchange::Smtp(mail)).await? {
            Answer::Smtp(answer) => Ok(answer),
            Answer::Http(_) => Err(ExchangeError::new(Stage::Written, FailureKind::Unreadable)),
        }
    }

    /// Asks the server whether it would take mail, and hands none over: connection, TLS, login and
    /// sender are tried, whatever the mail's recipient and text are. For
    /// [`Sender::check`](crate::Sender::check).
    ///
    /// # Errors
    ///
    /// No reply came: see [`ExchangeError`]. A reply that refuses is not an error but an answer:
    /// look at [`SmtpReply::is_positive`].
    pub async fn check(&self, mail: Mail) -> Result<SmtpReply, ExchangeError> {
        let to_nobody = Mail {
            to: String::new(),
            subject: String::new(),
            body: String::new(),
            ..mail
        };
        self.send(to_nobody).await
    }
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SmtpSecurity {
    /// Plain at first, then TLS by STARTTLS, always (RFC 3207). Usual on port 587.
    StartTls,
    /// TLS from the first byte (RFC 8314). Usual on port 465.
    Tls,
    /// No protection: the host allows it to loopback addresses only.
    None,
}

/// One plain-text e-mail to one recipient. `Debug` shows only the server.
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mail {
    /// The server's host name or address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// The account to authenticate as, where the server wants it.
    pub user: Option<String>,
    /// The account's password.
    #[serde(with = "secret::exposed")]
    pub password: Option<Secret>,
    /// The sender's address, in the envelope and in `From`.
    pub from: String,
    /// The recipient's address, in the envelope and in `To`. With an empty one nothing is sent: the
    /// dialogue ends behind the sender.
    pub to: String,
    /// The subject; left out when empty.
    pub subject: String,
    /// The body, sent as `text/plain`.
    pub body: String,
    /// The `Message-ID` without its angle brackets: keep it the same on a repeat.
    pub message_id: String,
    /// An OAuth 2 access token for `user`, in a password's place (AUTH XOAUTH2). A host of ABI 1.0
    /// does not log in then, and the server refuses the mail.
    #[serde(with = "secret::exposed")]
    pub access_token: Option<Secret>,
    /// The name that the host gives itself in EHLO, where the server cares.
    pub hello: Option<String>,
    /// The most mails by one connection; the host has a bound of its own.
    pub mails_per_connection: Option<u32>,
    /// The most connections of this sender to the server at once.
    pub connections: Option<u32>,
}

impl Mail {
    /// A mail to `server`, with STARTTLS and no account; all other fields are empty.
    pub fn new(server: impl Into<String>, port: u16) -> Self {
        Self {
            server: server.into(),
            port,
            security: SmtpSecurity::StartTls,
            user: None,
            password: None,
            from: String::new(),
            to: String::new(),
            subject: String::new(),
            body: String::new(),
            message_id: String::new(),
            access_token: None,
            hello: None,
            mails_per_connection: None,
            connections: None,
        }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail by {}:{}", self.server, self.port)
    }
}

/// At which command of the dialogue a reply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SmtpCommand {
    /// The greeting, EHLO or STARTTLS.
    Connect,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// The final dot.
    Dot,
}

/// A mail server's last reply (RFC 5321, 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpReply {
    /// The three-digit code: 2xx took the mail, 4xx may take it later, 5xx never will.
    pub code: u16,
    /// The command it answers.
    pub command: SmtpCommand,
    /// The first line of the reply's text, such as `2.0.0 Ok: queued as 4F2`.
    pub text: String,
}

impl SmtpReply {
    /// Whether the server agrees to the command that it answers.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Whether the server took the mail.
    pub fn is_accepted(&self) -> bool {
        self.command == SmtpCommand::Dot && self.is_positive()
    }
}
