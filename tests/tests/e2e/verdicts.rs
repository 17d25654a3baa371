//! What each of Twilio's answers comes to: alone, and with a second sender at hand.

use serde_json::json;
use textsender_tests::harness::{Test, each, random_code};
use textsender_tests::sandbox::{Fault, When};

/// What happens after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Nobody else is asked.
    Stop,
    /// The next sender is asked at once.
    Next,
    /// The same sender is asked twice more, then the next.
    AgainThenNext,
    /// The provider is asked whether it has the message; it can't tell. Then the next sender is asked.
    FindThenNext,
}
use Then::*;

impl Then {
    /// How often the same sender is asked.
    fn tries(self) -> usize {
        if self == AgainThenNext { 3 } else { 1 }
    }
}

/// A refusal as Twilio words it.
fn refusal(status: u16, code: u32) -> Fault {
    let body =
        json!({ "code": code, "message": "To +447700900123", "more_info": "", "status": status });
    Fault::status(status).body(body.to_string())
}

/// A country that is not switched on is the administrator's affair, and no reason to set the sender aside.
#[test]
fn a_country_that_the_account_does_not_text_is_not_the_numbers_fault() {
    let test = Test::new().policy(
        "name = \"Everyone\"\nregion = \"GB\"\nregions = [\"GB\", \"FR\"]\n[verification_code]\ntext = \"%code%\"\n",
    );
    test.sandbox()
        .twilio()
        .fault(When::always().to("+33639981234"), refusal(400, 21408));
    let to_france = || json!({ "id": "france", "user": { "phone": "+33639981234" } });
    let run = test.with(to_france()).run();
    run.outcome("misconfigured")
        .error("region_not_enabled")
        .texts(0);
    for _ in 0..3 {
        run.test().in_company().with(to_france()).run();
    }
    // All other countries go on, by the same sender.
    let home = run
        .test()
        .in_company()
        .with(json!({ "id": "home", "user": { "phone": "+447700900123" } }))
        .run();
    home.outcome("accepted").attempts(["twilio:accepted"]);
    let doctor = run.test().beside().command(["doctor", "--offline"]);
    let doctor = doctor.stdin([]).run();
    let stdout = doctor.stdout.as_deref().unwrap();
    assert!(
        stdout.contains("warning: the account of sender twilio does not text FR"),
        "{doctor}"
    );
    assert!(stdout.contains("Geo Permissions"), "{doctor}");

    // Once it is switched on, that is over.
    run.sandbox().twilio().clear_faults();
    let on = run.test().in_company().with(to_france()).run();
    on.outcome("accepted");
    let doctor = run.test().beside().command(["doctor", "--offline"]);
    let doctor = doctor.stdin([]).run();
    assert!(
        !doctor
            .stdout
            .as_deref()
            .unwrap()
            .contains("does not text FR"),
        "{doctor}"
    );
}

#[test]
fn every_answer_has_its_verdict() {
    let answers = [
        (refusal(400, 21211), "rejected", "rejected", Stop),
        (refusal(400, 21614), "rejected", "rejected", Stop),
        (refusal(400, 21610), "rejected", "opted_out", Stop),
        (refusal(400, 21612), "rejected", "undeliverable", Next),
        (
            refusal(400, 21408),
            "misconfigured",
            "region_not_enabled",
            Next,
        ),
        (
            refusal(400, 21268),
            "misconfigured",
            "region_not_enabled",
            Next,
        ),
        (
            refusal(400, 21611),
            "unavailable",
            "throttled",
            AgainThenNext,
        ),
        (
            refusal(429, 20429),
            "unavailable",
            "throttled",
            AgainThenNext,
        ),
        (
            Fault::status(429).header("Retry-After", "0"),
            "unavailable",
            "throttled",
            AgainThenNext,
        ),
        (
            Fault::status(429).header("Retry-After", "3600"),
            "unavailable",
            "throttled",
            Next,
        ),
        (refusal(401, 20003), "misconfigured", "unauthorized", Next),
        (
            refusal(403, 20005),
            "misconfigured",
            "provider_refused",
            Next,
        ),
        (
            refusal(404, 20404),
            "misconfigured",
            "provider_refused",
            Next,
        ),
        (
            refusal(400, 21606),
            "misconfigured",
            "provider_refused",
            Next,
        ),
        (
            refusal(400, 21608),
            "misconfigured",
            "provider_refused",
            Next,
        ),
        (
            refusal(400, 29999),
            "misconfigured",
            "provider_refused",
            Next,
        ),
        (Fault::html(400), "misconfigured", "provider_refused", Next),
        (
            Fault::status(302).header("Location", "http://127.0.0.1:1/"),
            "misconfigured",
            "provider_refused",
            Next,
        ),
        (
            Fault::redirect("http://127.0.0.1:1/"),
            "misconfigured",
            "provider_refused",
            Next,
        ),
        (Fault::status(408), "unknown", "maybe_sent", FindThenNext),
        (Fault::status(500), "unknown", "maybe_sent", FindThenNext),
        (Fault::status(503), "unknown", "maybe_sent", FindThenNext),
        (Fault::status(504), "unknown", "maybe_sent", FindThenNext),
        (Fault::html(502), "unknown", "maybe_sent", FindThenNext),
        // A code in a body that is no refusal.
        (refusal(500, 21211), "unknown", "maybe_sent", FindThenNext),
    ];
    each(answers, |(answer, outcome, code, then)| {
        alone(answer.clone(), outcome, code, then);
        with_a_second_sender(answer, outcome, code, then);
    });
}

fn posts() -> When {
    When::always().method("POST")
}

