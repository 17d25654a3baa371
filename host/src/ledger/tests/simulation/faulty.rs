//! A store on which any operation may fail, and a disk that forgets what was not synced.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::Timestamp;

use super::random::Random;
use crate::failpoint::Step;
use crate::ledger::error::LedgerError;
use crate::ledger::keys::{Digest, Keys};
use crate::ledger::store::{
    Breaker, ClaimKey, Ending, Engine, Holder, Job, OpenClaim, Place, Row, Store, StoreError,
    StoreResult,
};

/// What goes wrong on the machine of a run.
pub(super) struct Faults {
    pub random: RefCell<Random>,
    /// One in so many operations fails; 0: none.
    pub one_in: Cell<u64>,
    /// So many operations more, and then one fails, whatever is `one_in`.
    pub countdown: Cell<Option<u32>>,
    /// The next COMMIT fails.
    pub commit_fails: Cell<bool>,
}

impl Faults {
    fn strike(&self) -> StoreResult<()> {
        let is_due = match self.countdown.get() {
            Some(0) => {
                self.countdown.set(None);
                true
            }
            Some(left) => {
                self.countdown.set(Some(left - 1));
                false
            }
            None => false,
        };
        let one_in = self.one_in.get();
        if is_due || (one_in > 0 && self.random.borrow_mut().below(one_in) == 0) {
            return Err(StoreError::Injected);
        }
        Ok(())
    }
}

/// What the disk holds after a power cut.
pub(super) struct Disk {
    folder: PathBuf,
    synced: RefCell<Vec<(PathBuf, Vec<u8>)>>,
}

impl Disk {
    pub fn new(folder: &Path) -> Disk {
        let disk = Disk {
            folder: folder.to_owned(),
            synced: RefCell::default(),
        };
        disk.sync();
        disk
    }

    /// What is written now survives.
    pub fn sync(&self) {
        let files = ["ledger.sqlite3", "ledger.sqlite3-wal"].map(|name| self.folder.join(name));
        let read = |path: PathBuf| Some((path.clone(), std::fs::read(path).ok()?));
        *self.synced.borrow_mut() = files.into_iter().filter_map(read).collect();
    }

    /// All that was not synced is gone.
    pub fn cut_power(&self) {
        for (path, bytes) in self.synced.borrow().iter() {
            std::fs::write(path, bytes).unwrap();
        }
        let _ = std::fs::remove_file(self.folder.join("ledger.sqlite3-shm"));
    }
}

/// Opens stores on which operations fail.
pub(super) struct FaultyEngine {
    pub inner: Box<dyn Engine>,
    pub faults: Rc<Faults>,
    pub sync: Rc<dyn Fn()>,
}

impl Engine for FaultyEngine {
    fn open(&mut self) -> Result<Box<dyn Store>, LedgerError> {
        let inner = self.inner.open()?;
        if self.faults.strike().is_err() {
            return Err(LedgerError::Stopped);
        }
        Ok(Box::new(FaultyStore {
            inner,
            faults: Rc::clone(&self.faults),
            sync: Rc::clone(&self.sync),
        }))
    }
}

struct FaultyStore {
    inner: Box<dyn Store>,
    faults: Rc<Faults>,
    sync: Rc<dyn Fn()>,
}

