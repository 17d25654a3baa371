//! Who may send, and how much.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn tokens_are_checked_in_notifys_order() {
    let sandbox = Sandbox::start();
    let archived = "5e41ce00-0000-4000-8000-00000000000a";
    let keyless = "5e41ce00-0000-4000-8000-00000000000b";
    sandbox.notify().add_service(Service {
        archived: true,
        ..Service::new(archived).key("s", KeyKind::Live)
    });
    sandbox.notify().add_service(Service::new(keyless));
    sandbox.notify().change(|service| {
        service.keys.push(ApiKey {
            secret: "revoked".into(),
            kind: KeyKind::Live,
            revoked: true,
        });
    });
    let secret = &API_KEY[API_KEY.len() - 36..];
    const HS256: &str = r#"{"typ":"JWT","alg":"HS256"}"#;
    let token = |header: &str, claims: Value, secret: &str| {
        Some(format!(
            "Bearer {}",
            sign(header, &claims.to_string(), secret)
        ))
    };
    let at = |iat: Value| token(HS256, json!({ "iss": SERVICE_ID, "iat": iat }), secret);
    let by = |iss: &str, secret: &str| token(HS256, json!({ "iss": iss, "iat": now() }), secret);
    let clock = "Error: Your system clock must be accurate to within 30 seconds";
    let not_found = "Invalid token: API key not found";
    let cases = [
        (
            None,
            401,
            "Unauthorized: authentication token must be provided",
        ),
        (
            Some("Basic eDp5".to_owned()),
            401,
            "Unauthorized: authentication bearer scheme must be used",
        ),
        (
            Some("Bearer abc".to_owned()),
            403,
            "Invalid token: make sure your API token matches the example at https://docs.notifications.service.gov.uk/rest-api.html#authorisation-header",
        ),
        (
            token(HS256, json!({ "iat": now() }), secret),
            403,
            "Invalid token: iss field not provided",
        ),
        (
            by("x", secret),
            403,
            "Invalid token: service id is not the right data type",
        ),
        (
            by("2bb1db8d-1d86-48c2-bf2c-2bd6f3229392", secret),
            403,
            "Invalid token: service not found",
        ),
        (by(archived, "s"), 403, "Invalid token: service is archived"),
        (
            by(keyless, "s"),
            403,
            "Invalid token: service has no API keys",
        ),
        (by(SERVICE_ID, "wrong"), 403, not_found),
        (
            by(SERVICE_ID, "revoked"),
            403,
            "Invalid token: API key revoked",
        ),
        (
            token(HS256, json!({ "iss": SERVICE_ID }), secret),
            403,
            not_found,
        ),
        (
            token(
                r#"{"typ":"JWT","alg":"HS512"}"#,
                json!({ "iss": SERVICE_ID, "iat": now() }),
                secret,
            ),
            403,
            "Invalid token: algorithm used is not HS256",
        ),
        (
            token(
                r#"{"typ":"JWT","alg":"none"}"#,
                json!({ "iss": SERVICE_ID, "iat": now() }),
                secret,
            ),
            403,
            "Invalid token: algorithm used is not HS256",
        ),
        (at(json!(now() - 40)), 403, clock),
        (at(json!(now() - 32)), 403, clock),
        (at(json!(now() + 32)), 403, clock),
        (at(json!(now() + 40)), 403, clock),
        (
            token(
                HS256,
                json!({ "iss": SERVICE_ID, "iat": now(), "exp": now() - 5 }),
                secret,
            ),
            403,
            clock,
        ),
    ];
    for (authorization, status, message) in cases {
        let reply = send(
            &sandbox,
            "POST",
            SMS,
            authorization.as_deref(),
            &with(json!({})).to_string(),
        );
        assert_eq!(
            errors(&reply),
            one(status, "AuthError", message),
            "{authorization:?}"
        );
    }
    let accepted = [
        at(json!(now() - 28)),
        at(json!(now() + 28)),
        at(json!(now() as f64 + 0.5)),
        at(json!(now().to_string())),
        token(
            r#"{"alg":"HS256"}"#,
            json!({ "iss": SERVICE_ID, "iat": now() }),
            secret,
        ),
        token(
            HS256,
            json!({ "iss": SERVICE_ID, "iat": now(), "exp": now() + 600, "jti": "1" }),
            secret,
        ),
        at(json!(now())).map(|token| token.replace("Bearer", "bearer")),
    ];
    for authorization in &accepted {
        let reply = send(
            &sandbox,
            "POST",
            SMS,
            authorization.as_deref(),
            &with(json!({})).to_string(),
        );
        assert_eq!(reply.status, 201, "{authorization:?}");
    }
    assert_eq!(sandbox.text_count(), accepted.len());

    // A server whose clock is wrong tells so in its Date, and takes tokens of that time.
    sandbox.set_clock_offset(100);
    assert_eq!(
        errors(&post(&sandbox, &with(json!({})))),
        one(403, "AuthError", clock)
    );
    let reply = send(
        &sandbox,
        "POST",
        SMS,
        at(json!(now() + 100)).as_deref(),
        &with(json!({})).to_string(),
    );
    assert_eq!(reply.status, 201);
}

