//! What a product is answered.
//!
//! Its users see the answer, or how long it took. So `reveal = false` hides what is the matter with a
//! *user*: no number, a number that can't be texted, a policy that does not let them. It is answered like
//! a message that was sent, and is told in the log alone. What is the caller's or the administrator's to
//! correct, or passes, is told: limits, outages, faults of the body.

use std::time::Duration;

use axum::response::Response as HttpResponse;
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde_json::json;

use crate::{
    config::Shape,
    protocol::{ErrorCode, Failure, Outcome, Response},
    serve::reply,
};

/// An answer, before it is put into the product's words.
pub(super) struct Answer {
    status: StatusCode,
    /// `None`: it was sent, or is answered like that.
    code: Option<ErrorCode>,
    retry_after: Option<u64>,
    is_hidden: bool,
    kind: Kind,
}

/// Whose time an answer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A sender was asked: what a message that is sent takes.
    Sent,
    /// It is hidden that nothing was sent, and no sender was asked.
    Hidden,
    /// Anything else, which tells nothing of users.
    Other,
}

impl Answer {
    /// The answer to a message. `is_about_the_user`: it could not be made because the user has no number.
    pub(super) fn to(response: &Response, shape: &Shape, is_about_the_user: bool) -> Self {
        let error = response.error.as_ref();
        let code = error.and_then(|error| ErrorCode::parse(&error.code));
        let is_hidden =
            !shape.reveal && (is_about_the_user || code.is_some_and(ErrorCode::is_about_the_user));
        let is_good = is_hidden || matches!(response.outcome, Outcome::Accepted | Outcome::Unknown);
        let was_asked = !response.attempts.is_empty() && !response.replayed;
        Self {
            status: match is_good {
                true => StatusCode::OK,
                false => reply::status_of(response.outcome),
            },
            code: code.filter(|_| !is_good),
            retry_after: reply::retry_after(response).filter(|_| !is_good),
            is_hidden,
            kind: match (is_good, was_asked) {
                (true, true) => Kind::Sent,
                (true, false) if is_hidden => Kind::Hidden,
                _ => Kind::Other,
            },
        }
    }

    /// The answer to a body that could not be read to its end.
    pub(super) fn failed(failure: &Failure) -> Self {
        Self {
            status: reply::status_of(failure.outcome()),
            code: Some(failure.code),
            retry_after: None,
            is_hidden: false,
            kind: Kind::Other,
        }
    }

    /// The answer of a recipient's limit.
    pub(super) fn limited(wait: Duration) -> Self {
        Self {
            status: reply::status_of(Outcome::Limited),
            code: Some(ErrorCode::Limited),
            retry_after: Some(wait.as_millis().div_ceil(1000) as u64),
            is_hidden: false,
            kind: Kind::Other,
        }
    }

    /// Whether it hides that nothing was sent.
    pub(super) fn is_hidden(&self) -> bool {
        self.is_hidden
    }

    /// Whose time it takes.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Says in the log what the answer hides, and which part of a body is wrong: a product's answer has no
    /// particulars.
    pub(super) fn log(&self, caller: &str, response: &Response) {
        let Some(error) = &response.error else { return };
        let (code, message) = (&error.code, &error.message);
        if !self.is_hidden && response.outcome == Outcome::Invalid {
            tracing::warn!(caller, %code, "a request was refused: {message}");
        }
        if self.is_hidden {
            tracing::warn!(
                caller, %code, %message,
                "nothing was sent; the caller is answered as if it was, as [callers.{caller}] reveal is off"
            );
        }
    }

    /// In the product's words.
    pub(super) fn into_http(self, shape: &Shape) -> HttpResponse {
        let body = match (self.code, &shape.bad) {
            (None, _) => shape.good.clone(),
            (Some(_), Some(bad)) => bad.clone(),
            // Our own words for the code, without particulars.
            (Some(code), None) => {
                json!({ "error": { "code": code.as_str(), "message": code.message() } }).to_string()
            }
        };
        let kind = match body.starts_with(['{', '[']) {
            true => "application/json",
            false => "text/plain; charset=utf-8",
        };
        let mut answer = reply::answer(self.status, kind, body);
        if let Some(seconds) = self.retry_after {
            answer
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}
