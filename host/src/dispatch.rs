//! One request's way, from the front to the back. Everything that sends comes through here.
//!
//! | stage | what it holds | what comes next |
//! |---|---|---|
//! | `Received` | the request | policy, recipient and text are looked up |
//! | `Decided` | the message, whom to ask, until when | its id and its places in the limits are claimed |
//! | `Claimed` | the right to send it, and what an earlier attempt left open | senders are asked, each marked in the ledger before it gets the message |
//! | `Routed` | what came of that | it is written down |
//! | `Settled` | the response | the caller |
//!
//! A stage that can't go on gives `Settled` at once.

mod access;
mod answer;
mod current;
mod follow;
mod lifetime;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use textsender_plugin_api::{Found, Message, Phone};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::{
    config::Fingerprint,
    decision::{self, Bounds, Decision, Snapshot},
    directory::Directories,
    failpoint::Step,
    ledger::{
        Claim, ClaimResult, EarlierAttempt, Facts, FinalOutcome, Health, HealthReport,
        LimitReached, Scope, Ticket, Unclaimed, Used,
    },
    plugins::{CallEnd, CallResult, Pool, Reply, Work},
    protocol::{Attempt, ErrorCode, Failure, MessageId, Outcome, Request, Response},
    redact::without_numbers,
    route::{self, Ask, AttemptDetail, Plan, RouteOutcome},
};
use access::LedgerAccess;
pub use answer::{Asked, Unread, answer, answer_used, read};
pub use current::{Current, Source};

/// How long the ledger keeps a tag of a code that does not say when it expires.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// Whether a message was handed to a route: until then a failure of ours has sent nothing.
static DISPATCHED: AtomicBool = AtomicBool::new(false);

tokio::task_local! {
    /// The same of one message, where a process sends many.
    static HANDED_OVER: Arc<AtomicBool>;
}

/// Marks that a message was handed to a process that sends it.
pub fn handed_over() {
    DISPATCHED.store(true, Ordering::Relaxed);
    // There is none where a process sends one message.
    let _ = HANDED_OVER.try_with(|this| this.store(true, Ordering::Relaxed));
}

/// Whether this process handed any message to a sender, or to the hub.
pub fn has_dispatched() -> bool {
    DISPATCHED.load(Ordering::Relaxed)
}

/// Everything that requests share: the configuration, worked out, the ledger, the senders' processes.
pub struct Dispatch {
    file: PathBuf,
    /// Where ledger and secrets are.
    state: PathBuf,
    /// What the configuration looked like when it was last read, right or wrong.
    seen: Mutex<Fingerprint>,
    snapshot: Snapshot,
    /// Whether a hub is configured that was away.
    without_hub: bool,
    /// Where users are looked up, if anywhere.
    directories: Option<Box<Directories>>,
    /// Closed first: while it is, processes that were released end.
    ledger: LedgerAccess,
    pool: Arc<Pool>,
}

impl Dispatch {
    /// Takes one request from policy to provider.
    pub async fn send(&self, request: &Request) -> Response {
        let asked = Received::new(self, request, self.caller(), Instant::now());
        self.run(asked, false).await
    }

    /// The same for a user id that may be another than that of this process, which the audit names, that
    /// has waited since then, and that may do no more than its bounds say.
    pub async fn send_for(
        &self,
        request: &Request,
        caller: u32,
        since: Instant,
        bounds: Option<Bounds>,
    ) -> Response {
        let received = Received {
            bounds,
            ..Received::new(self, request, caller, since)
        };
        self.run(received, false).await
    }

    /// Notes that the code of the message with this id in the ledger was typed in.
    ///
    /// # Errors
    ///
    /// No message that was sent has this id, or the ledger can't be used.
    pub async fn note_used(&self, ledger_id: &MessageId) -> Result<(), Failure> {
        let deadline = Instant::now() + self.timeout();
        match self.ledger.note_used(ledger_id.as_str(), deadline).await? {
            Used::Noted => Ok(()),
            Used::Unknown => Err(Failure::new(ErrorCode::UnknownId)),
        }
    }

    /// Notes for the audit that the hub that is configured was away.
    pub fn note_hub_away(&mut self) {
        self.without_hub = true;
    }

