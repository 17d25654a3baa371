//! Brings a machine's own ledger over: what it sent while the shared one was away, or all that it sent until there
//! was a shared one.
//!
//! How far that has come stands in the shared ledger, beside the windows of the limits, and is compared and written in
//! the step that writes the rows. So each row comes once, whatever dies in between and however many processes bring it.
//! A row gets the number of its coming; when it was decided stays what it was.

use std::path::Path;
use std::rc::Rc;

use super::Postgres;
use super::link::Link;
use super::store::PostgresStore;
use super::wire::from_hex;
use crate::config;
use crate::ledger::Options;
use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::keys::Digest;
use crate::ledger::reservation::read_window;
use crate::ledger::settle::close_abandoned;
use crate::ledger::shared::Brought;
use crate::ledger::sqlite::outgoing::{Outgoing, StoredWindow};
use crate::ledger::store::{Life, Place, Store, StoreError, StoreResult};
use crate::ledger::stored::{Decision, hexadecimal};
use crate::ledger::window::Window;
use crate::protocol::Outcome;

/// Brings over what was decided.
pub(super) fn bring(
    folder: &Path,
    shared: &config::Shared,
    options: &Options,
) -> Result<Brought, LedgerError> {
    match Carrier::open(folder, shared, options)? {
        Some(carrier) => carrier.bring_decisions(),
        None => Ok(Brought {
            is_all: true,
            ..Brought::default()
        }),
    }
}

/// The same with what the limits count, the counts of all time, what is paused and what is known of senders.
pub(super) fn move_all(
    folder: &Path,
    shared: &config::Shared,
    options: &Options,
) -> Result<Brought, LedgerError> {
    let Some(carrier) = Carrier::open(folder, shared, options)? else {
        return Err(LedgerError::Absent {
            folder: folder.to_owned(),
        });
    };
    carrier.bring_what_comes_once()?;
    let windows = carrier.bring_windows()?;
    let brought = carrier.bring_decisions()?;
    carrier.bring_senders()?;
    Ok(Brought { windows, ..brought })
}

/// How far a ledger was brought over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    /// The number of the last decision that came.
    decision: i64,
    /// What decisions up to this number count came with the windows. Of later ones each brings its places.
    counted: i64,
    /// The last window.
    window: Digest,
}

impl Progress {
    fn bytes(self) -> Vec<u8> {
        let numbers = [self.decision.to_le_bytes(), self.counted.to_le_bytes()];
        [numbers.as_flattened(), &self.window].concat()
    }

    fn read(bytes: &[u8]) -> Option<Progress> {
        let (decision, rest) = bytes.split_first_chunk()?;
        let (counted, window) = rest.split_first_chunk()?;
        Some(Progress {
            decision: i64::from_le_bytes(*decision),
            counted: i64::from_le_bytes(*counted),
            window: window.try_into().ok()?,
        })
    }
}

struct Carrier {
    from: Outgoing,
    to: PostgresStore,
    /// Where it stands how far this ledger was brought.
    progress: Digest,
}

