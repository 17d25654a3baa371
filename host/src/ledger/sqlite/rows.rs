//! What the store keeps and finds, statement by statement.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use textsender_plugin_api::Purpose;

use super::totals::{self, Which};
use super::{PAUSES, SqliteStore, columns, schema};
use crate::failpoint::Step;
use crate::ledger::error::LedgerError;
use crate::ledger::keys::{Digest, Keys};
use crate::ledger::store::{
    Breaker, ClaimKey, Ending, Holder, Job, Life, OpenClaim, Place, Row, Store, StoreError,
    StoreResult,
};
use crate::protocol::Outcome;

impl Store for SqliteStore {
    fn begin(&self, _: bool) -> StoreResult<()> {
        Ok(self.begin_transaction()?)
    }

    fn commit(&self) -> StoreResult<()> {
        Ok(self.commit_transaction()?)
    }

    fn roll_back(&self) {
        self.end_transaction();
    }

    fn answer_durably(&mut self, steps: Vec<Box<dyn Job>>) {
        self.sync(steps);
    }

    fn is_usable(&self) -> bool {
        self.is_in_place()
    }

    fn fault(&self, error: &StoreError) -> LedgerError {
        self.explain_any(error)
    }

    fn now(&self) -> i64 {
        self.time()
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn owner(&self) -> &str {
        self.process.name()
    }

    fn reached(&self, step: Step) {
        self.pass(step);
    }

    fn holder(&self, id: &str) -> StoreResult<Option<Holder>> {
        let found = self
            .sql
            .prepare_cached(
                "SELECT seq, id, at, content, tag, expires, owner, sent_to, outcome, code, sender,
                        provider_id, response, looked_at, region, used_at
                 FROM decisions WHERE id = ?1 AND live = 1 ORDER BY seq DESC LIMIT 1",
            )?
            .query_row([id], |row| {
                let sent_to: Option<String> = row.get("sent_to")?;
                let owner: Option<String> = row.get("owner")?;
                let outcome = columns::outcome(row, "outcome")?;
                let life = match (&owner, outcome) {
                    (_, Some(_)) | (None, _) => Life::Lost,
                    (Some(owner), None) => self.process.life_of(owner),
                };
                Ok(Holder {
                    seq: row.get("seq")?,
                    id: row.get("id")?,
                    at: columns::time(row, "at")?,
                    content: row.get("content")?,
                    tag: row.get("tag")?,
                    expires: row.get("expires")?,
                    owner,
                    life,
                    sent_to: sent_to.map(|senders| columns::lines(Some(&senders))),
                    outcome,
                    code: row.get("code")?,
                    sender: row.get("sender")?,
                    provider_id: row.get("provider_id")?,
                    response: row.get("response")?,
                    looked_at: row.get("looked_at")?,
                    region: row.get("region")?,
                    used_at: row.get("used_at")?,
                })
            })
            .optional()?;
        Ok(found)
    }

    fn open_claim(&self, key: &ClaimKey) -> StoreResult<Option<OpenClaim>> {
        let found = self
            .sql
            .prepare_cached(
                "SELECT sent_to, places, response IS NOT NULL FROM decisions
                 WHERE seq = ?1 AND id = ?2 AND owner = ?3 AND outcome IS NULL",
            )?
            .query_row(params![key.seq, key.id, key.owner], |row| {
                let sent_to: Option<String> = row.get(0)?;
                let places: Option<Vec<u8>> = row.get(1)?;
                Ok((sent_to, places, row.get(2)?))
            })
            .optional()?;
        let Some((sent_to, places, was_unknown)) = found else {
            return Ok(None);
        };
        let places = Place::read(&places.unwrap_or_default());
        Ok(Some(OpenClaim {
            sent_to: sent_to.map(|senders| columns::lines(Some(&senders))),
            places: places.ok_or(StoreError::Damaged("places"))?,
            was_unknown,
        }))
    }

    fn insert(&self, row: &Row) -> StoreResult<i64> {
        let facts = &row.facts;
        let places = (!row.places.is_empty()).then(|| Place::bytes(&row.places));
        let seq = self
            .sql
            .prepare_cached(
                "INSERT INTO decisions (at, id, live, purpose, event, actor, policy, region, segments,
                                        uid, recipient, recipient_hash, content, tag, expires, owner,
                                        places, over_limit, paused, user_hash, resend_of,
                                        prefix_hash, without_hub, source_hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                         ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
            )?
            .insert(params![
                row.at,
                facts.id,
                row.live,
                row.purpose.map(Purpose::as_str),
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
                places,
                row.over_limit,
                row.paused,
                row.user,
                facts.resend_of,
                row.prefix,
                facts.without_hub.then_some(1),
                row.source,
            ])?;
        Ok(seq)
    }

    fn take_over(&self, holder: &Holder, _: i64) -> StoreResult<()> {
        totals::add(
            &self.sql,
            &Which {
                condition: "seq = ?1 AND outcome = 'unknown'",
                values: &[&holder.seq],
            },
        )?;
        self.sql
            .prepare_cached(
                "UPDATE decisions SET owner = ?1, outcome = NULL, sent_to = coalesce(sent_to, '')
                 WHERE seq = ?2 AND id = ?3 AND owner IS ?4",
            )?
            .execute(params![self.owner(), holder.seq, holder.id, holder.owner])?;
        Ok(())
    }

    fn mark_dispatched(
        &self,
        key: &ClaimKey,
        sent_to: &[String],
        places: &[Place],
    ) -> StoreResult<bool> {
        let marked = self
            .sql
            .prepare_cached(
                "UPDATE decisions SET sent_to = ?1, places = ?2
                 WHERE seq = ?3 AND id = ?4 AND owner = ?5 AND outcome IS NULL",
            )?
            .execute(params![
                sent_to.join("\n"),
                Place::bytes(places),
                key.seq,
                key.id,
                key.owner
            ])?;
        Ok(marked == 1)
    }

    fn put_places(&self, key: &ClaimKey, places: &[Place]) -> StoreResult<()> {
        self.sql
            .prepare_cached(
                "UPDATE decisions SET places = ?1
                 WHERE seq = ?2 AND id = ?3 AND owner = ?4 AND outcome IS NULL",
            )?
            .execute(params![Place::bytes(places), key.seq, key.id, key.owner])?;
        Ok(())
    }

    fn end(&self, key: &ClaimKey, ending: &Ending<'_>, live: bool) -> StoreResult<bool> {
        // What may have been sent may be found later not to have been.
        let is_unknown = ending.outcome == Outcome::Unknown && live;
        let ended = self
            .sql
            .prepare_cached(
                "UPDATE decisions SET live = ?1, outcome = ?2, code = ?3, sender = ?4,
                        provider_id = ?5, attempts = ?6, reasons = ?7, ms = ?8, response = ?9,
                        replayed = ?10, owner = NULL, looked_at = ?11,
                        places = CASE WHEN ?12 THEN places END
                 WHERE seq = ?13 AND id = ?14 AND owner = ?15 AND outcome IS NULL",
            )?
            .execute(params![
                live,
                ending.outcome.as_str(),
                ending.code,
                ending.sender,
                ending.provider_id,
                ending.attempts,
                ending.reasons,
                ending.ms,
                ending.response,
                ending.replayed,
                is_unknown.then_some(ending.at),
                is_unknown || (live && self.options.keeps_places),
                key.seq,
                key.id,
                key.owner,
            ])?;
        Ok(ended == 1)
    }

    fn end_as_before(&self, key: &ClaimKey) -> StoreResult<bool> {
        // What was unknown before has been looked for.
        totals::take_back(
            &self.sql,
            &Which {
                condition: "seq = ?1 AND outcome IS NULL AND looked_at IS NOT NULL",
                values: &[&key.seq],
            },
        )?;
        let ended = self
            .sql
            .prepare_cached(
                "UPDATE decisions SET outcome = ?1, owner = NULL, looked_at = ?2
                 WHERE seq = ?3 AND id = ?4 AND owner = ?5 AND outcome IS NULL",
            )?
            .execute(params![
                Outcome::Unknown.as_str(),
                self.now(),
                key.seq,
                key.id,
                key.owner
            ])?;
        Ok(ended == 1)
    }

    fn put_used(&self, seq: i64, at: i64) -> StoreResult<()> {
        self.sql
            .prepare_cached("UPDATE decisions SET used_at = ?1 WHERE seq = ?2")?
            .execute(params![at, seq])?;
        Ok(())
    }

    fn put_delivery(&self, seq: i64, state: &str, at: i64) -> StoreResult<()> {
        self.sql
            .prepare_cached("UPDATE decisions SET delivery = ?1, delivery_at = ?2 WHERE seq = ?3")?
            .execute(params![state, at, seq])?;
        Ok(())
    }

    fn has_used(&self, recipient: &Digest) -> StoreResult<bool> {
        let has = self
            .sql
            .prepare_cached(
                "SELECT 1 FROM decisions WHERE recipient_hash = ?1 AND used_at IS NOT NULL LIMIT 1",
            )?
            .exists([recipient])?;
        Ok(has)
    }

    fn has_provider_id(&self, provider_id: &str, since: Timestamp) -> StoreResult<bool> {
        let has = self
            .sql
            .prepare_cached("SELECT 1 FROM decisions WHERE at >= ?1 AND provider_id = ?2 LIMIT 1")?
            .exists(params![since.as_millisecond(), provider_id])?;
        Ok(has)
    }

    fn window(&self, key: &Digest) -> StoreResult<Option<Vec<u8>>> {
        let events = self
            .sql
            .prepare_cached("SELECT events FROM windows WHERE key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        Ok(events)
    }

    fn put_window(&self, key: &Digest, until: Option<i64>, events: &[u8]) -> StoreResult<()> {
        let Some(until) = until else {
            self.sql
                .prepare_cached("UPDATE windows SET events = ?1 WHERE key = ?2")?
                .execute(params![events, key])?;
            return Ok(());
        };
        self.sql
            .prepare_cached(
                "INSERT OR REPLACE INTO windows (key, until, events) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![key, until, events])?;
        Ok(())
    }

    fn breaker(&self, sender: &str) -> StoreResult<Option<Breaker>> {
        let breaker = self
            .sql
            .prepare_cached(
                "SELECT failures, reason, failed_at, trial_at, wait_until, doubts, unsealed
                 FROM senders WHERE sender = ?1",
            )?
            .query_row([sender], columns::breaker)
            .optional()?;
        Ok(breaker)
    }

    fn put_breaker(&self, sender: &str, breaker: &Breaker) -> StoreResult<()> {
        let doubts = (!breaker.doubts.is_empty()).then(|| breaker.doubts.concat());
        self.sql
            .prepare_cached(
                "INSERT INTO senders
                 (sender, failures, reason, failed_at, trial_at, wait_until, doubts, unsealed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (sender) DO UPDATE SET
                 failures = ?2, reason = ?3, failed_at = ?4, trial_at = ?5, wait_until = ?6,
                 doubts = ?7, unsealed = ?8",
            )?
            .execute(params![
                sender,
                breaker.failures,
                breaker.reason,
                breaker.failed_at,
                breaker.trial_at,
                breaker.wait_until,
                doubts,
                breaker.unsealed
            ])?;
        Ok(())
    }

    fn pauses(&self) -> StoreResult<Option<String>> {
        Ok(schema::meta(&self.sql, PAUSES)?)
    }

    fn put_pauses(&self, pauses: Option<&str>) -> StoreResult<()> {
        self.sql
            .prepare_cached("INSERT OR REPLACE INTO meta VALUES (?1, ?2)")?
            .execute(params![PAUSES, pauses])?;
        Ok(())
    }

    fn needs_tidying(&self) -> bool {
        self.log_is_long()
    }

    fn tidy(&self, used: bool) -> StoreResult<()> {
        self.keep_tidy(used)
    }
}