    /// Asks what became of an accepted message, and notes it under its id in the ledger.
    ///
    /// # Errors
    ///
    /// The sender's plugin or provider could not be asked, or the ledger can't be used.
    pub async fn watch_delivery(
        &self,
        ledger_id: &str,
        sender: &str,
        provider_id: &str,
    ) -> Result<(), Failure> {
        let status = self.status(sender, provider_id).await?;
        let deadline = Instant::now() + self.timeout();
        self.ledger
            .note_delivery(ledger_id, status.state, deadline)
            .await
    }

    /// What the caller of this name may do.
    pub fn bounds_of(&self, caller: &str) -> Bounds {
        Bounds::of(caller, self.snapshot.config())
    }

    /// Sends the only request of this process, and then waits for as long as `wait`, if any, for what
    /// becomes of the message. Without it nothing is asked of a sender any more: the senders' processes
    /// end while the outcome is written down.
    pub async fn send_alone(&self, request: &Request, wait: Option<Duration>) -> Response {
        let received = Received::new(self, request, self.caller(), Instant::now());
        let mut response = self.run(received, wait.is_none()).await;
        if let Some(wait) = wait {
            self.follow(&mut response, wait).await;
        }
        response
    }

    async fn run(&self, received: Received<'_>, is_last: bool) -> Response {
        let request = received.request;
        let settled = match self.directories.is_some() || request.user.phone.is_empty() {
            false => received.through_all(is_last).await,
            true => Box::pin(received.looked_up(is_last)).await,
        };
        let Settled { response } = settled.unwrap_or_else(|early| early);
        log_outcome(request, &response);
        response
    }
}

/// A request whose turn has come, and what its caller and the audit learn of it, whatever becomes of it.
struct Received<'d> {
    dispatch: &'d Dispatch,
    request: &'d Request,
    at: Instant,
    /// When the caller gets an answer at the latest, whatever senders and ledger do.
    deadline: Instant,
    response: Response,
    facts: Facts,
    /// The number, once it is read.
    phone: Option<Phone>,
    /// What its caller may do; `None`: all.
    bounds: Option<Bounds>,
}

/// A message that may be sent.
struct Decided<'d> {
    received: Received<'d>,
    message: Message,
    plan: Plan,
}

/// A message that is this process's to send.
struct Claimed<'d> {
    decided: Decided<'d>,
    /// The ledger's word for it; `None`: it goes unrecorded.
    ticket: Option<Ticket>,
    /// An attempt whose end is not known: the message is looked for before it is sent.
    earlier: Option<EarlierAttempt>,
}

/// A message whose senders were asked.
struct Routed<'d> {
    received: Received<'d>,
    ticket: Option<Ticket>,
    health: Vec<HealthReport>,
    /// What was said of each attempt.
    reasons: Vec<Option<String>>,
    /// Senders whose provider answered as if it took the message.
    taken_by: Vec<String>,
}

/// A request that is answered, and written down as far as the ledger allows.
struct Settled {
    response: Response,
}

impl<'d> Received<'d> {
    fn new(dispatch: &'d Dispatch, request: &'d Request, caller: u32, at: Instant) -> Self {
        Self {
            dispatch,
            request,
            at,
            deadline: at + dispatch.time_for(request),
            response: Response::for_id(&request.id),
            facts: Facts {
                id: request.id.as_str().to_owned(),
                event: request.event.map(|event| event.as_str().to_owned()),
                actor: request.actor.clone(),
                user: request.user.name.clone(),
                source: request.source.clone(),
                uid: caller,
                without_hub: dispatch.without_hub,
                ..Facts::default()
            },
            phone: None,
            bounds: None,
        }
    }

    async fn through_all(self, is_last: bool) -> Result<Settled, Settled> {
        let pool = &self.dispatch.pool;
        let decided = self.decide().await?;
        let claimed = decided.claim().await?;
        let is_open = claimed.earlier.is_some();
        let routed = claimed.route().await?;
        if is_last && !is_open {
            pool.release();
        }
        Ok(routed.settle().await)
    }

    /// Asks the directory for what the request leaves to it, and then as ever.
    async fn looked_up(mut self, is_last: bool) -> Result<Settled, Settled> {
        let request = self.request;
        let completed = match &self.dispatch.directories {
            Some(directories) => directories.complete(request, true, self.deadline).await,
            None => Ok(None),
        };
        let completed = completed.and_then(|completed| {
            let request = completed.as_ref().unwrap_or(request);
            match request.user.phone.is_empty() {
                true => Err(Failure::with_detail(ErrorCode::MissingField, "user.phone")),
                false => Ok(completed),
            }
        });
        let completed = match completed {
            Ok(completed) => completed,
            Err(failure) => return Err(self.record_end(&failure).await),
        };
        if let Some(completed) = &completed {
            self.facts.user.clone_from(&completed.user.name);
        }
        let received = Received {
            request: completed.as_ref().unwrap_or(request),
            ..self
        };
        received.through_all(is_last).await
    }

