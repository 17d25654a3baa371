//! What a change is asked for with.

use super::{draft::Draft, error::EditError};

/// A change that can be asked for.
pub trait Order {
    /// What the change came to, for those who show it.
    type Done;

    /// Makes it in a draft. Nothing is written by this.
    ///
    /// # Errors
    ///
    /// The order makes no sense, or not as things are.
    fn make(&self, draft: &mut Draft) -> Result<Self::Done, EditError>;

    /// The change in words, for the journal: what, of what, and never a value that may be a secret.
    fn summary(&self) -> String;
}
