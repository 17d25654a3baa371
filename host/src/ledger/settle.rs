//! How a message ends: it is handed to a sender, and its outcome settles its id or releases it.

use std::fmt::Write;
use std::time::Duration;

use textsender_plugin_api::{Phone, Purpose};

use super::health::{self, HealthReport};
use super::limits::{Rule, Scope};
use super::pause::{self, Pause, Target};
use super::reservation::{Counter, LimitReached, give_back, longest, prefix};
use super::store::{ClaimKey, Ending, Facts, Life, OpenClaim, Place, Row, Store, StoreResult};
use super::stored::NO_CODE;
use crate::protocol::{Attempt, ErrorCode, Outcome};
use crate::redact::printable;

/// How a message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalOutcome {
    /// The outcome. `accepted`, `rejected` and `unknown` settle the id; every other releases it.
    pub outcome: Outcome,
    /// The error code, unless accepted.
    pub code: Option<String>,
    /// The sender whose answer decided.
    pub sender: Option<String>,
    /// The provider's id of the message.
    pub provider_id: Option<String>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// What the provider said of each attempt, cleaned of secrets; of a longer one the beginning is
    /// kept. May be shorter than `attempts`.
    pub reasons: Vec<Option<String>>,
    /// Senders whose provider answered as if it took the message: their attempts keep their places in the
    /// limits, whatever came of them.
    pub taken_by: Vec<String>,
    /// From the request to the outcome.
    pub took: Duration,
    /// The response as JSON, for repeats of the id. It is kept only if the outcome settles the id.
    pub response: String,
    /// How each sender did that was tried.
    pub health: Vec<HealthReport>,
}

/// A decision that needed no claim: the message was invalid, refused, or no sender could be used.
#[derive(Debug, Clone)]
pub struct Unclaimed {
    /// What is known.
    pub facts: Facts,
    /// The purpose, if the request could be read that far.
    pub purpose: Option<Purpose>,
    /// The number, if it is one.
    pub phone: Option<Phone>,
    /// How it ended.
    pub decision: FinalOutcome,
}

/// The row that a ticket stands for.
#[derive(Clone)]
pub(super) struct Held {
    pub key: ClaimKey,
    pub row: Row,
    /// How the texts of each sender are counted, if this message is counted there.
    pub sender_rule: Option<Rule>,
    /// The number.
    pub phone: Phone,
    /// The caller of the hub that asks, if it has a name.
    pub caller: Option<String>,
}

impl Held {
    /// What pauses know the message by.
    fn target(&self) -> Target<'_> {
        Target {
            number: self.phone.e164(),
            region: self.row.facts.region.as_deref(),
            caller: self.caller.as_deref(),
        }
    }
}

/// What a handing over comes to.
#[derive(Debug)]
pub(super) enum Handover {
    /// The sender may get the message.
    Marked,
    /// The sender may not get it.
    Refused(DispatchRefusal),
    /// The claim is gone.
    Lost,
}

/// Why a sender may not get a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DispatchRefusal {
    /// A limit of the sender leaves no place.
    Limited(LimitReached),
    /// The message, or the sender, is paused.
    Paused(Pause),
}

/// Marks that `sender` is about to get the message, and takes its place in the sender's limits, unless it has one:
/// one that was given back, as it was not used, is taken anew. A pause that came meanwhile refuses it.
pub(super) fn dispatched(store: &dyn Store, held: &Held, sender: &str) -> StoreResult<Handover> {
    let Some(OpenClaim {
        sent_to,
        mut places,
        ..
    }) = store.open_claim(&held.key)?
    else {
        return Ok(Handover::Lost);
    };
    let pauses = pause::read(store)?;
    let paused = pause::of_message(&pauses, &held.target());
    if let Some(pause) = paused.or_else(|| pause::of_sender(&pauses, sender)) {
        return Ok(Handover::Refused(DispatchRefusal::Paused(pause.clone())));
    }
    let mut sent_to = sent_to.unwrap_or_default();
    let window = store.keys().window(Scope::Sender, sender);
    let is_counted = places.iter().any(|place| place.window == window);
    if let Some(rule) = held.sender_rule.as_ref().filter(|_| !is_counted) {
        let counter = Counter::read(store, Scope::Sender, rule, sender, store.now())?;
        if let Some(reached) = longest(&counter.reached.refusing) {
            return Ok(Handover::Refused(DispatchRefusal::Limited(reached.clone())));
        }
        places.push(counter.take(store)?);
    }
    if !sent_to.iter().any(|marked| marked == sender) {
        sent_to.push(sender.to_owned());
    }
    match store.mark_dispatched(&held.key, &sent_to, &places)? {
        true => Ok(Handover::Marked),
        false => Ok(Handover::Lost),
    }
}

