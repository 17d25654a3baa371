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
        self.read(|| {
            // A ledger of an earlier version has no such columns.
            if !self.has_column("delivery")? {
                return Ok(Vec::new());
            }
            self.sql
                .prepare_cached(
                    "SELECT coalesce(sender, '-') AS sender, coalesce(region, '-') AS region,
                            count(*) AS asked, sum(delivery = 'delivered') AS delivered
                     FROM decisions WHERE at >= ?1 AND delivery IS NOT NULL
                     GROUP BY 1, 2 ORDER BY 1, 2",
                )?
                .query_map([since], |row| {
                    let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
                    Ok(Deliveries {
                        sender: row.get("sender")?,
                        region: row.get("region")?,
                        asked: count("asked")?,
                        delivered: count("delivered")?,
                    })
                })?
                .collect()
        })
    }

    /// How many messages since `since` were sent without the hub that is configured, as it was away.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn sent_without_hub(&self, since: Option<Timestamp>) -> Result<u64, LedgerError> {
        let since = since.map_or(i64::MIN, Timestamp::as_millisecond);
        self.read(|| {
            if !self.has_column("without_hub")? {
                return Ok(0);
            }
            self.sql
                .prepare_cached(
                    "SELECT count(*) FROM decisions WHERE at >= ?1 AND without_hub = 1",
                )?
                .query_row([since], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
        })
    }
}
