//! Plugins that misbehave: each in a send of its own, and in a stream beside others.

mod cases;
pub mod files;
mod page;

use std::collections::HashMap;

use serde_json::{Value, json};
use textsender_tests::harness::outcomes::promise_of;
use textsender_tests::harness::{PATIENCE, Run, Test, each};
use textsender_tests::sandbox::{Fault, When};

use crate::stream::{answer_to, of_another_sender, request};
pub use cases::BAD_NUMBER;
use cases::{CASES, Case, Ends, Spreads};

#[test]
fn every_misdeed_has_one_honest_outcome() {
    each(CASES, |case| {
        let test = case.test();
        let run = test.with(json!({ "user": { "phone": BAD_NUMBER } })).run();
        ends(case, &run.response, &run);
        run.outcome(case.ends.words().0)
            .texts(case.texts)
            .has("/provider_id", ());
    });
}

/// What a plugin says can't fill the log, whatever it says and how often.
#[test]
fn the_log_of_a_misdeed_is_bounded() {
    // What a plugin may log for a call and beside it, and a few lines of ours.
    let (most_lines, longest_line) = (50 + 50 + 10, 4 * 1024);
    for word in ["many_logs", "huge_log", "huge_error", "ask_for_many_hosts"] {
        let run = Test::new().misbehaving(word).run();
        let lines = run.stderr.lines().count();
        let longest = run.stderr.lines().map(str::len).max().unwrap_or_default();
        assert!(lines <= most_lines, "{word}: {lines} lines");
        assert!(longest <= longest_line, "{word}: {longest} bytes in a line");
    }
}

/// Where foreign words come in, times where words go out. That no secret and no trick comes out is looked at in
/// every case, on standard output and standard error.
#[test]
fn what_a_plugin_says_is_shown_nowhere_as_it_is() {
    let sources = [
        "log_secrets",
        "fail_with_secrets",
        "quote_settings",
        "huge_error",
        "huge_id",
        "secret_for_id",
        "ask_for_secret_host",
        "speak_in_tricks",
    ];
    let formats = ["text", "json"];
    let cases = sources
        .iter()
        .flat_map(|source| formats.map(|format| (*source, format)));
    each(cases, |(source, format)| {
        let id = json!({ "id": "shown" });
        let test = Test::new().misbehaving(source).with(id);
        let run = test.args(["--log-format", format]).run();
        for command in [
            &["log"][..],
            &["log", "--json"],
            &["explain", "--id", "shown"],
            &["stats"],
            &["sender", "check", "misbehaving"],
        ] {
            let beside = run.test().beside().command(command.iter().copied());
            beside.stdin("").run();
        }
    });
}

/// Whatever it says of itself, no provider bore it out.
#[test]
fn a_check_that_asked_no_provider_proves_nothing() {
    let check = ["sender", "check", "misbehaving"];
    let run = Test::new().misbehaving("deliver").command(check).run();
    let stdout = run.exit(76).stdout.as_deref().unwrap();
    assert!(stdout.contains("no provider was asked"), "{run}");
}

/// The provider took each of them, so each uses up a place.
#[test]
fn a_text_that_a_plugin_denies_after_its_answer_uses_up_limits() {
    let test = Test::new()
        .misbehaving("deny_delivery")
        .config("[limits]\nrecipient = { limits = [\"1/10m\"], mode = \"enforce\" }");
    // By the plugin's word nothing was sent: that it was, the harness would hold against it.
    let first = test.in_company().with(json!({ "id": "first" })).run();
    first.error("provider_unavailable");
    let second = test.in_company().with(json!({ "id": "second" }));
    second.run().outcome("limited");
}

/// A host process holds back what is not logged: one that does not is the plugin's.
#[test]
fn lines_that_are_not_logged_are_not_read() {
    let test = Test::new().misbehaving("forge_logs").log_level("warn");
    let run = test.run();
    run.outcome("unavailable")
        .has("/error/code", "plugin_failed");
    run.logs("it logs below the level that it was given");
    assert!(!run.stderr.contains("flood"), "{run}");
}

