//! What is known of a message, how it ended, and the row that says so.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use textsender_plugin_api::{Phone, Purpose};

use super::columns::{attempts_text, lines};
use super::health::HealthReport;
use super::keys::Digest;
use super::limits::Rule;
use super::process::Life;
use super::store::Store;
use crate::protocol::{Attempt, ErrorCode, Outcome};

/// What the audit says of a message, whatever became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The request's id, or the one that the front made.
    pub id: String,
    /// `enroll` or `reset`.
    pub event: Option<String>,
    /// Who asked for it, as the request says.
    pub actor: Option<String>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// The number's region, as two letters.
    pub region: Option<String>,
    /// How many segments the text has.
    pub segments: Option<u32>,
    /// The user id of the process that asked.
    pub uid: u32,
}

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

/// A row of `decisions`, as it is first written.
#[derive(Clone)]
pub(super) struct Row {
    pub at: i64,
    pub live: bool,
    pub facts: Facts,
    pub purpose: Option<&'static str>,
    pub masked: Option<String>,
    pub recipient: Option<Digest>,
    pub content: Option<Digest>,
    pub tag: Option<u16>,
    pub expires: Option<i64>,
    pub owner: Option<String>,
    pub reserved: Vec<u8>,
    pub over_limit: Option<String>,
    pub paused: Option<String>,
}

/// How a row ended, as it is written: a [`FinalOutcome`] of the front, or the ledger's own.
pub(super) struct Ending<'a> {
    pub outcome: Outcome,
    pub code: Option<&'a str>,
    pub sender: Option<&'a str>,
    pub provider_id: Option<&'a str>,
    pub attempts: Option<String>,
    pub ms: Option<i64>,
    pub response: Option<&'a str>,
    pub replayed: bool,
}

impl Ending<'_> {
    /// An ending of which there is no more to say.
    pub fn bare(code: ErrorCode) -> Ending<'static> {
        Ending {
            outcome: code.outcome(),
            code: Some(code.as_str()),
            sender: None,
            provider_id: None,
            attempts: None,
            ms: None,
            response: None,
            replayed: false,
        }
    }

    fn of(decision: &FinalOutcome) -> Ending<'_> {
        Ending {
            outcome: decision.outcome,
            code: decision.code.as_deref(),
            sender: decision.sender.as_deref(),
            provider_id: decision.provider_id.as_deref(),
            attempts: Some(attempts_text(&decision.attempts)),
            ms: i64::try_from(decision.took.as_millis()).ok(),
            response: decision
                .outcome
                .settles()
                .then_some(decision.response.as_str()),
            replayed: false,
        }
    }
}

/// Whether the message may have been sent, so that it keeps its places in the limits.
fn may_have_been_sent(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Accepted | Outcome::Unknown)
}

impl Store {
    /// Writes the row of a decision that needed no claim.
    pub(super) fn record(&self, message: &Unclaimed) -> rusqlite::Result<()> {
        let row = Row {
            at: self.now(),
            live: false,
            facts: message.facts.clone(),
            purpose: message.purpose.map(Purpose::as_str),
            masked: message.phone.as_ref().map(Phone::to_string),
            recipient: message
                .phone
                .as_ref()
                .map(|phone| self.keys.recipient(phone)),
            content: None,
            tag: None,
            expires: None,
            owner: None,
            reserved: Vec::new(),
            over_limit: None,
            paused: None,
        };
        self.report_all_health(&message.decision.health)?;
        self.insert_ended(&row, &Ending::of(&message.decision))
    }

    /// Marks that `sender` is about to get the message, unless that is marked already. Returns
    /// whether it was new; `None` if the claim is gone.
    pub(super) fn mark_dispatched(
        &self,
        seq: i64,
        id: &str,
        sender: &str,
    ) -> rusqlite::Result<Option<bool>> {
        let claim: Option<Option<String>> = self
            .sql
            .prepare_cached(
                "SELECT sent_to FROM decisions
                 WHERE seq = ?1 AND id = ?2 AND owner = ?3 AND outcome IS NULL",
            )?
            .query_row(params![seq, id, self.process.name()], |row| row.get(0))
            .optional()?;
        let Some(sent_to) = claim else {
            return Ok(None);
        };
        let mut senders = lines(sent_to.as_deref());
        if senders.iter().any(|marked| marked == sender) {
            return Ok(Some(false));
        }
        senders.push(sender.to_owned());
        self.sql
            .prepare_cached("UPDATE decisions SET sent_to = ?1 WHERE seq = ?2")?
            .execute(params![senders.join("\n"), seq])?;
        Ok(Some(true))
    }

