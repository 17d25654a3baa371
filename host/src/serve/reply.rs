//! What an HTTP answer looks like.

use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER},
};

use crate::protocol::{self, Failure, Outcome};

/// What a caller waits before it repeats, in seconds, where nothing says how long.
const SOON: u64 = 5;

/// The answer to a message: its response, and the status that goes with the outcome.
pub(super) fn of(response: &protocol::Response) -> Response {
    let status = status_of(response.outcome);
    let mut answer = json(status, response);
    if let Some(seconds) = retry_after(response) {
        answer.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    answer
}

/// In how many seconds a repeat may help, if it may and certainly nothing was sent.
pub(super) fn retry_after(response: &protocol::Response) -> Option<u64> {
    let may_repeat = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let error = response.error.as_ref().filter(|error| error.retryable)?;
    may_repeat
        .contains(&status_of(response.outcome))
        .then(|| error.retry_after.unwrap_or(SOON))
}

/// The answer to a request of which nothing is known but why it failed.
pub(super) fn failed(failure: &Failure) -> Response {
    of(&protocol::Response::failed(None, failure))
}

/// The response to a message, with this status.
pub(super) fn json(status: StatusCode, response: &protocol::Response) -> Response {
    let mut json = Vec::new();
    // A response of ours has nothing that JSON can't say.
    let _ = response.write_line(&mut json);
    answer(status, "application/json", json)
}

/// Words for people.
pub(super) fn text(status: StatusCode, words: &str) -> Response {
    answer(status, "text/plain; charset=utf-8", format!("{words}\n"))
}

/// Words for people, after which the connection is closed: what follows on it was not looked at.
pub(super) fn refused(status: StatusCode, words: &str) -> Response {
    let mut answer = text(status, words);
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
    answer
}

pub(super) fn answer(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// 503 says that certainly nothing was sent. So `unknown` is 200: a caller that makes a new id for a
/// repeat would send twice.
pub(super) const fn status_of(outcome: Outcome) -> StatusCode {
    match outcome {
        Outcome::Accepted | Outcome::Unknown => StatusCode::OK,
        Outcome::Invalid => StatusCode::BAD_REQUEST,
        Outcome::Refused => StatusCode::FORBIDDEN,
        Outcome::Rejected => StatusCode::UNPROCESSABLE_ENTITY,
        Outcome::InProgress => StatusCode::CONFLICT,
        Outcome::Limited => StatusCode::TOO_MANY_REQUESTS,
        Outcome::Crashed | Outcome::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Outcome::Misconfigured => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::protocol::ErrorCode;

    #[test]
    fn a_repeat_is_asked_for_only_where_it_may_help_and_never_sends_twice() {
        let retry_after = |failure: &Failure| {
            let answer = failed(failure);
            let seconds = answer.headers().get(RETRY_AFTER);
            let seconds = seconds.map(|seconds| seconds.to_str().unwrap().to_owned());
            (answer.status().as_u16(), seconds)
        };
        let limited = Failure::new(ErrorCode::Limited).after(Some(Duration::from_millis(61_500)));
        for (failure, status, seconds) in [
            (limited, 429, Some("62")),
            (Failure::new(ErrorCode::ProviderUnavailable), 503, Some("5")),
            (Failure::new(ErrorCode::Crashed), 503, Some("5")),
            (Failure::new(ErrorCode::Expired), 503, None),
            (Failure::new(ErrorCode::MaybeSent), 200, None),
            (Failure::new(ErrorCode::InProgress), 409, None),
        ] {
            let wanted = (status, seconds.map(str::to_owned));
            assert_eq!(retry_after(&failure), wanted, "{failure}");
        }
    }
}
