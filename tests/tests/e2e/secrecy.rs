//! Where secrets come from, and that nothing shows them. Every other case is searched for them as well.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use textsender_tests::harness::{Test, each};
use textsender_tests::sandbox::{Fault, When, twilio};

/// A token that a form, base64 and JSON each write differently.
const TOKEN: &str = "t0k3n/with +%&=\"marks\"";

/// A case in which the stored token is gone, and `auth_token` is what the configuration says.
fn with_token(auth_token: &str) -> Test {
    Test::new()
        .change(|site| fs::remove_file(site.state().join("secrets/twilio.auth_token")).unwrap())
        .config(&format!(
            "[senders.twilio.settings]\nauth_token = {auth_token}"
        ))
}

#[test]
fn secrets_come_from_files_the_environment_and_systemd() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{}\r\n", twilio::AUTH_TOKEN)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let tests = [
        with_token(&format!("{{ file = {file:?} }}")),
        with_token("{ env = \"TWILIO_TOKEN\" }").env("TWILIO_TOKEN", twilio::AUTH_TOKEN),
        with_token("{ credential = \"token\" }").env("CREDENTIALS_DIRECTORY", folder.path()),
    ];
    each(tests, |test| {
        test.run().outcome("accepted").texts(1);
    });
}

#[test]
fn a_secret_that_cannot_be_read_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    fs::write(&open, twilio::AUTH_TOKEN).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o666)).unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "\n").unwrap();
    let remedy = format!("chmod go-w {}", open.display());
    each(
        [
            (
                "{ file = \"/nowhere/token\" }".to_owned(),
                "auth_token: /nowhere/token: ",
            ),
            (
                "{ env = \"TWILIO_TOKEN\" }".to_owned(),
                "the environment variable TWILIO_TOKEN is not set",
            ),
            (
                "{ credential = \"token\" }".to_owned(),
                "start it with systemd's LoadCredential=token",
            ),
            (format!("{{ file = {open:?} }}"), remedy.as_str()),
            (
                format!("{{ file = {empty:?} }}"),
                "auth_token: the secret is empty",
            ),
        ],
        |(auth_token, words)| {
            with_token(&auth_token)
                .run()
                .outcome("misconfigured")
                .error("secret_missing")
                .says("sender twilio: ")
                .says(words)
                .requests(0);
        },
    );
}

#[test]
fn a_token_of_odd_characters_is_sent_right_and_not_shown() {
    each(
        [
            None,
            Some(Fault::status(401)),
            Some(Fault::status(500)),
            Some(Fault::invalid_http()),
        ],
        |answer| {
            let mut test = Test::new().secret("twilio.auth_token", TOKEN);
            test.sandbox().twilio().set_auth_token(TOKEN);
            let outcome = if answer.is_none() { "accepted" } else { "" };
            if let Some(answer) = answer {
                test = test.fault(When::always(), answer);
            }
            let run = test.run();
            if !outcome.is_empty() {
                run.outcome(outcome).texts(1);
            }
        },
    );
}

/// The provider says back what it was told, in every place where it may say something.
#[test]
fn what_a_provider_echoes_is_not_shown() {
    each([201, 307, 400, 401, 403, 500], |status| {
        let test = Test::new();
        let account = twilio::ACCOUNT_SID;
        let token = twilio::AUTH_TOKEN;
        let echo = format!("{} +447700900123 {token} {account}:{token}", test.code());
        let body = json!({ "sid": echo, "code": echo, "message": echo, "detail": echo });
        let fault = Fault::status(status)
            .header("Retry-After", &echo)
            .header("X-Echo", &echo)
            .body(body.to_string());
        // Taken where the provider's answer says so or leaves a doubt, to be found in its list.
        let is_taken = [201, 500].contains(&status);
        let fault = if is_taken { fault.taken() } else { fault };
        let run = test.fault(When::next(), fault).run();
        // Where the answer was no use, the provider's list tells the id.
        let found = (status == 500).then(|| run.the_text().id);
        run.has("/provider_id", found);
    });
}

/// Of one word, so that nothing but its value tells that it is no id.
#[test]
fn a_code_for_an_id_is_not_shown() {
    Test::new()
        .misbehaving("secret_for_id")
        .with(json!({ "code": "aZ3xQ7mK2pL9" }))
        .run()
        .outcome("accepted")
        .has("/provider_id", ());
}

/// Somebody writes a secret where it does not belong. It is refused, and not repeated.
#[test]
fn a_secret_in_the_open_is_refused_and_not_shown() {
    each(
        [
            "\"918273645546\"",
            "918273645546",
            "{ token = 918273645546 }",
        ],
        |token| {
            with_token(token)
                .hide("the token", "918273645546")
                .run()
                .outcome("misconfigured")
                .error("bad_settings")
                .requests(0);
        },
    );
    with_token("{ env = \"TWILIO_TOKEN\" }")
        .config("[http]\nproxy = \"http://user:918273645546@:port\"")
        .hide("the proxy's password", "918273645546")
        .env("TWILIO_TOKEN", twilio::AUTH_TOKEN)
        .run()
        .outcome("misconfigured")
        .error("bad_configuration")
        .requests(0);
}

#[test]
fn logs_for_a_collector_are_one_json_object_a_line() {
    each(
        [
            Test::new(),
            Test::new().misbehaving("log_secrets"),
            Test::new().misbehaving("panic_in_send"),
            Test::new().fault(When::always(), Fault::html(502)),
        ],
        |test| {
            let run = test.args(["--log-format", "json"]).run();
            let mut lines = run.stderr.lines().peekable();
            assert!(lines.peek().is_some(), "{run}");
            for line in lines {
                let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
                assert!(
                    line["level"].is_string() && line["timestamp"].is_string(),
                    "{line}"
                );
            }
            let id = run.response["id"].as_str().unwrap();
            run.logs(id);
        },
    );
}

/// The search that every case goes through finds what is there.
#[test]
#[should_panic(expected = "on standard output other.token is shown, as Everyone")]
fn a_secret_on_standard_output_fails_a_case() {
    // The policy's name, which every response shows.
    let _ = Test::new().secret("other.token", "Everyone").run();
}

#[test]
#[should_panic(expected = "on standard error other.token is shown, as verification_code")]
fn a_secret_in_the_log_fails_a_case() {
    let _ = Test::new().secret("other.token", "verification_code").run();
}
