//! What became of a message that a provider accepted: asked for with `status`, waited for with `send --wait`, and
//! found again where the answer was lost.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use textsender_tests::harness::{Run, Test, each};
use textsender_tests::sandbox::{Fault, Provider, When};

/// `status` of the message that a run sent.
fn status(run: &Run) -> Run {
    let id = run.response["provider_id"].as_str().unwrap();
    let sender = run.response["sender"].as_str().unwrap();
    run.test()
        .beside()
        .command(["status", "--sender", sender, id])
        .run()
}

#[test]
fn every_state_of_a_message_has_its_word() {
    let twilio = [
        ("queued", None, "accepted (queued)\n"),
        ("sending", None, "sent (sending)\n"),
        ("sent", None, "sent (sent)\n"),
        ("delivered", None, "delivered (delivered)\n"),
        ("read", None, "delivered (read)\n"),
        (
            "undelivered",
            Some(30005),
            "failed (30005): the number is not in use\n",
        ),
        (
            "failed",
            Some(30007),
            "failed (30007): the carrier took the text for spam\n",
        ),
        ("canceled", None, "failed (canceled)\n"),
        ("teleported", None, "cannot_tell (teleported)\n"),
    ];
    each(twilio, |(state, code, told)| {
        let run = Test::new().run();
        let id = run.response["provider_id"].as_str().unwrap();
        assert!(run.sandbox().twilio().set_status(id, state, code));
        says(&status(&run), told);
    });

    let notify = [
        ("created", "accepted (created)\n"),
        ("sending", "sent (sending)\n"),
        ("pending", "sent (pending)\n"),
        ("sent", "sent (sent)\n"),
        ("delivered", "delivered (delivered)\n"),
        (
            "permanent-failure",
            "failed (permanent-failure): the network refused it",
        ),
        (
            "temporary-failure",
            "failed (temporary-failure): the phone was off",
        ),
        (
            "technical-failure",
            "failed (technical-failure): Notify and the network",
        ),
        ("teleported", "cannot_tell (teleported)\n"),
    ];
    each(notify, |(state, told)| {
        let run = Test::new().all_senders().through("govuk-notify").run();
        let id = run.response["provider_id"].as_str().unwrap();
        assert!(run.sandbox().notify().set_status(id, state));
        says(&status(&run), told);
    });

    // A gateway tells nobody.
    let run = Test::new().all_senders().through("email-gateway").run();
    says(&status(&run), "cannot_tell");
}

/// A provider that never says what became of a message does not keep the caller longer than it waits.
#[test]
fn a_wait_is_a_bound() {
    let asked = When::always().method("GET");
    let test = Test::new()
        .fault(asked, Fault::silence())
        .args(["--wait", "1"]);
    let began = Instant::now();
    let run = test.run();
    run.outcome("accepted").has("/delivery", ()).texts(1);
    // A sender has 10 s for an answer.
    assert!(began.elapsed() < Duration::from_secs(8), "{run}");
}

#[test]
fn a_wait_that_no_caller_means_is_a_usage_error() {
    for wait in ["18446744073709551615", "86401", "-1", "soon"] {
        let run = Test::new().args(["--wait", wait]).run();
        run.exit(2).requests(0);
    }
}

#[track_caller]
fn says(status: &Run, words: &str) {
    let stdout = status.stdout.as_deref().unwrap();
    assert!(stdout.starts_with(words), "not {words:?}: {status}");
    status.exit(0);
}

#[test]
fn status_for_a_tool_is_one_object() {
    let run = Test::new().run();
    let id = run.response["provider_id"].as_str().unwrap();
    run.sandbox()
        .twilio()
        .set_status(id, "undelivered", Some(30005));
    let status = run
        .test()
        .beside()
        .command(["status", "--json", "--sender", "twilio", id])
        .run();
    let told: Value = serde_json::from_str(status.stdout.as_deref().unwrap()).unwrap();
    assert_eq!(
        told,
        json!({ "state": "failed", "code": "30005" }),
        "{status}"
    );
}

#[test]
fn a_question_that_can_not_be_asked_has_the_exit_code_of_its_reason() {
    let run = Test::new().run();
    let ask = |sender: &str, id: &str| {
        let test = run.test().beside();
        test.command(["status", "--sender", sender, id]).run()
    };
    // No such sender; an id that Twilio gave nobody is no question to it.
    assert_eq!(ask("twillio", "SM1").exit, 78);
    let unknown = ask("twilio", "SM00000000000000000000000000000000");
    says(&unknown, "cannot_tell");
    run.sandbox()
        .twilio()
        .fault(When::always(), Fault::status(503));
    let id = run.response["provider_id"].as_str().unwrap();
    assert_eq!(ask("twilio", id).exit, 69);
}

