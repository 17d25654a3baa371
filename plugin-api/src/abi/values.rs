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

use std::{str::FromStr, time::Duration};

use abi_stable::{
    StableAbi,
    std_types::{ROption, RString, RVec},
};

pub use exchanges::{AbiExchangeError, AbiHttpAnswer, AbiHttpRequest, AbiMail, AbiSmtpAnswer};
pub use kinds::LevelKind;
#[cfg(test)]
pub use kinds::kinds;
pub use messages::{AbiInfo, AbiMessage, BadMessage};
pub use results::{AbiDelivery, AbiFinding, AbiFound, AbiReceipt, AbiSendError};

/// A name and a value that a later minor version may add.
#[repr(C)]
#[derive(StableAbi)]
pub struct Attribute {
    name: RString,
    value: RString,
}

type Attributes = RVec<Attribute>;

/// Adds a value under a name, where there is one.
fn put(attributes: &mut Attributes, name: &str, value: Option<impl ToString>) {
    attributes.extend(value.map(|value| Attribute {
        name: name.into(),
        value: value.to_string().into(),
    }));
}

/// The values of a name, in order.
fn all<'a>(attributes: &'a Attributes, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = attributes.iter().filter(move |known| known.name == name);
    named.map(|known| known.value.as_str())
}

/// The value of a name, if it is there and reads as one.
fn get<T: FromStr>(attributes: &Attributes, name: &str) -> Option<T> {
    all(attributes, name).next()?.parse().ok()
}

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
