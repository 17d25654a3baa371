//! What can go wrong with one server.

use jiff::Timestamp;

/// Why a server could not be asked, or did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LdapError {
    /// No connection, or it broke.
    #[error("{0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// It is not who it should be, or does not protect the connection.
    #[error("{0}")]
    Untrusted(String),
    /// Its certificate was good until then.
    #[error("its certificate expired at {0}")]
    Expired(Timestamp),
    /// It does not let this account in: name and password, or how the account stands (result 49).
    #[error("{0}")]
    NotLetIn(String),
    /// It takes no login of this kind.
    #[error("{0}")]
    LoginFailed(String),
    /// What it sent is no answer.
    #[error("the answer can't be read: {0}")]
    Malformed(&'static str),
    /// It sent more than an answer may have.
    #[error("the answer is endless: {0}")]
    TooMuch(&'static str),
    /// There is no entry of this name.
    #[error("there is no such entry")]
    NoSuchEntry,
    /// It refuses the search.
    #[error("the search is refused with result {0}")]
    Refused(u32),
}

impl LdapError {
    /// Whether the connection can be used for the next search.
    #[must_use]
    pub fn leaves_usable(&self) -> bool {
        matches!(self, Self::NoSuchEntry | Self::Refused(_))
    }

    /// Until when its certificate was good, if that is what is wrong.
    #[must_use]
    pub fn expired_at(&self) -> Option<Timestamp> {
        match self {
            Self::Expired(at) => Some(*at),
            _ => None,
        }
    }

    /// Whether another server would say the same; and to ask would count as one more wrong password.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::NotLetIn(_) | Self::LoginFailed(_))
    }
}
