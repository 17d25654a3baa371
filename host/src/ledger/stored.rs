//! A decision as it is stored, and how its words are read.

use serde::{Deserialize, Serialize};

use crate::protocol::{Attempt, Outcome};

/// A row of `decisions`, in either store; hashes and places in hexadecimal. Of a file, only what is shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Decision {
    pub seq: i64,
    #[serde(default, skip_serializing)]
    pub v: i64,
    #[serde(default, skip_serializing)]
    pub node: Option<String>,
    pub at: i64,
    pub id: String,
    pub live: bool,
    pub purpose: Option<String>,
    pub event: Option<String>,
    pub actor: Option<String>,
    pub policy: Option<String>,
    pub region: Option<String>,
    pub segments: Option<u32>,
    pub uid: u32,
    pub recipient: Option<String>,
    pub recipient_hash: Option<String>,
    pub user_hash: Option<String>,
    #[serde(default)]
    pub source_hash: Option<String>,
    pub content: Option<String>,
    pub tag: Option<u16>,
    pub expires: Option<i64>,
    pub owner: Option<String>,
    pub lease: Option<i64>,
    /// The server gives its own to a row that is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    pub places: Option<String>,
    pub over_limit: Option<String>,
    pub paused: Option<String>,
    pub sent_to: Option<String>,
    pub outcome: Option<String>,
    pub code: Option<String>,
    pub sender: Option<String>,
    pub provider_id: Option<String>,
    pub attempts: Option<String>,
    pub reasons: Option<String>,
    pub ms: Option<i64>,
    pub replayed: bool,
    pub response: Option<String>,
    pub looked_at: Option<i64>,
    pub resend_of: Option<String>,
    pub prefix_hash: Option<String>,
    pub used_at: Option<i64>,
    pub delivery: Option<String>,
    pub delivery_at: Option<i64>,
    pub without_hub: Option<bool>,
}

/// The outcome that is written so.
pub(super) fn outcome(word: &str) -> Option<Outcome> {
    Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == word)
}

/// Attempts, a line each; `None` if one is damaged.
pub(super) fn attempts(text: Option<&str>) -> Option<Vec<Attempt>> {
    let read = |line: String| {
        let mut words = line.split(' ');
        Some(Attempt {
            sender: words.next()?.to_owned(),
            outcome: outcome(words.next()?)?,
            code: words
                .next()
                .filter(|code| *code != NO_CODE)
                .map(|code| code.to_owned().into()),
            ms: words.next()?.parse().ok()?,
        })
    };
    lines(text).into_iter().map(read).collect()
}

/// What a column holds a line each of.
pub(super) fn lines(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Bytes as text: two digits each.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 15)].into());
    }
    text
}

/// Stands for an attempt's code where there is none.
pub(super) const NO_CODE: &str = "-";
