//! What became of accepted texts, as their providers had it when they were asked: *accepted* is not
//! *delivered*, and a sender's name that is filtered looks as good as one that is not.

use textsender_plugin_api::DeliveryState;

use super::store::{Store, StoreResult};

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
