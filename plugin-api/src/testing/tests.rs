//! The fake host, used as a plugin uses a host.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::{FakeHost, Reply, block_on, message};
use crate::{FailureKind, Level, Mail, SendError, SmtpCommand, Stage, Verdict};

#[test]
fn answers_in_the_order_of_the_script_and_then_by_the_request() {
    let fake = FakeHost::new();
    fake.answer(Reply::empty(503));
    fake.answer(Reply::json(200, json!({"ok": true})).with_header("X-Id", "7"));
    fake.answer_with(|request| Reply::text(200, request.form()["echo"].clone()));
    let http = fake.host().http();

    let first = block_on(http.get("https://a.example").send()).unwrap();
    assert_eq!(first.status, 503);
    let second = block_on(http.get("https://a.example").send()).unwrap();
    assert_eq!(second.header("x-id"), Some("7"));
    fake.assert_script_consumed();
    let third = http.post("https://a.example").form([("echo", "hello & ü")]);
    assert_eq!(block_on(third.send()).unwrap().body, "hello & ü".as_bytes());
    assert_eq!(fake.requests().len(), 3);
}

#[test]
fn decodes_what_was_sent() {
    let fake = FakeHost::new();
    fake.answer_with(|_| Reply::empty(204));
    let http = fake.host().http();
    let form = http
        .post("https://a.example/v1/sms?x=1")
        .query("to", "+44 7")
        .basic_auth("me", "pass:word")
        .form([("To", "+447700900123")]);
    block_on(form.send()).unwrap();
    let json = http
        .post("https://a.example")
        .bearer_auth("t0k3n")
        .json(&json!({"to": 1}));
    block_on(json.read_only().send()).unwrap();

    let [form, json] = &fake.requests()[..] else {
        panic!("two requests");
    };
    assert_eq!(form.path(), "/v1/sms");
    assert_eq!(form.query()["to"], "+44 7");
    assert_eq!(form.form()["To"], "+447700900123");
    let credentials = ("me".to_owned(), "pass:word".to_owned());
    assert_eq!(form.basic_auth(), Some(credentials));
    assert!(form.delivers);
    assert_eq!(json.path(), "/");
    assert_eq!(json.json()["to"], 1);
    assert_eq!(json.bearer_auth(), Some("t0k3n"));
    assert!(!json.delivers);
}

#[test]
fn fails_at_any_stage() {
    let cases = [
        (Stage::NotSent, FailureKind::Connect, Verdict::Unavailable),
        (Stage::Written, FailureKind::Cut, Verdict::Unknown),
        (
            Stage::NotSent,
            FailureKind::NotAllowed,
            Verdict::Misconfigured,
        ),
    ];
    for (stage, kind, verdict) in cases {
        let fake = FakeHost::new();
        fake.answer(Reply::failure(stage, kind));
        let error = block_on(fake.host().http().post("https://a.example").send()).unwrap_err();
        assert_eq!((error.stage, error.kind), (stage, kind));
        assert_eq!(SendError::from(error).verdict, verdict);
    }
}

#[test]
fn takes_mail() {
    let fake = FakeHost::new();
    fake.answer(Reply::smtp(SmtpCommand::Dot, 250, "2.0.0 queued"));
    let mut mail = Mail::new("mail.example.org", 587);
    mail.to = "447700900123@sms.example".into();
    let answer = block_on(fake.host().smtp().send(mail)).unwrap();
    assert!(answer.is_accepted());
    assert_eq!(fake.mails()[0].to, "447700900123@sms.example");
    assert!(fake.requests().is_empty());
}

#[test]
fn time_moves_only_when_told() {
    let fake = FakeHost::new();
    fake.set_now(UNIX_EPOCH);
    fake.answer(Reply::empty(200).after(Duration::from_secs(2)));
    let host = fake.host();
    block_on(host.sleep(Duration::from_secs(3600)));
    block_on(host.http().get("https://a.example").send()).unwrap();
    fake.advance(Duration::from_secs(1));
    assert_eq!(host.now(), UNIX_EPOCH + Duration::from_secs(3603));
}

