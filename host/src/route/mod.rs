//! Who is asked, how often, and what several answers come to.
//!
//! ```text
//! for each sender of the plan:  attempt -> judge -> the same sender again, the next one, or stop
//! at the end:                   accepted, then unknown, rejected, unavailable, misconfigured
//! ```
//!
//! A text that does not arrive locks a person out; one sent twice costs money and trust. So a
//! repeat happens only where it is certain that nothing was sent, or where policy says that a code
//! twice is better than none.

mod judge;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use textsender_plugin_api::{DeliveryState, DeliveryStatus, Found, Message, Receipt};
use tokio::time::Instant;

use crate::{
    config::OnUnknown,
    plugins::{CallEnd, CallResult, Pool, Reply, Trace, Work},
    protocol::{Attempt, ErrorCode, Failure, Outcome},
};
use judge::{Again, AttemptResult};

/// The most attempts with one sender for one message.
const MAX_TRIES: u32 = 3;

/// The wait before the second attempt; doubled for each one after. The real wait is between half
/// of it and all of it, so that many messages do not come back at once.
const BACKOFF: Duration = Duration::from_millis(200);

/// The longest wait for one sender while another could be asked.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Over how long messages come back that waited for the same provider.
const SPREAD: Duration = Duration::from_secs(1);

/// Asks a sender's plugin. The one seam of this room: host processes, or a test's script.
pub trait Ask {
    /// Asks, and waits for the end.
    fn ask(
        &self,
        sender: &str,
        work: Work,
        deadline: Instant,
    ) -> impl Future<Output = Result<CallEnd, Failure>>;

    /// The most that one attempt with this sender may take.
    fn timeout(&self, sender: &str) -> Duration;
}

impl Ask for Pool {
    async fn ask(&self, sender: &str, work: Work, deadline: Instant) -> Result<CallEnd, Failure> {
        self.call(sender, work, deadline).await
    }

    fn timeout(&self, sender: &str) -> Duration {
        self.timeout(sender)
    }
}

/// Asks a sender's plugin what became of a message that it was handed at `since`, in milliseconds of
/// Unix time. It takes no longer than an attempt does, nor than until `end`.
pub async fn find(
    senders: &impl Ask,
    sender: &str,
    message: Message,
    since: u64,
    end: Instant,
) -> Found {
    let deadline = end.min(Instant::now() + senders.timeout(sender));
    let asked = senders
        .ask(sender, Work::Find(message, since), deadline)
        .await;
    let Ok(CallEnd {
        result: CallResult::Replied(Reply::Found(found)),
        trace,
    }) = asked
    else {
        return Found::CannotTell;
    };
    match matches!(found, Found::CannotTell) || is_believed(sender, &trace) {
        true => found,
        false => Found::CannotTell,
    }
}

/// Asks a sender's plugin how far a message came that its provider accepted.
///
/// # Errors
///
/// The plugin or the provider could not be asked.
pub async fn status(
    senders: &impl Ask,
    sender: &str,
    provider_id: &str,
    deadline: Instant,
) -> Result<DeliveryStatus, Failure> {
    let work = Work::Status(provider_id.to_owned());
    let end = senders.ask(sender, work, deadline).await?;
    let CallResult::Replied(Reply::Status(status)) = end.result else {
        return Err(judge::not_told(sender, &end));
    };
    let is_nothing = status.state == DeliveryState::CannotTell;
    Ok(match is_nothing || is_believed(sender, &end.trace) {
        true => status,
        false => DeliveryStatus::new(DeliveryState::CannotTell),
    })
}

/// What a plugin says of a message's fate counts only where a provider answered in this very call: without an
/// exchange there is nothing that it could know it from, unless it has connections of its own.
fn is_believed(sender: &str, trace: &Trace) -> bool {
    let is_believed = trace.has_answer() || trace.has_own_network();
    if !is_believed {
        tracing::warn!(
            sender,
            "the plugin says what became of a message, but no provider answered it"
        );
    }
    is_believed
}

/// Who may be asked, and until when.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The sender, then its fallbacks.
    pub senders: Vec<String>,
    /// What follows when a message may have been sent.
    pub on_unknown: OnUnknown,
    /// When the caller gets an answer at the latest.
    pub deadline: Instant,
    /// When the code or password ends. Nothing is sent after it.
    pub expires: Option<Instant>,
    /// Senders whose providers are rate-limiting, and until when these are not to be asked.
    pub rate_limited: Vec<(String, Instant)>,
}

