//! How far an exchange came, and why not further, seen from outside the future that carries it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

use textsender_plugin_api::Stage;

use super::Fault;

/// The stage of one exchange. It only moves forward, unless what was feared proves unfounded.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    stage: AtomicU8,
    is_waiting: AtomicBool,
    fault: Mutex<Option<Fault>>,
}

impl Progress {
    /// Notes that the exchange came this far.
    pub fn reach(&self, stage: Stage) {
        self.0.stage.fetch_max(stage as u8, Ordering::Relaxed);
    }

    /// Notes that it was held for written and can't have been: there was no connection.
    pub fn not_written(&self) {
        self.0.stage.store(Stage::NotSent as u8, Ordering::Relaxed);
    }

    /// How far it came.
    pub fn stage(&self) -> Stage {
        match self.0.stage.load(Ordering::Relaxed) {
            0 => Stage::NotSent,
            1 => Stage::Written,
            _ => Stage::Answered,
        }
    }

    /// Notes whether it waits until its sender has a connection to spare.
    pub fn set_waiting(&self, is_waiting: bool) {
        self.0.is_waiting.store(is_waiting, Ordering::Relaxed);
    }

    /// Whether it waits, or waited for most of its time.
    pub fn is_waiting(&self) -> bool {
        self.0.is_waiting.load(Ordering::Relaxed)
    }

    /// Notes why it brought no answer.
    pub(super) fn fail(&self, fault: Fault) {
        *self.lock() = Some(fault);
    }

    /// Why it brought no answer, if it ended without one.
    pub fn fault(&self) -> Option<Fault> {
        self.lock().clone()
    }

    /// Has the words of its fault cleaned, if it has one: a peer had a say in them.
    pub fn clean_fault(&self, clean: impl FnOnce(&str) -> String) {
        if let Some(words) = self.lock().as_mut().and_then(|fault| fault.words.as_mut()) {
            *words = clean(words);
        }
    }

    /// No code that holds the lock can panic, but for `clean`, after which the fault is whole.
    fn lock(&self) -> MutexGuard<'_, Option<Fault>> {
        self.0.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