    /// Looks up who decides, to whom it goes, what it says, by whom and until when.
    async fn decide(mut self) -> Result<Decided<'d>, Settled> {
        match self.message_and_plan() {
            Ok((message, plan)) => Ok(Decided {
                received: self,
                message,
                plan,
            }),
            Err(failure) => Err(self.record_end(&failure).await),
        }
    }

    /// Ends a request that may not be sent, and writes that down.
    async fn record_end(mut self, failure: &Failure) -> Settled {
        self.response.fail(failure);
        let message = Unclaimed {
            purpose: Some(self.request.purpose),
            phone: self.phone,
            decision: final_outcome(&self.response, self.at, Vec::new()),
            facts: self.facts,
        };
        self.dispatch.ledger.record(message, self.deadline).await;
        Settled {
            response: self.response,
        }
    }

    /// Notes what is known as it becomes known, so that a failure says it as well.
    fn message_and_plan(&mut self) -> Result<(Message, Plan), Failure> {
        let Dispatch { snapshot, pool, .. } = self.dispatch;
        if let Some(bounds) = &self.bounds {
            bounds.allow_purpose(self.request.purpose)?;
        }
        let resolution = snapshot
            .policies()
            .resolve(&decision::query(self.request))?;
        self.facts.policy = resolution.policy.map(str::to_owned);
        self.response.policy.clone_from(&self.facts.policy);
        self.response.sender = Some(resolution.sender.to_owned());
        if let Some(bounds) = &self.bounds {
            bounds.allow_policy(resolution.policy)?;
        }
        // The host process starts while the rest is looked up. If it can't, the route says so.
        let _starting = pool.process(resolution.sender);

        let decision = Decision::of(snapshot, self.request, resolution);
        self.note(&decision);

        let plan = Plan {
            senders: decision.senders().into_iter().map(str::to_owned).collect(),
            on_unknown: decision.resolution.on_unknown,
            deadline: self.deadline,
            expires: self
                .request
                .expires_in
                .and_then(|life| self.at.checked_add(life)),
            rate_limited: Vec::new(),
        };
        Ok((decision.message(self.request)?, plan))
    }

    /// Where one part of a decision failed, the others are still known.
    fn note(&mut self, decision: &Decision) {
        if let Ok(recipient) = &decision.recipient {
            self.response.recipient = Some(recipient.phone.to_string());
            self.phone = Some(recipient.phone.clone());
            self.facts.region = Some(recipient.region.as_str().to_owned());
        }
        if let Ok(text) = &decision.text {
            self.response.locale.clone_from(&text.locale);
            self.facts.segments = u32::try_from(text.segments.count).ok();
            self.response.segments = self.facts.segments;
        }
    }

    /// Ends a request that the ledger has written down already.
    fn end(mut self, failure: &Failure) -> Settled {
        self.response.fail(failure);
        Settled {
            response: self.response,
        }
    }
}

