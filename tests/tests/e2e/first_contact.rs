//! The first text, and what somebody who has just begun meets.

use serde_json::json;
use textsender_tests::harness::{Test, each};
use textsender_tests::sandbox::{Fault, When};

#[test]
fn a_request_in_a_text_on_the_phone_and_a_response() {
    let test = Test::new().with(json!({ "id": "5f0c-1", "expires_in": 600 }));
    let text = format!("Your verification code is {}", test.code());
    let run = test.run();
    run.outcome("accepted")
        .attempts(["twilio:accepted"])
        .has("/id", "5f0c-1")
        .has("/policy", "Everyone")
        .has("/sender", "twilio")
        .has("/recipient", "+44*******123")
        .has("/segments", 1)
        .has("/error", ())
        .text(&text);
    let taken = run.the_text();
    assert_eq!(taken.to, "+447700900123");
    run.has("/provider_id", taken.id);
}

#[test]
fn a_request_without_an_id_gets_one() {
    let [first, second] = [(); 2].map(|()| {
        let run = Test::new().run();
        run.response["id"].as_str().unwrap().to_owned()
    });
    assert_eq!((first.len(), second.len()), (32, 32));
    assert_ne!(first, second);
}

#[test]
fn every_purpose_has_its_text() {
    each(
        [
            ("verification_code", "code", "Your verification code is "),
            ("helpdesk_code", "code", "Your helpdesk code is "),
            ("new_password", "password", "Your new password is "),
        ],
        |(purpose, field, words)| {
            let test = Test::new();
            let secret = test.code().to_owned();
            let patch = json!({ "purpose": purpose, "code": null, field: secret });
            test.with(patch)
                .run()
                .outcome("accepted")
                .text(&format!("{words}{secret}"));
        },
    );
}

#[test]
fn a_national_number_is_read_with_the_policys_region() {
    let run = Test::new()
        .with(json!({ "user": { "phone": "07700 900456" } }))
        .run();
    assert_eq!(run.outcome("accepted").the_text().to, "+447700900456");
}

#[test]
fn what_is_known_of_the_user_can_stand_in_the_text() {
    let test = Test::new()
        .policy(
            r#"
            name = "Everyone"
            region = "GB"
            [verification_code]
            text = "%name|there%, %code% is your code for %minutes|a few% minutes"
            [verification_code.translations]
            cy = "%name|chi%, eich cod yw %code%"
            "#,
        )
        .with(json!({ "expires_in": 600, "user": { "display_name": "Ada\r\nL.", "locale": "cy-GB" } }));
    let text = format!("Ada L., eich cod yw {}", test.code());
    test.run()
        .outcome("accepted")
        .has("/locale", "cy")
        .text(&text);
}

#[test]
fn a_wrong_token_is_told_from_everything_else() {
    Test::new()
        .secret("twilio.auth_token", "not the token")
        .run()
        .outcome("misconfigured")
        .error("unauthorized")
        .says("sender twilio")
        .attempts(["twilio:unauthorized"]);
}

#[test]
fn a_secret_that_was_never_stored_is_named_in_the_log() {
    Test::new()
        .change(|site| {
            let secret = site.state().join("secrets/twilio.auth_token");
            std::fs::remove_file(secret).unwrap();
        })
        .run()
        .outcome("misconfigured")
        .error("secret_missing")
        .logs("auth_token: store it")
        .requests(0);
}

#[test]
fn a_provider_that_recovers_is_asked_again() {
    let run = Test::new().fault(When::next(), Fault::status(429)).run();
    run.outcome("accepted")
        .attempts(["twilio:throttled", "twilio:accepted"])
        .has("/may_duplicate", ())
        .texts(1);
}

#[test]
fn usage_errors_are_no_outcome() {
    for words in [&["sned"][..], &["send", "--no-such-flag"]] {
        let run = Test::new().command(words.iter().copied()).run();
        assert_eq!(run.exit(2).stdout.as_deref(), Some(""));
        assert!(run.stderr.contains("Usage"), "{run}");
    }
}
