//! A transaction: worked out on what is known, sent whole, and run again where that was wrong.

mod rows;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::types::{ToSql, Type};

use super::Process;
use super::clock::{Clock, Numbers};
use super::known::{Known, Work};
use super::link::Link;
use super::trouble::Failed;
use super::wire::{Answer, Request, digest};
use crate::config::{self, Replication};
use crate::ledger::Options;
use crate::ledger::apart;
use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::keys::Keys;
use crate::ledger::report;
use crate::ledger::settle::close_abandoned;
use crate::ledger::store::{ClaimKey, Holder, Life, Store, StoreError, StoreResult};
use crate::ledger::stored::{self, Decision, lines};
use crate::ledger::totals;
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
    /// Whether one was because another had changed what was known: the next holds its locks until it is in time.
    is_contended: Cell<bool>,
    /// Whether a transaction stands that holds its locks.
    holds: Cell<bool>,
    synced: Cell<bool>,
    numbers: RefCell<Numbers>,
    /// When this process last looked whether there is something to tidy, by the server's time.
    looked: Cell<Option<i64>>,
    /// When any process had tidied last, as this one connected.
    tidied: Option<i64>,
    /// Where what is paused is kept for when the database is away.
    keeps_pauses_in: Option<Folder>,
    /// The state folder, where this machine is to say how it is set up.
    reports_from: Option<Folder>,
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
            clock: Clock::at(hello.now, options.clock),
            epoch: RefCell::new(hello.epoch),
            late: Cell::new(0),
            is_contended: Cell::new(false),
            holds: Cell::new(false),
            synced: Cell::new(false),
            numbers: RefCell::default(),
            looked: Cell::new(None),
            tidied: hello.tidied,
            keeps_pauses_in: None,
            reports_from: None,
        })
    }

    /// The same, which says now and then how this machine is set up.
    pub fn reporting(self, folder: Folder) -> PostgresStore {
        PostgresStore {
            reports_from: Some(folder),
            ..self
        }
    }

    /// Says how this machine is set up, if that is due.
    fn report(&self) -> Result<(), LedgerError> {
        let (Some(folder), Some(main)) = (&self.reports_from, &self.options.config) else {
            return Ok(());
        };
        if !report::is_due(folder) {
            return Ok(());
        }
        let report = report::look(main, folder.path(), &self.keys);
        let report = serde_json::to_string(&report).unwrap_or_default();
        let values: [(&(dyn ToSql + Sync), Type); 2] =
            [(&self.process.node, Type::TEXT), (&report, Type::TEXT)];
        self.link
            .ask("SELECT textsender.report_1($1, $2)", &values)
            .map(|_| report::is_done(folder))
    }

    /// The same, which keeps what is paused in a folder for when the database is away.
    pub fn keeping_pauses(self, folder: Option<Folder>) -> PostgresStore {
        let store = PostgresStore {
            keeps_pauses_in: folder,
            ..self
        };
        store.keep_pauses();
        store
    }

    fn keep_pauses(&self) {
        let Some(folder) = &self.keeps_pauses_in else {
            return;
        };
        if let Err(error) = apart::keep_pauses(folder, &self.known.borrow().pauses) {
            tracing::warn!(%error, "what is paused would not be known while the shared ledger is away");
        }
    }

    /// How far a commit waits. Only a claim must have reached a standby: what follows is looked for, where it was lost
    /// with a server (see the epoch).
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

    /// Writes a row that another ledger had, under a number of this one.
    pub fn insert_decision(&self, decision: Decision) {
        let seq = self.numbers.borrow_mut().next(self.now());
        let row = Decision { seq, ..decision };
        self.work.borrow_mut().insert.insert(seq, row);
    }

    /// Adds what decisions counted that another ledger had deleted; once for each such ledger.
    pub fn add_totals(&self, ledger: &str, totals: &[totals::Row]) -> Result<(), LedgerError> {
        let totals = serde_json::to_string(totals).unwrap_or_default();
        let values: [(&(dyn ToSql + Sync), Type); 2] =
            [(&ledger, Type::TEXT), (&totals, Type::TEXT)];
        self.link
            .ask("SELECT textsender.totals_1($1, $2)", &values)
            .map(drop)
    }

    /// The row of a claim that is open and whose key is this.
    fn open_row(&self, key: &ClaimKey) -> Option<Decision> {
        self.row(key.seq).filter(|row| {
            row.id == key.id && row.owner.as_deref() == Some(&key.owner) && row.outcome.is_none()
        })
    }

    fn life_of(&self, row: &Decision) -> Life {
        life_of(row, &self.epoch.borrow(), self.now())
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
        let request = serde_json::to_string(&Request {
            owner: &self.process.name,
            step,
            node: &self.process.node,
            at: self.clock.given(),
            commit: self.commit_level(),
            // So that a lock that is held for long leaves time to ask again.
            wait: (self.timeout * 2 / 3).as_millis().to_string(),
            ..work.request()
        });
        let request = request.map_err(|_| StoreError::Damaged("a step"))?;
        let holds = self.is_contended.get();
        let sent = self.link.step(&request, holds);
        self.holds.set(false);
        match sent {
            Ok(answer) => {
                self.heard(&answer);
                match answer.stale {
                    true => {
                        self.holds.set(holds);
                        if self.known.borrow_mut().learn(&work, answer) {
                            self.is_contended.set(true);
                        }
                        self.keep_pauses();
                        self.too_late()
                    }
                    false => {
                        self.in_time();
                        let paused = work.put_pauses.is_some();
                        let (owner, epoch) = (&self.process.name, self.epoch.borrow());
                        let mut known = self.known.borrow_mut();
                        known.keep(work, answer.version, owner, &epoch);
                        drop(known);
                        if paused {
                            self.keep_pauses();
                        }
                        Ok(())
                    }
                }
            }
            Err(Failed::Stale) => {
                self.is_contended.set(true);
                self.known.borrow_mut().forget(&work);
                self.too_late()
            }
            Err(Failed::Error(error)) => {
                self.in_time();
                self.known.borrow_mut().forget(&work);
                Err(StoreError::Server(error))
            }
        }
    }

    /// The next step is not of this transaction.
    fn in_time(&self) {
        self.late.set(0);
        self.is_contended.set(false);
    }

    fn too_late(&self) -> StoreResult<()> {
        self.late.set(self.late.get().saturating_add(1));
        match self.late.get() {
            MOST_LATE.. => {
                self.in_time();
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
            self.known.borrow_mut().rows.insert(row.seq, row.clone());
            loop {
                self.begin(false)?;
                close_abandoned(self, &key, self.life_of(&row))?;
                match self.commit() {
                    Err(StoreError::Stale) => {}
                    other => break other?,
                }
            }
        }
        Ok(())
    }
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

/// An outcome; a word that is none is damage.
pub(super) fn outcome(word: Option<&str>) -> StoreResult<Option<Outcome>> {
    let Some(word) = word else { return Ok(None) };
    let known = stored::outcome(word);
    known.map(Some).ok_or(StoreError::Damaged("outcome"))
}

/// How often a step may be too late.
const MOST_LATE: u32 = 50;
