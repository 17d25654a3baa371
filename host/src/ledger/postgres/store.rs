//! A transaction: worked out on what is known, sent whole, and run again where that was wrong.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use textsender_plugin_api::Purpose;
use tokio_postgres::types::Type;

use super::Process;
use super::link::{Failed, Link};
use super::wire::{
    Answer, Expected, ExpectedId, ExpectedRow, Lease, Pauses, PutWindow, Request, SenderRow,
    digest, from_hex, to_hex,
};
use crate::config::{self, Replication};
use crate::failpoint::Step;
use crate::ledger::Options;
use crate::ledger::error::LedgerError;
use crate::ledger::keys::{Digest, Keys};
use crate::ledger::settle::close_abandoned;
use crate::ledger::store::{
    Breaker, ClaimKey, Ending, Holder, Job, Life, OpenClaim, Place, Row, Store, StoreError,
    StoreResult,
};
use crate::ledger::stored::{self, Decision, lines};
use crate::os::process::since_boot;
use crate::protocol::Outcome;

pub(super) struct PostgresStore {
    link: Link,
    keys: Keys,
    process: Rc<Process>,
    options: Options,
    replication: Replication,
    timeout: Duration,
    known: RefCell<Known>,
    work: RefCell<Work>,
    clock: Clock,
    epoch: RefCell<String>,
    /// How often the steps of this transaction were too late.
    late: Cell<u32>,
    /// Whether a transaction stands that holds its locks.
    holds: Cell<bool>,
    synced: Cell<bool>,
    numbers: RefCell<Numbers>,
    tidied: Cell<Option<Duration>>,
}

/// What the database had when it was last heard of. It may have changed; its versions say so.
#[derive(Default)]
struct Known {
    windows: HashMap<Digest, (i64, Vec<u8>)>,
    senders: HashMap<String, (i64, Breaker)>,
    rows: HashMap<i64, Decision>,
    holders: HashMap<String, i64>,
    /// What is paused; empty: nothing.
    pauses: String,
}

/// What a transaction has read, and the version of each; what it writes.
#[derive(Default)]
struct Work {
    windows: BTreeMap<Digest, i64>,
    senders: BTreeMap<String, i64>,
    rows: BTreeMap<i64, i64>,
    ids: BTreeMap<String, i64>,
    leases: Vec<i64>,
    insert: BTreeMap<i64, Decision>,
    update: BTreeMap<i64, Decision>,
    put_windows: BTreeMap<Digest, (Option<i64>, Vec<u8>)>,
    put_senders: BTreeMap<String, Breaker>,
    /// What was paused, if that was read.
    pauses: Option<String>,
    put_pauses: Option<String>,
}

/// The server's time, between two answers of it.
struct Clock {
    /// A test's.
    given: Option<fn() -> Timestamp>,
    /// The server's less this machine's since its boot, in milliseconds.
    ahead: Cell<i64>,
}

/// Numbers of new rows: the time, and twelve bits more that keep machines apart. They stay below 2^53, as
/// JSON's readers may count in floating point.
#[derive(Default)]
struct Numbers {
    at: i64,
    next: i64,
}

impl PostgresStore {
    pub fn open(
        link: Link,
        keys: Keys,
        process: Rc<Process>,
        shared: &config::Shared,
        options: &Options,
    ) -> Result<PostgresStore, LedgerError> {
        let hello = link.connect()?.hello.clone();
        let clock = Clock {
            given: options.clock,
            ahead: Cell::new(0),
        };
        clock.set(hello.now);
        Ok(PostgresStore {
            link,
            keys,
            process,
            options: options.clone(),
            replication: shared.replication,
            timeout: shared.timeout,
            known: RefCell::new(Known {
                pauses: hello.pauses.unwrap_or_default(),
                ..Known::default()
            }),
            work: RefCell::default(),
            clock,
            epoch: RefCell::new(hello.epoch),
            late: Cell::new(0),
            holds: Cell::new(false),
            synced: Cell::new(false),
            numbers: RefCell::default(),
            tidied: Cell::new(None),
        })
    }

