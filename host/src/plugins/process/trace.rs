//! What left this machine for one call: the front's own knowledge, against which a plugin's word
//! is held.

use std::sync::{Arc, Mutex, PoisonError};

use textsender_plugin_api::Stage;

use crate::transport::Progress;

/// The delivering exchanges of one call.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    exchanges: Arc<Mutex<Vec<Progress>>>,
    network_granted: bool,
}

impl Trace {
    /// The trace of a call that was handed to a plugin, which may or may not have connections of
    /// its own.
    pub fn new(network_granted: bool) -> Self {
        Self {
            exchanges: Arc::default(),
            network_granted,
        }
    }

    /// Whether the plugin may have sent something that the front did not see: only its own word
    /// tells then.
    pub fn is_blind(&self) -> bool {
        self.network_granted
    }

    /// Notes a new exchange, and gives the progress by which it is followed.
    pub(crate) fn begin(&self, delivers: bool) -> Progress {
        let progress = Progress::default();
        if delivers {
            self.stages_mut(|all| all.push(progress.clone()));
        }
        progress
    }

    /// Whether a message may have been taken without our knowing: written, and not answered.
    pub fn is_in_doubt(&self) -> bool {
        self.any(|stage| stage == Stage::Written)
    }

    /// Whether a provider answered a delivering exchange.
    pub fn is_answered(&self) -> bool {
        self.any(|stage| stage == Stage::Answered)
    }

    /// Whether anything left that may have handed a message over.
    pub fn has_left(&self) -> bool {
        self.any(|stage| stage != Stage::NotSent)
    }

    fn any(&self, is: impl Fn(Stage) -> bool) -> bool {
        self.stages_mut(|all| all.iter().any(|progress| is(progress.stage())))
    }

    fn stages_mut<T>(&self, with: impl FnOnce(&mut Vec<Progress>) -> T) -> T {
        with(
            &mut self
                .exchanges
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
