//! What an error of the server means: to be tried again, to be worked out anew, or for good, with what to do.

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use crate::ledger::error::LedgerError;
use crate::net;

/// Why a step is not done.
pub(super) enum Failed {
    /// What it expected is so no longer: to be worked out anew.
    Stale,
    /// For good, as far as this step goes.
    Error(LedgerError),
}

/// What is tried again, and what is not.
pub(super) enum Trouble {
    /// Perhaps on another connection, perhaps a little later.
    Passing(String),
    Failed(Failed),
}

pub(super) fn passing(error: Error) -> Trouble {
    Trouble::Passing(words(&error))
}

/// What an error means; where it is for good, the reason and what to do.
pub(super) fn judged(error: &Error) -> Result<Trouble, (String, String)> {
    let Some(said) = error.as_db_error() else {
        return Ok(Trouble::Passing(words(error)));
    };
    let code = said.code();
    if code.code() == STALE {
        return Ok(Trouble::Failed(Failed::Stale));
    }
    let is_passing = PASSING_CLASSES.contains(&&code.code()[..2]) || PASSING.contains(code);
    if is_passing {
        let is_busy = code.code().starts_with("40") || *code == SqlState::LOCK_NOT_AVAILABLE;
        let reason = if is_busy { BUSY } else { said.message() };
        return Ok(Trouble::Passing(reason.to_owned()));
    }
    Err((said.message().to_owned(), remedy(said).to_owned()))
}

fn remedy(said: &DbError) -> &'static str {
    match *said.code() {
        SqlState::UNDEFINED_FUNCTION
        | SqlState::INVALID_SCHEMA_NAME
        | SqlState::UNDEFINED_TABLE => {
            "have the database's owner run `textsender ledger schema --postgres`, or `textsender ledger migrate` where an older schema is there"
        }
        SqlState::INSUFFICIENT_PRIVILEGE => {
            "have the database's owner run the GRANT lines of `textsender ledger schema --postgres`"
        }
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "correct the role in [state.shared] url, its password (`textsender secret set ledger.password`), or pg_hba.conf"
        }
        SqlState::UNDEFINED_DATABASE => "correct the database's name in [state.shared] url",
        _ => "see the database's log",
    }
}

/// The library's own words say little; what stands behind says which host and why.
fn words(error: &Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => net::Cause::of(error).to_string(),
    }
}

/// Raised by our functions: another machine was faster.
const STALE: &str = "TS001";

/// Classes of errors that pass: the connection, serialization, resources such as connections and memory, an
/// operator who ends it, the system.
const PASSING_CLASSES: [&str; 5] = ["08", "40", "53", "57", "58"];

/// Others that do: a lock that is held, a server that was demoted, a transaction that was given up.
const PASSING: [SqlState; 4] = [
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::READ_ONLY_SQL_TRANSACTION,
    SqlState::IN_FAILED_SQL_TRANSACTION,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
];

/// Others keep what is needed.
pub(super) const BUSY: &str = "its locks are held";