impl<'d> Decided<'d> {
    /// Claims the id and its places in the limits.
    async fn claim(self) -> Result<Claimed<'d>, Settled> {
        let Received {
            dispatch, request, ..
        } = &self.received;
        let id = request.id.as_str();
        let claimed = dispatch
            .ledger
            .claim(self.claim_of(), self.received.deadline)
            .await;
        let code = match claimed {
            Ok(None) => return Ok(self.claimed(None, None)),
            Ok(Some(ClaimResult::Fresh(ticket))) => {
                for over in ticket.over() {
                    tracing::info!(id, limit = %over, "over a limit that is only recorded");
                }
                return Ok(self.claimed(Some(ticket), None));
            }
            Ok(Some(ClaimResult::Abandoned(ticket, earlier))) => {
                return Ok(self.claimed(Some(ticket), Some(earlier)));
            }
            Ok(Some(ClaimResult::Replay { outcome, response })) => {
                let mut response = stored(outcome, &response, id);
                response.replayed = true;
                return Err(Settled { response });
            }
            Ok(Some(ClaimResult::InProgress)) => ErrorCode::InProgress,
            Ok(Some(ClaimResult::Mismatch)) => ErrorCode::IdReused,
            Ok(Some(ClaimResult::NoResend(code))) => code,
            Ok(Some(ClaimResult::Limited(reached))) => {
                return Err(self.received.end(&limited(&reached)));
            }
            Ok(Some(ClaimResult::Paused(pause))) => {
                return Err(self.received.end(&pause.failure()));
            }
            Err(failure) => return Err(self.received.end(&failure)),
        };
        Err(self.received.end(&Failure::new(code)))
    }

    fn claim_of(&self) -> Claim {
        let Received {
            dispatch,
            request,
            facts,
            bounds,
            ..
        } = &self.received;
        let life = request.expires_in.unwrap_or(LIFE);
        Claim {
            facts: facts.clone(),
            resend: request.resend.clone(),
            purpose: request.purpose,
            phone: self.message.to.clone(),
            secret: Zeroizing::new(request.carried().to_owned()),
            expires_at: Timestamp::now()
                .saturating_add(life)
                .unwrap_or(Timestamp::MAX),
            within: self
                .received
                .deadline
                .saturating_duration_since(Instant::now()),
            senders: self.plan.senders.clone(),
            limits: dispatch.snapshot.limits().clone(),
            caller: bounds.as_ref().map(|bounds| bounds.caller().to_owned()),
            caller_limit: bounds.as_ref().and_then(Bounds::limit),
        }
    }

    fn claimed(mut self, ticket: Option<Ticket>, earlier: Option<EarlierAttempt>) -> Claimed<'d> {
        // The ledger knows which of them fail, and which have room.
        if let Some(ticket) = &ticket {
            self.plan.rate_limited = rate_limited(&self.plan.senders, ticket.health());
            self.plan.senders = ticket.senders().to_vec();
            // A resend of content has an id of its own, by which its provider can tell it from the first.
            if let Some(id) = ticket.id() {
                id.clone_into(&mut self.message.id);
                self.received.response.id = Some(id.to_owned());
            }
        }
        Claimed {
            decided: self,
            ticket,
            earlier,
        }
    }
}

impl<'d> Claimed<'d> {
    /// Asks the senders, unless an earlier attempt has sent the message, or may have.
    async fn route(mut self) -> Result<Routed<'d>, Settled> {
        if let Some(earlier) = self.earlier.take() {
            // By then it may have been sent, whatever becomes of this process.
            handed_over();
            if let Some(found) = self.find(&earlier).await {
                return match (found.result.is_err(), earlier.answer) {
                    (true, Some((outcome, answer))) => {
                        Err(self.still_unknown(outcome, &answer).await)
                    }
                    _ => Ok(self.routed(found)),
                };
            }
            // It was never sent, and is of no use any more.
            if earlier.expires_at <= Timestamp::now() {
                let last = earlier.senders.last().map_or("", String::as_str);
                let expired = Err(Failure::new(ErrorCode::Expired));
                return Ok(self.routed(RouteOutcome::found(last, expired)));
            }
        }
        handed_over();
        let Decided { message, plan, .. } = &self.decided;
        let outcome = route::deliver(plan, message, &self).await;
        Ok(self.routed(outcome))
    }

    /// The end of a message that was looked for again, with nothing new: its id is answered as before.
    async fn still_unknown(self, outcome: Outcome, answer: &str) -> Settled {
        let Received {
            dispatch,
            request,
            deadline,
            ..
        } = self.decided.received;
        let id = request.id.as_str();
        if let Some(ticket) = self.ticket {
            dispatch.ledger.still_unknown(ticket, id, deadline).await;
        }
        let mut response = stored(outcome, answer, id);
        response.replayed = true;
        Settled { response }
    }

    /// Looks for a message that an earlier attempt may have sent. `None` if every sender that had it
    /// says that it is absent; which had it, a power cut may hide.
    async fn find(&self, earlier: &EarlierAttempt) -> Option<RouteOutcome> {
        let Decided { message, plan, .. } = &self.decided;
        let since = u64::try_from(earlier.claimed_at.as_millisecond()).unwrap_or(0);
        let is_known = !earlier.senders.is_empty();
        let senders = match is_known {
            true => &earlier.senders,
            false => &plan.senders,
        };
        let mut is_absent = is_known;
        for sender in senders {
            match route::find(self, sender, message.clone(), since, plan.deadline).await {
                Found::Accepted(receipt) => return Some(RouteOutcome::found(sender, Ok(receipt))),
                Found::Absent => {}
                _ => is_absent = false,
            }
        }
        let last = senders.last().map_or("", String::as_str);
        (!is_absent).then(|| RouteOutcome::found(last, Err(Failure::new(ErrorCode::Interrupted))))
    }

    /// Marks in the ledger that a sender is about to get the message. First it must be ready: what
    /// never got ready was not dispatched.
    async fn mark(&self, sender: &str, deadline: Instant) -> Result<(), Failure> {
        let Received {
            dispatch, request, ..
        } = &self.decided.received;
        let Some(ticket) = &self.ticket else {
            return Ok(());
        };
        dispatch.pool.ready(sender, deadline).await?;
        let ledger = &dispatch.ledger;
        ledger
            .mark_dispatched(ticket, sender, request.id.as_str(), deadline)
            .await
    }

    fn routed(self, outcome: RouteOutcome) -> Routed<'d> {
        let mut received = self.decided.received;
        received.dispatch.ledger.reached(Step::Answered);
        let mut health = health_reports(&outcome.attempts, &outcome.details);
        for report in &mut health {
            report.unsealed = received.dispatch.pool.unsealed(&report.sender);
        }
        let reasons = outcome.details.iter().map(|detail| detail.reason.clone());
        let (reasons, taken_by) = (reasons.collect(), outcome.taken_by.clone());
        apply_result(&mut received.response, outcome);
        let may_be_sent = received.response.outcome.may_have_been_sent();
        let may_be_doubled = self.ticket.as_ref().is_some_and(Ticket::may_be_doubled);
        received.response.may_duplicate |= may_be_doubled && may_be_sent;
        Routed {
            received,
            ticket: self.ticket,
            health,
            reasons,
            taken_by,
        }
    }
}

