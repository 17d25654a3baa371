//! How outcomes, purposes and times are written in the ledger's columns, and read back.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use textsender_plugin_api::Purpose;

use crate::protocol::Outcome;

/// The outcome's word in the protocol.
pub(super) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted => "accepted",
        Outcome::Invalid => "invalid",
        Outcome::Rejected => "rejected",
        Outcome::Unavailable => "unavailable",
        Outcome::Crashed => "crashed",
        Outcome::InProgress => "in_progress",
        Outcome::Limited => "limited",
        Outcome::Unknown => "unknown",
        Outcome::Refused => "refused",
        Outcome::Misconfigured => "misconfigured",
    }
}

const OUTCOMES: [Outcome; 10] = [
    Outcome::Accepted,
    Outcome::Invalid,
    Outcome::Rejected,
    Outcome::Unavailable,
    Outcome::Crashed,
    Outcome::InProgress,
    Outcome::Limited,
    Outcome::Unknown,
    Outcome::Refused,
    Outcome::Misconfigured,
];

/// The purpose's word in the protocol.
pub(super) fn purpose_name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::VerificationCode => "verification_code",
        Purpose::HelpdeskCode => "helpdesk_code",
        Purpose::NewPassword => "new_password",
        Purpose::Test => "test",
    }
}

/// Reads an outcome; a word that is none is damage.
pub(super) fn outcome(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Outcome>> {
    let Some(word) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    match OUTCOMES
        .into_iter()
        .find(|outcome| outcome_name(*outcome) == word)
    {
        Some(outcome) => Ok(Some(outcome)),
        None => Err(damaged(column, Type::Text)),
    }
}

/// Reads a time; one that no calendar has is damage.
pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|_| damaged(column, Type::Integer))
}

/// A value that the ledger cannot have written.
pub(super) fn damaged(column: &str, kind: Type) -> rusqlite::Error {
    let reason = format!("the column {column} holds what textsender never writes");
    rusqlite::Error::FromSqlConversionFailure(0, kind, reason.into())
}

/// The senders in `sent_to`, a line each.
pub(super) fn lines(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}
