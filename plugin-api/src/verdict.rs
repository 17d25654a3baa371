//! What a sender says of a message: a receipt, or an error with a verdict.

use std::{borrow::Cow, fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ExchangeError, FailureKind};

/// The provider took the message. That is not: delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Receipt {
    /// The provider's id of the message, at most 128 characters of `[A-Za-z0-9._@+=:/-]`: the host
    /// drops any other.
    pub provider_id: Option<String>,
    /// How many segments the provider charges, where it says so.
    pub segments: Option<u32>,
}

impl Receipt {
    /// A receipt with the provider's id.
    pub fn new(provider_id: impl Into<String>) -> Self {
        Self {
            provider_id: Some(provider_id.into()),
            segments: None,
        }
    }

    /// A receipt from a provider that gives no id.
    pub fn without_id() -> Self {
        Self::default()
    }
}

/// What a failed send means for the message. The host acts on this alone.
///
/// | verdict | say it when | the host then |
/// |---|---|---|
/// | `Rejected` | number or text is bad anywhere | stops |
/// | `UndeliverableHere` | this provider or account can't reach this number | asks the next sender |
/// | `OptedOut` | the recipient refused texts from this sender | stops |
/// | `Throttled` | too fast; a little later it works | waits, repeats, asks the next sender |
/// | `Exhausted` | a quota is used up until much later | asks the next sender |
/// | `Unavailable` | certainly not sent, and worth repeating | repeats, asks the next sender |
/// | `Unauthorized` | the provider refuses the credentials | tells the administrator, asks the next sender |
/// | `Misconfigured` | a setting or the account is wrong | tells the administrator, asks the next sender |
/// | `Unsuitable` | this provider can't carry this code or password | asks the next sender, and blames no one |
/// | `Unknown` | it may have been sent | never repeats blindly |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Verdict {
    /// Number or text is refused, here and anywhere.
    Rejected,
    /// This sender can't reach the number; another may.
    UndeliverableHere,
    /// The recipient opted out of texts from this sender.
    OptedOut,
    /// The provider wants it slower. Not sent.
    Throttled,
    /// The provider takes no more for a long while. Not sent.
    Exhausted,
    /// Certainly not sent.
    Unavailable,
    /// The credentials are refused. Not sent.
    Unauthorized,
    /// A setting or the provider's account is wrong. Not sent.
    Misconfigured,
    /// It may have been sent.
    Unknown,
    /// This sender can't carry this code or password, whatever the recipient. Not sent.
    Unsuitable,
}

/// The part of a message that a sender can't carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessagePart {
    /// The one-time code.
    Code,
    /// The password.
    Password,
}

impl MessagePart {
    /// The word for it in errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Password => "password",
        }
    }
}

/// A message that the provider did not accept, or may have.
///
/// Made by the function named after its verdict: `SendError::rejected("the number is invalid")`.
/// The words are for the operator's log. The host bounds and redacts them, but a plugin never puts
/// a code, a secret or a number there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SendError {
    /// What it means.
    pub verdict: Verdict,
    /// What happened, in a few words.
    pub message: Cow<'static, str>,
    /// The provider's own error code, where it gave one: see [`SendError::with_provider_code`].
    pub provider_code: Option<String>,
    /// How long to wait before a repeat, where the provider said so.
    pub retry_after: Option<Duration>,
    /// Why the exchange brought no answer, where that is the cause.
    pub failure: Option<FailureKind>,
    /// What of the message is [`Verdict::Unsuitable`].
    pub part: Option<MessagePart>,
    /// Whether the recipient may be the reason: see [`SendError::with_recipient_in_doubt`].
    #[serde(default)]
    pub recipient_in_doubt: bool,
    /// Whether the wait is the whole sender's: see [`SendError::with_sender_wide_wait`].
    #[serde(default)]
    pub sender_wide: bool,
    /// Whether the account is why the number can't be reached: see [`SendError::with_account_limit`].
    #[serde(default)]
    pub account_limit: bool,
}