/// Senders are asked as the ledger wants it.
impl Ask for Claimed<'_> {
    async fn ask(&self, sender: &str, work: Work, deadline: Instant) -> Result<CallEnd, Failure> {
        let Dispatch { ledger, pool, .. } = self.decided.received.dispatch;
        let since = match &work {
            Work::Find(_, since) => Some(*since),
            Work::Send(_) => {
                self.mark(sender, deadline).await?;
                None
            }
            _ => None,
        };
        let mut end = pool.call(sender, work, deadline).await?;
        if let CallResult::Failed(error) = &end.result {
            let recipient = &self.decided.message.to;
            let noted = ledger.note_refusal(sender, recipient, error, deadline);
            noted.await;
        }
        // A text that another message of ours is known to be is not this one.
        if let (Some(since), CallResult::Replied(Reply::Found(found))) = (since, &mut end.result)
            && let Found::Accepted(receipt) = &*found
            && ledger.has_provider_id(receipt, since, deadline).await
        {
            *found = Found::CannotTell;
        }
        Ok(end)
    }

    fn timeout(&self, sender: &str) -> Duration {
        self.decided.received.dispatch.pool.timeout(sender)
    }
}

impl Routed<'_> {
    /// Writes down how the message ended. The answer stands whatever the ledger says: what a provider
    /// took, it took. It waits until it is written, so that a repeat is answered the same, but no longer
    /// than its caller was promised to wait.
    async fn settle(self) -> Settled {
        let Received {
            dispatch,
            request,
            response,
            at,
            deadline,
            ..
        } = self.received;
        if let Some(ticket) = self.ticket {
            let outcome = FinalOutcome {
                reasons: self.reasons,
                taken_by: self.taken_by,
                ..final_outcome(&response, at, self.health)
            };
            let id = request.id.as_str();
            dispatch.ledger.settle(ticket, outcome, id, deadline).await;
        }
        Settled { response }
    }
}

/// Those of the senders, which are as healthy as that, whose providers are not to be asked yet.
fn rate_limited(senders: &[String], health: &[Health]) -> Vec<(String, Instant)> {
    let now = Instant::now();
    let senders = senders.iter().zip(health);
    let limited = senders.filter_map(|(sender, health)| match health {
        Health::RateLimited { remaining } => Some((sender.clone(), now + *remaining)),
        Health::Good | Health::Trial { .. } | Health::Paused { .. } => None,
    });
    limited.collect()
}

/// Puts what became of a message into the response.
fn apply_result(response: &mut Response, outcome: RouteOutcome) {
    response.attempts = outcome.attempts;
    response.may_duplicate = outcome.may_duplicate;
    response.sender = outcome.sender.or(response.sender.take());
    match outcome.result {
        Ok(receipt) => response.provider_id = receipt.provider_id,
        Err(failure) => response.fail(&failure),
    }
}