#[test]
fn a_message_is_followed_to_its_end_and_the_exit_code_stays_the_outcomes() {
    each(
        [
            (
                "+447700900123",
                json!({ "state": "delivered", "code": "delivered" }),
            ),
            // The sandbox's number for a phone that is not in use.
            (
                "+15005553005",
                json!({ "state": "failed", "code": "30005" }),
            ),
        ],
        |(phone, delivery)| {
            let run = Test::new()
                .policy("name = \"Everyone\"\nregions = [\"GB\", \"US\"]\nkinds = [\"mobile\", \"personal\"]\n[verification_code]\ntext = \"%code%\"")
                .with(json!({ "user": { "phone": phone } }))
                .args(["--wait", "20"])
                .run();
            run.outcome("accepted").has("/delivery", delivery);
        },
    );

    let run = Test::new()
        .all_senders()
        .through("govuk-notify")
        .args(["--wait", "20"])
        .run();
    run.outcome("accepted").has("/delivery/state", "delivered");
}

/// A provider that does not say in time what became of a message has accepted it all the same.
#[test]
fn a_wait_that_is_over_changes_nothing() {
    let run = Test::new()
        .fault(When::always().method("GET"), Fault::status(503))
        .args(["--wait", "1"])
        .run();
    run.outcome("accepted").has("/delivery", ()).texts(1);

    let run = Test::new()
        .all_senders()
        .through("email-gateway")
        .args(["--wait", "1"])
        .run();
    run.outcome("accepted")
        .has("/delivery", json!({ "state": "cannot_tell" }));
}

#[test]
fn a_stream_follows_each_of_its_messages() {
    let test = Test::new();
    let request = test.request_json();
    let run = test
        .stdin(format!("{request}\n{request}\n"))
        .args(["--stream", "--wait", "20"])
        .run();
    run.exit(0).texts(2);
    let stdout = run.stdout.as_deref().unwrap();
    for line in stdout.lines() {
        let response: Value = serde_json::from_str(line).unwrap();
        assert_eq!(response["delivery"]["state"], "delivered", "{run}");
    }
}

/// Notify may have it, and says so when it is asked by our id; that is all that raises a doubt to a yes.
#[test]
fn a_lost_answer_is_found_by_each_providers_own_rule() {
    for taken in [true, false] {
        let fault = match taken {
            true => Fault::drop().taken(),
            false => Fault::drop().not_taken(),
        };
        let test = Test::new().all_senders().through("govuk-notify");
        test.sandbox()
            .notify()
            .fault(When::next().method("POST"), fault);
        let run = test.run();
        let asked = run.sandbox().requests();
        let [_, find] = &asked[..] else {
            panic!("not a POST and a GET: {run}");
        };
        let id = run.response["id"].as_str().unwrap();
        assert!(
            find.query().contains(&("reference".into(), id.into())),
            "{run}"
        );
        match taken {
            true => run
                .outcome("accepted")
                .has("/provider_id", &*run.the_text().id),
            // What is not listed may still be on its way in.
            false => run.outcome("unknown").error("maybe_sent").texts(0),
        };
    }
}

/// The same text to the same number is another message's if the ledger knows its id, and another text is no proof at
/// all: a second text is better than none.
#[test]
fn twilios_list_proves_only_what_is_new_and_the_same() {
    let first = Test::new().run();
    first.outcome("accepted");
    // The second message is the same; its answer is lost, and it was not taken.
    let fault = Fault::drop().not_taken();
    let lost = || When::next().method("POST");
    let twilio = first.sandbox().twilio();
    twilio.fault(lost(), fault.clone());
    let again = first.test().beside().run();
    again.outcome("unknown").error("maybe_sent");

    // Another text, taken in between, has another body.
    twilio.fault(lost(), fault);
    let other = first
        .test()
        .beside()
        .with(json!({ "code": "another-code" }));
    other.run().outcome("unknown").error("maybe_sent");
    first.texts(1);
    assert_eq!(first.sandbox().texts()[0].provider, Provider::Twilio);
}
