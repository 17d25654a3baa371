//! A row of the audit, as it is shown.

use jiff::Timestamp;
use rusqlite::Row;
use serde::{Serialize, Serializer};

use super::folder::Folder;
use super::keys::Digest;
use super::sqlite::columns;
use super::sqlite::process::life_seen_from;
use super::store::Life;
use crate::protocol::{Attempt, ErrorCode, Outcome};

/// One decision, as the audit keeps it. There is no secret in it, and no full number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place in the order of claims.
    pub seq: i64,
    /// When it was asked for.
    pub at: Timestamp,
    /// The request's id.
    pub id: String,
    /// The id of the message that it is, sent again.
    pub resend_of: Option<String>,
    /// The purpose, as the protocol spells it.
    pub purpose: Option<String>,
    /// `enroll` or `reset`.
    pub event: Option<String>,
    /// Who asked.
    pub actor: Option<String>,
    /// The keyed hash of the user's name, in hexadecimal: equal for equal names of one state folder.
    pub user_hash: Option<String>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// The masked number.
    pub recipient: Option<String>,
    /// The number's keyed hash, in hexadecimal: equal for equal numbers of one state folder.
    pub recipient_hash: Option<String>,
    /// The number's region.
    pub region: Option<String>,
    /// Segments of the text.
    pub segments: Option<u32>,
    /// The user id that asked.
    pub uid: u32,
    /// Where it is, or how it ended; in JSON `outcome`, `null` while it is being sent.
    #[serde(rename = "outcome", serialize_with = "ended")]
    pub state: EntryState,
    /// The error code.
    pub code: Option<String>,
    /// The sender whose answer decided.
    pub sender: Option<String>,
    /// The senders it was handed to, in that order.
    pub dispatched_to: Vec<String>,
    /// The provider's id of it.
    pub provider_id: Option<String>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// What the provider said of each attempt; empty where it said nothing.
    pub reasons: Vec<String>,
    /// Milliseconds from the request to the outcome.
    pub ms: Option<i64>,
    /// Whether it was answered from the ledger.
    pub replayed: bool,
    /// What the provider said became of it, when the hub asked: `delivered`, `failed`, or still `sent`.
    pub delivery: Option<String>,
    /// When its code was typed in.
    pub used_at: Option<Timestamp>,
    /// The limits that it reached, as `recipient 5/10m`, by comma.
    pub over_limit: Option<String>,
    /// The senders that were known to fail when it was claimed, each with why: `twilio timeout`. Others
    /// were asked before them.
    pub paused: Vec<String>,
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// It is being sent by a process that lives.
    Sending,
    /// It ended so.
    Ended(Outcome),
}

impl Entry {
    /// Reads a row of `decisions` in the ledger of this folder.
    pub(super) fn read(row: &Row<'_>, folder: &Folder) -> rusqlite::Result<Entry> {
        let mut entry = Entry {
            seq: row.get("seq")?,
            at: columns::time(row, "at")?,
            id: row.get("id")?,
            resend_of: columns::newer(row, "resend_of")?,
            purpose: row.get("purpose")?,
            event: row.get("event")?,
            actor: row.get("actor")?,
            user_hash: columns::newer::<Digest>(row, "user_hash")?.map(hexadecimal),
            policy: row.get("policy")?,
            recipient: row.get("recipient")?,
            recipient_hash: row
                .get::<_, Option<Digest>>("recipient_hash")?
                .map(hexadecimal),
            region: row.get("region")?,
            segments: row.get("segments")?,
            uid: row.get("uid")?,
            state: EntryState::Sending,
            code: row.get("code")?,
            sender: row.get("sender")?,
            dispatched_to: columns::lines(row.get::<_, Option<String>>("sent_to")?.as_deref()),
            provider_id: row.get("provider_id")?,
            attempts: columns::attempts(row, "attempts")?,
            reasons: columns::newer::<String>(row, "reasons")?
                .map(|reasons| reasons.split('\n').map(str::to_owned).collect())
                .unwrap_or_default(),
            ms: row.get("ms")?,
            replayed: row.get("replayed")?,
            delivery: columns::newer(row, "delivery")?,
            used_at: columns::newer::<i64>(row, "used_at")?
                .and_then(|at| Timestamp::from_millisecond(at).ok()),
            over_limit: row.get("over_limit")?,
            paused: columns::lines(row.get::<_, Option<String>>("paused")?.as_deref()),
        };
        if let Some(outcome) = columns::outcome(row, "outcome")? {
            entry.state = EntryState::Ended(outcome);
            return Ok(entry);
        }
        // It may be one that ended as unknown, and is looked for again.
        entry.code = None;
        // What the next repeat or cleaning will write (`settle::close_abandoned`).
        let owner: Option<String> = row.get("owner")?;
        let life = owner.map_or(Life::Lost, |owner| life_seen_from(folder, &owner));
        let code = match life {
            Life::Alive => return Ok(entry),
            Life::Dead if row.get::<_, Option<String>>("sent_to")?.is_none() => ErrorCode::Crashed,
            Life::Dead | Life::Lost => ErrorCode::Interrupted,
        };
        entry.state = EntryState::Ended(code.outcome());
        entry.code = Some(code.as_str().to_owned());
        Ok(entry)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's serialize_with passes a reference"
)]
fn ended<S: Serializer>(state: &EntryState, serializer: S) -> Result<S::Ok, S::Error> {
    match state {
        EntryState::Sending => serializer.serialize_none(),
        EntryState::Ended(outcome) => serializer.serialize_some(outcome),
    }
}

/// A hash as it is shown.
pub(super) fn hexadecimal(digest: Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