    /// Counts an open claim for one more sender.
    pub(super) fn count_for_sender(
        &self,
        seq: i64,
        rule: &Rule,
        sender: &str,
    ) -> rusqlite::Result<()> {
        let more = self.take_sender_place(rule, sender, self.now())?;
        let reserved: Option<Vec<u8>> = self
            .sql
            .prepare_cached("SELECT reserved FROM decisions WHERE seq = ?1")?
            .query_row([seq], |row| row.get(0))?;
        let reserved = [reserved.unwrap_or_default(), more.to_vec()].concat();
        self.sql
            .prepare_cached("UPDATE decisions SET reserved = ?1 WHERE seq = ?2")?
            .execute(params![reserved, seq])?;
        Ok(())
    }

    /// Ends a claim of this process. A claim that is gone, because the ledger was replaced, is
    /// written anew: what was sent must not be sent again.
    pub(super) fn decide(
        &self,
        seq: i64,
        row: &Row,
        decision: &FinalOutcome,
    ) -> rusqlite::Result<()> {
        self.report_all_health(&decision.health)?;
        if !may_have_been_sent(decision.outcome) {
            self.give_places_back(seq, &row.facts.id)?;
        }
        let (ending, live) = (Ending::of(decision), decision.outcome.settles());
        if self.end(seq, &row.facts.id, &ending, live)? {
            return Ok(());
        }
        let owner = Some(self.process.name().to_owned());
        let seq = self.insert(&Row {
            owner,
            reserved: Vec::new(),
            ..row.clone()
        })?;
        self.end(seq, &row.facts.id, &ending, live)?;
        Ok(())
    }

    /// Ends a claim whose process is gone: certainly not sent, or unknown.
    pub(super) fn close_abandoned(&self, seq: i64, life: Life) -> rusqlite::Result<()> {
        let open: Option<(String, Option<String>)> = self
            .sql
            .prepare_cached("SELECT id, sent_to FROM decisions WHERE seq = ?1 AND outcome IS NULL")?
            .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, sent_to)) = open else {
            return Ok(());
        };
        let ending = match (life, sent_to) {
            (Life::Alive, _) => return Ok(()),
            (Life::Dead, None) => {
                self.give_places_back(seq, &id)?;
                Ending::bare(ErrorCode::Crashed)
            }
            (Life::Dead, Some(_)) | (Life::Lost, _) => Ending::bare(ErrorCode::Interrupted),
        };
        self.end(seq, &id, &ending, ending.outcome.settles())?;
        Ok(())
    }

    /// Writes a row that is ended already, and that no repeat of the id will meet.
    pub(super) fn insert_ended(&self, row: &Row, ending: &Ending<'_>) -> rusqlite::Result<()> {
        let seq = self.insert(row)?;
        self.end(seq, &row.facts.id, ending, false)?;
        Ok(())
    }

    /// Writes a row; returns its `seq`.
    pub(super) fn insert(&self, row: &Row) -> rusqlite::Result<i64> {
        let facts = &row.facts;
        self.sql
            .prepare_cached(
                "INSERT INTO decisions (at, id, live, purpose, event, actor, policy, region, segments,
                                        uid, recipient, recipient_hash, content, tag, expires, owner,
                                        reserved, over_limit, paused)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                         ?18, ?19)",
            )?
            .insert(params![
                row.at,
                facts.id,
                row.live,
                row.purpose,
                facts.event,
                facts.actor,
                facts.policy,
                facts.region,
                facts.segments,
                facts.uid,
                row.masked,
                row.recipient,
                row.content,
                row.tag,
                row.expires,
                row.owner,
                row.reserved,
                row.over_limit,
                row.paused,
            ])
    }

    /// Writes how a row ended; if `live`, repeats of the id meet it. False if there is no such open
    /// row.
    fn end(&self, seq: i64, id: &str, ending: &Ending<'_>, live: bool) -> rusqlite::Result<bool> {
        let ended = self
            .sql
            .prepare_cached(
                "UPDATE decisions SET live = ?1, outcome = ?2, code = ?3, sender = ?4,
                        provider_id = ?5, attempts = ?6, ms = ?7, response = ?8, replayed = ?9,
                        owner = NULL, reserved = NULL
                 WHERE seq = ?10 AND id = ?11 AND outcome IS NULL",
            )?
            .execute(params![
                live,
                ending.outcome.as_str(),
                ending.code,
                ending.sender,
                ending.provider_id,
                ending.attempts,
                ending.ms,
                ending.response,
                ending.replayed,
                seq,
                id,
            ])?;
        Ok(ended == 1)
    }

    fn give_places_back(&self, seq: i64, id: &str) -> rusqlite::Result<()> {
        let taken: Option<(i64, Option<Vec<u8>>)> = self
            .sql
            .prepare_cached(
                "SELECT at, reserved FROM decisions WHERE seq = ?1 AND id = ?2 AND outcome IS NULL",
            )?
            .query_row(params![seq, id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match taken {
            Some((at, Some(reserved))) => self.give_back(&reserved, at, self.now()),
            _ => Ok(()),
        }
    }

    fn report_all_health(&self, reports: &[HealthReport]) -> rusqlite::Result<()> {
        let now = self.now();
        reports
            .iter()
            .try_for_each(|report| self.report_health(report, now))
    }
}
