//! Notify's errors: `{"status_code":400,"errors":[{"error":"ValidationError","message":"..."}]}`.

use serde_json::json;

use crate::sandbox::http::Answer;

/// The answer with one error.
pub(super) fn error(status: u16, name: &str, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({ "status_code": status, "errors": [{ "error": name, "message": message }] }),
    )
}

/// 400 with one or more `ValidationError`s.
pub(super) fn invalid(messages: &[String]) -> Answer {
    let errors: Vec<_> = messages
        .iter()
        .map(|message| json!({ "error": "ValidationError", "message": message }))
        .collect();
    Answer::json(400, &json!({ "status_code": 400, "errors": errors }))
}

/// 400 `BadRequestError`.
pub(super) fn bad_request(message: &str) -> Answer {
    error(400, "BadRequestError", message)
}

/// 401 or 403 `AuthError`.
pub(super) fn unauthorised(status: u16, message: &str) -> Answer {
    error(status, "AuthError", message)
}

/// 404 for a resource that is not there, or not this service's.
pub(super) fn not_found() -> Answer {
    error(404, "NoResultFound", "No result found")
}

/// 404 for a path that does not exist: the one error, with the next, of another shape.
pub(super) fn no_such_path() -> Answer {
    let message = "The requested URL was not found on the server. \
                   If you entered the URL manually please check your spelling and try again.";
    Answer::json(404, &json!({ "result": "error", "message": message }))
}

/// 405, which calls its JSON HTML.
pub(super) fn no_such_method(allowed: &'static str) -> Answer {
    let body =
        json!({ "result": "error", "message": "The method is not allowed for the requested URL." });
    Answer::json(405, &body)
        .header("Content-Type", "text/html; charset=utf-8")
        .header("Allow", allowed)
}

/// What Notify sends with a failure of this status, as faults ask for it.
pub(super) fn failure(status: u16) -> Answer {
    match status {
        401 => unauthorised(401, "Unauthorized: authentication token must be provided"),
        403 => unauthorised(403, "Invalid token: API key not found"),
        429 => error(
            429,
            "RateLimitError",
            "Exceeded rate limit for key type LIVE of 3000 requests per 60 seconds",
        ),
        500 => error(500, "Exception", "Internal server error"),
        504 => error(504, "EventletTimeout", "Timeout serving request"),
        400..500 => error(status, "BadRequestError", "Bad request"),
        _ => error(status, "Exception", "Internal server error"),
    }
}