impl Store for FaultyStore {
    fn begin(&self, synced: bool) -> StoreResult<()> {
        self.inner.begin(synced)?;
        self.faults.strike()
    }
    fn commit(&self) -> StoreResult<()> {
        if self.faults.commit_fails.take() {
            return Err(StoreError::Injected);
        }
        self.faults.strike()?;
        self.inner.commit()
    }
    fn roll_back(&self) {
        self.inner.roll_back();
    }
    fn answer_durably(&mut self, steps: Vec<Box<dyn Job>>) {
        if self.faults.strike().is_err() {
            for step in steps {
                step.answer(Err(LedgerError::Stopped), true);
            }
            return;
        }
        // Several at once would be synced on a thread, in a time that no seed chooses.
        for step in steps {
            self.inner.answer_durably(vec![step]);
        }
        (self.sync)();
    }
    fn is_usable(&self) -> bool {
        self.inner.is_usable()
    }
    fn fault(&self, error: &StoreError) -> LedgerError {
        match error {
            StoreError::Injected => LedgerError::Stopped,
            other => self.inner.fault(other),
        }
    }
    fn now(&self) -> i64 {
        self.inner.now()
    }
    fn keys(&self) -> &Keys {
        self.inner.keys()
    }
    fn owner(&self) -> &str {
        self.inner.owner()
    }
    fn reached(&self, step: Step) {
        self.inner.reached(step);
    }
    fn holder(&self, id: &str) -> StoreResult<Option<Holder>> {
        self.faults.strike()?;
        self.inner.holder(id)
    }
    fn open_claim(&self, key: &ClaimKey) -> StoreResult<Option<OpenClaim>> {
        self.faults.strike()?;
        self.inner.open_claim(key)
    }
    fn insert(&self, row: &Row) -> StoreResult<i64> {
        self.faults.strike()?;
        self.inner.insert(row)
    }
    fn take_over(&self, holder: &Holder, lease: i64) -> StoreResult<()> {
        self.faults.strike()?;
        self.inner.take_over(holder, lease)
    }
    fn mark_dispatched(
        &self,
        key: &ClaimKey,
        sent_to: &[String],
        places: &[Place],
    ) -> StoreResult<bool> {
        self.faults.strike()?;
        self.inner.mark_dispatched(key, sent_to, places)
    }
    fn put_places(&self, key: &ClaimKey, places: &[Place]) -> StoreResult<()> {
        self.faults.strike()?;
        self.inner.put_places(key, places)
    }
    fn end(&self, key: &ClaimKey, ending: &Ending<'_>, live: bool) -> StoreResult<bool> {
        self.faults.strike()?;
        self.inner.end(key, ending, live)
    }
    fn end_as_before(&self, key: &ClaimKey) -> StoreResult<bool> {
        self.faults.strike()?;
        self.inner.end_as_before(key)
    }
    fn put_used(&self, seq: i64, at: i64) -> StoreResult<()> {
        self.faults.strike()?;
        self.inner.put_used(seq, at)
    }
    fn put_delivery(&self, seq: i64, state: &str, at: i64) -> StoreResult<()> {
        self.faults.strike()?;
        self.inner.put_delivery(seq, state, at)
    }
    fn has_used(&self, recipient: &Digest) -> StoreResult<bool> {
        self.faults.strike()?;
        self.inner.has_used(recipient)
    }
    fn has_provider_id(&self, provider_id: &str, since: Timestamp) -> StoreResult<bool> {
        self.faults.strike()?;
        self.inner.has_provider_id(provider_id, since)
    }
    fn window(&self, key: &Digest) -> StoreResult<Option<Vec<u8>>> {
        self.faults.strike()?;
        self.inner.window(key)
    }
    fn put_window(&self, key: &Digest, until: Option<i64>, events: &[u8]) -> StoreResult<()> {
        self.faults.strike()?;
        self.inner.put_window(key, until, events)
    }
    fn breaker(&self, sender: &str) -> StoreResult<Option<Breaker>> {
        self.faults.strike()?;
        self.inner.breaker(sender)
    }
    fn put_breaker(&self, sender: &str, breaker: &Breaker) -> StoreResult<()> {
        self.faults.strike()?;
        self.inner.put_breaker(sender, breaker)
    }
    fn pauses(&self) -> StoreResult<Option<String>> {
        self.faults.strike()?;
        self.inner.pauses()
    }
    fn put_pauses(&self, pauses: Option<&str>) -> StoreResult<()> {
        self.faults.strike()?;
        self.inner.put_pauses(pauses)
    }
    fn needs_tidying(&self) -> bool {
        self.inner.needs_tidying()
    }
    fn tidy(&self, used: bool) -> StoreResult<()> {
        self.inner.tidy(used)?;
        // What it writes back is synced.
        (self.sync)();
        self.faults.strike()
    }
}
