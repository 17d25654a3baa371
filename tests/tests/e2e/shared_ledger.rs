//! The programs with and without the store that several machines share. What that store does is seen by the
//! tests of the fleet; here no database is needed.

use std::process::Command;

use serde_json::json;
use tempfile::TempDir;
use textsender_tests::harness::{Test, artifacts};

/// Nothing listens there.
const SHARED: &str = "[state.shared]\nengine = \"postgresql\"\nurl = \"postgresql://textsender@127.0.0.1:1/textsender\"\n\
    replication = \"none\"\nwhen_unreachable = \"refuse\"\ntimeout = \"100ms\"\n";

/// `textsender` in a folder where nothing else is.
fn alone() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("textsender");
    // Another process writes it: a file that this one has open would be busy for a child of another case.
    let mut copy = Command::new("cp");
    copy.arg(&artifacts().textsender).arg(&program);
    assert!(copy.status().unwrap().success());
    (folder, program)
}

#[test]
fn a_message_is_handed_over_as_it_was_read() {
    let test = Test::new().config(SHARED);
    let run = test.with(json!({ "id": "handed-over" })).run();
    run.error("ledger_unreachable")
        .has("/id", "handed-over")
        .texts(0);
}

#[test]
fn a_code_on_standard_input_is_handed_over_too() {
    let test = Test::new().config(SHARED).stdin("beK989vc");
    let words = ["send", "--phone", "+447700900123", "--code", "-"];
    test.command(words).run().error("ledger_unreachable");
}

#[test]
fn a_stream_is_handed_over() {
    let mut stream = Test::new().config(SHARED).stream().start_silent();
    let request = json!({
        "id": "a", "purpose": "verification_code", "user": { "phone": "+447700900123" }, "code": "beK989vc"
    });
    stream.ask([&request]);
    let answers = stream.wait_for_answers(1);
    assert_eq!(answers[0]["error"]["code"], "ledger_unreachable");
}

#[test]
fn without_the_other_program_it_is_said_what_to_install() {
    let (_folder, program) = alone();
    let test = Test::new().config(SHARED);
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
