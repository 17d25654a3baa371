//! Hundreds of processes at once, which share one ledger. A test program of its own: no other case is to
//! be timed beside them.

#![allow(clippy::unwrap_used)]

use serde_json::json;
use textsender_tests::harness::{Run, Test, at_once};

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
