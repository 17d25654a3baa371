//! One message's turn, recorded: a mark before each handing over, the outcome after it.

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use textsender_plugin_api::{Found, Message};
use tokio::time::Instant;

use super::{
    apply_result,
    record::{Record, decision},
};
use crate::{
    failpoint::Step,
    ledger::{self, EarlierAttempt, Health, Ledger, Ticket},
    plugins::{CallEnd, CallResult, Pool, Reply, Work},
    protocol::{self, ErrorCode, Failure, Outcome, Response},
    route::{Ask, Plan, RouteOutcome},
};

/// How far before an attempt another message may have been claimed that still has what `find` found:
/// the time that it took to be sent, the provider's whole seconds, and how far apart the clocks may be.
const OVERLAP: Duration = Duration::from_mins(10);

/// One message's turn: senders are asked through it.
pub(super) struct Recorded<'a> {
    record: &'a Record,
    ticket: Option<Ticket>,
    pool: &'a Pool,
    id: &'a str,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(
        record: &'a Record,
        ticket: Option<Ticket>,
        pool: &'a Pool,
        id: &'a str,
    ) -> Self {
        Self {
            record,
            ticket,
            pool,
            id,
        }
    }

    /// Puts senders that are known to fail behind those that are not.
    pub(super) fn put_paused_last(&self, senders: &mut Vec<String>) {
        let Some(ticket) = &self.ticket else { return };
        let is_paused = |health: &Health| matches!(health, Health::Paused { .. });
        let mut health = ticket.health().iter().map(is_paused);
        // A ticket has the health of each sender, in their order.
        let all = std::mem::take(senders).into_iter();
        let (paused, good) = all.partition(|_| health.next().unwrap_or(false));
        *senders = good;
        senders.extend::<Vec<String>>(paused);
    }

    /// Looks for a message that another process may have sent. `None` if it is proven absent: with
    /// every sender that it was handed to, which a power cut may hide.
    pub(super) async fn find(
        &self,
        attempt: &EarlierAttempt,
        message: &Message,
        plan: &Plan,
    ) -> Option<RouteOutcome> {
        let since = u64::try_from(attempt.claimed_at.as_millisecond()).unwrap_or(0);
        let is_known = !attempt.senders.is_empty();
        let senders = match is_known {
            true => &attempt.senders,
            false => &plan.senders,
        };
        let mut is_absent = is_known;
        for sender in senders {
            let work = Work::Find(message.clone(), since);
            let asked = self.ask(sender, work, plan.deadline).await;
            match asked.map(|end| end.result) {
                Ok(CallResult::Replied(Reply::Found(Found::Accepted(receipt)))) => {
                    return Some(RouteOutcome::found(sender, Ok(receipt)));
                }
                Ok(CallResult::Replied(Reply::Found(Found::Absent))) => {}
                _ => is_absent = false,
            }
        }
        let last = senders.last().map_or("", String::as_str);
        (!is_absent).then(|| RouteOutcome::found(last, Err(Failure::new(ErrorCode::Interrupted))))
    }

    /// Writes how the message ended, and makes the response.
    pub(super) async fn settle(
        self,
        delivered: RouteOutcome,
        mut response: Response,
        began: Instant,
    ) -> Response {
        if let Some(ledger) = &self.record.ledger {
            ledger.reached(Step::Answered);
        }
        let health = delivered.attempts.iter().filter_map(verdict).collect();
        apply_result(&mut response, delivered);
        if let (Some(ledger), Some(ticket)) = (&self.record.ledger, self.ticket) {
            let settled = ledger
                .settle(ticket, decision(&response, began, health))
                .await;
            if let Err(error) = settled {
                // The answer stands: what a provider took, it took.
                tracing::error!(id = self.id, %error, "the outcome is not in the ledger");
            }
        }
        response
    }
}

