//! Settings that are tried before they are saved: with the stored secret, and nothing is written.

use textsender_tests::harness::random_code;
use textsender_tests::sandbox::twilio;

use crate::page::{Form, Reply};
use crate::served::Served;

const PHONE: &str = "+447700900123";

/// The form of the settings, sent to where they are tried.
fn form(served: &Served, way: &str) -> Form {
    let form = served.get("/senders/twilio").form("/senders/twilio");
    Form {
        action: format!("/senders/twilio/{way}"),
        ..form
    }
}

/// A second provider: one that the saved settings do not name.
fn elsewhere(served: &Served) -> textsender_tests::sandbox::Sandbox {
    let other = textsender_tests::sandbox::Sandbox::start();
    assert_ne!(other.twilio().url(), served.sandbox.twilio().url());
    other
}

#[track_caller]
fn tells(reply: Reply, words: &str) -> Reply {
    reply.status(200).says(words).says("Nothing is saved.")
}

#[test]
fn settings_are_checked_before_they_are_saved_with_the_stored_secret() {
    let served = Served::ready().opened();
    let before = served.files();
    let other = elsewhere(&served);
    let tried = form(&served, "try").set("set.base_url", &other.twilio().url());
    let told = tells(served.submit(&tried), "takes credentials and settings");
    assert!(
        told.body.contains(&other.twilio().url()),
        "what was typed is still there"
    );
    assert!(!other.requests().is_empty(), "the other one was asked");

    let wrong = form(&served, "try").set("set.account_sid", "");
    tells(served.submit(&wrong), "it would be incomplete");
    let none = form(&served, "try").set("set.account_sid", "no such form");
    tells(served.submit(&none), "it would be wrong").says("account_sid: expected");
    assert_eq!(served.files(), before);
}

#[test]
fn a_test_is_sent_with_settings_that_are_not_saved() {
    let served = Served::ready().opened();
    let before = served.files();
    let code = random_code();
    for hidden in [PHONE, &*code] {
        served.hide(hidden);
    }
    let from = "+447700900199";
    assert_ne!(from, twilio::FROM_NUMBER);
    served.sandbox.twilio().own_number(from);
    let test = served
        .submit(&form(&served, "test").set("set.from", from))
        .status(200);
    let test = test.says("which are not saved").form("/test");
    let asked = served.submit(&test.set("phone", PHONE).set("code", &code));
    let asked = asked.status(200).says("with settings that are not saved");
    served
        .submit_and_follow(&asked.form("/test"))
        .says("accepted by twilio");
    let texts = served.sandbox.texts();
    assert_eq!((texts.len(), &*texts[0].from), (1, from));
    assert_eq!(served.files(), before);
}
