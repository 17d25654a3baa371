//! What the rules read and write, answered from what is known: nothing is asked of the database before the
//! transaction is sent.

use jiff::Timestamp;
use textsender_plugin_api::Purpose;
use tokio_postgres::types::Type;

use super::PostgresStore;
use crate::failpoint::Step;
use crate::ledger::error::LedgerError;
use crate::ledger::keys::{Digest, Keys};
use crate::ledger::postgres::wire::{from_hex, json};
use crate::ledger::store::{
    Breaker, ClaimKey, Ending, Holder, Job, OpenClaim, Place, Row, Store, StoreError, StoreResult,
};
use crate::ledger::stored::{Decision, hexadecimal, lines};
use crate::protocol::Outcome;

impl Store for PostgresStore {
    fn begin(&self, synced: bool) -> StoreResult<()> {
        self.work.take();
        self.synced.set(synced);
        Ok(())
    }

    fn commit(&self) -> StoreResult<()> {
        self.send()
    }

    fn roll_back(&self) {
        self.work.take();
        self.in_time();
        if self.holds.take() {
            self.link.roll_back();
        }
    }

    /// A commit has waited for as much as it must.
    fn answer_durably(&mut self, steps: Vec<Box<dyn Job>>) {
        for step in steps {
            step.answer(Ok(()), true);
        }
    }

    /// The link connects again by itself.
    fn is_usable(&self) -> bool {
        true
    }

    fn fault(&self, error: &StoreError) -> LedgerError {
        let damaged = |what: String| LedgerError::Refused {
            server: self.link.server(),
            reason: what,
            remedy: "see who else writes to the schema textsender".to_owned(),
        };
        match error {
            StoreError::Server(error) => error.clone(),
            StoreError::Damaged(column) => {
                damaged(format!("{column} holds what textsender never writes"))
            }
            StoreError::Sqlite(error) => damaged(error.to_string()),
            StoreError::Stale => LedgerError::Stopped,
            #[cfg(test)]
            StoreError::Injected => LedgerError::Stopped,
        }
    }

