//! How far an exchange came, seen from outside the future that carries it.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use textsender_plugin_api::Stage;

/// The stage of one exchange. It only moves forward, unless what was feared proves unfounded.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU8>);

impl Progress {
    /// Notes that the exchange came this far.
    pub fn reach(&self, stage: Stage) {
        self.0.fetch_max(stage as u8, Ordering::Relaxed);
    }

    /// Notes that it was held for written and can't have been: there was no connection.
    pub fn not_written(&self) {
        self.0.store(Stage::NotSent as u8, Ordering::Relaxed);
    }

    /// How far it came.
    pub fn stage(&self) -> Stage {
        match self.0.load(Ordering::Relaxed) {
            0 => Stage::NotSent,
            1 => Stage::Written,
            _ => Stage::Answered,
        }
    }
}