impl SendError {
    /// An error with this verdict.
    pub fn new(verdict: Verdict, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            verdict,
            message: message.into(),
            provider_code: None,
            retry_after: None,
            failure: None,
            part: None,
            recipient_in_doubt: false,
            sender_wide: false,
            account_limit: false,
        }
    }

    /// See [`Verdict::Rejected`].
    pub fn rejected(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Rejected, message)
    }

    /// See [`Verdict::UndeliverableHere`].
    pub fn undeliverable_here(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::UndeliverableHere, message)
    }

    /// See [`Verdict::OptedOut`].
    pub fn opted_out(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::OptedOut, message)
    }

    /// See [`Verdict::Throttled`].
    pub fn throttled(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Throttled, message)
    }

    /// See [`Verdict::Exhausted`].
    pub fn exhausted(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Exhausted, message)
    }

    /// See [`Verdict::Unavailable`].
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Unavailable, message)
    }

    /// See [`Verdict::Unauthorized`].
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Unauthorized, message)
    }

    /// See [`Verdict::Misconfigured`].
    pub fn misconfigured(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Misconfigured, message)
    }

    /// See [`Verdict::Unknown`].
    pub fn unknown(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Unknown, message)
    }

    /// See [`Verdict::Unsuitable`]. Say it before the exchange: a provider's own words about a text
    /// are [`rejected`](Self::rejected).
    pub fn unsuitable(part: MessagePart, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            part: Some(part),
            ..Self::new(Verdict::Unsuitable, message)
        }
    }

    /// Adds the provider's own code: at most 128 letters, digits and `._@+=:/-`. The host shows no other.
    pub fn with_provider_code(mut self, code: impl ToString) -> Self {
        self.provider_code = Some(code.to_string());
        self
    }

    /// Adds how long to wait.
    pub fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    /// Adds that the provider wants no message of this sender before the wait is over, and not only not this one: the
    /// host's other processes wait as well, or ask the next sender.
    pub fn with_sender_wide_wait(mut self) -> Self {
        self.sender_wide = true;
        self
    }

    /// Adds that the provider's answer does not tell whether it is about the recipient or about this sender. The
    /// host asks other senders later than this one only once several recipients met such an answer.
    pub fn with_recipient_in_doubt(mut self) -> Self {
        self.recipient_in_doubt = true;
        self
    }

    /// Adds, to [`Verdict::UndeliverableHere`], that it is not the number's: the account at the provider is not
    /// switched on for its country or range, which an administrator can change. The words say where.
    pub fn with_account_limit(mut self) -> Self {
        self.account_limit = true;
        self
    }

    /// Whether the provider may have taken the message.
    pub fn may_have_been_sent(&self) -> bool {
        self.verdict == Verdict::Unknown
    }

    /// Whether the message can't be delivered by anyone.
    pub fn is_final(&self) -> bool {
        matches!(self.verdict, Verdict::Rejected | Verdict::OptedOut)
    }

    /// Whether an administrator must act before this sender works.
    pub fn needs_administrator(&self) -> bool {
        matches!(self.verdict, Verdict::Unauthorized | Verdict::Misconfigured)
    }

    /// Whether the same sender may be asked again for this message.
    pub fn is_retryable(&self) -> bool {
        matches!(self.verdict, Verdict::Throttled | Verdict::Unavailable)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.provider_code {
            Some(code) => write!(f, " (provider's code {code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SendError {}

/// The right verdict for an exchange without an answer: *unknown* where a message may have been
/// taken, *misconfigured* where the request could not be made, else *unavailable*.
impl From<ExchangeError> for SendError {
    fn from(error: ExchangeError) -> Self {
        let verdict = match error.kind {
            _ if error.may_have_been_sent() => Verdict::Unknown,
            FailureKind::NotAllowed | FailureKind::Malformed | FailureKind::Unsupported => {
                Verdict::Misconfigured
            }
            _ => Verdict::Unavailable,
        };
        Self {
            failure: Some(error.kind),
            ..Self::new(verdict, error.kind.as_str())
        }
    }
}

/// What became of an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryState {
    /// The provider has it.
    Accepted,
    /// It is on its way to the phone.
    Sent,
    /// The phone has it.
    Delivered,
    /// It will not arrive.
    Failed,
    /// The provider can't tell.
    CannotTell,
}

/// A provider's word on one accepted message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DeliveryStatus {
    /// How far it came.
    pub state: DeliveryState,
    /// Why it failed, in a few words, where it did.
    pub reason: Option<String>,
    /// The provider's own word or code.
    pub provider_code: Option<String>,
}

impl DeliveryState {
    /// The word in responses and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::CannotTell => "cannot_tell",
        }
    }
}

impl DeliveryStatus {
    /// A state without more to say.
    pub fn new(state: DeliveryState) -> Self {
        Self {
            state,
            reason: None,
            provider_code: None,
        }
    }
}

/// What looking for a message that may have been sent brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Found {
    /// The provider has it.
    Accepted(Receipt),
    /// The provider guarantees that it never took it. Say this only where the provider's
    /// documents promise it: the host sends again.
    Absent,
    /// Neither is certain.
    CannotTell,
}

/// One thing that a check of a sender found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// Whether it stops messages.
    pub is_fault: bool,
    /// What it is, and what to do.
    pub message: String,
}

impl Finding {
    /// Something that is as it should be, or that could not be told.
    pub fn note(message: impl Into<String>) -> Self {
        Self {
            is_fault: false,
            message: message.into(),
        }
    }

    /// Something that stops messages.
    pub fn fault(message: impl Into<String>) -> Self {
        Self {
            is_fault: true,
            message: message.into(),
        }
    }
}