/// What became of a message.
#[derive(Debug)]
pub struct RouteOutcome {
    /// The provider's receipt, or why there is none.
    pub result: Result<Receipt, Failure>,
    /// The sender that took it, or was asked last.
    pub sender: Option<String>,
    /// Every attempt, in order.
    pub attempts: Vec<Attempt>,
    /// More of each, for the ledger and never for a caller.
    pub details: Vec<AttemptDetail>,
    /// Senders whose provider answered as if it took the message, whatever their plugins say of it.
    pub taken_by: Vec<String>,
    /// Whether it may arrive more than once.
    pub may_duplicate: bool,
}

/// What the ledger is to know of an attempt.
#[derive(Clone, Debug, Default)]
pub struct AttemptDetail {
    /// What the provider or the plugin said, cleaned.
    pub reason: Option<String>,
    /// Whether a failure may be the recipient's: it says nothing of the sender then.
    pub recipient_in_doubt: bool,
}

impl RouteOutcome {
    /// What looking for an earlier attempt with a sender brought.
    pub fn found(sender: &str, result: Result<Receipt, Failure>) -> Self {
        Self {
            result,
            sender: Some(sender.to_owned()),
            attempts: Vec::new(),
            details: Vec::new(),
            taken_by: Vec::new(),
            may_duplicate: false,
        }
    }
}

/// Delivers a message through the first sender that takes it.
pub async fn deliver(plan: &Plan, message: &Message, senders: &impl Ask) -> RouteOutcome {
    let mut attempts = Attempts {
        plan,
        message,
        senders,
        attempts: Vec::new(),
        details: Vec::new(),
        taken_by: Vec::new(),
        failed: Vec::new(),
    };
    let last = plan.senders.len().saturating_sub(1);
    for (index, sender) in plan.senders.iter().enumerate() {
        match attempts.through(sender, index == last).await {
            Next::Accepted(receipt) => return attempts.accepted(sender, receipt),
            Next::Sender => {}
            Next::Stop => break,
        }
    }
    attempts.failed()
}

struct Attempts<'a, A> {
    plan: &'a Plan,
    message: &'a Message,
    senders: &'a A,
    attempts: Vec<Attempt>,
    details: Vec<AttemptDetail>,
    taken_by: Vec<String>,
    failed: Vec<Failure>,
}

enum Next {
    Accepted(Receipt),
    Sender,
    Stop,
}

