//! One request and answer with a provider, and how far it came.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{HttpRequest, HttpResponse, Mail, SmtpReply};

/// What a plugin asks the host to carry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Exchange {
    /// An HTTP request.
    Http(HttpRequest),
    /// An e-mail.
    Smtp(Mail),
}

impl Exchange {
    /// Whether it may hand a message over.
    pub fn delivers(&self) -> bool {
        match self {
            Self::Http(request) => request.delivers,
            Self::Smtp(mail) => !mail.to.is_empty(),
        }
    }
}

/// What came back, whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Answer {
    /// From an HTTP request.
    Http(HttpResponse),
    /// From an e-mail.
    Smtp(SmtpReply),
}

/// How far an exchange came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stage {
    /// Nothing of the message left: the provider can't have taken it.
    NotSent,
    /// It left, wholly or in part, and no whole answer came: the provider may have taken it.
    Written,
    /// The provider's whole answer is here.
    Answered,
}

/// Why an exchange brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FailureKind {
    /// The host name doesn't resolve.
    NameNotFound,
    /// No connection: refused, unreachable, reset.
    Connect,
    /// TLS could not be agreed on, or the certificate is not trusted.
    Tls,
    /// Not within the message's deadline.
    Timeout,
    /// The connection ended before the answer did.
    Cut,
    /// The answer is longer than [`MAX_ANSWER`](crate::MAX_ANSWER).
    TooLarge,
    /// The answer is not the protocol's.
    Unreadable,
    /// The host does not let this plugin talk to that address, or without TLS.
    NotAllowed,
    /// The exchange itself is malformed: its URL, a header, an address.
    Malformed,
    /// The host does not offer this, or not outside a call.
    Unsupported,
}

impl FailureKind {
    /// What happened, in words for an operator.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NameNotFound => "the host name does not resolve",
            Self::Connect => "no connection to the provider",
            Self::Tls => "no trusted TLS connection to the provider",
            Self::Timeout => "no answer in time",
            Self::Cut => "the connection was cut before the whole answer came",
            Self::TooLarge => "the answer is longer than 1 MiB",
            Self::Unreadable => "the answer is not the protocol's",
            Self::NotAllowed => "the host does not allow this address",
            Self::Malformed => "the request is malformed",
            Self::Unsupported => "the host does not offer this here",
        }
    }
}

/// An exchange without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExchangeError {
    /// How far it came.
    pub stage: Stage,
    /// What happened.
    pub kind: FailureKind,
    /// Whether it could have handed a message over.
    pub delivers: bool,
}

impl ExchangeError {
    /// An exchange that delivers and failed at this stage.
    pub const fn new(stage: Stage, kind: FailureKind) -> Self {
        Self {
            stage,
            kind,
            delivers: true,
        }
    }

    /// Whether the provider may have taken a message all the same.
    pub fn may_have_been_sent(&self) -> bool {
        self.delivers && self.stage != Stage::NotSent
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())
    }
}

impl std::error::Error for ExchangeError {}
