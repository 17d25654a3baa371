//! Claiming an id: at most one process sends it, and no limit is passed.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::OptionalExtension;
use textsender_plugin_api::{Phone, Purpose};
use zeroize::Zeroizing;

use super::columns;
use super::decision::{Ending, Facts, Row};
use super::health::Health;
use super::keys::Digest;
use super::limits::Limits;
use super::process::Life;
use super::reservation::{Counted, LimitReached, Places};
use super::store::Store;
use super::worker::{Durability, Queue};
use crate::failpoint::Step;
use crate::protocol::{ErrorCode, Outcome};

/// A message that wants to be sent.
pub struct Claim {
    /// What the audit says of it.
    pub facts: Facts,
    /// Why it is sent.
    pub purpose: Purpose,
    /// Whom it goes to.
    pub phone: Phone,
    /// The code or password. The ledger keeps 16 bits of its keyed hash, until the expiry.
    pub secret: Zeroizing<String>,
    /// When the code expires.
    pub expires_at: Timestamp,
    /// The senders in the order in which they will be tried; the first is counted by the limits.
    pub senders: Vec<String>,
    /// The limits to hold.
    pub limits: Arc<Limits>,
}

/// What a claim came to.
#[derive(Debug)]
#[must_use]
pub enum ClaimResult {
    /// The id is this process's to send.
    Fresh(Ticket),
    /// The id is this process's, but another process died after it had dispatched it, or a power
    /// cut may have hidden that it had. So it may have been sent: it must be found at the provider,
    /// or settled as `unknown`; it may be sent only if it is proven absent.
    Abandoned(Ticket, EarlierAttempt),
    /// The id was settled; the answer is the same as then.
    Replay {
        /// The outcome.
        outcome: Outcome,
        /// The response as it was stored.
        response: String,
    },
    /// Another message of this id is being sent now.
    InProgress,
    /// The id was used for another purpose, number, code or password.
    Mismatch,
    /// A limit is reached.
    Limited(LimitReached),
}

/// What is known of an attempt that another process did not see the end of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierAttempt {
    /// The senders it was dispatched to, in that order. Empty: a power cut hides which.
    pub senders: Vec<String>,
    /// When the id was claimed.
    pub claimed_at: Timestamp,
}

/// The right to send one message. It ends with [`Ledger::settle`](super::Ledger::settle). Dropped
/// without, the claim is released if nothing was dispatched, and `unknown` if something was.
pub struct Ticket {
    pub(super) held: Option<Held>,
    health: Vec<Health>,
    over: Vec<LimitReached>,
    queue: Queue,
}

/// The row that a ticket stands for.
pub(super) struct Held {
    pub seq: i64,
    pub row: Row,
    pub limits: Arc<Limits>,
    pub counted_sender: Option<String>,
}

impl Ticket {
    /// The health of the claim's senders, in their order.
    pub fn health(&self) -> &[Health] {
        &self.health
    }

    /// The limits in mode `record` that the message went over.
    pub fn over(&self) -> &[LimitReached] {
        &self.over
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.held.as_ref().map(|held| &held.row.facts.id);
        f.debug_struct("Ticket")
            .field("id", &id)
            .finish_non_exhaustive()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else {
            return;
        };
        let close = move |store: &Store| store.close_abandoned(held.seq, Life::Dead);
        drop(self.queue.post(Durability::Written, close));
    }
}

/// The row that holds an id.
struct Holder {
    seq: i64,
    at: Timestamp,
    content: Option<Digest>,
    tag: Option<u16>,
    expires: i64,
    owner: Option<String>,
    sent_to: Option<String>,
    outcome: Option<Outcome>,
    code: Option<String>,
    sender: Option<String>,
    provider_id: Option<String>,
    response: Option<String>,
}

impl Store {
    /// Claims the message's id, in the transaction that is open.
    pub(super) fn claim(&self, claim: &Claim, queue: Queue) -> rusqlite::Result<ClaimResult> {
        let now = self.now();
        let mut row = self.row(claim, now);
        if let Some(holder) = self.holder(&claim.facts.id)? {
            if !holder.is_same(&row, now) {
                self.note_claim(&row, Ending::bare(ErrorCode::IdReused))?;
                return Ok(ClaimResult::Mismatch);
            }
            match (holder.outcome, &holder.response, self.life(&holder)) {
                (Some(outcome), Some(response), _) => {
                    self.note_claim(&row, holder.replay(outcome))?;
                    return Ok(ClaimResult::Replay {
                        outcome,
                        response: response.clone(),
                    });
                }
                (None, _, Life::Alive) => {
                    self.note_claim(&row, Ending::bare(ErrorCode::InProgress))?;
                    return Ok(ClaimResult::InProgress);
                }
                (None, _, Life::Dead) if holder.sent_to.is_none() => {
                    self.close_abandoned(holder.seq, Life::Dead)?;
                }
                // Dispatched by a process that died; or settled as unknown when that was noticed.
                _ => return self.adopt(claim, row, &holder, queue),
            }
        }
        let counted = Counted {
            purpose: claim.purpose,
            phone: &claim.phone,
            region: claim.facts.region.as_deref(),
            sender: claim.senders.first().map(String::as_str),
        };
        let over = match self.reserve(&claim.limits, &counted, now)? {
            Places::Taken { reserved, over } => {
                row.reserved = reserved;
                over
            }
            Places::Refused(reached) => {
                row.over_limit = Some(name_all(std::slice::from_ref(&reached)));
                self.note_claim(&row, Ending::bare(ErrorCode::Limited))?;
                return Ok(ClaimResult::Limited(reached));
            }
        };
        row.over_limit = (!over.is_empty()).then(|| name_all(&over));
        let health = self.health_of(&claim.senders, now)?;
        row.paused = columns::paused_text(&claim.senders, &health);
        let seq = self.insert(&row)?;
        self.reached(Step::Claiming);
        let held = Some(claim.held(seq, row));
        Ok(ClaimResult::Fresh(Ticket {
            held,
            health,
            over,
            queue,
        }))
    }

