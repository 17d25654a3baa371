//! Claiming an id: at most one process sends it, and no limit is passed.

use std::mem;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use textsender_plugin_api::{Phone, Purpose};
use zeroize::Zeroizing;

use super::choice::{Candidates, Choice};
use super::daily;
use super::health::{Health, milliseconds};
use super::limits::{CallerLimit, Limits, Rule, Scope};
use super::pause::{self, Pause, Target};
use super::resend::{self, Identity};
use super::reservation::{
    Counted, Counter, LimitReached, Reached, counters, longest, name_all, prefix,
};
use super::settle::{Held, close_abandoned, note};
use super::store::{ClaimKey, Ending, Facts, Holder, Life, Row, Store, StoreResult};
use super::ticket::Ticket;
use super::unused;
use crate::failpoint::Step;
use crate::protocol::{ErrorCode, Outcome, Resend};

/// A message that wants to be sent.
#[derive(Clone)]
pub struct Claim {
    /// What the audit says of it.
    pub facts: Facts,
    /// Whether it is an earlier message, sent again.
    pub resend: Resend,
    /// Why it is sent.
    pub purpose: Purpose,
    /// Whom it goes to.
    pub phone: Phone,
    /// The code or password. The ledger keeps 16 bits of its keyed hash, until the expiry.
    pub secret: Zeroizing<String>,
    /// When the code expires.
    pub expires_at: Timestamp,
    /// How long its caller still waits. So long, and a little longer, it is this process's where no lock
    /// says whether that one lives.
    pub within: Duration,
    /// The senders that may be asked, the preferred one first.
    pub senders: Vec<String>,
    /// The limits to hold.
    pub limits: Arc<Limits>,
    /// The caller of the hub that asks, if it has a name.
    pub caller: Option<String>,
    /// Its limit, if it has one.
    pub caller_limit: Option<CallerLimit>,
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
    /// It can't be the resend that it says it is.
    NoResend(ErrorCode),
    /// A limit is reached.
    Limited(LimitReached),
    /// It is paused, or all its senders are.
    Paused(Pause),
}

/// What is known of an attempt that another process did not see the end of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierAttempt {
    /// The senders it was dispatched to, in that order. Empty: a power cut hides which.
    pub senders: Vec<String>,
    /// When the id was claimed.
    pub claimed_at: Timestamp,
    /// When the code expires that was sent then.
    pub expires_at: Timestamp,
    /// The outcome and the response that the id had, where it had ended as `unknown`: to be answered
    /// again if looking for the message brings nothing new ([`Ledger::still_unknown`](super::Ledger::still_unknown)).
    pub answer: Option<(Outcome, String)>,
}

impl ClaimResult {
    /// The same, with this done to its ticket, if it has one.
    pub(super) fn with_ticket(mut self, set: impl FnOnce(&mut Ticket)) -> ClaimResult {
        if let ClaimResult::Fresh(ticket) | ClaimResult::Abandoned(ticket, _) = &mut self {
            set(ticket);
        }
        self
    }
}

/// Claims the message's id, in the transaction that is open.
pub(super) fn claim(store: &dyn Store, claim: &Claim) -> StoreResult<ClaimResult> {
    let now = store.now();
    let identity = resend::identify(store, &claim.facts.id, &claim.resend, now)?;
    let mut row = new_row(store, claim, identity, now);
    if let Some(holder) = store.holder(&row.facts.id)?
        && let Some(result) = meet(store, claim, &row, &holder)?
    {
        return Ok(result);
    }
    if let Some(of) = row.facts.resend_of.clone()
        && let Some(code) =
            resend::check(store, &mut row, (&claim.phone, claim.secret.as_str()), &of)?
    {
        note(store, &row, &Ending::bare(code, now))?;
        return Ok(match code {
            ErrorCode::InProgress => ClaimResult::InProgress,
            code => ClaimResult::NoResend(code),
        });
    }

    let pauses = pause::read(store)?;
    if let Some(pause) = pause::of_message(&pauses, &claim.target()) {
        return refuse_paused(store, &row, pause);
    }
    let counted = Counted {
        purpose: claim.purpose,
        phone: &claim.phone,
        facts: &claim.facts,
        is_resend: row.facts.resend_of.is_some(),
    };
    let caller_limit = claim.caller_limit.as_ref();
    let mut counters = counters(store, &claim.limits, &counted, caller_limit, now)?;
    counters.extend(claim.use_counter(store, &row)?);
    counters.extend(claim.day_counter(store, now)?);
    let mut reached = Reached::default();
    for counter in &mut counters {
        reached.append(mem::take(&mut counter.reached));
    }
    let Reached {
        mut refusing,
        mut over,
    } = reached;
    let sender_rule = claim.sender_rule();
    let candidates = claim.candidates(store, sender_rule, &pauses, now)?;
    if let Some(pause) = candidates.stopped() {
        return refuse_paused(store, &row, pause);
    }
    refusing.extend(candidates.refused().cloned());
    if let Some(reached) = longest(&refusing) {
        row.over_limit = Some(name_all(slice::from_ref(reached)));
        note(store, &row, &Ending::bare(ErrorCode::Limited, now))?;
        return Ok(ClaimResult::Limited(reached.clone()));
    }

    for counter in counters {
        row.places.push(counter.take(store)?);
    }
    let health = candidates.health();
    let choice = candidates.choose(store, true)?;
    row.places.extend(choice.place);
    over.extend(choice.over.iter().cloned());
    row.over_limit = (!over.is_empty()).then(|| name_all(&over));
    row.paused = paused(&claim.senders, &health);
    let seq = store.insert(&row)?;
    store.reached(Step::Claiming);
    let mut ticket = claim.ticket(store, seq, row, health, choice);
    ticket.over = over;
    Ok(ClaimResult::Fresh(ticket))
}