    /// How far a commit waits. Only a claim must have reached a standby: what follows is looked for, where
    /// it was lost with a server (see the epoch).
    fn commit_level(&self) -> &'static str {
        match (self.synced.get(), self.replication) {
            (true, Replication::Required) => "on",
            _ => "local",
        }
    }

    /// A row of the audit, as this transaction sees it.
    fn row(&self, seq: i64) -> Option<Decision> {
        let work = &mut *self.work.borrow_mut();
        if let Some(row) = work.insert.get(&seq).or_else(|| work.update.get(&seq)) {
            return Some(row.clone());
        }
        let known = self.known.borrow();
        let row = known.rows.get(&seq);
        work.rows.insert(seq, row.map_or(0, |row| row.v));
        row.cloned()
    }

    /// Writes a row that is there.
    fn put_row(&self, row: Decision) {
        let work = &mut *self.work.borrow_mut();
        match work.insert.get_mut(&row.seq) {
            Some(new) => *new = row,
            None => drop(work.update.insert(row.seq, row)),
        }
    }

    /// The row of a claim that is open and whose key is this.
    fn open_row(&self, key: &ClaimKey) -> Option<Decision> {
        self.row(key.seq).filter(|row| {
            row.id == key.id && row.owner.as_deref() == Some(&key.owner) && row.outcome.is_none()
        })
    }

    fn life_of(&self, row: &Decision) -> Life {
        let is_over = row.lease.is_none_or(|lease| lease <= self.now());
        let is_of_now = row.epoch.as_deref() == Some(self.epoch.borrow().as_str());
        match (
            row.outcome.is_some() || row.owner.is_none(),
            is_over,
            is_of_now,
        ) {
            (true, _, _) | (false, true, false) => Life::Lost,
            (false, false, _) => Life::Alive,
            (false, true, true) => Life::Dead,
        }
    }

    fn holder_of(&self, row: Decision) -> StoreResult<Holder> {
        let at = Timestamp::from_millisecond(row.at);
        Ok(Holder {
            life: self.life_of(&row),
            seq: row.seq,
            at: at.map_err(|_| StoreError::Damaged("at"))?,
            content: digest(row.content.as_deref(), "content")?,
            tag: row.tag,
            expires: row.expires.unwrap_or(0),
            owner: row.owner,
            sent_to: row.sent_to.is_some().then(|| lines(row.sent_to.as_deref())),
            outcome: outcome(row.outcome.as_deref())?,
            code: row.code,
            sender: row.sender,
            provider_id: row.provider_id,
            response: row.response,
            looked_at: row.looked_at,
            region: row.region,
            used_at: row.used_at,
            id: row.id,
        })
    }

    /// Sends what was worked out.
    fn send(&self) -> StoreResult<()> {
        let work = self.work.take();
        if work.is_empty() {
            return Ok(());
        }
        let step = self.process.steps.get() + 1;
        self.process.steps.set(step);
        let request = self.request(&work, step);
        let request = serde_json::to_string(&request);
        let request = request.map_err(|_| StoreError::Damaged("a step"))?;
        let holds = self.late.get() >= PATIENT;
        let sent = self.link.step(&request, holds);
        self.holds.set(false);
        match sent {
            Ok(answer) => {
                self.heard(&answer);
                match answer.stale {
                    true => {
                        self.holds.set(holds);
                        self.learn(&work, answer);
                        self.too_late()
                    }
                    false => {
                        self.late.set(0);
                        self.keep(work, answer.version);
                        Ok(())
                    }
                }
            }
            Err(Failed::Stale) => {
                self.forget(&work);
                self.too_late()
            }
            Err(Failed::Error(error)) => {
                self.late.set(0);
                self.forget(&work);
                Err(StoreError::Server(error))
            }
        }
    }

    fn request<'a>(&'a self, work: &'a Work, step: i64) -> Request<'a> {
        let expected = |(k, v): (&'a String, &'a i64)| Expected {
            k: Cow::Borrowed(k),
            v: *v,
        };
        Request {
            owner: &self.process.name,
            step,
            node: &self.process.node,
            at: self.clock.given.map(|_| self.now()),
            commit: self.commit_level(),
            // So that a lock that is held for long leaves time to ask again.
            wait: (self.timeout * 2 / 3).as_millis().to_string(),
            ids: work
                .ids
                .iter()
                .map(|(id, seq)| ExpectedId { id, seq: *seq })
                .collect(),
            windows: work
                .windows
                .iter()
                .map(|(key, v)| Expected {
                    k: Cow::Owned(to_hex(key)),
                    v: *v,
                })
                .collect(),
            senders: work.senders.iter().map(expected).collect(),
            rows: work
                .rows
                .iter()
                .map(|(seq, v)| ExpectedRow { seq: *seq, v: *v })
                .collect(),
            leases: work.leases.iter().map(|seq| Lease { seq: *seq }).collect(),
            insert: work.insert.values().collect(),
            update: work.update.values().collect(),
            put_windows: work
                .put_windows
                .iter()
                .map(|(key, (until, events))| PutWindow {
                    key: to_hex(key),
                    until: *until,
                    events: to_hex(events),
                })
                .collect(),
            put_senders: work
                .put_senders
                .iter()
                .map(|(sender, breaker)| SenderRow::of(sender, breaker))
                .collect(),
            pauses: work.pauses.as_deref().map(|value| Pauses { value }),
            put_pauses: work.put_pauses.as_deref().map(|value| Pauses { value }),
        }
    }

    fn too_late(&self) -> StoreResult<()> {
        self.late.set(self.late.get().saturating_add(1));
        match self.late.get() {
            MOST_LATE.. => {
                self.late.set(0);
                Err(StoreError::Server(LedgerError::Late))
            }
            _ => Err(StoreError::Stale),
        }
    }

    fn heard(&self, answer: &Answer) {
        self.clock.set(answer.now);
        if *self.epoch.borrow() != answer.epoch {
            self.epoch.replace(answer.epoch.clone());
        }
    }

    /// How things are, in place of what was expected.
    fn learn(&self, work: &Work, answer: Answer) {
        self.forget(work);
        let mut known = self.known.borrow_mut();
        known.pauses = answer.pauses.unwrap_or_default();
        for window in answer.windows {
            let key = digest(Some(&window.key), "key");
            let events = from_hex(&window.events, "events");
            if let (Ok(Some(key)), Ok(events)) = (key, events) {
                known.windows.insert(key, (window.v, events));
            }
        }
        for sender in answer.senders {
            if let Ok(breaker) = sender.breaker() {
                known.senders.insert(sender.sender, (sender.v, breaker));
            }
        }
        for row in answer.holders {
            known.holders.insert(row.id.clone(), row.seq);
            known.rows.insert(row.seq, row);
        }
        for row in answer.rows {
            known.rows.insert(row.seq, row);
        }
    }

    /// What a transaction relied on is not known any more.
    fn forget(&self, work: &Work) {
        self.forget_rows(work);
        let mut known = self.known.borrow_mut();
        for key in work.windows.keys() {
            known.windows.remove(key);
        }
        for sender in work.senders.keys() {
            known.senders.remove(sender);
        }
    }

    /// What was written is what is known now: windows, senders, and this process's open claims.
    fn keep(&self, work: Work, version: i64) {
        self.forget_rows(&work);
        // A step that had been done before does not say its version.
        if version == 0 {
            return self.forget(&work);
        }
        let mut known = self.known.borrow_mut();
        if known.windows.len() > MOST_KNOWN {
            known.windows.clear();
        }
        for (key, (_, events)) in work.put_windows {
            known.windows.insert(key, (version, events));
        }
        if let Some(pauses) = work.put_pauses {
            known.pauses = pauses;
        }
        for (sender, breaker) in work.put_senders {
            known.senders.insert(sender, (version, breaker));
        }
        let epoch = self.epoch.borrow();
        let own = |row: &Decision| {
            row.outcome.is_none() && row.owner.as_deref() == Some(&self.process.name)
        };
        for row in work.insert.into_values().chain(work.update.into_values()) {
            if own(&row) {
                let epoch = row.epoch.clone().unwrap_or_else(|| epoch.clone());
                known.holders.insert(row.id.clone(), row.seq);
                let row = Decision {
                    v: version,
                    epoch: Some(epoch),
                    ..row
                };
                known.rows.insert(row.seq, row);
            }
        }
    }

    /// The same of its rows and ids alone.
    fn forget_rows(&self, work: &Work) {
        let mut known = self.known.borrow_mut();
        for seq in work.rows.keys() {
            if let Some(row) = known.rows.remove(seq) {
                known.holders.remove(&row.id);
            }
        }
        for id in work.ids.keys() {
            known.holders.remove(id);
        }
    }

    /// A number that no other row has.
    fn number(&self) -> i64 {
        let now = self.now();
        let numbers = &mut *self.numbers.borrow_mut();
        if numbers.at != now || numbers.next > LAST_NUMBER {
            let mut random = [0u8; 2];
            // Where there is none, another machine may have the number: then this step is run again.
            let _ = SystemRandom::new().fill(&mut random);
            numbers.at = now;
            numbers.next = i64::from(u16::from_le_bytes(random)) & LAST_NUMBER;
        }
        let number = number_of(now) | numbers.next;
        numbers.next += 1;
        number
    }

    /// Closes claims whose time is up, so that the audit says what became of them.
    fn close_lapsed(&self, rows: Vec<Decision>) -> StoreResult<()> {
        for row in rows {
            let Some(owner) = row.owner.clone() else {
                continue;
            };
            let key = ClaimKey {
                seq: row.seq,
                id: row.id.clone(),
                owner,
            };
            let life = self.life_of(&row);
            self.known.borrow_mut().rows.insert(row.seq, row);
            loop {
                self.begin(false)?;
                close_abandoned(self, &key, life)?;
                match self.commit() {
                    Err(StoreError::Stale) => {}
                    other => break other?,
                }
            }
        }
        Ok(())
    }
}

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
        self.late.set(0);
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
        let in_work = {
            let work = self.work.borrow();
            let rows = work.insert.values().chain(work.update.values());
            let of_id = rows.filter(|row| row.id == id).max_by_key(|row| row.seq);
            of_id.cloned()
        };
        if let Some(row) = in_work {
            return match row.live {
                true => self.holder_of(row).map(Some),
                false => Ok(None),
            };
        }
        let seq = self.known.borrow().holders.get(id).copied();
        let row = seq.and_then(|seq| self.row(seq));
        let expected = row.as_ref().map_or(0, |row| row.seq);
        self.work.borrow_mut().ids.insert(id.to_owned(), expected);
        row.map(|row| self.holder_of(row)).transpose()
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
        let seq = self.number();
        let facts = &row.facts;
        let hash = |hash: &Option<Digest>| hash.map(|hash| to_hex(&hash));
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
            places: (!row.places.is_empty()).then(|| to_hex(&Place::bytes(&row.places))),
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
            places: Some(to_hex(&Place::bytes(places))),
            ..row
        });
        Ok(true)
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
        let rows = self.link.ask(
            "SELECT EXISTS (SELECT 1 FROM textsender.decisions
                            WHERE recipient_hash = $1 AND used_at IS NOT NULL)",
            &[(&to_hex(recipient), Type::TEXT)],
        );
        let rows = rows.map_err(StoreError::Server)?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
    }

    fn has_provider_id(&self, provider_id: &str, since: Timestamp) -> StoreResult<bool> {
        let rows = self.link.ask(
            "SELECT textsender.has_provider_id_1($1, $2)",
            &[
                (&provider_id, Type::TEXT),
                (&since.as_millisecond(), Type::INT8),
            ],
        );
        let rows = rows.map_err(StoreError::Server)?;
        Ok(rows.first().is_some_and(|row| row.get(0)))
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
        let is_due = match (self.clock.given, self.tidied.get()) {
            (None, Some(last)) => since_boot().saturating_sub(last) >= TIDY_EVERY,
            _ => true,
        };
        if !is_due {
            return Ok(());
        }
        self.tidied.set(Some(since_boot()));
        let at = self.clock.given.map(|_| self.now());
        let retention = i64::try_from(self.options.retention.as_millis()).unwrap_or(i64::MAX);
        let rows = self.link.ask(
            "SELECT textsender.tidy_1($1, $2, false)",
            &[(&at, Type::INT8), (&retention, Type::INT8)],
        );
        let rows = rows.map_err(StoreError::Server)?;
        let lapsed = rows
            .first()
            .and_then(|row| row.try_get::<_, String>(0).ok());
        let lapsed = lapsed.and_then(|rows| serde_json::from_str(&rows).ok());
        self.close_lapsed(lapsed.unwrap_or_default())
    }
}

