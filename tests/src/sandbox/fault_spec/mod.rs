//! Faults as words, for the command line: `status=503,times=2`, `drop,taken,to=+447700900123`, `at=rcpt,reply=451`.

mod http;
mod smtp;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::When;

pub use http::{FaultSpec, HELP};
pub use smtp::{SMTP_HELP, SmtpFaultSpec};

/// A fault's specification that cannot be understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultSpecError {
    /// A word that is not in the list.
    #[error("{0:?} is not part of such a fault; --help lists what is")]
    UnknownWord(String),
    /// A word without its value, or with one that it does not take.
    #[error("{word:?} needs a value like {example}")]
    BadValue {
        /// The word as it was given.
        word: String,
        /// A value of the right form.
        example: &'static str,
    },
    /// Two effects in one fault.
    #[error("{0:?} is a second effect; give each effect a fault of its own")]
    SecondEffect(String),
    /// Nothing that happens.
    #[error("the fault has no effect; begin with one, for example: drop")]
    NoEffect,
    /// An SMTP fault that does not say at which command.
    #[error("the fault does not say where; add at=rcpt or another of: {0}")]
    NoCommand(String),
    /// `drop-unread` with a condition on what the request says.
    #[error(
        "drop-unread strikes before the request is read: it cannot depend on to, method or path"
    )]
    Unread,
}

/// One element of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub key: &'a str,
    value: Option<&'a str>,
}

/// Takes the conditions out of a specification, which HTTP's and SMTP's have in common; the second part are the
/// words that are something else.
fn conditions(text: &str) -> Result<(When, Vec<Word<'_>>), FaultSpecError> {
    let mut when = When::always();
    let mut others = Vec::new();
    let (mut chance, mut seed) = (None, 0);
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (key, value) = match part.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (part, None),
        };
        let word = Word { key, value };
        match key {
            "to" => when = when.to(word.text("+447700900123")?),
            "method" => when = when.method(word.text("GET")?),
            "path" => when = when.path(word.text("Messages")?),
            "times" => when = when.times(word.number("2")?),
            "nth" => {
                when = when
                    .after(word.number::<u64>("3")?.saturating_sub(1))
                    .times(1)
            }
            "after" => when = when.after(word.number("2")?),
            "every" => when = when.every(word.number("3")?),
            "chance" => chance = Some(word.number::<f64>("0.1")?),
            "seed" => seed = word.number("7")?,
            _ => others.push(word),
        }
    }
    if let Some(probability) = chance {
        when = when.chance(probability, seed);
    }
    Ok((when, others))
}

impl<'a> Word<'a> {
    /// The value as it stands.
    pub fn text(&self, example: &'static str) -> Result<&'a str, FaultSpecError> {
        self.value.ok_or_else(|| self.bad(example))
    }

    /// The value as a number.
    pub fn number<T: FromStr>(&self, example: &'static str) -> Result<T, FaultSpecError> {
        self.value
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| self.bad(example))
    }

    /// The value as a time: `250ms`, `5s`, `2m`.
    pub fn duration(&self) -> Result<Duration, FaultSpecError> {
        const UNITS: [(&str, u64); 3] = [("ms", 1), ("s", 1000), ("m", 60_000)];
        let value = self.value.unwrap_or_default();
        UNITS
            .iter()
            .find_map(|(unit, milliseconds)| {
                let count: u64 = value.strip_suffix(unit)?.parse().ok()?;
                Some(Duration::from_millis(count.checked_mul(*milliseconds)?))
            })
            .ok_or_else(|| self.bad("5s or 250ms"))
    }

    /// The value as a size in bytes: `500`, `64K`, `10M`, `1G`.
    pub fn size(&self) -> Result<u64, FaultSpecError> {
        let value = self.value.unwrap_or_default();
        let (count, unit) = match value.as_bytes().last() {
            Some(b'K') => (&value[..value.len() - 1], 1 << 10),
            Some(b'M') => (&value[..value.len() - 1], 1 << 20),
            Some(b'G') => (&value[..value.len() - 1], 1 << 30),
            _ => (value, 1_u64),
        };
        let bytes = count
            .parse::<u64>()
            .ok()
            .and_then(|count| count.checked_mul(unit));
        bytes.ok_or_else(|| self.bad("64K or 10M"))
    }

    /// The error for a value of the wrong form.
    pub fn bad(&self, example: &'static str) -> FaultSpecError {
        FaultSpecError::BadValue {
            word: self.to_string(),
            example,
        }
    }
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{}={value}", self.key),
            None => f.write_str(self.key),
        }
    }
}