/// Writes down that a message is not sent, as it is paused.
fn refuse_paused(store: &dyn Store, row: &Row, pause: &Pause) -> StoreResult<ClaimResult> {
    let ending = Ending {
        reasons: Some(pause.to_string()),
        ..Ending::bare(ErrorCode::Paused, row.at)
    };
    note(store, row, &ending)?;
    Ok(ClaimResult::Paused(pause.clone()))
}

/// What a repeat of an id meets; `None` if it runs anew.
fn meet(
    store: &dyn Store,
    claim: &Claim,
    row: &Row,
    holder: &Holder,
) -> StoreResult<Option<ClaimResult>> {
    let now = row.at;
    let end = |code| note(store, row, &Ending::bare(code, now));
    if !holder.is_same(store, claim, row) {
        end(ErrorCode::IdReused)?;
        return Ok(Some(ClaimResult::Mismatch));
    }
    match (holder.outcome, &holder.response) {
        (Some(outcome), Some(response)) if !holder.may_be_looked_for(now) => {
            note(store, row, &holder.replay(outcome, now))?;
            Ok(Some(ClaimResult::Replay {
                outcome,
                response: response.clone(),
            }))
        }
        (None, _) if holder.life == Life::Alive => {
            end(ErrorCode::InProgress)?;
            Ok(Some(ClaimResult::InProgress))
        }
        (None, _) if holder.life == Life::Dead && holder.sent_to.is_none() => {
            if let Some(key) = holder.key() {
                close_abandoned(store, &key, Life::Dead)?;
            }
            Ok(None)
        }
        // Dispatched by a process that died, or settled as unknown.
        _ => adopt(store, claim, row, holder).map(Some),
    }
}

/// Takes a message over that may have been sent. It stays dispatched, so if this process dies as
/// well, the next one finds the same.
fn adopt(store: &dyn Store, claim: &Claim, row: &Row, holder: &Holder) -> StoreResult<ClaimResult> {
    store.take_over(holder, row.lease.unwrap_or(row.at))?;
    let sender_rule = claim.sender_rule();
    // The sender that was handed it may be asked for it; it is handed to no sender that is paused.
    let candidates = claim.candidates(store, sender_rule, &[], row.at)?;
    let health = candidates.health();
    let choice = candidates.choose(store, false)?;
    store.reached(Step::Claiming);
    let answer = holder.response.clone();
    let attempt = EarlierAttempt {
        senders: holder.sent_to.clone().unwrap_or_default(),
        claimed_at: holder.at,
        expires_at: Timestamp::from_millisecond(holder.expires).unwrap_or(Timestamp::MAX),
        answer: answer.map(|response| (Outcome::Unknown, response)),
    };
    let ticket = claim.ticket(store, holder.seq, row.clone(), health, choice);
    Ok(ClaimResult::Abandoned(ticket, attempt))
}

fn new_row(store: &dyn Store, claim: &Claim, identity: Identity, now: i64) -> Row {
    let keys = store.keys();
    let tag = keys.secret_tag(&identity.id, &claim.secret);
    Row {
        at: now,
        live: true,
        user: claim.facts.user.as_deref().map(|user| keys.user(user)),
        source: claim
            .facts
            .source
            .as_deref()
            .map(|source| keys.source(source)),
        facts: Facts {
            id: identity.id,
            resend_of: identity.resend_of,
            ..claim.facts.clone()
        },
        purpose: Some(claim.purpose),
        masked: Some(claim.phone.to_string()),
        recipient: Some(keys.recipient(&claim.phone)),
        prefix: Some(keys.prefix(prefix(claim.phone.e164()))),
        content: Some(keys.content(claim.purpose, &claim.phone)),
        tag: Some(tag),
        expires: Some(claim.expires_at.as_millisecond()),
        owner: Some(store.owner().to_owned()),
        lease: Some(now.saturating_add(milliseconds(claim.within + LEASE))),
        places: Vec::new(),
        over_limit: None,
        paused: None,
    }
}

