//! From a plugin's word and the front's own knowledge to an outcome: the verdict table.

use std::time::Duration;

use textsender_plugin_api::{FailureKind, Receipt, SendError, Verdict as PluginVerdict};

use super::AttemptDetail;
use crate::{
    config::OnUnknown,
    plugins::{CallEnd, CallResult, Reply, Trace},
    protocol::{ErrorCode, Failure, Outcome},
    transport::Fault,
};

/// The longest time that a plugin may ask to wait: what is longer is no time that a caller waits for,
/// and may be more than a clock can count.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// What one attempt comes to.
#[derive(Debug)]
pub(super) enum AttemptResult {
    /// A provider took the message.
    Accepted(Receipt),
    /// It did not, or may have.
    Failed {
        /// Which row of the error table.
        failure: Failure,
        /// Whether the same sender may be asked again.
        again: Again,
        /// Whether the next sender may be asked.
        next: bool,
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
    },
}

/// Whether the same sender may be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    No,
    AfterBackoff,
}

/// One row for each verdict of a plugin.
const fn row(verdict: PluginVerdict, on_unknown: OnUnknown) -> (ErrorCode, Again, bool) {
    match verdict {
        PluginVerdict::Rejected => (ErrorCode::NumberRejected, Again::No, false),
        PluginVerdict::OptedOut => (ErrorCode::OptedOut, Again::No, false),
        PluginVerdict::UndeliverableHere => (ErrorCode::Undeliverable, Again::No, true),
        // Of the message's content, not of the number or the sender: another may carry it.
        PluginVerdict::Unsuitable => (ErrorCode::UnsuitableCode, Again::No, true),
        PluginVerdict::Throttled => (ErrorCode::Throttled, Again::AfterBackoff, true),
        PluginVerdict::Exhausted => (ErrorCode::Exhausted, Again::No, true),
        PluginVerdict::Unavailable => (ErrorCode::ProviderUnavailable, Again::AfterBackoff, true),
        PluginVerdict::Unauthorized => (ErrorCode::Unauthorized, Again::No, true),
        PluginVerdict::Misconfigured => (ErrorCode::ProviderRefused, Again::No, true),
        // A verdict that this host does not know yet is the most careful one.
        _ => (
            ErrorCode::MaybeSent,
            Again::No,
            matches!(on_unknown, OnUnknown::FailOver),
        ),
    }
}

/// Why a question that delivers nothing has no answer.
pub(super) fn not_told(sender: &str, end: &CallEnd) -> Failure {
    let fault = end.trace.last_fault();
    let code = match &end.result {
        CallResult::Failed(error) => {
            log_plugin_error(sender, error, fault.as_ref(), false);
            match (error.verdict, fault.as_ref().and_then(|fault| fault.ours)) {
                // Nothing was to be sent: what is in doubt is only the answer.
                (PluginVerdict::Unknown, _) => ErrorCode::ProviderUnavailable,
                (_, Some(code)) => code,
                (verdict, None) => row(verdict, OnUnknown::Stop).0,
            }
        }
        CallResult::TimedOut => ErrorCode::Timeout,
        CallResult::TooOld => ErrorCode::PluginTooOld,
        CallResult::Replied(_) | CallResult::Panicked | CallResult::Died => ErrorCode::PluginFailed,
    };
    let mut failure = of_sender(code, sender);
    if let Some(words) = fault.and_then(|fault| fault.words) {
        failure.detail = Some(format!("sender {sender}: {words}"));
    }
    failure
}

/// The plugin's words, and why its last exchange failed, which the front knows better. A warning comes once for each
/// message and sender: what further attempts met stands in the ledger.
fn log_plugin_error(sender: &str, error: &SendError, fault: Option<&Fault>, is_repeat: bool) {
    let code = error.provider_code.as_deref().unwrap_or_default();
    let verdict = error.verdict;
    if is_repeat {
        tracing::debug!(
            sender,
            ?verdict,
            provider_code = code,
            "plugin, asked again: {}",
            error.message
        );
        return;
    }
    match fault.and_then(|fault| fault.words.as_deref()) {
        Some(cause) => {
            tracing::warn!(
                sender,
                ?verdict,
                provider_code = code,
                cause,
                "plugin: {}",
                error.message
            );
        }
        None => tracing::warn!(
            sender,
            ?verdict,
            provider_code = code,
            "plugin: {}",
            error.message
        ),
    }
}

/// What the ledger is to know of an attempt: what was said, as it was cleaned when it came in, and why the
/// last exchange failed.
pub(super) fn detail(end: &CallEnd) -> AttemptDetail {
    let CallResult::Failed(error) = &end.result else {
        return AttemptDetail::default();
    };
    let mut reason = match &error.provider_code {
        Some(code) => format!("{code}: {}", error.message),
        None => error.message.to_string(),
    };
    if let Some(cause) = end.trace.last_fault().and_then(|fault| fault.words) {
        reason = format!("{reason}: {cause}");
    }
    if let Some(words) = end.trace.server_words() {
        reason = format!("{reason}; the server said: {words}");
    }
    AttemptDetail {
        reason: Some(reason),
        recipient_in_doubt: error.recipient_in_doubt,
    }
}

/// Judges the end of a send. The plugin alone judges an answer; whether there was one, and whether
/// a message may have left, the front knows better.
/// `is_repeat`: the sender was asked for this message before.
pub(super) fn judge(
    sender: &str,
    end: CallEnd,
    on_unknown: OnUnknown,
    is_repeat: bool,
) -> AttemptResult {
    let limit = end.trace.limit().filter(|_| !end.trace.is_answered());
    let mut judged = judge_words(sender, end, on_unknown, is_repeat);
    if let (Some(limit), AttemptResult::Failed { failure, .. }) = (limit, &mut judged)
        && failure.outcome() != Outcome::Unknown
    {
        let detail = format!("sender {sender}: {limit}");
        *failure = Failure::with_detail(ErrorCode::BudgetExhausted, detail);
    }
    judged
}

