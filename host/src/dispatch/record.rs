//! The ledger as the configuration wants it: what a message asks of it, what the caller is told, and
//! what follows where it fails.
//!
//! | `[state] ledger` | the ledger fails before a message is handed over | and after that |
//! |---|---|---|
//! | `required` | the message is not sent: `unavailable`, with the reason | the answer stands; it is logged that a repeat may find the id open |
//! | `best_effort` | it is sent, and the log says that it went unrecorded | the same |
//! | `off` | there is no ledger: no replay, no limits, no audit | |

use std::{path::Path, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use textsender_plugin_api::{Message, Phone};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::{
    config::{self, Config},
    failpoint::Failpoints,
    ledger::{
        self, Claim, ClaimResult, EarlierAttempt, Facts, Ledger, LedgerError, LimitReached,
        Options, Scope, Ticket, Unclaimed,
    },
    protocol::{ErrorCode, Failure, MessageId, Outcome, Request, Response},
    route::Plan,
};

/// How long the ledger keeps a tag of a code that does not say when it expires.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// The ledger, as the configuration wants it.
pub(super) struct Record {
    /// `None` if it is off, or if the system gave it no thread.
    pub(super) ledger: Option<Arc<Ledger>>,
    wanted: config::Ledger,
    folder: PathBuf,
    retention: Duration,
    limits: Arc<ledger::Limits>,
    /// The user id that asks.
    caller: u32,
    failpoints: Failpoints,
}

/// What is known of a request, whatever becomes of it.
pub(super) struct Known {
    /// What the caller is told.
    pub(super) response: Response,
    /// The number, once it is read.
    pub(super) phone: Option<Phone>,
    /// The number's region, as two letters.
    pub(super) region: Option<String>,
}

/// How a message's turn begins.
pub(super) enum Begun {
    /// It is sent; without a ticket it goes unrecorded.
    Send(Option<Ticket>),
    /// It may have been sent by a process that died: it is looked for.
    Find(Ticket, EarlierAttempt),
    /// It was settled before.
    Replay(Box<Response>),
}

impl Record {
    /// Starts to open the ledger. It gets ready while other things are done.
    pub(super) fn open(
        config: &Config,
        folder: &Path,
        caller: u32,
        failpoints: Failpoints,
    ) -> Self {
        let state = &config.state;
        let options = Options {
            retention: state.retention,
            failpoints,
            ..Options::default()
        };
        let ledger = match state.ledger {
            config::Ledger::Off => None,
            config::Ledger::Required | config::Ledger::BestEffort => Ledger::open(folder, options)
                .map_err(|error| tracing::error!(%error, "no ledger"))
                .ok(),
        };
        Self {
            ledger: ledger.map(Arc::new),
            wanted: state.ledger,
            folder: folder.to_owned(),
            retention: state.retention,
            limits: Arc::new(ledger::Limits::from(&config.limits)),
            caller,
            failpoints,
        }
    }

    /// The ledger under an edited configuration: the same, unless the edit is about it.
    pub(super) fn reconfigured(&self, config: &Config, folder: &Path) -> Self {
        let state = &config.state;
        let is_off = |ledger| ledger == config::Ledger::Off;
        let is_same = self.folder == folder
            && self.retention == state.retention
            && is_off(self.wanted) == is_off(state.ledger);
        if !is_same {
            return Self::open(config, folder, self.caller, self.failpoints);
        }
        Self {
            ledger: self.ledger.clone(),
            wanted: state.ledger,
            folder: self.folder.clone(),
            retention: self.retention,
            limits: Arc::new(ledger::Limits::from(&config.limits)),
            caller: self.caller,
            failpoints: self.failpoints,
        }
    }

    /// Claims the id and its places in the limits.
    pub(super) async fn begin(&self, claim: Claim) -> Result<Begun, Failure> {
        let id = claim.facts.id.clone();
        let ledger = match (&self.ledger, self.wanted) {
            (Some(ledger), _) => ledger,
            (None, config::Ledger::Off) => return Ok(Begun::Send(None)),
            (None, _) => return self.tolerate(LedgerError::Stopped, &id).map(unrecorded),
        };
        match ledger.claim(claim).await {
            Ok(ClaimResult::Fresh(ticket)) => {
                for over in ticket.over() {
                    tracing::info!(id, limit = %over, "over a limit that is only recorded");
                }
                Ok(Begun::Send(Some(ticket)))
            }
            Ok(ClaimResult::Abandoned(ticket, attempt)) => Ok(Begun::Find(ticket, attempt)),
            Ok(ClaimResult::Replay { outcome, response }) => {
                Ok(Begun::Replay(Box::new(replayed(outcome, &response, id))))
            }
            Ok(ClaimResult::InProgress) => Err(Failure::new(ErrorCode::InProgress)),
            Ok(ClaimResult::Mismatch) => Err(Failure::new(ErrorCode::IdReused)),
            Ok(ClaimResult::Limited(reached)) => Err(limited(&reached)),
            Err(error) => self.tolerate(error, &id).map(unrecorded),
        }
    }

    /// Records a decision that sent nothing.
    pub(super) async fn note(&self, request: &Request, known: &Known, began: Instant) {
        let message = Unclaimed {
            facts: self.facts(request, known),
            purpose: Some(request.purpose),
            phone: known.phone.clone(),
            decision: decision(&known.response, began, Vec::new()),
        };
        self.note_unclaimed(message).await;
    }

    /// Records a request that is wrong, so that there is an answer to "why was no text sent?".
    pub(super) async fn note_invalid(&self, id: Option<&MessageId>, response: &Response) {
        let message = Unclaimed {
            facts: Facts {
                id: id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
                uid: self.caller,
                ..Facts::default()
            },
            purpose: None,
            phone: None,
            decision: decision(response, Instant::now(), Vec::new()),
        };
        self.note_unclaimed(message).await;
    }

    async fn note_unclaimed(&self, message: Unclaimed) {
        let Some(ledger) = &self.ledger else { return };
        let id = message.facts.id.clone();
        if let Err(error) = ledger.record(message).await {
            tracing::warn!(id, %error, "the decision is not in the audit");
        }
    }

    /// A failed ledger stops a message, unless the configuration says that it may go unrecorded.
    pub(super) fn tolerate(&self, error: LedgerError, id: &str) -> Result<(), Failure> {
        if self.wanted == config::Ledger::Required {
            return Err(error.into());
        }
        tracing::warn!(id, %error, "the message is sent unrecorded, as [state] ledger = \"best_effort\" wants it");
        Ok(())
    }

    /// What a message asks of the ledger.
    pub(super) fn claim(
        &self,
        request: &Request,
        message: &Message,
        plan: &Plan,
        known: &Known,
    ) -> Claim {
        let life = request.expires_in.unwrap_or(LIFE);
        Claim {
            facts: self.facts(request, known),
            purpose: request.purpose,
            phone: message.to.clone(),
            secret: Zeroizing::new(request.secret().expose().to_owned()),
            expires_at: Timestamp::now()
                .saturating_add(life)
                .unwrap_or(Timestamp::MAX),
            senders: plan.senders.clone(),
            limits: self.limits.clone(),
        }
    }

    fn facts(&self, request: &Request, known: &Known) -> Facts {
        Facts {
            id: request.id.as_str().to_owned(),
            event: request.event.map(|event| event.as_str().to_owned()),
            actor: request.actor.clone(),
            policy: known.response.policy.clone(),
            region: known.region.clone(),
            segments: known.response.segments,
            uid: self.caller,
        }
    }
}

impl Known {
    /// What is known of a request before anything is decided.
    pub(super) fn of(request: &Request) -> Self {
        Self {
            response: Response::for_id(&request.id),
            phone: None,
            region: None,
        }
    }
}

/// How a message ended, for the ledger.
pub(super) fn decision(
    response: &Response,
    began: Instant,
    health: Vec<ledger::HealthReport>,
) -> ledger::FinalOutcome {
    ledger::FinalOutcome {
        outcome: response.outcome,
        code: response.error.as_ref().map(|error| error.code.to_string()),
        sender: response.sender.clone(),
        provider_id: response.provider_id.clone(),
        attempts: response.attempts.clone(),
        took: began.elapsed(),
        // A response of ours has nothing that JSON can't say.
        response: serde_json::to_string(response).unwrap_or_default(),
        health,
    }
}

fn unrecorded((): ()) -> Begun {
    Begun::Send(None)
}

/// The stored response, marked as such. One that can't be read any more still has its outcome.
fn replayed(outcome: Outcome, stored: &str, id: String) -> Response {
    let mut response = serde_json::from_str(stored).unwrap_or_else(|_| {
        let mut response = Response {
            id: Some(id),
            ..Response::default()
        };
        match outcome {
            Outcome::Accepted => {}
            Outcome::Rejected => response.fail(&Failure::new(ErrorCode::NumberRejected)),
            _ => response.fail(&Failure::new(ErrorCode::Interrupted)),
        }
        response
    });
    response.replayed = true;
    response
}

/// Names the limit, the count, and the command that shows what is counted. There is no number in it.
fn limited(reached: &LimitReached) -> Failure {
    let limit = reached.limit.to_string();
    let window = limit.split_once('/').map_or("", |(_, window)| window);
    let whom = match reached.scope {
        Scope::Recipient => " --phone NUMBER",
        _ => "",
    };
    let detail = format!("{reached}; `textsender log --since {window}{whom}` shows them");
    Failure::with_detail(ErrorCode::Limited, detail).after(Some(reached.retry_after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Limit;

    #[test]
    fn a_limited_message_is_told_which_limit_and_what_shows_it() {
        let reached = LimitReached {
            scope: Scope::Recipient,
            limit: "5/10m".parse::<Limit>().unwrap(),
            count: 5,
            retry_after: Duration::from_millis(90_400),
        };
        let mut response = Response::default();
        response.fail(&limited(&reached));
        let error = response.error.unwrap();
        assert_eq!(
            error.message,
            "a limit is reached: 5 texts to this number in 10m, the limit recipient = 5/10m; \
             `textsender log --since 10m --phone NUMBER` shows them"
        );
        assert_eq!((error.retryable, error.retry_after), (true, Some(91)));
    }

    #[test]
    fn a_stored_response_that_cannot_be_read_still_has_its_outcome() {
        for (outcome, code) in [
            (Outcome::Accepted, None),
            (Outcome::Rejected, Some("rejected")),
            (Outcome::Unknown, Some("interrupted")),
        ] {
            let response = replayed(outcome, "{", "a".to_owned());
            let told = response.error.as_ref().map(|error| &*error.code);
            assert_eq!((response.outcome, told), (outcome, code));
            assert_eq!(
                (response.id.as_deref(), response.replayed),
                (Some("a"), true)
            );
        }
    }
}