impl Claim {
    /// The rule that counts the texts of a sender, if it counts this message.
    fn sender_rule(&self) -> Option<&Rule> {
        let counting = self.limits.counting(self.purpose, &self.phone, false);
        let of_sender = counting
            .into_iter()
            .find(|(scope, _)| *scope == Scope::Sender);
        of_sender.map(|(_, rule)| rule)
    }

    /// How codes that were never used are counted, if this one is.
    fn use_counter(&self, store: &dyn Store, row: &Row) -> StoreResult<Option<Counter>> {
        if self.limits.is_exempt(&self.phone) {
            return Ok(None);
        }
        let region = self.facts.region.as_deref();
        let shares = self.limits.unused;
        unused::counter(store, shares, self.purpose, region, &self.phone, row.at)
    }

    /// How the texts of today are counted, if this one is.
    fn day_counter(&self, store: &dyn Store, now: i64) -> StoreResult<Option<Counter>> {
        if self.purpose == Purpose::Test || self.limits.is_exempt(&self.phone) {
            return Ok(None);
        }
        let Facts { region, event, .. } = &self.facts;
        daily::counter(
            store,
            &self.limits.daily,
            region.as_deref(),
            event.as_deref(),
            now,
        )
    }

    fn candidates<'a>(
        &'a self,
        store: &dyn Store,
        rule: Option<&Rule>,
        pauses: &'a [Pause],
        now: i64,
    ) -> StoreResult<Candidates<'a>> {
        let is_test = self.purpose == Purpose::Test;
        Candidates::look(store, &self.senders, rule, pauses, is_test, now)
    }

    /// What pauses know it by.
    fn target(&self) -> Target<'_> {
        Target {
            number: self.phone.e164(),
            region: self.facts.region.as_deref(),
            caller: self.caller.as_deref(),
        }
    }

    fn ticket(
        &self,
        store: &dyn Store,
        seq: i64,
        row: Row,
        health: Vec<Health>,
        choice: Choice,
    ) -> Ticket {
        let key = ClaimKey {
            seq,
            id: row.facts.id.clone(),
            owner: store.owner().to_owned(),
        };
        let held = Held {
            key,
            row,
            sender_rule: self.sender_rule().cloned(),
            phone: self.phone.clone(),
            caller: self.caller.clone(),
        };
        Ticket::new(held, health, choice)
    }
}

impl Holder {
    /// Whether a message is the one that holds the id. After its expiry the secret is forgotten and
    /// no longer told apart.
    fn is_same(&self, store: &dyn Store, claim: &Claim, row: &Row) -> bool {
        let is_forgotten = row.at >= self.expires || self.tag.is_none();
        if self.content == row.content && (is_forgotten || self.tag == row.tag) {
            return true;
        }
        // Another machine may have written it with another key.
        store.keys().other().is_some_and(|keys| {
            let is_tag = || self.tag == Some(keys.secret_tag(&self.id, &claim.secret));
            self.content == Some(keys.content(claim.purpose, &claim.phone))
                && (is_forgotten || is_tag())
        })
    }

    /// Whether it may have been sent, and the provider was not asked lately.
    fn may_be_looked_for(&self, now: i64) -> bool {
        let looked_at = self.looked_at.unwrap_or(self.at.as_millisecond());
        // A look in the future, by a clock that was set back, was not lately.
        self.outcome == Some(Outcome::Unknown) && !(0..LOOK_AGAIN).contains(&(now - looked_at))
    }

    /// The key of its claim, if it is open.
    pub(super) fn key(&self) -> Option<ClaimKey> {
        Some(ClaimKey {
            seq: self.seq,
            id: self.id.clone(),
            owner: self.owner.clone()?,
        })
    }

    /// The audit's ending of a repeat that is answered as before.
    pub(super) fn replay(&self, outcome: Outcome, now: i64) -> Ending<'_> {
        Ending {
            at: now,
            outcome,
            code: self.code.as_deref(),
            sender: self.sender.as_deref(),
            provider_id: self.provider_id.as_deref(),
            attempts: None,
            reasons: None,
            ms: None,
            response: None,
            replayed: true,
        }
    }
}

/// The senders among these that are paused, a line each: sender, why. `None` if there are none.
fn paused(senders: &[String], health: &[Health]) -> Option<String> {
    let paused: Vec<String> = senders
        .iter()
        .zip(health)
        .filter_map(|(sender, health)| match health {
            Health::Paused { reason, .. } => Some(format!("{sender} {reason}")),
            Health::RateLimited { .. } => {
                Some(format!("{sender} {}", ErrorCode::Throttled.as_str()))
            }
            Health::Good | Health::Trial { .. } => None,
        })
        .collect();
    (!paused.is_empty()).then(|| paused.join("\n"))
}

/// How many milliseconds after a message ended as `unknown` a repeat may look for it again.
const LOOK_AGAIN: i64 = 5_000;

/// How long after its caller has gone a claim is still its process's: to write down how it ended.
pub(super) const LEASE: Duration = Duration::from_secs(10);