fn alone(answer: Fault, outcome: &str, code: &str, then: Then) {
    let case = format!("{answer:?}");
    let run = Test::new().fault(posts(), answer).run();
    let finds = usize::from(then == FindThenNext);
    run.outcome(outcome)
        .error(code)
        .requests(then.tries() + finds)
        .texts(0);
    let expected = vec![format!("twilio:{code}"); then.tries()];
    assert_eq!(run.attempted(), expected, "{case}");
}

fn with_a_second_sender(answer: Fault, outcome: &str, code: &str, then: Then) {
    let case = format!("{answer:?}");
    let first = posts().times(then.tries() as u64);
    let run = Test::new().fallback("second").fault(first, answer).run();
    let mut expected = vec![format!("twilio:{code}"); then.tries()];
    if then == Stop {
        run.outcome(outcome).error(code).has("/sender", "twilio");
    } else {
        run.outcome("accepted").has("/sender", "second").texts(1);
        expected.push("second:accepted".into());
    }
    assert_eq!(run.attempted(), expected, "{case}");
    let twice = run.response["may_duplicate"] == true;
    assert_eq!(twice, then == FindThenNext, "{case}");
}

#[test]
fn how_long_to_wait_is_told() {
    each(
        [
            (
                Fault::status(429).header("Retry-After", "3600"),
                json!(3600),
            ),
            (
                Fault::status(429).header("Retry-After", "in a while"),
                json!(null),
            ),
            (Fault::status(429), json!(null)),
        ],
        |(answer, retry_after)| {
            Test::new()
                .fault(When::always(), answer)
                .run()
                .outcome("unavailable")
                .error("throttled")
                .has("/error/retryable", true)
                .has("/error/retry_after", retry_after);
        },
    );
}

#[test]
fn a_quota_that_is_used_up_is_told_with_its_end() {
    Test::new()
        .misbehaving("be_exhausted")
        .run()
        .outcome("unavailable")
        .error("exhausted")
        .attempts(["misbehaving:exhausted"])
        .has("/error/retry_after", 21600);
    Test::new()
        .misbehaving("be_exhausted")
        .verification_code("fallback = [\"twilio\"]")
        .run()
        .outcome("accepted")
        .attempts(["misbehaving:exhausted", "twilio:accepted"]);
}

#[test]
fn twilios_own_test_numbers_are_refused_by_twilio_and_not_by_us() {
    each(
        [
            ("+15005550001", "rejected", "rejected"),
            ("+15005550002", "rejected", "undeliverable"),
            ("+15005550003", "misconfigured", "region_not_enabled"),
            ("+15005550004", "rejected", "opted_out"),
            ("+15005550009", "rejected", "rejected"),
        ],
        |(phone, outcome, code)| {
            let run = Test::new()
                .with(json!({ "user": { "phone": phone } }))
                .run();
            run.outcome(outcome).error(code).requests(1);
        },
    );
    let run = Test::new()
        .with(json!({ "user": { "phone": "+15005550006" } }))
        .run();
    run.outcome("accepted").texts(1);
}

#[test]
fn a_number_that_nobody_reaches_is_refused_for_good() {
    Test::new()
        .fallback("second")
        .fault(When::always(), refusal(400, 21612))
        .run()
        .outcome("rejected")
        .error("undeliverable")
        .attempts(["twilio:undeliverable", "second:undeliverable"]);
}

#[test]
fn of_several_answers_the_one_that_binds_most_is_told() {
    each(
        [
            (
                Fault::status(500),
                refusal(400, 21211),
                "unknown",
                "maybe_sent",
            ),
            (
                Fault::status(401),
                refusal(400, 21211),
                "rejected",
                "rejected",
            ),
            (
                Fault::status(401),
                Fault::status(429).header("Retry-After", "3600"),
                "unavailable",
                "throttled",
            ),
            (
                refusal(400, 21612),
                Fault::status(401),
                "misconfigured",
                "unauthorized",
            ),
        ],
        |(first, second, outcome, code)| {
            let post = || When::next().method("POST");
            Test::new()
                .fallback("second")
                .fault(post(), first)
                .fault(post(), second)
                .run()
                .outcome(outcome)
                .error(code)
                .has("/may_duplicate", ())
                .has("/sender", "second");
        },
    );
}

#[test]
fn a_message_that_two_providers_may_have_may_come_twice() {
    let fault = Fault::status(500).taken();
    Test::new()
        .fallback("second")
        .config("[senders.second.settings]\ncontent_retention = false")
        .fault(When::always().method("POST"), fault)
        // Twilio does not list the messages, so that nothing can be found.
        .fault(When::always().method("GET"), Fault::status(503))
        .run()
        .outcome("unknown")
        .has("/may_duplicate", true)
        .attempts(["twilio:maybe_sent", "second:maybe_sent"])
        .texts(2);
}

#[test]
fn policy_says_whether_a_code_may_come_twice() {
    let post = || When::next().method("POST");
    Test::new()
        .fallback("second")
        .verification_code("on_unknown = \"stop\"")
        .fault(post(), Fault::status(500))
        .run()
        .outcome("unknown")
        .attempts(["twilio:maybe_sent"])
        .has("/may_duplicate", ())
        .texts(0);
}

#[test]
fn a_password_never_comes_twice() {
    Test::new()
        .fallback("second")
        .config("[helpdesk]\nfallback = [\"second\"]\non_unknown = \"fail_over\"")
        .with(json!({ "purpose": "new_password", "code": null, "password": random_code() }))
        .fault(When::next().method("POST"), Fault::status(500))
        .run()
        .outcome("unknown")
        .attempts(["twilio:maybe_sent"])
        .texts(0);
}
