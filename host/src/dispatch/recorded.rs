//! The ledger's part in a send: the claim before it, a mark before each handing over, the outcome
//! after it; and what follows where the ledger fails.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use jiff::Timestamp;
use textsender_plugin_api::{Found, Message, Phone};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::fill;
use crate::{
    config::{self, Config},
    ledger::{
        self, Attempt, Claim, Claimed, Facts, Health, Ledger, LedgerError, Options, Step, Ticket,
        Unclaimed,
    },
    plugins::{CallEnd, CallResult, Pool, Reply, Work},
    protocol::{ErrorCode, Failure, Outcome, Request, Response},
    route::{Ask, Delivered, Plan},
};

/// How long the ledger keeps a tag of a code that does not say when it expires.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// The ledger, as the configuration wants it.
pub(super) struct Record {
    /// `None` if it is off.
    ledger: Option<Arc<Ledger>>,
    /// Whether a message may be sent that can't be recorded.
    is_required: bool,
    limits: Arc<ledger::Limits>,
}

/// How a message's turn begins.
pub(super) enum Begun {
    /// It is sent; without a ticket it goes unrecorded.
    Send(Option<Ticket>),
    /// It may have been sent by a process that died: it is looked for.
    Find(Ticket, Attempt),
    /// It was settled before.
    Replay(Box<Response>),
}

impl Record {
    /// Starts to open the ledger. It gets ready while other things are done.
    pub(super) fn open(config: &Config, state: &Path) -> Self {
        let options = Options {
            retention: config.state.retention,
            ..Options::default()
        };
        let ledger = match config.state.ledger {
            config::Ledger::Off => None,
            config::Ledger::Required | config::Ledger::BestEffort => {
                let opened = Ledger::open(state, options);
                opened
                    .map_err(|error| tracing::error!(%error, "no ledger"))
                    .ok()
            }
        };
        Self {
            ledger: ledger.map(Arc::new),
            ..Self::off()
        }
        .reconfigured(config)
    }

    /// The same ledger under an edited configuration.
    pub(super) fn reconfigured(&self, config: &Config) -> Self {
        Self {
            ledger: self.ledger.clone(),
            is_required: config.state.ledger == config::Ledger::Required,
            limits: Arc::new(ledger::Limits::from(&config.limits)),
        }
    }

    fn off() -> Self {
        Self {
            ledger: None,
            is_required: false,
            limits: Arc::default(),
        }
    }

    /// Claims the id and its places in the limits.
    pub(super) async fn begin(&self, mut claim: Claim) -> Result<Begun, Failure> {
        let Some(ledger) = &self.ledger else {
            return match self.is_required {
                true => Err(Failure::new(ErrorCode::LedgerUnavailable)),
                false => Ok(Begun::Send(None)),
            };
        };
        claim.limits = self.limits.clone();
        match ledger.claim(claim).await {
            Ok(Claimed::Fresh(ticket)) => {
                for over in ticket.over() {
                    tracing::info!(limit = %over, "over a limit that is only recorded");
                }
                Ok(Begun::Send(Some(ticket)))
            }
            Ok(Claimed::Abandoned(ticket, attempt)) => Ok(Begun::Find(ticket, attempt)),
            Ok(Claimed::Replay { outcome, response }) => {
                Ok(Begun::Replay(Box::new(replayed(outcome, &response))))
            }
            Ok(Claimed::InProgress) => Err(Failure::new(ErrorCode::InProgress)),
            Ok(Claimed::Mismatch) => Err(Failure::new(ErrorCode::IdReused)),
            Ok(Claimed::Limited(reached)) => {
                let detail = format!("{reached}; `textsender log --outcome accepted` shows them");
                let limited = Failure::with_detail(ErrorCode::Limited, detail);
                Err(limited.after(Some(reached.retry_after)))
            }
            Err(error) => self.forgive(error).map(|()| Begun::Send(None)),
        }
    }

    /// Records a decision that sent nothing.
    pub(super) async fn note(&self, request: &Request, response: &Response, began: Instant) {
        let Some(ledger) = &self.ledger else { return };
        let message = Unclaimed {
            facts: facts(request, response, None),
            purpose: Some(request.purpose),
            phone: Phone::parse(&request.user.phone).ok(),
            decision: decision(response, began, Vec::new()),
        };
        if let Err(error) = ledger.record(message).await {
            tracing::warn!(%error, "the decision is not in the audit");
        }
    }

    /// A failed ledger stops a message, unless the configuration says that it may go unrecorded.
    fn forgive(&self, error: LedgerError) -> Result<(), Failure> {
        if self.is_required {
            return Err(Failure::with_detail(
                ErrorCode::LedgerUnavailable,
                error.to_string(),
            ));
        }
        tracing::warn!(%error, "the message goes unrecorded");
        Ok(())
    }
}