    fn row(&self, claim: &Claim, now: i64) -> Row {
        Row {
            at: now,
            live: true,
            facts: claim.facts.clone(),
            purpose: Some(claim.purpose.as_str()),
            masked: Some(claim.phone.to_string()),
            recipient: Some(self.keys.recipient(&claim.phone)),
            content: Some(self.keys.content(claim.purpose, &claim.phone)),
            tag: Some(self.keys.secret_tag(&claim.facts.id, &claim.secret)),
            expires: Some(claim.expires_at.as_millisecond()),
            owner: Some(self.process.name().to_owned()),
            reserved: Vec::new(),
            over_limit: None,
            paused: None,
        }
    }

    fn holder(&self, id: &str) -> rusqlite::Result<Option<Holder>> {
        self.sql
            .prepare_cached(
                "SELECT seq, at, content, tag, expires, owner, sent_to, outcome, code, sender,
                        provider_id, response
                 FROM decisions WHERE id = ?1 AND live = 1 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row([id], |row| {
                Ok(Holder {
                    seq: row.get("seq")?,
                    at: columns::time(row, "at")?,
                    content: row.get("content")?,
                    tag: row.get("tag")?,
                    expires: row.get("expires")?,
                    owner: row.get("owner")?,
                    sent_to: row.get("sent_to")?,
                    outcome: columns::outcome(row, "outcome")?,
                    code: row.get("code")?,
                    sender: row.get("sender")?,
                    provider_id: row.get("provider_id")?,
                    response: row.get("response")?,
                })
            })
            .optional()
    }

    fn life(&self, holder: &Holder) -> Life {
        holder
            .owner
            .as_deref()
            .map_or(Life::Lost, |owner| self.process.life_of(owner))
    }

    /// Writes an audit row for a claim that came to nothing.
    fn note_claim(&self, row: &Row, ending: Ending<'_>) -> rusqlite::Result<()> {
        let row = Row {
            live: false,
            tag: None,
            content: None,
            owner: None,
            ..row.clone()
        };
        self.insert_ended(&row, &ending)
    }

    /// Takes an abandoned claim over. It stays dispatched, so if this process dies as well, the
    /// next one finds the same.
    fn adopt(
        &self,
        claim: &Claim,
        row: Row,
        holder: &Holder,
        queue: Queue,
    ) -> rusqlite::Result<ClaimResult> {
        self.sql
            .prepare_cached(
                "UPDATE decisions SET owner = ?1, outcome = NULL, code = NULL,
                                      sent_to = coalesce(sent_to, '') WHERE seq = ?2",
            )?
            .execute(rusqlite::params![self.process.name(), holder.seq])?;
        let health = self.health_of(&claim.senders, row.at)?;
        self.reached(Step::Claiming);
        let held = Some(claim.held(holder.seq, row));
        let attempt = EarlierAttempt {
            senders: columns::lines(holder.sent_to.as_deref()),
            claimed_at: holder.at,
        };
        Ok(ClaimResult::Abandoned(
            Ticket {
                held,
                health,
                over: Vec::new(),
                queue,
            },
            attempt,
        ))
    }
}

impl Claim {
    fn held(&self, seq: i64, row: Row) -> Held {
        Held {
            seq,
            row,
            limits: Arc::clone(&self.limits),
            counted_sender: self.senders.first().cloned(),
        }
    }
}

impl Holder {
    /// Whether a message is the one that holds the id. After its expiry the secret is forgotten and
    /// no longer told apart.
    fn is_same(&self, row: &Row, now: i64) -> bool {
        let same_secret = now >= self.expires || self.tag.is_none() || self.tag == row.tag;
        self.content == row.content && same_secret
    }

    /// The audit's ending of a repeat that is answered as before.
    fn replay(&self, outcome: Outcome) -> Ending<'_> {
        Ending {
            outcome,
            code: self.code.as_deref(),
            sender: self.sender.as_deref(),
            provider_id: self.provider_id.as_deref(),
            attempts: None,
            ms: None,
            response: None,
            replayed: true,
        }
    }
}

/// "recipient 5/10m, all 1000/1d"
fn name_all(reached: &[LimitReached]) -> String {
    let names = reached
        .iter()
        .map(|reached| format!("{} {}", reached.scope.name(), reached.limit));
    names.collect::<Vec<_>>().join(", ")
}