/// Logs how a request ended.
fn log_outcome(request: &Request, response: &Response) {
    let outcome = response.outcome.as_str();
    let code = response.error.as_ref().map_or("", |error| &error.code);
    let recipient = response.recipient.as_deref();
    // What is logged is worked out only where it is logged.
    tracing::info!(
        id = %without_numbers(request.id.as_str(), recipient),
        purpose = %request.purpose, outcome, code, "done"
    );
}

/// How a message ended, for the ledger.
fn final_outcome(response: &Response, began: Instant, health: Vec<HealthReport>) -> FinalOutcome {
    FinalOutcome {
        outcome: response.outcome,
        code: response.error.as_ref().map(|error| error.code.to_string()),
        sender: response.sender.clone(),
        provider_id: response.provider_id.clone(),
        attempts: response.attempts.clone(),
        reasons: Vec::new(),
        taken_by: Vec::new(),
        took: began.elapsed(),
        // A response of ours has nothing that JSON can't say.
        response: serde_json::to_string(response).unwrap_or_default(),
        health,
    }
}

/// A response as it was stored. One that can't be read any more still has its outcome.
fn stored(outcome: Outcome, response: &str, id: &str) -> Response {
    serde_json::from_str(response).unwrap_or_else(|_| {
        let mut response = Response {
            id: Some(id.to_owned()),
            ..Response::default()
        };
        match outcome {
            Outcome::Accepted => {}
            Outcome::Rejected => response.fail(&Failure::new(ErrorCode::NumberRejected)),
            _ => response.fail(&Failure::new(ErrorCode::Interrupted)),
        }
        response
    })
}

/// Names the limit, the count, and the command that shows what is counted. There is no number in it.
fn limited(reached: &LimitReached) -> Failure {
    let limit = reached.limit.to_string();
    let window = limit.split_once('/').map_or("", |(_, window)| window);
    let whom = match reached.scope {
        Scope::Recipient | Scope::Resend => " --phone NUMBER",
        _ => "",
    };
    let detail = format!("{reached}; `textsender log --since {window}{whom}` shows them");
    Failure::with_detail(ErrorCode::Limited, detail).after(Some(reached.retry_after))
}

/// What attempts say of their senders' health, each dated by those that came after it.
fn health_reports(attempts: &[Attempt], details: &[AttemptDetail]) -> Vec<HealthReport> {
    let mut ended_ago = Duration::ZERO;
    let mut reports = Vec::new();
    for (attempt, detail) in attempts.iter().zip(details).rev() {
        // What may be the recipient's was noted when it was said.
        if !detail.recipient_in_doubt {
            reports.extend(health_report(attempt, ended_ago));
        }
        ended_ago += Duration::from_millis(attempt.ms);
    }
    reports.reverse();
    reports
}

/// What an attempt says of its sender's health; `None` if it says nothing of it.
fn health_report(attempt: &Attempt, ended_ago: Duration) -> Option<HealthReport> {
    let code = attempt.code.as_deref().and_then(ErrorCode::parse);
    let failure = match (attempt.outcome, code) {
        // Said of the code or password alone.
        (_, Some(ErrorCode::UnsuitableCode)) => return None,
        (Outcome::Accepted | Outcome::Rejected, _) => None,
        (_, Some(code)) if is_the_senders_own(code) => Some(code.as_str().to_owned()),
        _ => return None,
    };
    Some(HealthReport {
        sender: attempt.sender.clone(),
        failure,
        took: Duration::from_millis(attempt.ms),
        ended_ago,
        unsealed: None,
    })
}

/// Whether the next message would most likely meet the same failure. A provider that is rate-limiting
/// works; a ledger that fails, or a code that expires, is not the sender's doing.
const fn is_the_senders_own(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ProviderUnavailable
            | ErrorCode::Exhausted
            | ErrorCode::Timeout
            | ErrorCode::PluginFailed
            | ErrorCode::BudgetExhausted
            | ErrorCode::MaybeSent
            | ErrorCode::PluginMissing
            | ErrorCode::PluginRefused
            | ErrorCode::BadSettings
            | ErrorCode::SecretMissing
            | ErrorCode::Unauthorized
            | ErrorCode::ProviderRefused
    )
}

#[cfg(test)]
mod tests;
