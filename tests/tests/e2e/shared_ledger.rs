//! The programs with and without the store that several machines share. What that store does is seen by the
//! tests of the fleet; here no database is needed.

use serde_json::json;
use textsender_tests::harness::{Test, artifacts};
use textsender_tests::peers::shared_ledger::section;

/// A ledger where nothing listens.
fn away() -> String {
    let url = "postgresql://textsender@127.0.0.1:1/textsender";
    section(url, "none", "100ms")
}

#[test]
fn a_message_is_handed_over_as_it_was_read() {
    let test = Test::new().config(&away());
    let run = test.with(json!({ "id": "handed-over" })).run();
    run.error("ledger_unreachable")
        .has("/id", "handed-over")
        .texts(0);
}

#[test]
fn a_code_on_standard_input_is_handed_over_too() {
    let test = Test::new().config(&away()).stdin("beK989vc");
    let words = ["send", "--phone", "+447700900123", "--code", "-"];
    test.command(words).run().error("ledger_unreachable");
}

#[test]
fn a_stream_is_handed_over() {
    let mut stream = Test::new().config(&away()).stream().start_silent();
    let request = json!({
        "id": "a", "purpose": "verification_code", "user": { "phone": "+447700900123" }, "code": "beK989vc"
    });
    stream.ask([&request]);
    let answers = stream.wait_for_answers(1);
    assert_eq!(answers[0]["error"]["code"], "ledger_unreachable");
}

#[test]
fn without_the_other_program_it_is_said_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let program = artifacts().copy_program_into(folder.path());
    let test = Test::new().config(&away());
    let run = test.in_company().program(&program).run();
    run.outcome("misconfigured")
        .error("ledger_unusable")
        .logs("textsender-postgres")
        .texts(0);
    let doctor = test
        .in_company()
        .program(&program)
        .command(["doctor"])
        .run();
    let said = doctor.stdout.as_deref().unwrap_or_default();
    assert!(
        said.contains("-> install the package textsender-postgres"),
        "{said}"
    );
}
