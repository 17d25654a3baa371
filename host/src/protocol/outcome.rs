//! How a request ended: the one table of outcomes and exit codes.

use std::{fmt, process::ExitCode};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a request ended, and what the caller may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A provider took it. That is not: delivered.
    Accepted,
    /// The request is wrong; nothing was sent.
    Invalid,
    /// Number or text is refused for good.
    Rejected,
    /// Certainly not sent; repeat later.
    Unavailable,
    /// The front failed before anything was dispatched.
    Crashed,
    /// This id is being sent by another process now.
    InProgress,
    /// Refused by a limit.
    Limited,
    /// It may have been sent; repeating the same id never sends twice.
    Unknown,
    /// Policy forbids it.
    Refused,
    /// The administrator must act.
    Misconfigured,
}

impl Outcome {
    /// Every outcome, in the order of the exit codes.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Invalid,
        Self::Rejected,
        Self::Unavailable,
        Self::Crashed,
        Self::InProgress,
        Self::Limited,
        Self::Unknown,
        Self::Refused,
        Self::Misconfigured,
    ];

    /// The word in responses, logs and the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Invalid => "invalid",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::Crashed => "crashed",
            Self::InProgress => "in_progress",
            Self::Limited => "limited",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// The exit code of a one-shot send: those of `sysexits.h` where one fits.
    pub const fn exit(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Invalid => 65,
            Self::Rejected => 67,
            Self::Unavailable => 69,
            Self::Crashed => 70,
            Self::InProgress => 73,
            Self::Limited => 75,
            Self::Unknown => 76,
            Self::Refused => 77,
            Self::Misconfigured => 78,
        }
    }

    /// Whether the same request may succeed later without any change.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::InProgress | Self::Limited | Self::Crashed
        )
    }

    /// Whether the message may have been sent: it keeps its places in the limits, and may have to be paid for.
    pub const fn may_have_been_sent(self) -> bool {
        matches!(self, Self::Accepted | Self::Unknown)
    }

    /// Whether it settles its id: a repeat is answered with the same response.
    pub const fn settles(self) -> bool {
        matches!(self, Self::Accepted | Self::Rejected | Self::Unknown)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        outcome.exit().into()
    }
}
