//! One request's way, each step in its room and in order. Everything that sends comes through here.
//!
//! ```text
//! decide -> claim in the ledger -> route, each handing over marked before it -> settle -> respond
//! ```

mod record;
mod recorded;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use textsender_plugin_api::{DeliveryState, DeliveryStatus, Level, Message, Purpose};
use tokio::time::Instant;

use crate::{
    check,
    config::{Config, Environment, Fault, Fingerprint},
    decision::{self, Decision},
    failpoint::Failpoints,
    os::accounts,
    plugins::{CallResult, Pool, Reply, Work},
    policy::Policies,
    privilege,
    protocol::{DeliveryBody, ErrorCode, Failure, MessageId, Outcome, Request, Response},
    route::{self, Ask, Plan, RouteOutcome},
};
use record::{Begun, Known, Record};
use recorded::Recorded;

/// When an accepted message is looked at first; doubled each time, as most arrive in seconds.
const FIRST_LOOK: Duration = Duration::from_millis(250);

/// The longest time between two looks at an accepted message.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// Whether a message was handed to a route: until then a failure of ours has sent nothing.
static DISPATCHED: AtomicBool = AtomicBool::new(false);

/// Whether this process handed any message to a sender.
pub fn has_dispatched() -> bool {
    DISPATCHED.load(Ordering::Relaxed)
}

/// Everything that requests share: the configuration, indexed, the senders' processes, the ledger.
pub struct Dispatch {
    file: PathBuf,
    /// What the configuration looked like when it was last read, right or wrong.
    seen: Mutex<Fingerprint>,
    policies: Policies,
    /// Closed first: while it is, processes that were let go of end.
    record: Record,
    pool: Arc<Pool>,
}

impl Dispatch {
    /// Reads the configuration. No sender is started before a request needs it.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or others can write to it: `misconfigured`.
    pub fn open(file: &Path, max_level: Level, failpoints: Failpoints) -> Result<Self, Failure> {
        let (policies, seen) = decision::policies(file);
        let policies = policies?;
        let config = policies.config();
        let state = state_folder(config);
        // The audit tells who asked, not whom root becomes for it.
        let caller = accounts::caller();
        privilege::become_owner(&config.state, &state).map_err(|error| {
            let code = match error.kind() {
                ErrorKind::NotFound => ErrorCode::BadConfiguration,
                _ => ErrorCode::Crashed,
            };
            let detail = format!("can't act as the account that sends: {error}");
            Failure::with_detail(code, detail)
        })?;
        Ok(Self {
            file: file.to_owned(),
            seen: Mutex::new(seen),
            record: Record::open(config, &state, caller, failpoints),
            pool: Arc::new(Pool::new(config.clone(), state, max_level)),
            policies,
        })
    }

    /// Looks for edits, rotated secrets and replaced plugins. After an edit, the dispatch for
    /// further requests, which shares the senders' processes with this one.
    ///
    /// # Errors
    ///
    /// The edited configuration is wrong. It is told once, until the next edit.
    pub fn refresh(&self) -> Result<Option<Self>, Failure> {
        self.pool.refresh();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.changed() {
            return Ok(None);
        }
        let (policies, now) = decision::policies(&self.file);
        seen.clone_from(&now);
        let policies = policies?;
        self.no_worse_texts(policies.config())?;
        self.pool.reconfigure(policies.config().clone());
        Ok(Some(Self {
            file: self.file.clone(),
            seen: Mutex::new(now),
            record: self
                .record
                .reconfigured(policies.config(), &state_folder(policies.config())),
            pool: self.pool.clone(),
            policies,
        }))
    }

    /// An edit that breaks a text is wrong; one beside a text that was broken already is not.
    fn no_worse_texts(&self, edited: &Config) -> Result<(), Failure> {
        let told = |fault: &Fault| (fault.file.clone(), fault.key.clone(), fault.message.clone());
        let before = check::bad_texts(self.policies.config());
        let before: Vec<_> = before.iter().map(told).collect();
        let now = check::bad_texts(edited);
        match now.iter().find(|fault| !before.contains(&told(fault))) {
            None => Ok(()),
            Some(worse) => Err(Failure::with_detail(
                ErrorCode::BadConfiguration,
                worse.to_string(),
            )),
        }
    }

    /// Stops senders' processes that have had no call for as long as `idle`.
    pub fn stop_idle(&self, idle: Duration) {
        self.pool.stop_idle(idle);
    }

    /// Asks a sender what became of a message that it accepted.
    ///
    /// # Errors
    ///
    /// There is no such sender, or its plugin or provider could not be asked.
    pub async fn status(&self, sender: &str, provider_id: &str) -> Result<DeliveryStatus, Failure> {
        let deadline = Instant::now() + self.pool.timeout(sender);
        let work = Work::Status(provider_id.to_owned());
        let end = self.pool.ask(sender, work, deadline).await?;
        match end.result {
            CallResult::Replied(Reply::Status(delivery)) => Ok(delivery),
            _ => Err(route::not_told(sender, &end)),
        }
    }

    /// Sends the only request of this process, and then waits for as long as `patience`, if any, for
    /// what becomes of the message. Without it nothing is asked of a sender any more: the senders'
    /// processes end while the outcome is written down.
    pub async fn send_alone(&self, request: &Request, patience: Option<Duration>) -> Response {
        let mut response = self.sent(request, patience.is_none()).await;
        if let Some(patience) = patience {
            self.follow(&mut response, patience).await;
        }
        response
    }

