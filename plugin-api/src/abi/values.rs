//! The mirrors of this crate's types: `repr(C)`, kinds as integers, room to grow.
//!
//! | file | mirrors |
//! |---|---|
//! | `kinds` | enums, as integers with names |
//! | `messages` | what a plugin is, and what it is asked to deliver |
//! | `results` | what it says of it |
//! | `exchanges` | what it asks the host to carry, and what comes back |
//!
//! A kind that this side does not know maps to the most careful meaning it can have. `attributes`
//! let a minor version add to a value without changing its layout; unknown names are ignored.

mod exchanges;
mod kinds;
mod messages;
mod results;

use std::time::Duration;

use abi_stable::{
    StableAbi,
    std_types::{ROption, RString, RVec},
};

pub use exchanges::{AbiExchangeError, AbiHttpAnswer, AbiHttpRequest, AbiMail, AbiSmtpAnswer};
pub use kinds::LevelKind;
#[cfg(test)]
pub use kinds::kinds;
pub use messages::{AbiInfo, AbiMessage};
pub use results::{AbiDelivery, AbiFinding, AbiFound, AbiReceipt, AbiSendError};

/// A name and a value that a later minor version may add.
#[repr(C)]
#[derive(StableAbi)]
pub struct Attribute {
    name: RString,
    value: RString,
}

type Attributes = RVec<Attribute>;

fn optional(value: Option<String>) -> ROption<RString> {
    value.map(RString::from).into()
}

fn plain(value: ROption<RString>) -> Option<String> {
    value.into_option().map(RString::into_string)
}

/// Whole milliseconds; what does not fit (584 million years) is no limit.
fn milliseconds(value: Option<Duration>) -> ROption<u64> {
    value
        .and_then(|value| u64::try_from(value.as_millis()).ok())
        .into()
}

fn duration(value: ROption<u64>) -> Option<Duration> {
    value.into_option().map(Duration::from_millis)
}