/// What an attempt tells of its sender's health; `None` if it tells nothing of it.
fn verdict(attempt: &protocol::Attempt) -> Option<ledger::HealthReport> {
    let code = attempt.code.as_deref().and_then(ErrorCode::parse);
    let failure = match (attempt.outcome, code) {
        (Outcome::Accepted | Outcome::Rejected, _) => None,
        (_, Some(code)) if is_the_senders_own(code) => Some(code.as_str().to_owned()),
        _ => return None,
    };
    Some(ledger::HealthReport {
        sender: attempt.sender.clone(),
        failure,
        took: Duration::from_millis(attempt.ms),
    })
}

/// Whether the next message would most likely meet the same failure. A provider that wants it slower
/// works; a ledger that fails, or a code that expires, is not the sender's doing.
const fn is_the_senders_own(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ProviderUnavailable
            | ErrorCode::Exhausted
            | ErrorCode::Timeout
            | ErrorCode::PluginFailed
            | ErrorCode::MaybeSent
            | ErrorCode::PluginMissing
            | ErrorCode::PluginRefused
            | ErrorCode::BadSettings
            | ErrorCode::SecretMissing
            | ErrorCode::Unauthorized
            | ErrorCode::ProviderRefused
    )
}

impl Ask for Recorded<'_> {
    async fn ask(&self, sender: &str, work: Work, deadline: Instant) -> Result<CallEnd, Failure> {
        let (Some(ledger), Some(ticket)) = (&self.record.ledger, &self.ticket) else {
            return self.pool.ask(sender, work, deadline).await;
        };
        let since = match &work {
            Work::Find(_, since) => Some(*since),
            _ => None,
        };
        if matches!(work, Work::Send(_)) {
            // First ready, then marked, then handed over: what never got ready was not dispatched.
            self.pool.ready(sender, deadline).await?;
            if let Err(error) = ledger.dispatched(ticket, sender).await {
                self.record.tolerate(error, self.id)?;
            }
        }
        let mut end = self.pool.ask(sender, work, deadline).await?;
        if let (Some(since), CallResult::Replied(Reply::Found(found))) = (since, &mut end.result) {
            not_anothers(ledger, found, since).await;
        }
        Ok(end)
    }

    fn timeout(&self, sender: &str) -> Duration {
        self.pool.timeout(sender)
    }
}

/// A text that another message of ours is known to be is not this one.
async fn not_anothers(ledger: &Ledger, found: &mut Found, since: u64) {
    let Found::Accepted(receipt) = &*found else {
        return;
    };
    let Some(id) = &receipt.provider_id else {
        return;
    };
    let since = UNIX_EPOCH + Duration::from_millis(since).saturating_sub(OVERLAP);
    let since = Timestamp::try_from(since);
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    if ledger.has_provider_id(id, since).await.unwrap_or(true) {
        *found = Found::CannotTell;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_blamed_for_its_own_failures_only() {
        let told = |code: Option<ErrorCode>| {
            let attempt = protocol::Attempt {
                sender: "twilio".to_owned(),
                outcome: code.map_or(Outcome::Accepted, ErrorCode::outcome),
                code: code.map(|code| code.as_str().into()),
                ms: 5,
            };
            verdict(&attempt).map(|verdict| verdict.failure.is_some())
        };
        for (code, blamed) in [
            (None, Some(false)),
            (Some(ErrorCode::NumberRejected), Some(false)),
            (Some(ErrorCode::Undeliverable), Some(false)),
            (Some(ErrorCode::Timeout), Some(true)),
            (Some(ErrorCode::MaybeSent), Some(true)),
            (Some(ErrorCode::Unauthorized), Some(true)),
            (Some(ErrorCode::PluginMissing), Some(true)),
            (Some(ErrorCode::Throttled), None),
            (Some(ErrorCode::Expired), None),
            (Some(ErrorCode::LedgerFull), None),
        ] {
            assert_eq!(told(code), blamed, "{code:?}");
        }
    }
}