    /// Follows an accepted message to its final state, and puts what became of it into the response.
    pub async fn follow(&self, response: &mut Response, patience: Duration) {
        let (Some(sender), Some(id)) = (&response.sender, &response.provider_id) else {
            return;
        };
        let (sender, id, until) = (sender.clone(), id.clone(), Instant::now() + patience);
        let mut wait = FIRST_LOOK;
        while response.outcome == Outcome::Accepted && Instant::now() < until {
            tokio::time::sleep_until(until.min(Instant::now() + wait)).await;
            wait = (wait * 2).min(LONGEST_LOOK);
            let Ok(delivery) = self.status(&sender, &id).await else {
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

    /// Takes leave of providers that are still connected. To be called after the last answer.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// How many messages may be in flight, by `[send] concurrency`.
    pub fn concurrency(&self) -> usize {
        self.policies.config().sending.concurrency
    }

    /// When the caller of a message gets an answer at the latest, by `[send] timeout`.
    pub fn timeout(&self) -> Duration {
        self.policies.config().sending.timeout
    }

    /// Records a request that is wrong, with what its caller was told.
    pub async fn note_invalid(&self, id: Option<&MessageId>, response: &Response) {
        self.record.note_invalid(id, response).await;
    }

    /// Takes one request from policy to provider.
    pub async fn send(&self, request: &Request) -> Response {
        self.sent(request, false).await
    }

    async fn sent(&self, request: &Request, is_last: bool) -> Response {
        let received = Instant::now();
        let mut known = Known::of(request);
        let (message, plan) = match self.decide(request, received, &mut known) {
            Ok(decided) => decided,
            Err(failure) => {
                known.response.fail(&failure);
                self.record.note(request, &known, received).await;
                return log_outcome(request, known.response);
            }
        };
        let claim = self.record.claim(request, &message, &plan, &known);
        let mut response = known.response;
        let recorded = |ticket| {
            let id = request.id.as_str();
            Recorded::new(&self.record, ticket, &self.pool, id)
        };
        let response = match self.record.begin(claim).await {
            Ok(Begun::Send(ticket)) => {
                let recorded = recorded(ticket);
                let delivered = self.deliver(&recorded, message, plan).await;
                if is_last {
                    self.pool.release();
                }
                recorded.settle(delivered, response, received).await
            }
            Ok(Begun::Find(ticket, attempt)) => {
                let ticket = recorded(Some(ticket));
                match ticket.find(&attempt, &message, &plan).await {
                    // Proven absent: it is sent as if for the first time.
                    None => {
                        let delivered = self.deliver(&ticket, message, plan).await;
                        ticket.settle(delivered, response, received).await
                    }
                    Some(found) => ticket.settle(found, response, received).await,
                }
            }
            Ok(Begun::Replay(stored)) => *stored,
            Err(failure) => {
                response.fail(&failure);
                response
            }
        };
        log_outcome(request, response)
    }

    /// What is sent, by whom, until when. Fills in what is known, so that a failure tells it.
    fn decide(
        &self,
        request: &Request,
        received: Instant,
        known: &mut Known,
    ) -> Result<(Message, Plan), Failure> {
        // Who decides, and through whom.
        let resolution = self.policies.resolve(&decision::query(request))?;
        known.response.policy = resolution.policy.map(str::to_owned);
        known.response.sender = Some(resolution.sender.to_owned());
        // The host process starts while the rest is worked out. If it can't, the route says so.
        let _starting = self.pool.process(resolution.sender);

        // To whom, and what.
        let decision = Decision::of(request, resolution);
        record_decision(&decision, known);

        // Until when, and through whom else.
        let plan = Plan {
            senders: decision.senders().into_iter().map(str::to_owned).collect(),
            on_unknown: decision.resolution.on_unknown,
            deadline: received + self.policies.config().sending.timeout,
            expires: request
                .expires_in
                .and_then(|life| received.checked_add(life)),
        };
        Ok((decision.message(request)?, plan))
    }

    async fn deliver(
        &self,
        recorded: &Recorded<'_>,
        message: Message,
        mut plan: Plan,
    ) -> RouteOutcome {
        // A test is how an administrator tries a sender that failed.
        if message.purpose != Purpose::Test {
            recorded.put_paused_last(&mut plan.senders);
        }
        DISPATCHED.store(true, Ordering::Relaxed);
        route::deliver(&plan, &message, recorded).await
    }
}

/// Where ledger and secrets are.
fn state_folder(config: &Config) -> PathBuf {
    let configured = config.state.folder.as_deref();
    Environment::current().state_folder(configured).path
}

/// Tells what was decided: where one part failed, the others are still told.
fn record_decision(decision: &Decision, known: &mut Known) {
    let response = &mut known.response;
    if let Ok(recipient) = &decision.recipient {
        response.recipient = Some(recipient.phone.to_string());
        known.phone = Some(recipient.phone.clone());
        known.region = Some(recipient.region.as_str().to_owned());
    }
    if let Ok(text) = &decision.text {
        response.locale.clone_from(&text.locale);
        response.segments = u32::try_from(text.segments.count).ok();
    }
}

/// Puts what became of a message into the response.
fn apply_result(response: &mut Response, delivered: RouteOutcome) {
    response.attempts = delivered.attempts;
    response.may_duplicate = delivered.may_duplicate;
    response.sender = delivered.sender.or(response.sender.take());
    match delivered.result {
        Ok(receipt) => response.provider_id = receipt.provider_id,
        Err(failure) => response.fail(&failure),
    }
}

/// Logs how a request ended.
fn log_outcome(request: &Request, response: Response) -> Response {
    let outcome = response.outcome.as_str();
    let code = response.error.as_ref().map_or("", |error| &error.code);
    tracing::info!(id = %request.id, purpose = %request.purpose, outcome, code, "done");
    response
}