impl Work {
    fn is_empty(&self) -> bool {
        self.windows.is_empty()
            && self.senders.is_empty()
            && self.rows.is_empty()
            && self.ids.is_empty()
            && self.insert.is_empty()
            && self.put_windows.is_empty()
            && self.put_senders.is_empty()
            && self.pauses.is_none()
            && self.put_pauses.is_none()
    }
}

impl Clock {
    fn now(&self) -> i64 {
        match self.given {
            Some(given) => given().as_millisecond(),
            None => own().saturating_add(self.ahead.get()),
        }
    }

    /// The server said that this is its time.
    fn set(&self, server: i64) {
        self.ahead.set(server.saturating_sub(own()));
    }
}

/// Milliseconds since the boot of this machine.
fn own() -> i64 {
    i64::try_from(since_boot().as_millis()).unwrap_or(i64::MAX)
}

/// What became of a claim's owner, as a server of this epoch sees it now.
pub(super) fn life_of(row: &Decision, epoch: &str, now: i64) -> Life {
    let is_open = row.outcome.is_none() && row.owner.is_some();
    let holds = row.lease.is_some_and(|lease| lease > now);
    match (is_open, holds, row.epoch.as_deref() == Some(epoch)) {
        (true, true, _) => Life::Alive,
        (true, false, true) => Life::Dead,
        _ => Life::Lost,
    }
}

/// The first number of a millisecond.
pub(super) fn number_of(at: i64) -> i64 {
    at << NUMBER_BITS
}

/// An outcome; a word that is none is damage.
pub(super) fn outcome(word: Option<&str>) -> StoreResult<Option<Outcome>> {
    let Some(word) = word else { return Ok(None) };
    let known = stored::outcome(word);
    known.map(Some).ok_or(StoreError::Damaged("outcome"))
}

/// How often a step may be too late before it holds its locks until it is in time.
const PATIENT: u32 = 3;

/// How often a step may be too late at all.
const MOST_LATE: u32 = 50;

/// Windows that are remembered.
const MOST_KNOWN: usize = 10_000;

/// Bits of a row's number below its time.
const NUMBER_BITS: u32 = 12;

/// The last number of a millisecond.
const LAST_NUMBER: i64 = (1 << NUMBER_BITS) - 1;

/// Milliseconds before the end of a lease in which nothing is dispatched any more: what the answer takes,
/// and how wrong the idea of the server's time may be.
const LEASE_MARGIN: i64 = 1_000;

/// How often a process looks whether there is something to tidy.
const TIDY_EVERY: Duration = Duration::from_secs(60);
