//! One message, as the pipeline sends it.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::super::*;
use super::LIMITS;
use super::provider::{Found, Provider, Reply};
use super::witness::Witness;

/// A message on its way.
pub(super) struct Message {
    pub(super) process: usize,
    pub(super) id: String,
    pub(super) recipient: u64,
    pub(super) provider: Rc<RefCell<Provider>>,
    pub(super) witness: Rc<RefCell<Witness>>,
    pub(super) is_calm: bool,
    /// How often its caller looks whether the ledger has done a step, before it gives up on it.
    pub(super) patience: Option<u32>,
}

impl Message {
    pub(super) async fn send(&self, ledger: &Ledger) {
        let claim = Claim {
            phone: phone(&format!("+44770090010{}", self.recipient)),
            ..message_under(&self.id, LIMITS)
        };
        *self.witness.borrow_mut().claiming(self.recipient) += 1;
        let asked_at = self.witness.borrow().elapsed;
        let claimed = self.within(ledger.claim(claim)).await;
        *self.witness.borrow_mut().claiming(self.recipient) -= 1;
        let answer = match claimed {
            Err(_) => Outcome::Unavailable,
            Ok(ClaimResult::Replay { outcome, .. }) => outcome,
            Ok(ClaimResult::InProgress) => Outcome::InProgress,
            Ok(ClaimResult::Mismatch | ClaimResult::NoResend(_)) => {
                panic!("{} is the same message", self.id)
            }
            Ok(ClaimResult::Limited(reached)) => {
                if self.is_calm {
                    let witness = self.witness.borrow();
                    witness.is_rightly_limited(self.recipient, &reached, asked_at);
                }
                Outcome::Limited
            }
            Ok(ClaimResult::Paused(pause)) => panic!("nothing is paused here: {pause}"),
            Ok(ClaimResult::Fresh(ticket)) => {
                let claimed = ticket.held.as_ref().unwrap().row.at;
                let first = ticket.senders()[0].clone();
                self.deliver(ledger, ticket, claimed, &first).await
            }
            Ok(ClaimResult::Abandoned(ticket, attempt)) => {
                let found = match attempt.senders.is_empty() {
                    true => Found::CannotTell,
                    false => self.provider.borrow().find(&self.id),
                };
                match (found, attempt.answer) {
                    (Found::Yes, _) => self.settle(ledger, ticket, Outcome::Accepted, &[]).await,
                    // It keeps the place that it took then.
                    (Found::Absent, _) => {
                        let claimed = attempt.claimed_at.as_millisecond();
                        self.deliver(ledger, ticket, claimed, "").await
                    }
                    (Found::CannotTell, Some((outcome, _))) => {
                        let _ = self.within(ledger.still_unknown(ticket)).await;
                        outcome
                    }
                    (Found::CannotTell, None) => {
                        self.settle(ledger, ticket, Outcome::Unknown, &[]).await
                    }
                }
            }
        };
        let mut witness = self.witness.borrow_mut();
        witness.answers.insert(self.id.clone(), answer);
    }

    /// `counted`: the sender that the claim was counted for; an earlier process's may be any.
    async fn deliver(
        &self,
        ledger: &Ledger,
        ticket: Ticket,
        claimed: i64,
        counted: &str,
    ) -> Outcome {
        let place = {
            let mut witness = self.witness.borrow_mut();
            witness.takes_place(&self.id, self.recipient, claimed, counted)
        };
        let mut tried = Vec::new();
        let mut outcome = Outcome::Unavailable;
        for sender in ticket.senders().to_vec() {
            let before = self.witness.borrow().elapsed;
            match self.within(ledger.dispatched(&ticket, &sender)).await {
                Ok(None) => {}
                Ok(Some(_)) => continue,
                Err(LedgerError::Lost { id }) => panic!("{id} was closed by a stranger"),
                Err(_) => break,
            }
            self.witness.borrow_mut().hands_over(place, &sender, before);
            let reply = Provider::send(&self.provider, self.process, &self.id, &sender).await;
            outcome = match (reply, reply == Reply::Cut) {
                (Reply::Accepted, _) => Outcome::Accepted,
                (Reply::Refused, _) => Outcome::Unavailable,
                (Reply::Cut, _) => match self.provider.borrow().find(&self.id) {
                    Found::Yes => Outcome::Accepted,
                    Found::Absent => Outcome::Unavailable,
                    Found::CannotTell => Outcome::Unknown,
                },
            };
            tried.push((sender, outcome));
            if outcome != Outcome::Unavailable {
                break;
            }
        }
        let settled = self.settle(ledger, ticket, outcome, &tried).await;
        if outcome == Outcome::Unavailable {
            self.witness.borrow_mut().gives_back(place);
        }
        settled
    }

    async fn settle(
        &self,
        ledger: &Ledger,
        ticket: Ticket,
        outcome: Outcome,
        tried: &[(String, Outcome)],
    ) -> Outcome {
        let attempt = |(sender, outcome): &(String, Outcome)| Attempt {
            sender: sender.clone(),
            outcome: *outcome,
            code: None,
            ms: 1,
        };
        let report = |(sender, outcome): &(String, Outcome)| HealthReport {
            sender: sender.clone(),
            failure: (*outcome != Outcome::Accepted).then(|| "timeout".to_owned()),
            took: Duration::from_millis(1),
            ended_ago: Duration::ZERO,
            unsealed: None,
        };
        let end = FinalOutcome {
            attempts: tried.iter().map(attempt).collect(),
            health: tried.iter().map(report).collect(),
            ..decision(outcome)
        };
        // The answer stands, whether it is written down or not.
        let _ = self.within(ledger.settle(ticket, end)).await;
        outcome
    }

    /// Waits for the ledger as long as the caller does.
    async fn within<T>(
        &self,
        step: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        let mut step = pin!(step);
        let mut looks = 0;
        poll_fn(|context| {
            looks += 1;
            match step.as_mut().poll(context) {
                Poll::Pending if self.patience.is_some_and(|patience| looks > patience) => {
                    Poll::Ready(Err(LedgerError::Late))
                }
                polled => polled,
            }
        })
        .await
    }
}
