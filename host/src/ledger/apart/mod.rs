//! What a machine does by itself while the shared ledger can't be reached.
//!
//! A code that comes twice harms little; that no one can reset a password is an outage. So codes go by this
//! machine's own ledger meanwhile: at most once on this machine, under the limits as they are configured, or
//! its part of them, and under the pauses that were last known. New passwords wait for the shared ledger.
//!
//! | | |
//! |---|---|
//! | the shared ledger is not reached | [`Mark::set`], and the message is claimed in the own ledger |
//! | for a while after that | every process of this machine claims there at once |
//! | then one message tries the shared ledger | reached: [`Mark::age`], and all go back to it |
//! | the mark is still there | a repeat of an id that the own ledger holds is answered by it; a thread brings its rows over |
//! | all are brought over | [`Mark::clear`] |
//!
//! Each row is brought over once, whatever dies in between: how far that has come stands in the shared ledger, and is
//! written with the rows (see `postgres::bring`). They stay in the own ledger, so that a repeat in the next outage is
//! known.

mod mark;
mod route;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use textsender_plugin_api::Purpose;
use tokio::sync::oneshot;

use super::claim::{Claim, ClaimResult};
use super::error::LedgerError;
use super::folder::Folder;
use super::store::{Store, StoreResult};
use super::worker::Durability;
use super::{Brought, Ledger, Options, shared, wait_for_end};
use crate::config::{Shared, WhenUnreachable};
use crate::trust;
use mark::Mark;

/// That the shared ledger is away; or that it was, and this machine's own still has what was sent meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away {
    /// Since when it is, or was.
    pub since: Timestamp,
}

impl Away {
    /// How it is on this machine; `None`: the shared ledger has everything, or there is none.
    pub fn look(folder: &Path, options: &Options) -> Option<Away> {
        options.shared.as_ref()?;
        let mark = Mark::in_folder(folder);
        Some(Away {
            since: mark.since()?,
        })
    }
}

