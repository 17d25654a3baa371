//! What a directory's answer comes to when it is not the one hoped for. The outcome of each code, and its words for
//! callers, are in the table of `textsender`; here it is named, with what an administrator must know.

pub use textsender_names::lines::{Code, DirectoryError};

use crate::ldap::{LdapError, ServerError};

/// The exit code of the outcome that an error leads to: `unavailable`, `misconfigured` or `refused`.
#[must_use]
pub fn exit(code: Code) -> u8 {
    match code {
        Code::DirectoryUnreachable => 69,
        Code::DirectoryCertificate
        | Code::DirectoryLoginFailed
        | Code::DirectoryUnreadable
        | Code::DirectoryStale => 78,
        Code::UserUnknown
        | Code::UserAmbiguous
        | Code::AccountDisabled
        | Code::PhoneMissing
        | Code::PhoneChanged => 77,
    }
}

/// An error of a server.
#[must_use]
pub fn of_server(server: &str, error: &LdapError) -> DirectoryError {
    let code = match error {
        LdapError::Untrusted(_) | LdapError::Expired(_) => Code::DirectoryCertificate,
        LdapError::NotLetIn(_) | LdapError::LoginFailed(_) => Code::DirectoryLoginFailed,
        LdapError::Refused(_) => Code::DirectoryUnreadable,
        LdapError::Unreachable(_)
        | LdapError::TimedOut
        | LdapError::Malformed(_)
        | LdapError::TooMuch(_)
        | LdapError::NoSuchEntry => Code::DirectoryUnreachable,
    };
    DirectoryError::new(code, format!("{server}: {error}"))
}

impl From<ServerError> for DirectoryError {
    fn from(error: ServerError) -> Self {
        of_server(&error.server, &error.error)
    }
}