#[test]
fn keys_and_trial_mode_decide_who_is_texted() {
    let sandbox = Sandbox::start();
    let to = |number: &str| with(json!({ "phone_number": number }));
    let trial = "Can’t send to this recipient when service is in trial mode – see https://www.notifications.service.gov.uk/trial-mode";
    let team = "Can’t send to this recipient using a team-only API key";

    assert_eq!(
        errors(&post_as(&sandbox, TEAM_API_KEY, &to("07700900456"))),
        one(400, "BadRequestError", team)
    );
    assert_eq!(post_as(&sandbox, TEAM_API_KEY, &to(GUEST)).status, 201);
    assert_eq!(sandbox.text_count(), 1);

    sandbox.notify().change(|service| service.trial = true);
    assert_eq!(
        errors(&post(&sandbox, &to("07700900456"))),
        one(400, "BadRequestError", trial)
    );
    assert_eq!(post(&sandbox, &to("07700900123")).status, 201);
    assert_eq!(sandbox.text_count(), 2);
    // A test key is accepted everywhere and reaches nobody.
    assert_eq!(
        post_as(&sandbox, TEST_API_KEY, &to("07700900456")).status,
        201
    );
    assert_eq!(sandbox.text_count(), 2);

    sandbox
        .notify()
        .change(|service| (service.trial, service.international) = (false, false));
    let abroad = errors(&post(&sandbox, &to("+33612345678")));
    assert_eq!(
        abroad,
        one(
            400,
            "BadRequestError",
            "Cannot send to international mobile numbers"
        )
    );
    assert_eq!(sandbox.text_count(), 2);
}

#[test]
fn test_numbers_have_their_fates() {
    let sandbox = Sandbox::start();
    let send = |key: &str, number: &str| {
        post_as(&sandbox, key, &with(json!({ "phone_number": number }))).json()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let status = |key: &str, id: &str| {
        let reply = get(&sandbox, key, &format!("/v2/notifications/{id}"));
        (
            reply.status,
            reply.json()["status"].as_str().unwrap_or("none").to_owned(),
        )
    };
    for (key, number, expected) in [
        (TEST_API_KEY, "07700900003", (200, "temporary-failure")),
        (TEST_API_KEY, "07700900002", (200, "permanent-failure")),
        (TEST_API_KEY, "07700900123", (200, "delivered")),
        (API_KEY, "07700900003", (200, "delivered")),
        (API_KEY, "+33612345678", (200, "sent")),
        (API_KEY, "07700900000", (404, "none")),
        (API_KEY, "07700900111", (404, "none")),
        (TEST_API_KEY, "07700900222", (404, "none")),
    ] {
        let id = send(key, number);
        assert_eq!(
            status(key, &id),
            (expected.0, expected.1.to_owned()),
            "{number}"
        );
    }
    assert_eq!(sandbox.text_count(), 2);
    let id = send(API_KEY, "07700900123");
    assert!(sandbox.notify().set_status(&id, "technical-failure"));
    assert_eq!(status(API_KEY, &id).1, "technical-failure");
    assert!(!sandbox.notify().set_status("x", "sent"));
}

#[test]
fn limits_are_a_bucket_a_minute_and_a_count_a_day() {
    let sandbox = Sandbox::start();
    sandbox
        .notify()
        .change(|service| service.rate_per_minute = 3);
    assert_eq!(
        post_as(&sandbox, TEST_API_KEY, &with(json!({}))).status,
        201
    );
    let reply = post_as(&sandbox, TEST_API_KEY, &with(json!({})));
    assert_eq!(
        errors(&reply),
        one(
            429,
            "RateLimitError",
            "Exceeded rate limit for key type TEST of 3 requests per 60 seconds"
        )
    );
    assert_eq!(reply.header("retry-after"), None);
    // Each kind of key has its own bucket.
    assert_eq!(post(&sandbox, &with(json!({}))).status, 201);

    let sandbox = Sandbox::start();
    sandbox.notify().change(|service| {
        (service.daily_limit, service.daily_international_limit) = (2, 1);
    });
    let abroad = with(json!({ "phone_number": "+33612345678" }));
    assert_eq!(post(&sandbox, &abroad).status, 201);
    assert_eq!(
        errors(&post(&sandbox, &abroad)),
        one(
            429,
            "TooManyRequestsError",
            "Exceeded send limits (international_sms: 1) for today"
        )
    );
    assert_eq!(post(&sandbox, &with(json!({}))).status, 201);
    assert_eq!(
        errors(&post(&sandbox, &with(json!({})))),
        one(
            429,
            "TooManyRequestsError",
            "Exceeded send limits (sms: 2) for today"
        )
    );
    assert_eq!(
        post_as(&sandbox, TEST_API_KEY, &with(json!({}))).status,
        201
    );
    assert_eq!(sandbox.text_count(), 2);
}

#[test]
fn a_bucket_holds_a_third_and_refills_at_its_rate() {
    let mut limits = Limits::default();
    let start = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    let service = Service::new(SERVICE_ID);
    let mut passed = |at: i64, take: bool| {
        let now = start + jiff::SignedDuration::from_millis(at);
        limits.request(&service, KeyKind::Live, now, take).is_ok()
    };
    // The last token lets no request through: two must be there.
    assert_eq!((0..1100).filter(|_| passed(0, true)).count(), 999);
    assert!(!passed(19, false));
    assert_eq!((0..100).filter(|_| passed(1000, true)).count(), 49);
    assert!(passed(60_000, false) && passed(60_000, false));
    assert_eq!((0..1100).filter(|_| passed(60_000, true)).count(), 999);
}
