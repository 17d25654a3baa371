//! What a directory's answer comes to when it is not the one hoped for. The outcome of each, and its words for
//! callers, are in the table of `textsender`; here it is named, with what an administrator must know.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ldap::{LdapError, ServerError};

/// What went wrong, by the error code that callers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No server in time.
    DirectoryUnreachable,
    /// A certificate or a name is wrong.
    DirectoryCertificate,
    /// The login is refused, or the base is wrong.
    DirectoryLoginFailed,
    /// This account may not read what decides.
    DirectoryUnreadable,
    /// There is no snapshot, or it is too old.
    DirectoryStale,
    /// There is no such user.
    UserUnknown,
    /// There are several.
    UserAmbiguous,
    /// The account is switched off, or has expired.
    AccountDisabled,
    /// The user has no number.
    PhoneMissing,
}

impl Code {
    /// As callers see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Code::DirectoryUnreachable => "directory_unreachable",
            Code::DirectoryCertificate => "directory_certificate",
            Code::DirectoryLoginFailed => "directory_login_failed",
            Code::DirectoryUnreadable => "directory_unreadable",
            Code::DirectoryStale => "directory_stale",
            Code::UserUnknown => "user_unknown",
            Code::UserAmbiguous => "user_ambiguous",
            Code::AccountDisabled => "account_disabled",
            Code::PhoneMissing => "phone_missing",
        }
    }

    /// The exit code of the outcome that it leads to: `unavailable`, `misconfigured` or `refused`.
    #[must_use]
    pub fn exit(self) -> u8 {
        match self {
            Code::DirectoryUnreachable => 69,
            Code::DirectoryCertificate
            | Code::DirectoryLoginFailed
            | Code::DirectoryUnreadable
            | Code::DirectoryStale => 78,
            Code::UserUnknown
            | Code::UserAmbiguous
            | Code::AccountDisabled
            | Code::PhoneMissing => 77,
        }
    }
}

/// An error, and what an administrator must know of it. It names no user's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct DirectoryError {
    /// Which.
    pub code: Code,
    /// What is wrong, where, and what to do.
    pub message: String,
}

impl DirectoryError {
    /// An error with its words.
    pub fn new(code: Code, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        Self { code, message }
    }

    /// An error of a server.
    #[must_use]
    pub fn of(server: &str, error: &LdapError) -> Self {
        let code = match error {
            LdapError::Untrusted(_) => Code::DirectoryCertificate,
            LdapError::LoginFailed(_) => Code::DirectoryLoginFailed,
            LdapError::Refused(_) => Code::DirectoryUnreadable,
            LdapError::Unreachable(_)
            | LdapError::TimedOut
            | LdapError::Malformed(_)
            | LdapError::TooMuch(_)
            | LdapError::NoSuchEntry => Code::DirectoryUnreachable,
        };
        Self::new(code, format!("{server}: {error}"))
    }
}

impl From<ServerError> for DirectoryError {
    fn from(error: ServerError) -> Self {
        Self::of(&error.server, &error.error)
    }
}
