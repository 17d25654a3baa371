//! A row of the audit, as it is shown.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::archive::Found;
use super::store::Life;
use super::stored::{self, lines};
use crate::{
    protocol::{Attempt, ErrorCode, Outcome},
    redact::{escaped, without_numbers},
};

/// One decision, as the audit keeps it. There is no secret in it, and no full number but where a caller wrote one into its
/// id or the name of who asks: [`shown`](Self::shown) masks these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place in the order of claims.
    pub seq: i64,
    /// When it was asked for.
    pub at: Timestamp,
    /// The request's id.
    pub id: String,
    /// The machine that wrote it, in a ledger that several share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
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
    /// The keyed hash of where the request came from.
    #[serde(skip)]
    pub source_hash: Option<String>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// The masked number.
    pub recipient: Option<String>,
    /// The number's keyed hash, in hexadecimal: equal for equal numbers of one state folder.
    pub recipient_hash: Option<String>,
    /// The same of what numbers share that differ in the last four digits only.
    #[serde(skip)]
    pub prefix_hash: Option<String>,
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
    /// What the provider said of each attempt; empty where it said nothing. Of a message that was paused: the pause.
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
    /// The same as it may be shown: with numbers masked in what the caller wrote by itself.
    #[must_use]
    pub fn shown(&self) -> Entry {
        let mask = |text: &str| without_numbers(text, self.recipient.as_deref()).into_owned();
        Entry {
            id: mask(&self.id),
            resend_of: self.resend_of.as_deref().map(mask),
            actor: self.actor.as_deref().map(mask),
            ..self.clone()
        }
    }

    /// The same in JSON, on one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // An entry has nothing that JSON can't say.
        escaped(&serde_json::to_string(&self.shown()).unwrap_or_default())
    }

    /// What a stored decision says; `None` if it is damaged.
    pub(super) fn of(found: Found) -> Option<Entry> {
        let (row, life) = found;
        let was_dispatched = row.sent_to.is_some();
        let mut entry = Entry {
            seq: row.seq,
            at: Timestamp::from_millisecond(row.at).ok()?,
            id: row.id,
            node: row.node,
            resend_of: row.resend_of,
            purpose: row.purpose,
            event: row.event,
            actor: row.actor,
            user_hash: row.user_hash,
            source_hash: row.source_hash,
            policy: row.policy,
            recipient: row.recipient,
            recipient_hash: row.recipient_hash,
            prefix_hash: row.prefix_hash,
            region: row.region,
            segments: row.segments,
            uid: row.uid,
            state: EntryState::Sending,
            code: row.code,
            sender: row.sender,
            dispatched_to: lines(row.sent_to.as_deref()),
            provider_id: row.provider_id,
            attempts: stored::attempts(row.attempts.as_deref())?,
            reasons: match row.reasons {
                Some(reasons) => reasons.split('\n').map(str::to_owned).collect(),
                None => Vec::new(),
            },
            ms: row.ms,
            replayed: row.replayed,
            delivery: row.delivery,
            used_at: row
                .used_at
                .and_then(|at| Timestamp::from_millisecond(at).ok()),
            over_limit: row.over_limit,
            paused: lines(row.paused.as_deref()),
        };
        if let Some(word) = row.outcome {
            entry.state = EntryState::Ended(stored::outcome(&word)?);
            return Some(entry);
        }
        // It may be one that ended as unknown, and is looked for again.
        entry.code = None;
        // What the next repeat or cleaning will write (`settle::close_abandoned`).
        let code = match life {
            Life::Alive => return Some(entry),
            Life::Dead if !was_dispatched => ErrorCode::Crashed,
            Life::Dead | Life::Lost => ErrorCode::Interrupted,
        };
        entry.state = EntryState::Ended(code.outcome());
        entry.code = Some(code.as_str().to_owned());
        Some(entry)
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