/// Ends a claim of this process. A claim that is gone, because the ledger was replaced, is written
/// anew: what was sent must not be sent again.
pub(super) fn settle(store: &dyn Store, held: &Held, outcome: &FinalOutcome) -> StoreResult<()> {
    let now = store.now();
    report_all(store, &outcome.health, now)?;
    let (ending, live) = (outcome.ending(now), outcome.outcome.settles());
    if let Some(open) = store.open_claim(&held.key)? {
        let unused = unused(store, &open, outcome);
        give_back(store, unused.iter().copied(), now)?;
        // What is given back must not be given back again, nor be counted elsewhere.
        if !unused.is_empty() && unused.len() < open.places.len() {
            let kept = open.places.iter().filter(|place| !unused.contains(place));
            store.put_places(&held.key, &kept.copied().collect::<Vec<_>>())?;
        }
        store.end(&held.key, &ending, live)?;
        return Ok(());
    }
    let key = ClaimKey {
        owner: store.owner().to_owned(),
        ..held.key.clone()
    };
    let row = Row {
        owner: Some(key.owner.clone()),
        places: Vec::new(),
        ..held.row.clone()
    };
    let seq = store.insert(&row)?;
    store.end(&ClaimKey { seq, ..key }, &ending, live)?;
    Ok(())
}

/// The places of a claim that its message did not use. A text that may have been sent, or that a provider
/// answered as if it took it, counts in every window, and for each sender that may have sent it.
fn unused<'a>(store: &dyn Store, open: &'a OpenClaim, outcome: &FinalOutcome) -> Vec<&'a Place> {
    if !outcome.outcome.may_have_been_sent() && outcome.taken_by.is_empty() {
        return open.places.iter().collect();
    }
    // Of the attempts of an earlier process nothing is known.
    let may_have_sent = |sender: &&String| {
        if outcome.taken_by.contains(sender) {
            return true;
        }
        let mut attempts = outcome
            .attempts
            .iter()
            .filter(|one| one.sender == **sender)
            .peekable();
        attempts.peek().is_none() || attempts.any(|one| one.outcome.may_have_been_sent())
    };
    let used: Vec<_> = open
        .sent_to
        .iter()
        .flatten()
        .filter(may_have_sent)
        .map(|sender| store.keys().window(Scope::Sender, sender))
        .collect();
    let is_unused = |place: &&Place| place.is_senders && !used.contains(&place.window);
    open.places.iter().filter(is_unused).collect()
}

/// Ends a claim whose message was looked for, and not found, as the `unknown` that it was before. The
/// repeat has an audit row of its own.
pub(super) fn still_unknown(store: &dyn Store, held: &Held) -> StoreResult<()> {
    let Some(holder) = store.holder(&held.key.id)? else {
        return Ok(());
    };
    if store.end_as_before(&held.key)? {
        let ending = holder.replay(Outcome::Unknown, store.now());
        note(store, &held.row, &ending)?;
    }
    Ok(())
}

/// Ends a claim that no one holds any more: certainly not sent, or unknown.
pub(super) fn close_abandoned(store: &dyn Store, key: &ClaimKey, life: Life) -> StoreResult<()> {
    let Some(open) = store.open_claim(key)? else {
        return Ok(());
    };
    let now = store.now();
    if life == Life::Alive {
        return Ok(());
    }
    let code = code_of_abandoned(life, open.sent_to.is_some());
    if open.was_unknown {
        store.end_as_before(key)?;
        return Ok(());
    }
    let ending = Ending::bare(code, now);
    if !ending.outcome.may_have_been_sent() {
        give_back(store, &open.places, now)?;
    }
    store.end(key, &ending, ending.outcome.settles())?;
    Ok(())
}

