//! Who may look and change nothing, and what the hub alerts by itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use serde_json::json;
use textsender_tests::harness::{PATIENCE, Test, wait_for};
use textsender_tests::sandbox::{Fault, When};

use super::http::{Answer, Connection, Hub, request as http_request};
use crate::stream::request;

/// A hub with a socket for readers.
fn with_readers() -> (Hub, std::path::PathBuf) {
    let test = Test::new();
    let socket = test.site().folder().join("read.sock");
    let section = format!("[serve]\nread_socket = {socket:?}");
    let hub = Hub::start(test.config(&section));
    // It listens there after it listens for requests.
    wait_for("the readers' socket", || socket.exists().then_some(()));
    (hub, socket)
}

#[track_caller]
fn ask(socket: &std::path::Path, line: &str, body: &str) -> Answer {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut connection = Connection::over(stream);
    connection.write(&http_request(line, &[], body));
    connection.answer().unwrap()
}

#[test]
fn a_reader_asks_what_was_sent_and_can_change_nothing() {
    let (hub, socket) = with_readers();
    assert_eq!(
        fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o660
    );
    hub.post(&request("a-1", "+447700900123"))
        .is(200)
        .outcome("accepted");
    let read = |words: &[&str], stdin: &str| {
        let body = json!({ "words": words, "stdin": stdin }).to_string();
        ask(&socket, "POST /v1/read", &body)
    };
    let told = read(&["log", "--since", "1h", "--json"], "").is(200).json();
    assert_eq!(told["exit"], 0, "{told}");
    assert!(
        told["stdout"].as_str().unwrap().contains("\"a-1\""),
        "{told}"
    );
    let told = read(&["log", "--phone", "-"], "+447700900123\n")
        .is(200)
        .json();
    assert!(
        told["stdout"].as_str().unwrap().contains("+44*******123"),
        "{told}"
    );
    for words in [
        &["stats", "--json"][..],
        &["status", "--json"],
        &["explain", "--id", "a-1"],
        &["health"],
    ] {
        let told = read(words, "").is(200).json();
        assert_eq!(told["exit"], 0, "{words:?}: {told}");
    }
    for words in [
        &["pause", "--all", "--reason", "x"][..],
        &["secret", "list"],
        &["log", "--follow"],
        &["health", "--alert"],
    ] {
        read(words, "").is(403);
    }
    // That socket sends nothing, and the other one tells nothing.
    let message = request("a-2", "+447700900123").to_string();
    ask(&socket, "POST /v1/messages", &message).is(403);
    ask(&socket, "GET /v1/messages/a-1", "").is(403);
    let question = json!({ "words": ["log"] }).to_string();
    hub.ask("POST /v1/read", &[], &question).is(403);
    hub.end().exit(0).texts(1);
}

/// What another account gets that may connect, and read nothing itself.
#[test]
#[ignore = "needs root"]
fn as_root_an_account_without_rights_gets_its_answer_by_the_same_command() {
    let (hub, socket) = with_readers();
    hub.post(&request("a-1", "+447700900123"))
        .is(200)
        .outcome("accepted");
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let folder = hub.running.test().site().folder().to_owned();
    let temporary = std::env::temp_dir();
    for above in folder.ancestors().take_while(|above| *above != temporary) {
        fs::set_permissions(above, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let other = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let ran = hub
        .other()
        .under(other)
        .command(["log", "--json"])
        .stdin("")
        .run();
    assert!(
        ran.stdout
            .as_deref()
            .unwrap_or_default()
            .contains("\"a-1\""),
        "{ran}"
    );
    ran.exit(0);
    let ran = hub
        .other()
        .under(other)
        .command(["log", "--follow"])
        .stdin("")
        .run();
    ran.exit(1)
        .logs("--follow may not be asked through the hub");
    hub.end().exit(0).texts(1);
}

#[test]
fn the_hub_alerts_by_itself_and_gives_the_all_clear() {
    let test = Test::new().alerts_every(200);
    let file = test.site().folder().join("alerted");
    let script = format!("cat >> {}", file.display());
    let section = format!("[alerts]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]");
    let hub = Hub::start(test.config(&section));
    let subjects = || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("textsender on "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    hub.running
        .sandbox()
        .twilio()
        .fault(When::next(), Fault::status(401));
    hub.post(&request("a-1", "+447700900123"))
        .is(500)
        .outcome("misconfigured");
    wait_for("an alert", || {
        subjects()
            .iter()
            .any(|line| line.contains("CRITICAL: "))
            .then_some(())
    });
    let check = ["sender", "check", "twilio"];
    hub.other().command(check).stdin("").run().exit(0);
    wait_for("the all-clear", || {
        subjects()
            .iter()
            .any(|line| line.contains(" OK: "))
            .then_some(())
    });
    assert_eq!(subjects().len(), 2, "{:?}", subjects());
    hub.end().exit(0);
}