#[test]
fn no_misdeed_in_a_stream_harms_others_than_it_must() {
    each(CASES, |case| {
        // Whether the one before it still runs is chance: in a stream it has a test of its own.
        if case.word == "answer_another" {
            return;
        }
        let stream = InStream::new(case);
        let mut running = stream.hidden_from(case.test()).stream().start_silent();
        running.ask(&stream.early);
        running.wait_for_answers(stream.early.len());
        running.ask(&stream.late);
        let run = running.finish();
        run.exit(0);
        stream.check(&run);
    });
}

/// Else each new process could take the processors from the others until it is seen to.
#[test]
fn a_process_that_follows_a_greedy_one_runs_only_when_no_other_wants_to() {
    let only_bad = format!("[senders.misbehaving.settings]\nonly_to = {BAD_NUMBER:?}");
    let test = Test::new().misbehaving("hoard_threads").config(&only_bad);
    let mut running = test.stream().start_silent();
    running.ask([&request("bad", BAD_NUMBER)]);
    let answers = running.wait_for_answers(1);
    assert_eq!(answers[0]["error"]["code"], "budget_exhausted");
    running.ask([&request("good", "+447700900102")]);
    running.wait_for_answers(2);
    // Those before it have ended.
    assert!(running.host_process(&[]).is_idle());
    running.finish().exit(0).texts(1);
}

#[test]
fn a_process_that_computes_without_a_call_is_ended() {
    let test = Test::new().misbehaving("spin_afterwards");
    let mut running = test.stream().start_silent();
    running.ask([&request("a", "+447700900101")]);
    running.wait_for_answers(1);
    running.wait_for_log("50 ms of processor time a second without a call");
    running.finish().exit(0).texts(1);
}

#[test]
fn a_process_that_computes_in_a_call_stands_behind_all_others_and_no_other_does() {
    let only_bad = format!("[senders.misbehaving.settings]\nonly_to = {BAD_NUMBER:?}");
    let test = Test::new().misbehaving("spin").config(&only_bad);
    let mut running = test.stream().start_silent();
    running.ask([&request("good", "+447700900101")]);
    running.wait_for_answers(1);
    let process = running.host_process(&[]);
    assert!(!process.is_idle(), "in ordinary use");
    running.ask([&request("bad", BAD_NUMBER)]);
    running.wait_for_log("the plugin took more than 250 ms of processor time a second in calls");
    assert!(process.is_idle());
    running.wait_for_answers(2);
    running.finish().exit(0).texts(1);
}

#[test]
fn an_answer_for_another_message_is_held_against_that_ones_exchanges() {
    let test = Test::new().misbehaving("answer_another");
    let only_bad = format!("[senders.misbehaving.settings]\nonly_to = {BAD_NUMBER:?}");
    let (bad, victim) = (
        request("bad", BAD_NUMBER),
        request("victim", "+447700900101"),
    );
    let silent = When::always().to("+447700900101");
    let test = test.config(&only_bad).fault(silent, Fault::silence());
    let mut running = test.stream().start_silent();
    running.ask([&victim]);
    running.sandbox().wait_for_requests(1, PATIENCE).unwrap();
    running.ask([&bad]);
    let answers = running.wait_for_answers(2);
    // The provider has not answered for it, so that it is not accepted; its own sender goes on.
    assert_eq!(answer_to("victim", &answers)["outcome"], "unknown");
    assert_eq!(answer_to("bad", &answers)["outcome"], "accepted");
    running.finish().exit(0).texts(1);
}

#[track_caller]
fn ends(case: &Case, response: &Value, run: &Run) {
    let (outcome, code) = case.ends.words();
    let is = (
        response["outcome"].as_str(),
        response["error"]["code"].as_str(),
    );
    assert_eq!(is, (Some(outcome), code), "{}: {run}", case.word);
}

/// What is written to a stream: one message for which the plugin misbehaves, and others around it.
struct InStream {
    case: Case,
    /// In flight together.
    early: Vec<Value>,
    /// Written when all of these are answered.
    late: Vec<Value>,
}