fn judge_words(
    sender: &str,
    end: CallEnd,
    on_unknown: OnUnknown,
    is_repeat: bool,
) -> AttemptResult {
    let CallEnd { result, trace } = end;
    match result {
        CallResult::Replied(Reply::Sent(receipt))
            if trace.is_answered() || trace.has_own_network() =>
        {
            AttemptResult::Accepted(receipt)
        }
        CallResult::Replied(_) => {
            tracing::warn!(
                sender,
                "the plugin says accepted, but no provider answered it"
            );
            failed(sender, PluginVerdict::Unknown, None, on_unknown)
        }
        CallResult::Failed(error) => claimed(sender, &error, &trace, on_unknown, is_repeat),
        CallResult::Panicked => by_stage(sender, &trace, ErrorCode::PluginFailed, on_unknown),
        CallResult::TooOld => AttemptResult::not_asked(of_sender(ErrorCode::PluginTooOld, sender)),
        CallResult::Died => by_stage(sender, &trace, ErrorCode::PluginFailed, on_unknown),
        CallResult::TimedOut => by_stage(sender, &trace, ErrorCode::Timeout, on_unknown),
    }
}

/// A plugin's error, unless it claims *not sent* of a message that may have been.
fn claimed(
    sender: &str,
    error: &SendError,
    trace: &Trace,
    on_unknown: OnUnknown,
    is_repeat: bool,
) -> AttemptResult {
    let fault = trace
        .last_fault()
        .filter(|fault| error.failure == Some(fault.kind));
    log_plugin_error(sender, error, fault.as_ref(), is_repeat);
    if error.verdict != PluginVerdict::Unknown && trace.is_in_doubt() {
        return failed(sender, PluginVerdict::Unknown, None, on_unknown);
    }
    let retry_after = error.retry_after.map(|time| time.min(LONGEST_RETRY_AFTER));
    let mut result = failed(sender, error.verdict, retry_after, on_unknown);
    if let AttemptResult::Failed { failure, again, .. } = &mut result {
        if failure.code == ErrorCode::Undeliverable && error.account_limit {
            failure.code = ErrorCode::RegionNotEnabled;
        }
        let timed_out = error.failure == Some(FailureKind::Timeout);
        if timed_out && failure.code == ErrorCode::ProviderUnavailable {
            failure.code = ErrorCode::Timeout;
        }
        if let (ErrorCode::UnsuitableCode, Some(part)) = (failure.code, error.part) {
            failure.detail = Some(format!("sender {sender}: its {}", part.as_str()));
        }
        if failure.outcome() != Outcome::Unavailable {
            return result;
        }
        if let Some(code) = fault.as_ref().and_then(|fault| fault.ours) {
            failure.code = code;
            *again = Again::No;
        }
        let words = fault.and_then(|fault| fault.words);
        let words = words.or_else(|| Some(error.failure?.as_str().to_owned()));
        if let Some(words) = words {
            failure.detail = Some(format!("sender {sender}: {words}"));
        }
    }
    result
}

/// A message whose plugin said nothing of it.
fn by_stage(sender: &str, trace: &Trace, code: ErrorCode, on_unknown: OnUnknown) -> AttemptResult {
    if trace.was_written() || trace.has_own_network() {
        return failed(sender, PluginVerdict::Unknown, None, on_unknown);
    }
    let again = match code {
        // A fresh process may do better; one that hung would hang again.
        ErrorCode::PluginFailed => Again::AfterBackoff,
        _ => Again::No,
    };
    AttemptResult::Failed {
        failure: of_sender(code, sender),
        again,
        next: true,
        retry_after: None,
    }
}

fn failed(
    sender: &str,
    verdict: PluginVerdict,
    retry_after: Option<Duration>,
    on_unknown: OnUnknown,
) -> AttemptResult {
    let (code, again, next) = row(verdict, on_unknown);
    let failure = of_sender(code, sender).after(retry_after);
    AttemptResult::Failed {
        failure,
        again,
        next,
        retry_after,
    }
}

fn of_sender(code: ErrorCode, sender: &str) -> Failure {
    Failure::with_detail(code, format!("sender {sender}"))
}

impl AttemptResult {
    /// A sender that could not be asked: the next one may.
    pub(super) fn not_asked(failure: Failure) -> Self {
        let again = match failure.code {
            ErrorCode::PluginFailed => Again::AfterBackoff,
            _ => Again::No,
        };
        let retry_after = failure.retry_after;
        Self::Failed {
            failure,
            again,
            next: true,
            retry_after,
        }
    }

    /// A message that the provider proved not to have.
    pub(super) fn absent(sender: &str) -> Self {
        failed(sender, PluginVerdict::Unavailable, None, OnUnknown::Stop)
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.outcome() == Outcome::Unknown
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.failure().map_or(Outcome::Accepted, Failure::outcome)
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Accepted(_) => None,
            Self::Failed { failure, .. } => Some(failure),
        }
    }
}

/// Which of several failures the caller is told: the one that binds most. A number that a sender
/// can't reach is refused for good only if no other sender may yet reach it.
pub(super) fn rank(failure: &Failure) -> u8 {
    match (failure.outcome(), failure.code) {
        (Outcome::Unknown, _) => 0,
        (Outcome::Rejected, ErrorCode::Undeliverable | ErrorCode::UnsuitableCode) => 4,
        (Outcome::Rejected, _) => 1,
        (Outcome::Unavailable, _) => 2,
        _ => 3,
    }
}
