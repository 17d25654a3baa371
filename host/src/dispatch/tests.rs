use super::*;
use crate::ledger::Limit;

#[test]
fn a_sender_is_blamed_for_its_own_failures_only() {
    let is_blamed = |code: Option<ErrorCode>| {
        let attempt = Attempt {
            sender: "twilio".to_owned(),
            outcome: code.map_or(Outcome::Accepted, ErrorCode::outcome),
            code: code.map(|code| code.as_str().into()),
            ms: 5,
        };
        health_report(&attempt, Duration::ZERO).map(|report| report.failure.is_some())
    };
    for (code, blamed) in [
        (None, Some(false)),
        (Some(ErrorCode::NumberRejected), Some(false)),
        (Some(ErrorCode::Undeliverable), Some(false)),
        (Some(ErrorCode::Timeout), Some(true)),
        (Some(ErrorCode::MaybeSent), Some(true)),
        (Some(ErrorCode::Unauthorized), Some(true)),
        (Some(ErrorCode::BudgetExhausted), Some(true)),
        (Some(ErrorCode::PluginMissing), Some(true)),
        (Some(ErrorCode::Throttled), None),
        (Some(ErrorCode::Expired), None),
        (Some(ErrorCode::LedgerFull), None),
    ] {
        assert_eq!(is_blamed(code), blamed, "{code:?}");
    }
}

#[test]
fn a_limited_message_is_told_which_limit_and_what_shows_it() {
    let reached = LimitReached {
        scope: Scope::Recipient,
        limit: "5/10m".parse::<Limit>().unwrap(),
        count: 5,
        retry_after: Duration::from_millis(90_400),
    };
    let mut response = Response::default();
    response.fail(&limited(&reached));
    let error = response.error.unwrap();
    assert_eq!(
        error.message,
        "a limit is reached: 5 texts to this number in 10m, the limit recipient = 5/10m; \
         `textsender log --since 10m --phone NUMBER` shows them"
    );
    assert_eq!((error.retryable, error.retry_after), (true, Some(91)));
}

#[test]
fn a_stored_response_that_cannot_be_read_still_has_its_outcome() {
    for (outcome, code) in [
        (Outcome::Accepted, None),
        (Outcome::Rejected, Some("rejected")),
        (Outcome::Unknown, Some("interrupted")),
    ] {
        let response = stored(outcome, "{", "a");
        let stored_code = response.error.as_ref().map(|error| &*error.code);
        assert_eq!((response.outcome, stored_code), (outcome, code));
        assert_eq!(response.id.as_deref(), Some("a"));
    }
}