/// What a message asks of the ledger.
pub(super) fn claim(
    request: &Request,
    message: &Message,
    plan: &Plan,
    response: &Response,
    region: String,
) -> Claim {
    let life = request.expires_in.unwrap_or(LIFE);
    Claim {
        facts: facts(request, response, Some(region)),
        purpose: request.purpose,
        phone: message.to.clone(),
        secret: Zeroizing::new(request.secret().expose().to_owned()),
        expires_at: Timestamp::now()
            .saturating_add(life)
            .unwrap_or(Timestamp::MAX),
        senders: plan.senders.clone(),
        limits: Arc::default(),
    }
}

fn facts(request: &Request, response: &Response, region: Option<String>) -> Facts {
    Facts {
        id: request.id.as_str().to_owned(),
        event: request.event.map(|event| event.as_str().to_owned()),
        actor: request.actor.clone(),
        policy: response.policy.clone(),
        region,
        segments: response.segments,
        uid: rustix::process::getuid().as_raw(),
    }
}

fn decision(response: &Response, began: Instant, health: Vec<ledger::Verdict>) -> ledger::Decision {
    ledger::Decision {
        outcome: response.outcome,
        code: response.error.as_ref().map(|error| error.code.to_string()),
        sender: response.sender.clone(),
        provider_id: response.provider_id.clone(),
        attempts: u32::try_from(response.attempts.len()).unwrap_or(u32::MAX),
        took: began.elapsed(),
        // A response of ours has nothing that JSON can't say.
        response: serde_json::to_string(response).unwrap_or_default(),
        health,
    }
}

/// The stored response, marked as such. One that can't be read any more still has its outcome.
fn replayed(outcome: Outcome, stored: &str) -> Response {
    let mut response: Response = serde_json::from_str(stored).unwrap_or_else(|_| Response {
        outcome,
        ..Response::default()
    });
    response.replayed = true;
    response
}

/// One message's turn, recorded: senders are asked through it.
pub(super) struct Recorded<'a> {
    record: &'a Record,
    ticket: Option<Ticket>,
    pool: &'a Pool,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(record: &'a Record, ticket: Option<Ticket>, pool: &'a Pool) -> Self {
        Self {
            record,
            ticket,
            pool,
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

    /// Looks for a message that another process may have sent. `None` if it is proven absent.
    pub(super) async fn find(
        &self,
        attempt: &Attempt,
        message: &Message,
        deadline: Instant,
    ) -> Option<Delivered> {
        let since = u64::try_from(attempt.claimed_at.as_millisecond()).unwrap_or(0);
        let mut is_absent = !attempt.senders.is_empty();
        for sender in &attempt.senders {
            let work = Work::Find(message.clone(), since);
            let asked = self.ask(sender, work, deadline).await;
            match asked.map(|end| end.result) {
                Ok(CallResult::Replied(Reply::Found(Found::Yes(receipt)))) => {
                    return Some(Delivered::found(sender, Ok(receipt)));
                }
                Ok(CallResult::Replied(Reply::Found(Found::Absent))) => {}
                _ => is_absent = false,
            }
        }
        let last = attempt.senders.last().map_or("", String::as_str);
        (!is_absent).then(|| Delivered::found(last, Err(Failure::new(ErrorCode::MaybeSent))))
    }

    /// Writes how the message ended, and makes the response.
    pub(super) async fn settle(
        self,
        delivered: Delivered,
        mut response: Response,
        began: Instant,
    ) -> Response {
        Step::Answered.reached();
        let health = delivered.attempts.iter().map(health).collect();
        fill(&mut response, delivered);
        if let (Some(ledger), Some(ticket)) = (&self.record.ledger, self.ticket) {
            let settled = ledger
                .settle(ticket, decision(&response, began, health))
                .await;
            if let Err(error) = settled {
                tracing::error!(%error, "the outcome is not in the ledger");
            }
        }
        response
    }
}

/// How a sender did in one attempt: what it is not to blame for is no failure of its.
fn health(attempt: &crate::protocol::Attempt) -> ledger::Verdict {
    let is_failure = !matches!(attempt.outcome, Outcome::Accepted | Outcome::Rejected);
    ledger::Verdict {
        sender: attempt.sender.clone(),
        failure: attempt
            .code
            .as_ref()
            .filter(|_| is_failure)
            .map(ToString::to_string),
        took: Duration::from_millis(attempt.ms),
    }
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
                self.record.forgive(error)?;
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
    let Found::Yes(receipt) = &*found else { return };
    let Some(id) = &receipt.provider_id else {
        return;
    };
    let since = Timestamp::try_from(UNIX_EPOCH + Duration::from_millis(since));
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH);
    if ledger.knows(id, since).await.unwrap_or(true) {
        *found = Found::CannotTell;
    }
}