#[test]
fn a_provider_may_move_the_clock() {
    let fake = FakeHost::new();
    let clock = fake.clone();
    fake.answer_with(move |_| {
        clock.advance(Duration::from_secs(9));
        Reply::empty(200)
    });
    let before = fake.now();
    block_on(fake.host().http().get("https://a.example").send()).unwrap();
    assert_eq!(fake.now(), before + Duration::from_secs(9));
}

#[test]
fn random_bytes_are_the_same_each_time() {
    let host = FakeHost::new().host();
    let mut bytes = [0; 3];
    host.random(&mut bytes);
    assert_eq!(bytes, [0, 1, 2]);
    host.random(&mut bytes);
    assert_eq!(bytes, [3, 4, 5]);
}

#[test]
fn keeps_the_log() {
    let fake = FakeHost::new();
    crate::warn!(fake.host(), "the account has {} texts left", 3);
    assert_eq!(
        fake.log_lines(),
        [(Level::Warn, "the account has 3 texts left".to_owned())]
    );
    fake.assert_logged("3 texts");
    fake.assert_not_logged("beK989vc");
}

#[test]
#[should_panic(expected = "\"beK989vc\" was logged, Debug: sending")]
fn a_logged_secret_fails_the_test() {
    let fake = FakeHost::new();
    crate::debug!(fake.host(), "sending {}", message().text);
    fake.assert_not_logged("beK989vc");
}

#[test]
#[should_panic(expected = "no answer is scripted for Http(GET https://a.example/x)")]
fn an_exchange_beyond_the_script_fails_the_test() {
    let request = FakeHost::new().host().http().get("https://a.example/x?k=v");
    let _ = block_on(request.send());
}

#[test]
#[should_panic(expected = "To is given twice")]
fn a_field_given_twice_fails_the_test() {
    let fake = FakeHost::new();
    fake.answer(Reply::empty(200));
    let twice = fake.host().http().post("https://a.example");
    block_on(twice.form([("To", "1"), ("To", "2")]).send()).unwrap();
    fake.requests()[0].form();
}

#[test]
fn block_on_waits_for_another_thread() {
    let (sender, receiver) = std::sync::mpsc::channel::<std::task::Waker>();
    let other = std::thread::spawn(move || receiver.recv().unwrap().wake());
    let mut polls = 0;
    block_on(std::future::poll_fn(|context| {
        polls += 1;
        if polls == 2 {
            return std::task::Poll::Ready(());
        }
        sender.send(context.waker().clone()).unwrap();
        std::task::Poll::Pending
    }));
    other.join().unwrap();
}

#[test]
fn nothing_secret_is_shown() {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct Settings {
        #[expect(dead_code, reason = "only its value matters")]
        key: crate::Secret,
    }
    struct Acme;
    impl crate::Sender for Acme {
        type Settings = Settings;
        fn info() -> crate::PluginInfo {
            crate::PluginInfo::new("acme", "Acme SMS", "1.0.0")
        }
        fn configure(_: Settings, _: crate::Host) -> Result<Self, crate::SettingsError> {
            Ok(Self)
        }
        async fn send(&self, _: &crate::Message) -> Result<crate::Receipt, SendError> {
            Ok(crate::Receipt::without_id())
        }
    }

    let fake = FakeHost::new();
    fake.configure::<Acme>(json!({}), [("key", "k3y")]).unwrap();
    fake.assert_no_secret_leaked(&SendError::rejected("the number is not valid"));
    for shown in ["k3y is refused", "code beK989vc", "to 447700900123"] {
        let error = SendError::rejected(shown);
        let caught = std::panic::catch_unwind(|| fake.assert_no_secret_leaked(&error));
        assert!(caught.is_err(), "{shown}");
    }
    crate::info!(fake.host(), "k3y");
    let caught = std::panic::catch_unwind(|| fake.assert_no_secret_leaked(&()));
    assert!(caught.is_err(), "logged");
}

#[test]
#[should_panic(expected = "requests so far: []")]
fn one_request_is_one() {
    FakeHost::new().request();
}