    fn now(&self) -> i64 {
        self.clock.now()
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    fn owner(&self) -> &str {
        &self.process.name
    }

    fn reached(&self, step: Step) {
        (self.options.failpoints.at)(step);
    }

    fn holder(&self, id: &str) -> StoreResult<Option<Holder>> {
        let seq = self.known.borrow().holders.get(id).copied();
        let expected = seq.unwrap_or(0);
        self.work.borrow_mut().ids.insert(id.to_owned(), expected);
        let (own, is_changed) = {
            let work = self.work.borrow();
            let rows = work.insert.values().chain(work.update.values());
            let holding = rows.filter(|row| row.id == id && row.live);
            let own = holding.max_by_key(|row| row.seq).cloned();
            (own, work.update.contains_key(&expected))
        };
        // What this transaction wrote of the id, and what it found.
        let found = match is_changed {
            true => None,
            false => seq.and_then(|seq| self.row(seq)),
        };
        let holder = own.into_iter().chain(found).max_by_key(|row| row.seq);
        holder.map(|row| self.holder_of(row)).transpose()
    }

    fn open_claim(&self, key: &ClaimKey) -> StoreResult<Option<OpenClaim>> {
        let Some(row) = self.open_row(key) else {
            return Ok(None);
        };
        let places = from_hex(row.places.as_deref().unwrap_or_default(), "places")?;
        Ok(Some(OpenClaim {
            sent_to: row.sent_to.is_some().then(|| lines(row.sent_to.as_deref())),
            places: Place::read(&places).ok_or(StoreError::Damaged("places"))?,
            was_unknown: row.response.is_some(),
        }))
    }

    fn insert(&self, row: &Row) -> StoreResult<i64> {
        let seq = self.numbers.borrow_mut().next(self.now());
        let facts = &row.facts;
        let hash = |hash: &Option<Digest>| hash.map(|hash| hexadecimal(&hash));
        let decision = Decision {
            seq,
            at: row.at,
            id: facts.id.clone(),
            live: row.live,
            purpose: row
                .purpose
                .map(|purpose| Purpose::as_str(purpose).to_owned()),
            event: facts.event.clone(),
            actor: facts.actor.clone(),
            policy: facts.policy.clone(),
            region: facts.region.clone(),
            segments: facts.segments,
            uid: facts.uid,
            recipient: row.masked.clone(),
            recipient_hash: hash(&row.recipient),
            user_hash: hash(&row.user),
            source_hash: hash(&row.source),
            content: hash(&row.content),
            resend_of: facts.resend_of.clone(),
            without_hub: facts.without_hub.then_some(true),
            prefix_hash: hash(&row.prefix),
            tag: row.tag,
            expires: row.expires,
            owner: row.owner.clone(),
            lease: row.lease,
            places: (!row.places.is_empty()).then(|| hexadecimal(&Place::bytes(&row.places))),
            over_limit: row.over_limit.clone(),
            paused: row.paused.clone(),
            ..Decision::default()
        };
        self.work.borrow_mut().insert.insert(seq, decision);
        Ok(seq)
    }

    fn take_over(&self, holder: &Holder, lease: i64) -> StoreResult<()> {
        let Some(row) = self.row(holder.seq) else {
            return Ok(());
        };
        if row.id != holder.id || row.owner != holder.owner {
            return Ok(());
        }
        let sent_to = row.sent_to.clone().unwrap_or_default();
        let epoch = self.epoch.borrow().clone();
        self.put_row(Decision {
            owner: Some(self.process.name.clone()),
            lease: Some(lease),
            epoch: Some(epoch),
            outcome: None,
            sent_to: Some(sent_to),
            ..row
        });
        Ok(())
    }

    fn mark_dispatched(
        &self,
        key: &ClaimKey,
        sent_to: &[String],
        places: &[Place],
    ) -> StoreResult<bool> {
        let Some(row) = self.open_row(key) else {
            return Ok(false);
        };
        // The database looks once more, by its own clock.
        let is_over = |lease: i64| lease.saturating_sub(LEASE_MARGIN) <= self.now();
        if row.lease.is_none_or(is_over) {
            return Ok(false);
        }
        if !self.work.borrow().insert.contains_key(&key.seq) {
            self.work.borrow_mut().leases.push(key.seq);
        }
        self.put_row(Decision {
            sent_to: Some(sent_to.join("\n")),
            places: Some(hexadecimal(&Place::bytes(places))),
            ..row
        });
        Ok(true)
    }

    fn put_places(&self, key: &ClaimKey, places: &[Place]) -> StoreResult<()> {
        if let Some(row) = self.open_row(key) {
            let places = Some(hexadecimal(&Place::bytes(places)));
            self.put_row(Decision { places, ..row });
        }
        Ok(())
    }

    fn end(&self, key: &ClaimKey, ending: &Ending<'_>, live: bool) -> StoreResult<bool> {
        let Some(row) = self.open_row(key) else {
            return Ok(false);
        };
        // What may have been sent may be found later not to have been.
        let is_unknown = ending.outcome == Outcome::Unknown && live;
        let own = |text: Option<&str>| text.map(str::to_owned);
        self.put_row(Decision {
            live,
            outcome: Some(ending.outcome.as_str().to_owned()),
            code: own(ending.code),
            sender: own(ending.sender),
            provider_id: own(ending.provider_id),
            attempts: ending.attempts.clone(),
            reasons: ending.reasons.clone(),
            ms: ending.ms,
            response: own(ending.response),
            replayed: ending.replayed,
            owner: None,
            lease: None,
            looked_at: is_unknown.then_some(ending.at),
            places: row.places.clone().filter(|_| is_unknown),
            ..row
        });
        Ok(true)
    }

    fn end_as_before(&self, key: &ClaimKey) -> StoreResult<bool> {
        let Some(row) = self.open_row(key) else {
            return Ok(false);
        };
        self.put_row(Decision {
            outcome: Some(Outcome::Unknown.as_str().to_owned()),
            owner: None,
            lease: None,
            looked_at: Some(self.now()),
            ..row
        });
        Ok(true)
    }

    fn put_used(&self, seq: i64, at: i64) -> StoreResult<()> {
        if let Some(row) = self.row(seq) {
            let used_at = Some(at);
            self.put_row(Decision { used_at, ..row });
        }
        Ok(())
    }

    fn put_delivery(&self, seq: i64, state: &str, at: i64) -> StoreResult<()> {
        if let Some(row) = self.row(seq) {
            self.put_row(Decision {
                delivery: Some(state.to_owned()),
                delivery_at: Some(at),
                ..row
            });
        }
        Ok(())
    }

    fn has_used(&self, recipient: &Digest) -> StoreResult<bool> {
        let is_used = self.known.borrow().used.get(recipient).copied();
        let is_used = is_used.unwrap_or(false);
        self.work.borrow_mut().used.insert(*recipient, is_used);
        Ok(is_used)
    }

    fn has_provider_id(&self, provider_id: &str, since: Timestamp) -> StoreResult<bool> {
        let key = (provider_id.to_owned(), since.as_millisecond());
        let is_known = self.known.borrow().provider_ids.get(&key).copied();
        let is_known = is_known.unwrap_or(false);
        self.work.borrow_mut().provider_ids.insert(key, is_known);
        Ok(is_known)
    }

    fn window(&self, key: &Digest) -> StoreResult<Option<Vec<u8>>> {
        let work = &mut *self.work.borrow_mut();
        if let Some((_, events)) = work.put_windows.get(key) {
            return Ok(Some(events.clone()));
        }
        let known = self.known.borrow();
        let window = known.windows.get(key);
        work.windows.insert(*key, window.map_or(0, |(v, _)| *v));
        Ok(window.map(|(_, events)| events.clone()))
    }

    fn put_window(&self, key: &Digest, until: Option<i64>, events: &[u8]) -> StoreResult<()> {
        let work = &mut *self.work.borrow_mut();
        let earlier = work.put_windows.get(key).and_then(|(until, _)| *until);
        let window = (until.or(earlier), events.to_vec());
        work.put_windows.insert(*key, window);
        Ok(())
    }

    fn breaker(&self, sender: &str) -> StoreResult<Option<Breaker>> {
        let work = &mut *self.work.borrow_mut();
        if let Some(breaker) = work.put_senders.get(sender) {
            return Ok(Some(breaker.clone()));
        }
        let known = self.known.borrow();
        let breaker = known.senders.get(sender);
        let version = breaker.map_or(0, |(v, _)| *v);
        work.senders.insert(sender.to_owned(), version);
        Ok(breaker.map(|(_, breaker)| breaker.clone()))
    }

    fn put_breaker(&self, sender: &str, breaker: &Breaker) -> StoreResult<()> {
        let mut work = self.work.borrow_mut();
        work.put_senders.insert(sender.to_owned(), breaker.clone());
        Ok(())
    }

    fn pauses(&self) -> StoreResult<Option<String>> {
        let work = &mut *self.work.borrow_mut();
        if let Some(pauses) = &work.put_pauses {
            return Ok(Some(pauses.clone()));
        }
        let known = self.known.borrow();
        work.pauses = Some(known.pauses.clone());
        Ok(Some(known.pauses.clone()).filter(|pauses| !pauses.is_empty()))
    }

    fn put_pauses(&self, pauses: Option<&str>) -> StoreResult<()> {
        self.work.borrow_mut().put_pauses = Some(pauses.unwrap_or_default().to_owned());
        Ok(())
    }

    fn needs_tidying(&self) -> bool {
        false
    }

    fn tidy(&self, _: bool) -> StoreResult<()> {
        let now = self.now();
        let is_due = |last: Option<i64>| {
            let is_recent = |last| (0..TIDY_EVERY).contains(&(now - last));
            self.clock.given().is_some() || !last.is_some_and(is_recent)
        };
        if !is_due(self.looked.get()) {
            return Ok(());
        }
        self.looked.set(Some(now));
        // First, as a process that has answered may end before it has done the rest, which any machine does. A schema
        // that is older lacks the place for it: `doctor` says so.
        if let Err(error) = self.report() {
            tracing::debug!(%error, "how this machine is set up is not in the shared ledger");
        }
        if !is_due(self.tidied) {
            return Ok(());
        }
        let at = self.clock.given();
        let retention = i64::try_from(self.options.retention.as_millis()).unwrap_or(i64::MAX);
        let rows = self.link.ask(
            "SELECT textsender.tidy_1($1, $2, false)",
            &[(&at, Type::INT8), (&retention, Type::INT8)],
        );
        let rows = rows.map_err(StoreError::Server)?;
        // The connection may be a new one, to a server that lacks what was only written by the one before it.
        let connected = self.link.connect().map_err(StoreError::Server)?;
        self.epoch.replace(connected.hello.epoch.clone());
        self.close_lapsed(json(&rows).unwrap_or_default())
    }
}

/// Milliseconds before the end of a lease in which nothing is dispatched any more: what the answer takes,
/// and how wrong the idea of the server's time may be.
const LEASE_MARGIN: i64 = 1_000;

/// Milliseconds after which a process looks again whether there is something to tidy.
const TIDY_EVERY: i64 = 60_000;