impl Carrier {
    /// `None`: this machine has no ledger of its own.
    fn open(
        folder: &Path,
        shared: &config::Shared,
        options: &Options,
    ) -> Result<Option<Carrier>, LedgerError> {
        let own = match Folder::existing(folder) {
            Ok(own) => own,
            Err(LedgerError::Absent { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let (from, keys) = Outgoing::open(&own, options)?;
        // A name of its own, and no secret: it outlasts every key.
        let name = from_hex(&from.name()?, "name").ok();
        let progress = name
            .and_then(|name| Digest::try_from(name).ok())
            .unwrap_or_default();
        let proof = keys.proofs();
        let link = Link::new(shared.clone(), folder.to_owned(), proof)?;
        let process = Rc::clone(&Postgres::new(shared, folder, options).process);
        let to = PostgresStore::open(link, keys, process, shared, options)?;
        Ok(Some(Carrier { from, to, progress }))
    }

    fn bring_decisions(&self) -> Result<Brought, LedgerError> {
        let mut brought = Brought::default();
        loop {
            let known = self.step(|store| self.progress(store))?;
            let (decisions, all_ended) = self.from.decisions(known.decision, AT_ONCE)?;
            let Some(last) = decisions.last() else {
                brought.is_all = all_ended;
                return Ok(brought);
            };
            let now = Progress {
                decision: last.seq,
                ..known
            };
            let is_done = self.step(|store| {
                if self.progress(store)? != known {
                    return Ok(false);
                }
                for decision in &decisions {
                    take_in(store, decision, decision.seq > known.counted)?;
                }
                self.put_progress(store, now)?;
                Ok(true)
            })?;
            if is_done {
                brought.decisions += decisions.len() as u64;
            }
        }
    }

    /// Brings what is counted of decisions that are gone, and what is paused, of a ledger none of which was brought yet.
    /// Decisions of a later time were brought before they went, and count there; what is paused later is so in the shared
    /// ledger, of which this one may have an old copy.
    fn bring_what_comes_once(&self) -> Result<(), LedgerError> {
        if self.step(|store| self.progress(store))? != Progress::default() {
            return Ok(());
        }
        self.bring_pauses()?;
        match self.from.totals()? {
            totals if totals.is_empty() => Ok(()),
            totals => self.to.add_totals(&hexadecimal(&self.progress), &totals),
        }
    }

    /// Brings what the limits count, of a ledger none of which was brought yet; or goes on with that.
    fn bring_windows(&self) -> Result<u64, LedgerError> {
        let last = self.from.last()?;
        let counted = self.step(|store| {
            let known = self.progress(store)?;
            if known != Progress::default() {
                return Ok(known.counted);
            }
            let counted = last;
            self.put_progress(store, Progress { counted, ..known })?;
            Ok(counted)
        })?;
        if counted == 0 {
            return Ok(0);
        }
        let mut count = 0;
        loop {
            let known = self.step(|store| self.progress(store))?;
            let windows = self.from.windows(known.window, AT_ONCE)?;
            let Some((last, ..)) = windows.last() else {
                return Ok(count);
            };
            let now = Progress {
                window: *last,
                ..known
            };
            let is_done = self.step(|store| {
                if self.progress(store)? != known {
                    return Ok(false);
                }
                for window in &windows {
                    add_window(store, window)?;
                }
                self.put_progress(store, now)?;
                Ok(true)
            })?;
            if is_done {
                count += windows.len() as u64;
            }
        }
    }

    /// What is paused here is paused for all, where nothing is yet.
    fn bring_pauses(&self) -> Result<(), LedgerError> {
        let Some(pauses) = self.from.pauses()? else {
            return Ok(());
        };
        self.step(|store| match store.pauses()? {
            None => store.put_pauses(Some(&pauses)),
            Some(_) => Ok(()),
        })
    }

    fn bring_senders(&self) -> Result<(), LedgerError> {
        let senders = self.from.senders()?;
        self.step(|store| {
            for (sender, breaker) in &senders {
                if store.breaker(sender)?.is_none() {
                    store.put_breaker(sender, breaker)?;
                }
            }
            Ok(())
        })
    }

    fn progress(&self, store: &PostgresStore) -> StoreResult<Progress> {
        let Some(bytes) = store.window(&self.progress)? else {
            return Ok(Progress::default());
        };
        Progress::read(&bytes).ok_or(StoreError::Damaged("events"))
    }

    fn put_progress(&self, store: &PostgresStore, progress: Progress) -> StoreResult<()> {
        store.put_window(&self.progress, Some(i64::MAX), &progress.bytes())
    }

    /// Does something in one step.
    fn step<T>(&self, work: impl Fn(&PostgresStore) -> StoreResult<T>) -> Result<T, LedgerError> {
        let store = &self.to;
        loop {
            // A standby has it, too, where claims are to be there.
            let done = store.begin(true).and_then(|()| work(store));
            match done.and_then(|done| store.commit().map(|()| done)) {
                Ok(done) => return Ok(done),
                Err(StoreError::Stale) => {}
                Err(error) => {
                    store.roll_back();
                    return Err(store.fault(&error));
                }
            }
        }
    }
}

/// Writes a decision of another ledger.
fn take_in(store: &PostgresStore, decision: &Decision, counts: bool) -> StoreResult<()> {
    // It was claimed here first, and the answer was lost on its way: nothing was sent by that claim.
    if decision.live
        && let Some(holder) = store.holder(&decision.id)?
        && holder.outcome.is_none()
        && holder.sent_to.is_none()
        && let Some(key) = holder.key()
    {
        close_abandoned(store, &key, Life::Dead)?;
    }
    let places = from_hex(decision.places.as_deref().unwrap_or_default(), "places")?;
    let places = Place::read(&places).ok_or(StoreError::Damaged("places"))?;
    if counts {
        for place in &places {
            let now = store.now();
            let mut window = read_window(store, &place.window, now)?.unwrap_or_default();
            window.insert(place.at, 1, place.span, now);
            let until = now.saturating_add(place.span);
            store.put_window(&place.window, Some(until), &window.bytes())?;
        }
    }
    // Only what may be found not to have been sent can give them back.
    let is_unknown = decision.outcome.as_deref() == Some(Outcome::Unknown.as_str());
    let places = decision.places.clone();
    store.insert_decision(Decision {
        places: places.filter(|_| is_unknown && decision.live),
        owner: None,
        lease: None,
        ..decision.clone()
    });
    Ok(())
}

/// Counts what another ledger's window counts.
fn add_window(store: &PostgresStore, (key, until, events): &StoredWindow) -> StoreResult<()> {
    let now = store.now();
    let theirs = Window::read(events, i64::MAX).ok_or(StoreError::Damaged("events"))?;
    let last = theirs.events().map(|(at, _)| at).max().unwrap_or(now);
    let span = until.saturating_sub(last);
    if *until <= now {
        return Ok(());
    }
    let mut window = read_window(store, key, now)?.unwrap_or_default();
    for (at, count) in theirs.events() {
        window.insert(at, count, span, now);
    }
    store.put_window(key, Some(now.saturating_add(span)), &window.bytes())
}

/// Decisions, or windows, of one step.
const AT_ONCE: i64 = 200;
