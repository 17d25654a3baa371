//! How outcomes, attempts and times are read from the ledger's columns.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, Type};

use crate::ledger::keys::Digest;
use crate::ledger::settle::NO_CODE;
use crate::ledger::store::Breaker;
use crate::protocol::{Attempt, Outcome};

/// Reads an outcome; a word that is none is damage.
pub(in crate::ledger) fn outcome(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Outcome>> {
    let Some(word) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    match outcome_named(&word) {
        Some(outcome) => Ok(Some(outcome)),
        None => Err(damaged(column, Type::Text)),
    }
}

/// Reads attempts; a line that is none is damage.
pub(in crate::ledger) fn attempts(row: &Row<'_>, column: &str) -> rusqlite::Result<Vec<Attempt>> {
    let text: Option<String> = row.get(column)?;
    let attempts = lines(text.as_deref())
        .iter()
        .map(|line| {
            let mut words = line.split(' ');
            Some(Attempt {
                sender: words.next()?.to_owned(),
                outcome: outcome_named(words.next()?)?,
                code: words
                    .next()
                    .filter(|code| *code != NO_CODE)
                    .map(|code| code.to_owned().into()),
                ms: words.next()?.parse().ok()?,
            })
        })
        .collect::<Option<_>>();
    attempts.ok_or_else(|| damaged(column, Type::Text))
}

/// Reads a row of `senders`.
pub(in crate::ledger) fn breaker(row: &Row<'_>) -> rusqlite::Result<Breaker> {
    Ok(Breaker {
        failures: row.get("failures")?,
        reason: row.get("reason")?,
        failed_at: time(row, "failed_at")?.as_millisecond(),
        trial_at: row.get("trial_at")?,
        wait_until: newer(row, "wait_until")?,
        unsealed: newer(row, "unsealed")?,
        doubts: digests(&newer::<Vec<u8>>(row, "doubts")?.unwrap_or_default())
            .ok_or_else(|| damaged("doubts", Type::Blob))?,
    })
}

/// Reads a column that an older version of the ledger does not have.
pub(in crate::ledger) fn newer<T: FromSql>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    match row.as_ref().column_index(column) {
        Ok(index) => row.get(index),
        Err(_) => Ok(None),
    }
}

/// Reads hashes that stand one after another.
fn digests(bytes: &[u8]) -> Option<Vec<Digest>> {
    let whole = bytes.chunks(size_of::<Digest>());
    whole.map(|digest| digest.try_into().ok()).collect()
}

/// Reads a time; one that no calendar has is damage.
pub(in crate::ledger) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|_| damaged(column, Type::Integer))
}

/// A value that the ledger cannot have written.
pub(in crate::ledger) fn damaged(column: &str, kind: Type) -> rusqlite::Error {
    let reason = format!("the column {column} holds what textsender never writes");
    rusqlite::Error::FromSqlConversionFailure(0, kind, reason.into())
}

/// What a column holds a line each of.
pub(in crate::ledger) fn lines(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn outcome_named(word: &str) -> Option<Outcome> {
    Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == word)
}
