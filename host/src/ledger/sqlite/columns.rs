//! How outcomes, attempts and times are read from the ledger's columns.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSql, Type};

use crate::ledger::keys::Digest;
use crate::ledger::store::Breaker;
use crate::ledger::stored::{self, Decision, hexadecimal};
use crate::protocol::Outcome;

pub(in crate::ledger) use crate::ledger::stored::lines;

/// Reads an outcome; a word that is none is damage.
pub(in crate::ledger) fn outcome(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Outcome>> {
    let Some(word) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    match stored::outcome(&word) {
        Some(outcome) => Ok(Some(outcome)),
        None => Err(damaged(column, Type::Text)),
    }
}

/// Reads a row of `decisions`, as far as it is shown.
pub(in crate::ledger) fn decision(row: &Row<'_>) -> rusqlite::Result<Decision> {
    let hash = |hash: Option<Digest>| hash.map(|hash| hexadecimal(&hash));
    time(row, "at")?;
    outcome(row, "outcome")?;
    let attempts: Option<String> = row.get("attempts")?;
    if stored::attempts(attempts.as_deref()).is_none() {
        return Err(damaged("attempts", Type::Text));
    }
    Ok(Decision {
        seq: row.get("seq")?,
        at: row.get("at")?,
        id: row.get("id")?,
        resend_of: newer(row, "resend_of")?,
        live: row.get("live")?,
        delivery: newer(row, "delivery")?,
        used_at: newer(row, "used_at")?,
        purpose: row.get("purpose")?,
        event: row.get("event")?,
        actor: row.get("actor")?,
        policy: row.get("policy")?,
        region: row.get("region")?,
        segments: row.get("segments")?,
        uid: row.get("uid")?,
        recipient: row.get("recipient")?,
        recipient_hash: hash(row.get("recipient_hash")?),
        user_hash: hash(newer(row, "user_hash")?),
        source_hash: hash(newer(row, "source_hash")?),
        prefix_hash: hash(newer(row, "prefix_hash")?),
        owner: row.get("owner")?,
        over_limit: row.get("over_limit")?,
        paused: row.get("paused")?,
        sent_to: row.get("sent_to")?,
        outcome: row.get("outcome")?,
        code: row.get("code")?,
        sender: row.get("sender")?,
        provider_id: row.get("provider_id")?,
        attempts,
        reasons: newer(row, "reasons")?,
        ms: row.get("ms")?,
        replayed: row.get("replayed")?,
        response: row.get("response")?,
        ..Decision::default()
    })
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
