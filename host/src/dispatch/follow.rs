//! What became of a message after a provider accepted it.

use std::time::Duration;

use textsender_plugin_api::{DeliveryState, DeliveryStatus};
use tokio::time::Instant;

use super::Dispatch;
use crate::{
    protocol::{DeliveryBody, Failure, Outcome, Response},
    route,
};

/// When an accepted message is looked at first; doubled each time, as most arrive in seconds.
const FIRST_LOOK: Duration = Duration::from_millis(250);

/// The longest time between two looks at an accepted message.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

impl Dispatch {
    /// Asks a sender what became of a message that it accepted.
    ///
    /// # Errors
    ///
    /// There is no such sender, or its plugin or provider could not be asked.
    pub async fn status(&self, sender: &str, provider_id: &str) -> Result<DeliveryStatus, Failure> {
        let deadline = Instant::now() + self.pool.timeout(sender);
        route::status(&*self.pool, sender, provider_id, deadline).await
    }

    /// Follows an accepted message to its final state, for at most as long as `wait`, and puts what
    /// became of it into the response.
    pub async fn follow(&self, response: &mut Response, wait: Duration) {
        let (Some(sender), Some(id)) = (&response.sender, &response.provider_id) else {
            return;
        };
        let now = Instant::now();
        let (Outcome::Accepted, Some(until)) = (response.outcome, now.checked_add(wait)) else {
            return;
        };
        let (mut pause, timeout) = (FIRST_LOOK, self.pool.timeout(sender));
        loop {
            tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
            let now = Instant::now();
            if now >= until {
                return;
            }
            pause = (pause * 2).min(LONGEST_LOOK);
            let deadline = until.min(now + timeout);
            let Ok(delivery) = route::status(&*self.pool, sender, id, deadline).await else {
                continue;
            };
            response.delivery = Some(DeliveryBody::from(&delivery));
            if matches!(
                delivery.state,
                DeliveryState::Delivered | DeliveryState::Failed
            ) {
                return;
            }
        }
    }
}
