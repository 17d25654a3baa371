//! Hundreds of processes at once, which share one ledger. A test program of its own: no other case is to
//! be timed beside them.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use textsender_tests::harness::{Run, Test, at_once, wait_for};

/// Processes that run at the same time, as many as the ledger promises to bear.
const MANY: usize = 200;

/// As long as it takes on a machine that does much else: what counts here is who sends, not how fast.
const PATIENT: &str = "[send]\ntimeout = \"10m\"\n";
const PATIENCE: u64 = 600_000;

fn count(runs: &[Run], is: impl Fn(&Run) -> bool) -> usize {
    runs.iter().filter(|run| is(run)).count()
}

fn is_outcome(outcome: &str) -> impl Fn(&Run) -> bool {
    move |run| run.response["outcome"] == outcome
}

#[test]
fn of_200_processes_with_one_id_one_sends() {
    let first = Test::new().config(PATIENT).with(json!({ "id": "one" }));
    let runs = at_once(MANY, |_| first.in_company().lock_timeout(PATIENCE));
    let accepted = count(&runs, is_outcome("accepted"));
    let in_progress = count(&runs, is_outcome("in_progress"));
    let told = format!("{accepted} accepted, {in_progress} in progress");
    assert_eq!(accepted + in_progress, MANY, "{told}");
    let replayed = count(&runs, |run| run.response["replayed"] == true);
    assert_eq!(replayed, accepted - 1, "{told}");
    assert_eq!(first.sandbox().text_count(), 1);
}

#[test]
fn of_200_messages_to_one_number_three_are_sent() {
    let limits = "[limits]\nrecipient = { limits = [\"3/10m\"], mode = \"enforce\" }";
    let first = Test::new().config(PATIENT).config(limits);
    let runs = at_once(MANY, |number| {
        first
            .in_company()
            .lock_timeout(PATIENCE)
            .with(json!({ "id": format!("{number}") }))
    });
    let accepted = count(&runs, is_outcome("accepted"));
    let limited = count(&runs, is_outcome("limited"));
    assert_eq!((accepted, limited), (3, MANY - 3));
    assert_eq!(first.sandbox().text_count(), 3);
    let limited = runs.iter().find(|run| is_outcome("limited")(run)).unwrap();
    limited
        .says("3 texts to this number in 10m, the limit recipient = 3/10m")
        .says("`textsender log --since 10m --phone NUMBER` shows them");
}

#[test]
fn nothing_is_sent_after_pause_has_returned_while_200_processes_send() {
    const ROUNDS: usize = 3;
    let limits = "[limits]\nrecipient = { limits = [] }\nprefix = { limits = [] }";
    let first = Test::new().config(PATIENT).config(limits);
    let command = |words: &[&str]| {
        let command = first.in_company().command(words.iter().copied());
        command.stdin("").lock_timeout(PATIENCE)
    };
    let sandbox = first.sandbox();
    let is_over = AtomicBool::new(false);
    let pause_and_resume = || {
        let _over = Over(&is_over);
        for round in 1..=ROUNDS {
            let before = sandbox.text_count();
            wait_for("one more text", || {
                (sandbox.text_count() > before).then_some(())
            });
            command(&["pause", "--all", "--reason", "pumped"])
                .run()
                .exit(0);
            let sent = sandbox.text_count();
            // Processes go on meanwhile, and are refused.
            command(&["status"]).run().exit(0);
            let now = sandbox.text_count();
            assert_eq!(now, sent, "a text was sent after pause had returned");
            if round < ROUNDS {
                command(&["resume", "--all"]).run().exit(0);
            }
        }
    };
    // Again and again, so that there is something to stop in each round.
    let send = |number: usize| {
        let mut outcomes = Vec::new();
        while !is_over.load(Ordering::SeqCst) || outcomes.is_empty() {
            let message = json!({ "id": format!("{number}-{}", outcomes.len()) });
            let run = first.in_company().lock_timeout(PATIENCE).with(message);
            let response = run.run().response;
            outcomes.push(match response["error"]["code"].as_str() {
                None => response["outcome"].as_str().unwrap().to_owned(),
                Some(code) => code.to_owned(),
            });
        }
        outcomes
    };
    let outcomes = thread::scope(|scope| {
        let pauser = scope.spawn(pause_and_resume);
        let senders: Vec<_> = (0..MANY)
            .map(|number| scope.spawn(move || send(number)))
            .collect();
        let outcomes = senders.into_iter().flat_map(|one| one.join().unwrap());
        let outcomes: Vec<_> = outcomes.collect();
        pauser.join().unwrap();
        outcomes
    });
    let count = |wanted: &str| outcomes.iter().filter(|one| *one == wanted).count();
    let (accepted, paused) = (count("accepted"), count("paused"));
    assert_eq!(accepted + paused, outcomes.len(), "{outcomes:?}");
    assert!(paused > 0, "no process met a pause");
    assert_eq!(sandbox.text_count(), accepted);
}

/// Ends the senders, however the rounds end.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