impl InStream {
    fn new(case: &Case) -> Self {
        let bad = request("bad", BAD_NUMBER);
        let own =
            |number: u8| request(&format!("own-{number}"), &format!("+4477009001{number:02}"));
        Self {
            case: *case,
            early: vec![
                of_another_sender(1),
                own(1),
                own(2),
                bad,
                own(3),
                own(4),
                of_another_sender(2),
            ],
            late: vec![own(5), of_another_sender(3), own(6)],
        }
    }

    /// The same test, which fails if it shows a code or number of these.
    fn hidden_from(&self, test: Test) -> Test {
        let requests = self.early.iter().chain(&self.late);
        requests.fold(test, |test, request| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            test.hide("a code", &text(&request["code"]))
                .hide("a number", &text(&request["user"]["phone"]))
        })
    }

    #[track_caller]
    fn check(&self, run: &Run) {
        let mut answers: HashMap<_, _> = run
            .answers()
            .into_iter()
            .map(|answer| (answer["id"].as_str().unwrap_or_default().to_owned(), answer))
            .collect();
        assert_eq!(
            run.answers().len(),
            answers.len(),
            "an id was answered twice: {run}"
        );
        let requests = self.early.iter().map(|request| (request, false));
        let requests = requests.chain(self.late.iter().map(|request| (request, true)));
        for (line, (request, is_late)) in requests.enumerate() {
            let id = request["id"].as_str().unwrap();
            let answer = answers
                .remove(id)
                .unwrap_or_else(|| panic!("no answer to {id}: {run}"));
            assert_eq!(answer["line"], line + 1, "{id}: {run}");
            let texts = self.texts(request, &answer, run);
            self.fits(id, is_late, &answer, texts, run);
        }
        assert!(answers.is_empty(), "answers to nothing: {answers:?} {run}");
    }

    /// How many texts a request made, which is as many as its outcome allows.
    #[track_caller]
    fn texts(&self, request: &Value, answer: &Value, run: &Run) -> usize {
        let code = request["code"].as_str().unwrap();
        let taken = run.sandbox().texts();
        let texts = taken.iter().filter(|text| text.body.contains(code)).count();
        let outcome = answer["outcome"].as_str().unwrap();
        let allowed = match outcome {
            "accepted" => 1..=1,
            _ if promise_of(outcome).not_sent => 0..=0,
            _ => 0..=1,
        };
        assert!(
            allowed.contains(&texts),
            "{}: {texts} texts: {run}",
            answer["id"]
        );
        texts
    }

    /// Whether an answer is one that this case allows.
    #[track_caller]
    fn fits(&self, id: &str, is_late: bool, answer: &Value, texts: usize, run: &Run) {
        let case = &self.case;
        let outcome = answer["outcome"].as_str().unwrap();
        if id == "bad" {
            ends(case, answer, run);
            assert_eq!(texts, case.texts, "{}: {run}", case.word);
        } else if id.starts_with("own") && case.spreads == Spreads::All {
            ends(case, answer, run);
        } else if id.starts_with("own") && case.spreads == Spreads::InFlight && !is_late {
            let may_be = ["accepted", "unknown"];
            assert!(
                may_be.contains(&outcome),
                "{}: {id} is {outcome}: {run}",
                case.word
            );
        } else {
            assert_eq!(outcome, "accepted", "{}: {id}: {run}", case.word);
        }
    }
}

/// Whatever is in the table, a plugin can't make up an outcome of its own.
#[test]
fn every_way_to_end_is_in_the_table() {
    let all = [
        Ends::Accepted,
        Ends::Rejected,
        Ends::Unavailable,
        Ends::TimedOut,
        Ends::Unknown,
        Ends::Refused,
        Ends::BadSettings,
        Ends::Misconfigured,
        Ends::UsedUp,
    ];
    for ends in all {
        assert!(CASES.iter().any(|case| case.ends == ends), "{ends:?}");
    }
}
