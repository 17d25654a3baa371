//! What became of accepted texts, as their providers had it when they were asked: *accepted* is not
//! *delivered*, and a sender's name that is filtered looks as good as one that is not.

use jiff::Timestamp;
use textsender_plugin_api::DeliveryState;

use super::error::LedgerError;
use super::history::History;
use super::store::{Store, StoreResult};

/// How many texts of a sender to a region were asked about, and how many of them had arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliveries {
    /// The sender.
    pub sender: String,
    /// The numbers' region.
    pub region: String,
    /// Texts whose provider could tell.
    pub asked: u64,
    /// Those that the phone had.
    pub delivered: u64,
}

/// Writes what a provider said of the message with this id; one that can't tell says nothing.
pub(super) fn note(store: &dyn Store, id: &str, state: DeliveryState) -> StoreResult<()> {
    let word = match state {
        DeliveryState::Accepted | DeliveryState::Sent => "sent",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
        _ => return Ok(()),
    };
    match store.holder(id)? {
        Some(holder) => store.put_delivery(holder.seq, word, store.now()),
        None => Ok(()),
    }
}

impl History {
    /// Counts the texts since `since` whose providers were asked, by sender and region.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn deliveries(&self, since: Option<Timestamp>) -> Result<Vec<Deliveries>, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.archive.deliveries(since)
    }

    /// How many messages since `since` were sent without the hub that is configured, as it was away.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn sent_without_hub(&self, since: Option<Timestamp>) -> Result<u64, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.archive.sent_without_hub(since)
    }
}
