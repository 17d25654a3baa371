//! What a plugin says of a message.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RString},
};

use super::{
    Attributes, duration, get,
    kinds::{DeliveryKind, FailureCode, VerdictKind},
    milliseconds, optional, plain, put,
};
use crate::{DeliveryStatus, Finding, Found, MessagePart, Receipt, SendError, Verdict};

/// Mirrors [`Receipt`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiReceipt {
    provider_id: ROption<RString>,
    segments: ROption<u32>,
    attributes: Attributes,
}

impl From<Receipt> for AbiReceipt {
    fn from(receipt: Receipt) -> Self {
        Self {
            provider_id: optional(receipt.provider_id),
            segments: receipt.segments.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiReceipt> for Receipt {
    fn from(receipt: AbiReceipt) -> Self {
        Self {
            provider_id: plain(receipt.provider_id),
            segments: receipt.segments.into_option(),
        }
    }
}

/// Mirrors [`SendError`], and carries a panic where there was one.
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiSendError {
    verdict: VerdictKind,
    panicked: bool,
    message: RString,
    provider_code: ROption<RString>,
    retry_after_ms: ROption<u64>,
    failure: ROption<FailureCode>,
    attributes: Attributes,
}

impl AbiSendError {
    /// What a call that panicked says. The panic's text went to the log.
    pub fn panicked() -> Self {
        Self {
            panicked: true,
            ..SendError::unknown("the plugin panicked").into()
        }
    }

    pub const fn is_panic(&self) -> bool {
        self.panicked
    }
}

/// Since 1.1, of an error: the part of the message that the sender can't carry.
const UNSUITABLE: &str = "unsuitable";
/// And whether the recipient may be the reason.
const RECIPIENT_IN_DOUBT: &str = "recipient_in_doubt";
/// And whether the whole sender has to wait.
const SENDER_WIDE: &str = "sender_wide";
/// And whether the account is why the number can't be reached.
const ACCOUNT_LIMIT: &str = "account_limit";

impl From<SendError> for AbiSendError {
    fn from(error: SendError) -> Self {
        let mut attributes = Attributes::new();
        if error.verdict == Verdict::Unsuitable {
            let part = error.part.unwrap_or(MessagePart::Code);
            put(&mut attributes, UNSUITABLE, Some(part.as_str()));
        }
        let in_doubt = error.recipient_in_doubt.then_some(true);
        put(&mut attributes, RECIPIENT_IN_DOUBT, in_doubt);
        let sender_wide = error.sender_wide.then_some(true);
        put(&mut attributes, SENDER_WIDE, sender_wide);
        let account_limit = error.account_limit.then_some(true);
        put(&mut attributes, ACCOUNT_LIMIT, account_limit);
        Self {
            verdict: error.verdict.into(),
            panicked: false,
            message: error.message.into_owned().into(),
            provider_code: optional(error.provider_code),
            retry_after_ms: milliseconds(error.retry_after),
            failure: error.failure.map(Into::into).into(),
            attributes,
        }
    }
}

impl From<AbiSendError> for SendError {
    fn from(error: AbiSendError) -> Self {
        let part = match get::<String>(&error.attributes, UNSUITABLE).as_deref() {
            Some("password") => Some(MessagePart::Password),
            Some(_) => Some(MessagePart::Code),
            None => None,
        };
        let verdict = match (error.verdict.into(), part) {
            (Verdict::UndeliverableHere, Some(_)) => Verdict::Unsuitable,
            (verdict, _) => verdict,
        };
        Self {
            verdict,
            part: part.filter(|_| verdict == Verdict::Unsuitable),
            recipient_in_doubt: get(&error.attributes, RECIPIENT_IN_DOUBT).unwrap_or(false),
            sender_wide: get(&error.attributes, SENDER_WIDE).unwrap_or(false),
            account_limit: get(&error.attributes, ACCOUNT_LIMIT).unwrap_or(false),
            message: error.message.into_string().into(),
            provider_code: plain(error.provider_code),
            retry_after: duration(error.retry_after_ms),
            failure: error.failure.into_option().map(Into::into),
        }
    }
}

/// Mirrors [`DeliveryStatus`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiDelivery {
    state: DeliveryKind,
    reason: ROption<RString>,
    provider_code: ROption<RString>,
    attributes: Attributes,
}

impl From<DeliveryStatus> for AbiDelivery {
    fn from(delivery: DeliveryStatus) -> Self {
        Self {
            state: delivery.state.into(),
            reason: optional(delivery.reason),
            provider_code: optional(delivery.provider_code),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiDelivery> for DeliveryStatus {
    fn from(delivery: AbiDelivery) -> Self {
        Self {
            state: delivery.state.into(),
            reason: plain(delivery.reason),
            provider_code: plain(delivery.provider_code),
        }
    }
}

/// Mirrors [`Found`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiFound {
    kind: FoundKind,
    receipt: ROption<AbiReceipt>,
    attributes: Attributes,
}

/// Which of [`Found`] it is; an unknown one is *can't tell*.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, PartialEq, Eq)]
pub struct FoundKind(u32);

impl FoundKind {
    const YES: Self = Self(1);
    const ABSENT: Self = Self(2);
    const CANNOT_TELL: Self = Self(3);

    #[cfg(test)]
    pub(super) const CONSTANTS: &[(&str, u32)] = &[
        ("YES", Self::YES.0),
        ("ABSENT", Self::ABSENT.0),
        ("CANNOT_TELL", Self::CANNOT_TELL.0),
    ];
}

impl From<Found> for AbiFound {
    fn from(found: Found) -> Self {
        let (kind, receipt) = match found {
            Found::Accepted(receipt) => (FoundKind::YES, Some(receipt.into())),
            Found::Absent => (FoundKind::ABSENT, None),
            Found::CannotTell => (FoundKind::CANNOT_TELL, None),
        };
        Self {
            kind,
            receipt: receipt.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiFound> for Found {
    fn from(found: AbiFound) -> Self {
        match (found.kind, found.receipt.into_option()) {
            (FoundKind::YES, Some(receipt)) => Self::Accepted(receipt.into()),
            (FoundKind::ABSENT, _) => Self::Absent,
            _ => Self::CannotTell,
        }
    }
}

/// Mirrors [`Finding`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiFinding {
    is_fault: bool,
    message: RString,
    attributes: Attributes,
}

impl From<Finding> for AbiFinding {
    fn from(finding: Finding) -> Self {
        Self {
            is_fault: finding.is_fault,
            message: finding.message.into(),
            attributes: Attributes::new(),
        }
    }
}

impl From<AbiFinding> for Finding {
    fn from(finding: AbiFinding) -> Self {
        Self {
            is_fault: finding.is_fault,
            message: finding.message.into(),
        }
    }
}