/// How a claim ends that no one holds any more: certainly not sent only if its process died before it was handed over.
pub(super) fn code_of_abandoned(life: Life, was_handed_over: bool) -> ErrorCode {
    match (life, was_handed_over) {
        (Life::Dead, false) => ErrorCode::Crashed,
        _ => ErrorCode::Interrupted,
    }
}

/// Writes the row of a decision that needed no claim.
pub(super) fn record(store: &dyn Store, message: &Unclaimed) -> StoreResult<()> {
    let (keys, now) = (store.keys(), store.now());
    let phone = message.phone.as_ref();
    let row = Row {
        at: now,
        live: false,
        user: message.facts.user.as_deref().map(|user| keys.user(user)),
        source: message
            .facts
            .source
            .as_deref()
            .map(|source| keys.source(source)),
        facts: message.facts.clone(),
        purpose: message.purpose,
        masked: phone.map(Phone::to_string),
        recipient: phone.map(|phone| keys.recipient(phone)),
        prefix: phone.map(|phone| keys.prefix(prefix(phone.e164()))),
        content: None,
        tag: None,
        expires: None,
        owner: None,
        lease: None,
        places: Vec::new(),
        over_limit: None,
        paused: None,
    };
    report_all(store, &message.decision.health, now)?;
    insert_ended(store, &row, &message.decision.ending(now))
}

/// Writes an audit row for a claim that came to nothing.
pub(super) fn note(store: &dyn Store, row: &Row, ending: &Ending<'_>) -> StoreResult<()> {
    let row = Row {
        live: false,
        tag: None,
        content: None,
        owner: None,
        lease: None,
        places: Vec::new(),
        ..row.clone()
    };
    insert_ended(store, &row, ending)
}

/// Writes a row that is ended already, and that no repeat of the id will meet.
pub(super) fn insert_ended(store: &dyn Store, row: &Row, ending: &Ending<'_>) -> StoreResult<()> {
    // It is its writer's until it is ended, in the same transaction.
    let owner = store.owner().to_owned();
    let row = Row {
        owner: Some(owner.clone()),
        ..row.clone()
    };
    let seq = store.insert(&row)?;
    let id = row.facts.id;
    store.end(&ClaimKey { seq, id, owner }, ending, false)?;
    Ok(())
}

fn report_all(store: &dyn Store, reports: &[HealthReport], now: i64) -> StoreResult<()> {
    reports
        .iter()
        .try_for_each(|report| health::report(store, report, now))
}

impl FinalOutcome {
    fn ending(&self, now: i64) -> Ending<'_> {
        Ending {
            at: now,
            outcome: self.outcome,
            code: self.code.as_deref(),
            sender: self.sender.as_deref(),
            provider_id: self.provider_id.as_deref(),
            attempts: Some(attempts_text(&self.attempts)),
            reasons: reasons_text(&self.reasons),
            ms: i64::try_from(self.took.as_millis()).ok(),
            response: self.outcome.settles().then_some(self.response.as_str()),
            replayed: false,
        }
    }
}

/// Attempts, a line each: sender, outcome, code (or `-`), milliseconds.
fn attempts_text(attempts: &[Attempt]) -> String {
    let mut text = String::new();
    for attempt in attempts {
        let Attempt {
            sender,
            outcome,
            code,
            ms,
        } = attempt;
        let code = code.as_deref().unwrap_or(NO_CODE);
        // Writing to a String never fails.
        let _ = writeln!(text, "{sender} {outcome} {code} {ms}");
    }
    text
}

/// Reasons, a line for each attempt; `None` if there are none.
fn reasons_text(reasons: &[Option<String>]) -> Option<String> {
    let line = |reason: &Option<String>| {
        let line = printable(reason.as_deref().unwrap_or_default());
        line.chars().take(LONGEST_REASON).collect::<String>()
    };
    let has_one = reasons.iter().any(Option::is_some);
    has_one.then(|| reasons.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// Characters that are kept of what a provider said.
const LONGEST_REASON: usize = 300;