/// This machine's own ledger beside the shared one.
pub(super) struct Apart {
    folder: PathBuf,
    options: Options,
    shared: Shared,
    mark: Mark,
    own: OnceLock<Result<Box<Ledger>, LedgerError>>,
    bringing: Arc<AtomicBool>,
    /// Ends with the thread that brings rows over.
    brought: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Apart {
    /// The own ledger, where the configuration wants one beside the shared one.
    pub fn of(folder: &Path, options: &Options) -> Option<Apart> {
        let shared = options.shared.clone()?;
        if shared.when_unreachable != WhenUnreachable::OwnLedger {
            return None;
        }
        Some(Apart {
            folder: folder.to_owned(),
            options: options.clone(),
            shared,
            mark: Mark::in_folder(folder),
            own: OnceLock::new(),
            bringing: Arc::default(),
            brought: Mutex::new(None),
        })
    }

    /// The own ledger, opened when it is needed first.
    pub fn own(&self) -> Result<&Ledger, LedgerError> {
        let open = || {
            let options = Options {
                shared: None,
                keeps_places: true,
                ..self.options.clone()
            };
            Ledger::open(&self.folder, options).map(Box::new)
        };
        let own = self.own.get_or_init(open).as_ref();
        own.map(|own| &**own).map_err(LedgerError::clone)
    }

    /// Whether a message may go by the own ledger.
    pub fn takes(&self, claim: &Claim) -> bool {
        claim.purpose != Purpose::NewPassword
    }

    /// Whether the shared ledger is left alone for now.
    pub fn is_away(&self) -> bool {
        self.mark.is_fresh()
    }

    /// Where a message goes first: `true`, by the own ledger. Of those that find the shared one left alone long enough
    /// one tries it, and the others are not kept waiting by that.
    pub fn goes_first(&self) -> bool {
        if self.mark.is_fresh() {
            return true;
        }
        if self.mark.is_set() {
            // Where it can't be written, each tries.
            let _ = self.mark.set();
        }
        false
    }

    /// The shared ledger was not reached.
    pub fn note_away(&self, error: &LedgerError) -> Result<(), LedgerError> {
        if self.mark.set()? {
            tracing::warn!(%error, "codes go by this machine's own ledger until the shared one is back");
        }
        Ok(())
    }

    /// It was: what went by the own ledger is brought over.
    pub fn note_back(&self) {
        if self.mark.is_set() {
            self.mark.age();
            self.bring_over();
        }
    }

    /// Whether the own ledger has an id that the shared one may not know yet.
    pub async fn holds(&self, id: &str) -> bool {
        if !self.mark.is_set() {
            return false;
        }
        let Ok(own) = self.own() else { return false };
        let id = id.to_owned();
        let holder = move |store: &dyn Store| Ok(store.holder(&id)?.is_some());
        own.queue
            .call(Durability::Written, holder)
            .await
            .unwrap_or(false)
    }

    /// Claims a message in the own ledger.
    pub async fn claim(&self, claim: Claim) -> Result<ClaimResult, LedgerError> {
        let claim = self.portion(claim);
        let pauses = self.known_pauses();
        let own = self.own()?;
        let claimed = match own.claim_under(claim.clone(), pauses.clone()).await {
            // It was set aside, and there is a new one.
            Err(LedgerError::Corrupt { .. }) => own.claim_under(claim, pauses).await,
            claimed => claimed,
        };
        // Another process may just have found nothing to bring over, and taken the mark away.
        self.mark.restore()?;
        claimed.map(|result| result.with_ticket(|ticket| ticket.is_apart = true))
    }

    /// The claim under this machine's part of the limits.
    fn portion(&self, mut claim: Claim) -> Claim {
        let machines = self.shared.machines.get();
        if machines > 1 {
            claim.limits = Arc::new(claim.limits.divided_by(machines));
            if let Some(limit) = &mut claim.caller_limit {
                limit.rule.divide_by(machines);
            }
        }
        claim
    }

    /// What was paused when the shared ledger was last heard of; `None`: it was never heard of.
    fn known_pauses(&self) -> Option<String> {
        trust::read_to_string(&self.folder.join(PAUSES)).ok()
    }

    /// Brings what is in the own ledger over to the shared one, on a thread of its own.
    fn bring_over(&self) {
        if self.bringing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (ends, ended) = oneshot::channel::<()>();
        let (folder, shared, options) = (
            self.folder.clone(),
            self.shared.clone(),
            self.options.clone(),
        );
        let bringing = Arc::clone(&self.bringing);
        let run = move || {
            let _ends = ends;
            for _ in 0..TRIES {
                match bring_all(&folder, &shared, &options) {
                    Ok(false) => thread::sleep(PAUSE),
                    Ok(true) => break,
                    Err(error) => {
                        tracing::warn!(%error, "what was sent while the shared ledger was away is not in it yet");
                        break;
                    }
                }
            }
            bringing.store(false, Ordering::Release);
        };
        match thread::Builder::new()
            .name("ledger-bring".to_owned())
            .spawn(run)
        {
            Ok(_) => {
                let mut brought = self.brought.lock().unwrap_or_else(PoisonError::into_inner);
                *brought = Some(ended);
            }
            Err(_) => self.bringing.store(false, Ordering::Release),
        }
    }

    /// Lets the own ledger go; waits for it, and for what is being brought over.
    pub async fn end(&self, within: Duration) {
        if let Some(Ok(own)) = self.own.get() {
            own.end(within).await;
        }
        wait_for_end(&self.brought, within).await;
    }
}

/// Brings over all that is there, and takes the mark away. False: a message is still being sent.
fn bring_all(folder: &Path, shared: &Shared, options: &Options) -> Result<bool, LedgerError> {
    let mark = Mark::in_folder(folder);
    let Some(_alone) = mark.lock() else {
        return Ok(true);
    };
    let store = shared::store()?;
    let brought = (store.bring)(folder, shared, options)?;
    if brought.decisions > 0 {
        let decisions = brought.decisions;
        tracing::info!(
            decisions,
            "what this machine sent by its own ledger was brought over"
        );
    }
    // Where it can't be taken away, the next message tries it again.
    if !brought.is_all || mark.clear().is_err() {
        return Ok(brought.is_all);
    }
    // A message that is claimed meanwhile sets it before and after that: one that this look does not see sets it again.
    let late = (store.bring)(folder, shared, options)?;
    if !late.is_all {
        mark.restore()?;
    }
    Ok(late.is_all)
}

/// How often, and after how long, it is tried again while a message is still being sent.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// Brings a whole ledger over, and takes the mark away.
pub(super) fn move_over(folder: &Path, options: &Options) -> Result<Brought, LedgerError> {
    let shared = options.shared.as_ref().ok_or(LedgerError::NotShared)?;
    let brought = (shared::store()?.move_all)(folder, shared, options)?;
    let mark = Mark::in_folder(folder);
    if mark.is_set() {
        mark.age();
        bring_all(folder, shared, options)?;
    }
    Ok(brought)
}

/// Keeps what is paused, as the shared ledger has it, for when it is away.
pub(super) fn keep_pauses(folder: &Folder, pauses: &str) -> Result<(), LedgerError> {
    folder.keep(PAUSES, pauses)
}

/// The file in which they are kept.
const PAUSES: &str = "ledger.pauses";

/// Makes the pauses of the own ledger those that are known.
pub(super) fn adopt_pauses(store: &dyn Store, known: Option<&str>) -> StoreResult<()> {
    let Some(known) = known else { return Ok(()) };
    if store.pauses()?.unwrap_or_default() != known {
        store.put_pauses(Some(known).filter(|known| !known.is_empty()))?;
    }
    Ok(())
}