impl<A: Ask> Attempts<'_, A> {
    /// Asks one sender, again where that is allowed and of use.
    async fn through(&mut self, sender: &str, is_last: bool) -> Next {
        if !self.wait_for_provider(sender, is_last).await {
            return Next::Sender;
        }
        for tries in 1..=MAX_TRIES {
            if self.time_is_up() {
                return Next::Stop;
            }
            let result = self.attempt(sender).await;
            let AttemptResult::Failed {
                again,
                next,
                retry_after,
                ..
            } = result
            else {
                let AttemptResult::Accepted(receipt) = result else {
                    return Next::Stop;
                };
                return Next::Accepted(receipt);
            };
            let give_up = if next { Next::Sender } else { Next::Stop };
            let wait = match again {
                Again::No => return give_up,
                Again::AfterBackoff => retry_after.unwrap_or_else(|| backoff(tries)),
            };
            if tries == MAX_TRIES || self.is_too_long(wait, is_last) {
                return give_up;
            }
            tokio::time::sleep(wait).await;
        }
        Next::Sender
    }

    /// Waits until a provider that is rate-limiting may be asked again; false if that is too long. The
    /// messages that wait come back one after another.
    async fn wait_for_provider(&mut self, sender: &str, is_last: bool) -> bool {
        let mut limits = self.plan.rate_limited.iter();
        let Some((_, until)) = limits.find(|(name, _)| name == sender) else {
            return true;
        };
        let wait = until.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return true;
        }
        let wait = wait + SPREAD.mul_f64(random());
        if self.is_too_long(wait, is_last) {
            let detail = format!("sender {sender}");
            let failure = Failure::with_detail(ErrorCode::Throttled, detail).after(Some(wait));
            self.failed.push(failure);
            return false;
        }
        tokio::time::sleep(wait).await;
        true
    }

    /// Whether a wait leaves no time, or another sender could be asked meanwhile.
    fn is_too_long(&self, wait: Duration, is_last: bool) -> bool {
        Instant::now() + wait >= self.end() || (!is_last && wait > LONGEST_WAIT)
    }

    /// One attempt, and what it comes to.
    async fn attempt(&mut self, sender: &str) -> AttemptResult {
        let (began, since) = (Instant::now(), SystemTime::now());
        let deadline = self.end().min(began + self.senders.timeout(sender));
        let message = self.message_now(began);
        let asked = self
            .senders
            .ask(sender, Work::Send(message.clone()), deadline)
            .await;
        let detail = asked.as_ref().ok().map(judge::detail);
        if asked.as_ref().is_ok_and(|end| end.trace.was_taken()) {
            self.taken_by.push(sender.to_owned());
        }
        let mut result = match asked {
            Ok(end) => {
                let mut before = self.attempts.iter();
                let is_repeat = before.any(|attempt| attempt.sender == sender);
                judge::judge(sender, end, self.plan.on_unknown, is_repeat)
            }
            Err(failure) => AttemptResult::not_asked(failure),
        };
        if result.is_unknown() && !self.time_is_up() {
            result = self.find(sender, message, since, result).await;
        }
        self.attempts.push(Attempt {
            sender: sender.to_owned(),
            outcome: result.outcome(),
            code: result.failure().map(|failure| failure.code.as_str().into()),
            ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        self.details.push(detail.unwrap_or_default());
        self.failed.extend(result.failure().cloned());
        result
    }

    /// Looks for a message that may have been sent: found, it is accepted; certainly absent, it
    /// was not sent; else nothing changes. When the code has expired its caller has waited long enough.
    async fn find(
        &self,
        sender: &str,
        message: Message,
        since: SystemTime,
        result: AttemptResult,
    ) -> AttemptResult {
        let since = since
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        match find(self.senders, sender, message, since, self.end()).await {
            Found::Accepted(receipt) => AttemptResult::Accepted(receipt),
            Found::Absent => AttemptResult::absent(sender),
            _ => result,
        }
    }

    /// The message as it is now: with what is left of its life.
    fn message_now(&self, now: Instant) -> Message {
        let mut message = self.message.clone();
        message.expires_in = self.plan.expires.map(|expires| expires - now);
        message
    }

    /// The earliest of deadline and expiry.
    fn end(&self) -> Instant {
        self.plan.expires.map_or(self.plan.deadline, |expires| {
            expires.min(self.plan.deadline)
        })
    }

    fn time_is_up(&self) -> bool {
        Instant::now() >= self.end()
    }

    fn accepted(self, sender: &str, receipt: Receipt) -> RouteOutcome {
        RouteOutcome {
            may_duplicate: self.unknowns() > 0,
            result: Ok(receipt),
            sender: Some(sender.to_owned()),
            attempts: self.attempts,
            details: self.details,
            taken_by: self.taken_by,
        }
    }

    fn failed(mut self) -> RouteOutcome {
        let may_duplicate = self.unknowns() > 1;
        self.failed.sort_by_key(judge::rank);
        let worst = self.failed.into_iter().next();
        let expired = self
            .plan
            .expires
            .is_some_and(|expires| Instant::now() >= expires);
        let result = match worst {
            Some(failure) if !expired || failure.outcome() != Outcome::Unavailable => failure,
            _ if expired => Failure::new(ErrorCode::Expired),
            _ => Failure::new(ErrorCode::Timeout),
        };
        RouteOutcome {
            result: Err(result),
            sender: self.attempts.last().map(|attempt| attempt.sender.clone()),
            attempts: self.attempts,
            details: self.details,
            taken_by: self.taken_by,
            may_duplicate,
        }
    }

    fn unknowns(&self) -> usize {
        self.attempts
            .iter()
            .filter(|attempt| attempt.outcome == Outcome::Unknown)
            .count()
    }
}

/// The wait before the attempt after `tries`, between half and all of what doubling gives.
fn backoff(tries: u32) -> Duration {
    let full = BACKOFF * 2_u32.pow(tries - 1);
    full.mul_f64(0.5 + random() / 2.0)
}

/// Between 0 and 1; 1 without randomness.
fn random() -> f64 {
    let mut random = [0; 2];
    match getrandom::fill(&mut random) {
        Ok(()) => f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX),
        Err(_) => 1.0,
    }
}
