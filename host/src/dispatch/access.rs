//! The ledger, as `[state] ledger` wants it.
//!
//! | `[state] ledger` | the ledger fails before a message is handed over | and after that |
//! |---|---|---|
//! | `required` | the message is not sent: `unavailable`, with the reason | the answer stands; it is logged that a repeat may find the id open |
//! | `best_effort` | it is sent, and the log says that it went unrecorded | the same |
//! | `off` | there is no ledger: no replay, no limits, no audit | |
//!
//! Nothing here waits past the message's deadline, whatever others do with the ledger's file: its caller
//! was promised an answer by then. What was asked of the ledger is done nevertheless, once it can be.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use jiff::Timestamp;
use textsender_plugin_api::{DeliveryState, Phone, Receipt, SendError, Verdict};
use tokio::time::{Instant, timeout_at};

use super::limited;
use crate::{
    config::{Config, Ledger as Mode, Shared},
    failpoint::{Failpoints, Step},
    ledger::{
        CLOSING, Claim, ClaimResult, DispatchRefusal, FinalOutcome, Ledger, LedgerError, Options,
        Ticket, Unclaimed, Used,
    },
    os::accounts,
    privilege,
    protocol::{ErrorCode, Failure},
};

/// How far before an attempt another message may have been claimed that still has what `find` found:
/// the time that it took to be sent, the provider's whole seconds, and how far apart the clocks may be.
const OVERLAP: Duration = Duration::from_mins(10);

/// A ledger, or none.
pub(super) struct LedgerAccess {
    /// `None` if it is off; an error if the system gave it no thread.
    ledger: Option<Result<Arc<Ledger>, LedgerError>>,
    mode: Mode,
    retention: Duration,
    shared: Option<Shared>,
    /// The account that is to send, where the configuration names one.
    owner: Option<String>,
    /// The user id that asks.
    caller: u32,
    failpoints: Failpoints,
}

impl LedgerAccess {
    /// Starts to open the ledger. It gets ready while other things are done.
    pub(super) fn open(
        config: &Config,
        folder: &Path,
        caller: u32,
        failpoints: Failpoints,
    ) -> Self {
        let state = &config.state;
        let options = Options {
            failpoints,
            config: state.shared.as_ref().map(|_| config.sources.main.clone()),
            ..Options::of(state)
        };
        let ledger = match state.ledger {
            Mode::Off => None,
            Mode::Required | Mode::BestEffort => Some(Ledger::open(folder, options).map(Arc::new)),
        };
        Self {
            ledger,
            mode: state.ledger,
            retention: state.retention,
            shared: state.shared.clone(),
            owner: state.owner.as_ref().map(|owner| owner.value.clone()),
            caller,
            failpoints,
        }
    }

    /// The ledger under an edited configuration, in the same folder: the same, unless the edit is
    /// about it.
    pub(super) fn reconfigured(&self, config: &Config, folder: &Path) -> Self {
        let state = &config.state;
        let is_off = |mode| mode == Mode::Off;
        let is_same = self.retention == state.retention && self.shared == state.shared;
        if !is_same || is_off(self.mode) != is_off(state.ledger) {
            return Self::open(config, folder, self.caller, self.failpoints);
        }
        Self {
            ledger: self.ledger.clone(),
            mode: state.ledger,
            shared: self.shared.clone(),
            owner: self.owner.clone(),
            ..*self
        }
    }

    fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()?.as_deref().ok()
    }

    /// The user id that asks.
    pub(super) fn caller(&self) -> u32 {
        self.caller
    }

    /// Waits until messages can be recorded, where they have to be.
    pub(super) async fn ready(&self, deadline: Instant) -> Result<(), Failure> {
        match (&self.ledger, self.mode) {
            (Some(Ok(ledger)), Mode::Required) => {
                let ready = within(deadline, ledger.ready()).await;
                ready.map_err(|error| self.failure(error))
            }
            (Some(Err(error)), Mode::Required) => Err(error.clone().into()),
            _ => Ok(()),
        }
    }

    /// An id made of a message's content; `None`: there is no ledger, or it may fail.
    pub(super) async fn content_id(
        &self,
        content: &[&str],
        deadline: Instant,
    ) -> Result<Option<String>, Failure> {
        let made = match &self.ledger {
            None => return Ok(None),
            Some(Ok(ledger)) => within(self.patience(deadline), ledger.content_id(content)).await,
            Some(Err(error)) => Err(error.clone()),
        };
        match made {
            Ok(id) => Ok(Some(id)),
            Err(error) => self.tolerate(error, "").map(|()| None),
        }
    }

    /// Claims a message; `None`: it may go, unrecorded.
    pub(super) async fn claim(
        &self,
        claim: Claim,
        deadline: Instant,
    ) -> Result<Option<ClaimResult>, Failure> {
        let id = claim.facts.id.clone();
        let claimed = match &self.ledger {
            None => return Ok(None),
            Some(Ok(ledger)) => within(self.patience(deadline), ledger.claim(claim)).await,
            Some(Err(error)) => Err(error.clone()),
        };
        match claimed {
            Ok(result) => Ok(Some(result)),
            Err(error) => self.tolerate(error, &id).map(|()| None),
        }
    }

    /// Marks that a sender is about to get a message.
    pub(super) async fn mark_dispatched(
        &self,
        ticket: &Ticket,
        sender: &str,
        id: &str,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let Some(ledger) = self.ledger() else {
            return Ok(());
        };
        let marked = within(self.patience(deadline), ledger.dispatched(ticket, sender));
        match marked.await {
            Ok(None) => Ok(()),
            Ok(Some(DispatchRefusal::Limited(reached))) => Err(limited(&reached)),
            Ok(Some(DispatchRefusal::Paused(pause))) => Err(pause.failure()),
            Err(error) => self.tolerate(error, id),
        }
    }

    /// Whether a message of ours since about `since`, in milliseconds, is known to have the provider's
    /// id that was found.
    pub(super) async fn has_provider_id(
        &self,
        found: &Receipt,
        since: u64,
        deadline: Instant,
    ) -> bool {
        let (Some(ledger), Some(id)) = (self.ledger(), &found.provider_id) else {
            return false;
        };
        let since = UNIX_EPOCH + Duration::from_millis(since).saturating_sub(OVERLAP);
        let since = Timestamp::try_from(since).unwrap_or(Timestamp::UNIX_EPOCH);
        let has_it = within(deadline, ledger.has_provider_id(id, since));
        has_it.await.unwrap_or(true)
    }

    /// Notes what the processes beside this one should know of a refusal before its message ends.
    pub(super) async fn note_refusal(
        &self,
        sender: &str,
        recipient: &Phone,
        error: &SendError,
        deadline: Instant,
    ) {
        let Some(ledger) = self.ledger() else { return };
        let noted = match (error.verdict, error.retry_after) {
            (Verdict::Throttled, Some(wait)) if error.sender_wide => {
                within(deadline, ledger.note_rate_limit(sender, wait)).await
            }
            _ if error.recipient_in_doubt => {
                let code = ErrorCode::ProviderRefused.as_str();
                within(deadline, ledger.note_doubt(sender, recipient, code)).await
            }
            _ => return,
        };
        if let Err(error) = noted {
            tracing::warn!(sender, %error, "a refusal could not be recorded in the ledger");
        }
    }

    /// Writes how a message ended.
    pub(super) async fn settle(
        &self,
        ticket: Ticket,
        outcome: FinalOutcome,
        id: &str,
        deadline: Instant,
    ) {
        let Some(ledger) = self.ledger() else { return };
        if let Err(error) = within(last(deadline), ledger.settle(ticket, outcome)).await {
            tracing::error!(id, %error, "the outcome could not be recorded in the ledger");
        }
    }

    /// Writes that a message that was looked for again is as unknown as before.
    pub(super) async fn still_unknown(&self, ticket: Ticket, id: &str, deadline: Instant) {
        let Some(ledger) = self.ledger() else { return };
        if let Err(error) = within(last(deadline), ledger.still_unknown(ticket)).await {
            tracing::warn!(id, %error, "it could not be recorded that a message is still unknown");
        }
    }

    /// Notes that a code was typed in. Where nothing is recorded there is no such message.
    pub(super) async fn note_used(&self, id: &str, deadline: Instant) -> Result<Used, Failure> {
        match &self.ledger {
            None => Ok(Used::Unknown),
            Some(Ok(ledger)) => Ok(within(deadline, ledger.note_used(id)).await?),
            Some(Err(error)) => Err(error.clone().into()),
        }
    }

    /// Notes what a provider says became of a message.
    pub(super) async fn note_delivery(
        &self,
        id: &str,
        state: DeliveryState,
        deadline: Instant,
    ) -> Result<(), Failure> {
        match self.ledger() {
            Some(ledger) => Ok(within(deadline, ledger.note_delivery(id, state)).await?),
            None => Ok(()),
        }
    }

    /// Leaves the ledger tidy, if that takes no longer than a process may stay after its answer.
    pub(super) async fn close(&self) {
        if let Some(ledger) = self.ledger() {
            ledger.close(CLOSING).await;
        }
    }

    /// Writes a decision that needed no claim.
    pub(super) async fn record(&self, message: Unclaimed, deadline: Instant) {
        let Some(ledger) = self.ledger() else { return };
        let id = message.facts.id.clone();
        if let Err(error) = within(last(deadline), ledger.record(message)).await {
            tracing::warn!(id, %error, "the decision could not be recorded in the ledger");
        }
    }

    /// Tells the tests that a step was reached.
    pub(super) fn reached(&self, step: Step) {
        if let Some(ledger) = self.ledger() {
            ledger.reached(step);
        }
    }

    /// Until when a message waits that was not handed over yet. One that may go unrecorded keeps half of
    /// its time for being sent.
    fn patience(&self, deadline: Instant) -> Instant {
        let now = Instant::now();
        let left = deadline.saturating_duration_since(now);
        match self.mode {
            Mode::BestEffort => now + left / 2,
            Mode::Required | Mode::Off => deadline,
        }
    }

    /// What a failed ledger is told as. It is closed to every account but one: to another one, that is the cause.
    fn failure(&self, error: LedgerError) -> Failure {
        let code = error.code();
        if !matches!(code, ErrorCode::LedgerUnusable | ErrorCode::LedgerReadOnly) {
            return error.into();
        }
        let owner = self.owner.as_deref().map(accounts::named);
        let Some(Ok(Some(owner))) = owner else {
            return error.into();
        };
        if owner.user == accounts::own() {
            return error.into();
        }
        let name = owner.name;
        let own = accounts::own_name();
        let command = privilege::command_as(&name, "send");
        let words = format!("this runs as {own}, and {name} sends: {command}");
        Failure::with_detail(code, words)
    }

    /// A failed ledger stops a message, unless the configuration says that it may go unrecorded.
    fn tolerate(&self, error: LedgerError, id: &str) -> Result<(), Failure> {
        if self.mode == Mode::Required {
            return Err(self.failure(error));
        }
        tracing::warn!(id, %error, "the message is sent unrecorded, as [state] ledger = \"best_effort\" says");
        Ok(())
    }
}

/// Waits for the ledger no longer than this. What it was asked to do, it does later.
async fn within<T>(
    until: Instant,
    step: impl Future<Output = Result<T, LedgerError>>,
) -> Result<T, LedgerError> {
    timeout_at(until, step)
        .await
        .unwrap_or(Err(LedgerError::Late))
}

/// Until when the end of a message may be written down: a ledger that works needs a moment, even where a
/// provider has used all the time up.
fn last(deadline: Instant) -> Instant {
    deadline.max(Instant::now() + CLOSING)
}
