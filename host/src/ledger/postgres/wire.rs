//! What is said to the database's functions, and what they answer: JSON, so that a column more is a name
//! more.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::ledger::keys::Digest;
use crate::ledger::store::{Breaker, StoreError, StoreResult};
use crate::ledger::stored::{Decision, hexadecimal};

/// A row of `windows`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct WindowRow {
    pub key: String,
    pub v: i64,
    pub events: String,
}

/// A row of `senders`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::ledger) struct SenderRow {
    pub sender: String,
    #[serde(default, skip_serializing)]
    pub v: i64,
    pub failures: u32,
    pub reason: String,
    pub failed_at: i64,
    pub trial_at: Option<i64>,
    pub wait_until: Option<i64>,
    pub doubts: Option<String>,
    pub unsealed: Option<String>,
}

/// A step: what must still be so, and what is written then.
#[derive(Debug, Default, Serialize)]
pub(super) struct Request<'a> {
    pub owner: &'a str,
    pub step: i64,
    pub node: &'a str,
    /// A test's time of day, in place of the server's.
    pub at: Option<i64>,
    /// How far a commit waits: `synchronous_commit`.
    pub commit: &'a str,
    /// How long to wait for a lock, in milliseconds.
    pub wait: String,
    pub ids: Vec<ExpectedId<'a>>,
    pub windows: Vec<Expected<'a>>,
    pub senders: Vec<Expected<'a>>,
    pub rows: Vec<ExpectedRow>,
    pub used: Vec<ExpectedUse>,
    pub provider_ids: Vec<ExpectedProviderId<'a>>,
    /// Claims that are dispatched: their time must not be over.
    pub leases: Vec<Lease>,
    pub insert: Vec<&'a Decision>,
    pub update: Vec<&'a Decision>,
    pub put_windows: Vec<PutWindow>,
    pub put_senders: Vec<SenderRow>,
    /// What was paused, if the step relies on it.
    pub pauses: Option<Pauses<'a>>,
    pub put_pauses: Option<Pauses<'a>>,
}

/// What is paused; empty: nothing.
#[derive(Debug, Serialize)]
pub(super) struct Pauses<'a> {
    pub value: &'a str,
}

/// The row that an id is held by; 0: none.
#[derive(Debug, Serialize)]
pub(super) struct ExpectedId<'a> {
    pub id: &'a str,
    pub seq: i64,
}

/// A window's or a sender's version; 0: there is none.
#[derive(Debug, Serialize)]
pub(super) struct Expected<'a> {
    pub k: std::borrow::Cow<'a, str>,
    pub v: i64,
}

/// The same of a decision.
#[derive(Debug, Serialize)]
pub(super) struct ExpectedRow {
    pub seq: i64,
    pub v: i64,
}

/// Whether a code to a number was typed in.
#[derive(Debug, Serialize)]
pub(super) struct ExpectedUse {
    pub k: String,
    pub has: bool,
}

/// Whether a decision since then has a provider's id.
#[derive(Debug, Serialize)]
pub(super) struct ExpectedProviderId<'a> {
    pub k: &'a str,
    pub since: i64,
    pub has: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Lease {
    pub seq: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct PutWindow {
    pub key: String,
    pub until: Option<i64>,
    pub events: String,
}

/// What a step came to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    /// It had been done before.
    pub done: bool,
    /// Something is not as it was expected; the rest says how it is.
    pub stale: bool,
    /// The version of what was written.
    pub version: i64,
    /// The server's time.
    pub now: i64,
    pub epoch: String,
    pub windows: Vec<WindowRow>,
    pub senders: Vec<SenderRow>,
    pub rows: Vec<Decision>,
    pub holders: Vec<Decision>,
    /// Those of the numbers asked about to which a code went that was typed in.
    pub used: Vec<String>,
    /// Those of the providers' ids asked about that a decision has.
    pub provider_ids: Vec<String>,
    pub pauses: Option<String>,
}

/// What a process learns when it connects.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::ledger) struct Hello {
    /// It is a standby.
    pub recovery: bool,
    /// The proof of the key that the ledger was begun with.
    pub proof: Option<String>,
    pub now: i64,
    pub epoch: String,
    /// `synchronous_commit`, as the server has it by default.
    pub commit: String,
    /// `synchronous_standby_names`.
    pub standbys: String,
    pub fsync: String,
    /// `server_version_num`.
    pub version: u32,
    /// What is paused.
    pub pauses: Option<String>,
    /// When a process tidied last, of any machine.
    pub tidied: Option<i64>,
}

impl SenderRow {
    pub fn of(sender: &str, breaker: &Breaker) -> SenderRow {
        SenderRow {
            sender: sender.to_owned(),
            v: 0,
            failures: breaker.failures,
            reason: breaker.reason.clone(),
            failed_at: breaker.failed_at,
            trial_at: breaker.trial_at,
            wait_until: breaker.wait_until,
            doubts: (!breaker.doubts.is_empty()).then(|| hexadecimal(&breaker.doubts.concat())),
            unsealed: breaker.unsealed.clone(),
        }
    }

    pub fn breaker(&self) -> StoreResult<Breaker> {
        let doubts = from_hex(self.doubts.as_deref().unwrap_or_default(), "doubts")?;
        let (doubts, rest) = doubts.as_chunks();
        if !rest.is_empty() {
            return Err(StoreError::Damaged("doubts"));
        }
        Ok(Breaker {
            failures: self.failures,
            reason: self.reason.clone(),
            failed_at: self.failed_at,
            trial_at: self.trial_at,
            wait_until: self.wait_until,
            doubts: doubts.to_vec(),
            unsealed: self.unsealed.clone(),
        })
    }
}

/// Bytes that [`hexadecimal`] wrote; what is none is damage of this column.
pub(super) fn from_hex(text: &str, column: &'static str) -> StoreResult<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| {
        let value = digit(*high)? * 16 + digit(*low)?;
        u8::try_from(value).ok()
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes
        .filter(|_| rest.is_empty())
        .ok_or(StoreError::Damaged(column))
}

/// A hash that [`hexadecimal`] wrote.
pub(super) fn digest(text: Option<&str>, column: &'static str) -> StoreResult<Option<Digest>> {
    let Some(text) = text else { return Ok(None) };
    let bytes = from_hex(text, column)?;
    let digest = Digest::try_from(bytes.as_slice());
    digest.map(Some).map_err(|_| StoreError::Damaged(column))
}

/// What an answer of one value says.
pub(super) fn value<'r, T: FromSql<'r>>(rows: &'r [Row]) -> Option<T> {
    rows.first()?.try_get(0).ok()
}

/// The same, where it is JSON.
pub(super) fn json<T: DeserializeOwned>(rows: &[Row]) -> Option<T> {
    serde_json::from_str(value(rows)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_from_hexadecimal() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&hexadecimal(&bytes), "places").unwrap(), bytes);
        for damaged in ["0", "0g", "é"] {
            assert!(from_hex(damaged, "places").is_err(), "{damaged}");
        }
    }
}
