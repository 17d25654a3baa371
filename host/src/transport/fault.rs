//! Why an exchange brought no answer: in a word, for the plugin, and in words, for an operator.

use textsender_plugin_api::FailureKind;

use crate::{
    budget::Limit,
    net::{Cause, NetError},
    protocol::ErrorCode,
};

/// An exchange that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What the plugin is told.
    pub kind: FailureKind,
    /// Host, port and cause, where they say more than the kind. They may hold what a peer said.
    pub words: Option<String>,
    /// What it is where the administrator of this machine must act: nothing is to be hoped of a repeat.
    pub ours: Option<ErrorCode>,
    /// What to do about it, where that is known.
    pub remedy: Option<&'static str>,
    /// The budget that its sender used up, where that is why.
    pub used_up: Option<Limit>,
}

impl From<FailureKind> for Fault {
    fn from(kind: FailureKind) -> Self {
        Self {
            kind,
            words: None,
            ours: None,
            remedy: None,
            used_up: None,
        }
    }
}

impl From<NetError> for Fault {
    fn from(error: NetError) -> Self {
        Self {
            kind: kind(error.cause()),
            ours: match error.cause() {
                Cause::Forbidden => Some(ErrorCode::ForbiddenBySandbox),
                cause => cause.is_ours().then_some(ErrorCode::BadConfiguration),
            },
            remedy: Some(error.cause().remedy()),
            used_up: matches!(error.cause(), Cause::NoTurn).then_some(Limit::NewConnections),
            words: Some(error.to_string()),
        }
    }
}

impl Fault {
    /// The same, in words that name the peer, if it has none.
    pub(super) fn named(self, peer: &str) -> Self {
        let words = self
            .words
            .unwrap_or_else(|| format!("{peer}: {}", self.kind.as_str()));
        Self {
            words: Some(words),
            ..self
        }
    }
}

fn kind(cause: &Cause) -> FailureKind {
    match cause {
        Cause::NameNotFound(_) | Cause::AddressNotAllowed => FailureKind::NameNotFound,
        Cause::NotAHost | Cause::BadProxy => FailureKind::Malformed,
        Cause::TimedOut | Cause::NoTurn | Cause::NoGreeting | Cause::NoHandshake => {
            FailureKind::Timeout
        }
        Cause::Refused
        | Cause::Unreachable
        | Cause::NoDescriptors
        | Cause::Forbidden
        | Cause::Network(_)
        | Cause::ProxyAuthentication
        | Cause::ProxyRefused(_)
        | Cause::Cut => FailureKind::Connect,
        Cause::Certificate(_)
        | Cause::NotTls
        | Cause::Tls(_)
        | Cause::StartTlsNotOffered
        | Cause::SaidBeforeTls
        | Cause::Roots(_) => FailureKind::Tls,
    }
}
