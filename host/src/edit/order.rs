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

    /// The sender that gets another name, and that name.
    fn renames(&self, _: &Draft) -> Option<(String, String)> {
        None
    }
}

/// Both in one step: what the second changes comes on top of the first.
impl<A: Order, B: Order> Order for (A, B) {
    type Done = (A::Done, B::Done);

    fn make(&self, draft: &mut Draft) -> Result<Self::Done, EditError> {
        Ok((self.0.make(draft)?, self.1.make(draft)?))
    }

    fn summary(&self) -> String {
        let summaries = [self.0.summary(), self.1.summary()];
        let summaries = summaries.into_iter().filter(|words| !words.is_empty());
        summaries.collect::<Vec<_>>().join("; ")
    }
}

/// Perhaps nothing.
impl<O: Order> Order for Option<O> {
    type Done = Option<O::Done>;

    fn make(&self, draft: &mut Draft) -> Result<Self::Done, EditError> {
        self.as_ref().map(|order| order.make(draft)).transpose()
    }

    fn summary(&self) -> String {
        self.as_ref().map(Order::summary).unwrap_or_default()
    }
}
