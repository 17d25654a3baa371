//! A change of what was seen: refused where the configuration changed meanwhile.

use super::{draft::Draft, error::EditError, order::Order};

/// An order that holds for a configuration as it was seen, and for no other.
#[derive(Debug, Clone)]
pub struct AsSeen<O> {
    /// The change.
    pub order: O,
    /// [`Sources::digest`](crate::config::Sources::digest) of what was seen.
    pub digest: String,
}

impl<O: Order> Order for AsSeen<O> {
    type Done = O::Done;

    fn make(&self, draft: &mut Draft) -> Result<O::Done, EditError> {
        // Under the lock that every change takes, so that none comes in between.
        match draft.config().sources.digest() == self.digest {
            true => self.order.make(draft),
            false => Err(EditError::Changed),
        }
    }

    fn summary(&self) -> String {
        self.order.summary()
    }
}
