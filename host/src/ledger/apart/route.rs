//! Where a step goes: to the shared ledger, or to this machine's own beside it.

use super::Apart;
use crate::ledger::Ledger;
use crate::ledger::claim::{Claim, ClaimResult};
use crate::ledger::error::LedgerError;
use crate::ledger::store::{Store, StoreResult};
use crate::ledger::worker::{Durability, Queue};

impl Ledger {
    /// Asks something that either ledger can answer: the own one, where a shared one is away and that is wanted.
    pub(in crate::ledger) async fn ask<T: Send + 'static>(
        &self,
        question: impl Fn(&dyn Store) -> StoreResult<T> + Send + Clone + 'static,
    ) -> Result<T, LedgerError> {
        let again = self.apart.as_ref().map(|apart| (apart, question.clone()));
        let asked = self.current().call(Durability::Written, question).await;
        match (asked, again) {
            (Err(error @ LedgerError::Unreachable { .. }), Some((apart, question))) => {
                apart.note_away(&error)?;
                let own = &apart.own()?.queue;
                own.call(Durability::Written, question).await
            }
            (asked, _) => asked,
        }
    }

    /// Where steps go now that belong to no claim.
    pub(in crate::ledger) fn current(&self) -> &Queue {
        let apart = self.apart.as_ref().filter(|apart| apart.is_away());
        let own = apart.and_then(|apart| apart.own().ok());
        own.map_or(&self.queue, |own| &own.queue)
    }

    /// Where steps go that are about this id.
    pub(in crate::ledger) async fn holding(&self, id: &str) -> &Queue {
        if let Some(apart) = &self.apart
            && apart.holds(id).await
            && let Ok(own) = apart.own()
        {
            return &own.queue;
        }
        &self.queue
    }

    /// Claims where this machine has an own ledger beside the shared one.
    pub(in crate::ledger) async fn claim_beside(
        &self,
        apart: &Apart,
        claim: Claim,
    ) -> Result<ClaimResult, LedgerError> {
        if apart.holds(&claim.facts.id).await {
            return apart.claim(claim).await;
        }
        let may_go_apart = apart.takes(&claim);
        if may_go_apart && apart.goes_first() {
            return apart.claim(claim).await;
        }
        // Half of its time is left for the other way, and for being sent.
        let wait = claim.within / 2;
        let claimed = self.claim_under(claim.clone(), None);
        let error = match tokio::time::timeout(wait, claimed).await {
            Ok(Err(error @ LedgerError::Unreachable { .. })) => error,
            Ok(other) => {
                if other.is_ok() {
                    apart.note_back();
                }
                return other;
            }
            Err(_) => LedgerError::Late,
        };
        apart.note_away(&error)?;
        match may_go_apart {
            true => apart.claim(claim).await,
            false => Err(error),
        }
    }
}
