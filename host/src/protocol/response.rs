//! What a caller gets back: one line of JSON, without a code, a secret or a full number.

use std::{borrow::Cow, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use textsender_plugin_api::{DeliveryState, DeliveryStatus};

use super::{ErrorCode, Failure, MessageId, Outcome, VERSION};
use crate::redact;

/// The response to one request.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Response {
    /// The protocol's version.
    pub version: u32,
    /// The message's id, the caller's or one made for it. Absent where the request was not read
    /// far enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// In a stream, the number of the request's line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// The sender that took the message, or was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The policy that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The language of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The recipient, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// How many segments the text takes, as carriers count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<u32>,
    /// The provider's id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Every attempt, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Whether this is the stored response of an earlier request with this id.
    #[serde(skip_serializing_if = "is_false")]
    pub replayed: bool,
    /// Whether the recipient may get the text more than once.
    #[serde(skip_serializing_if = "is_false")]
    pub may_duplicate: bool,
    /// What became of it, where the caller waited for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryBody>,
    /// Why it was not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// One attempt to hand the message to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The sender that was asked.
    pub sender: String,
    /// How the attempt ended.
    pub outcome: Outcome,
    /// Why, unless it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "error_code")]
    pub code: Option<Cow<'static, str>>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// What became of an accepted message, as its provider says.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryBody {
    /// How far it came.
    pub state: DeliveryState,
    /// The provider's own code, where it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl From<&DeliveryStatus> for DeliveryBody {
    fn from(delivery: &DeliveryStatus) -> Self {
        Self {
            state: delivery.state,
            code: delivery.provider_code.clone(),
        }
    }
}

/// Why a request was not accepted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// The stable code.
    #[schemars(schema_with = "error_code")]
    pub code: Cow<'static, str>,
    /// What is wrong, for operators.
    pub message: String,
    /// Whether the same request may succeed later without any change.
    pub retryable: bool,
    /// How long to wait before a repeat, in whole seconds, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Default for Response {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Response {
    /// The response to a message, accepted unless it [fails](Self::fail).
    pub fn for_id(id: &MessageId) -> Self {
        Self::new(Some(id.as_str().to_owned()))
    }

    /// The response to a request that could not be read, or not be begun.
    pub fn failed(id: Option<MessageId>, failure: &Failure) -> Self {
        let mut response = Self::new(id.map(|id| id.as_str().to_owned()));
        response.fail(failure);
        response
    }

    /// Adds the response as a line of JSON in which every character reads as what it is: the name of a policy
    /// may hold anything.
    ///
    /// # Errors
    ///
    /// None, as a response has nothing that JSON can't say.
    pub fn write_line(&self, lines: &mut Vec<u8>) -> serde_json::Result<()> {
        let start = lines.len();
        serde_json::to_writer(&mut *lines, self)?;
        let is_plain = |byte: &u8| (b' '..=b'~').contains(byte);
        if !lines[start..].iter().all(is_plain) {
            let escaped = redact::escaped(&String::from_utf8_lossy(&lines[start..]));
            lines.truncate(start);
            lines.extend_from_slice(escaped.as_bytes());
        }
        lines.push(b'\n');
        Ok(())
    }

    fn new(id: Option<String>) -> Self {
        Self {
            version: VERSION,
            id,
            line: None,
            outcome: Outcome::Accepted,
            sender: None,
            policy: None,
            locale: None,
            recipient: None,
            segments: None,
            provider_id: None,
            attempts: Vec::new(),
            replayed: false,
            may_duplicate: false,
            delivery: None,
            error: None,
        }
    }

    /// Puts a failure, and its outcome, into the response.
    pub fn fail(&mut self, failure: &Failure) {
        let expired = failure.code == super::ErrorCode::Expired;
        self.outcome = failure.outcome();
        self.error = Some(ErrorBody {
            code: failure.code.as_str().into(),
            message: failure.to_string(),
            retryable: failure.outcome().is_retryable() && !expired,
            retry_after: failure.retry_after.map(whole_seconds),
        });
    }
}

/// The codes of the one table.
fn error_code(_: &mut SchemaGenerator) -> Schema {
    let codes: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    json_schema!({ "type": "string", "enum": codes })
}

fn whole_seconds(duration: Duration) -> u64 {
    let more = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(more)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}
