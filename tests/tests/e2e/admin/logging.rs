//! Where `[log] to` has the log go, and that an outage is one line of it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use textsender_tests::sandbox::{Fault, Sandbox, When, twilio};

use super::Admin;
use super::changes::sending;

const REQUEST: &str = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;

/// An administrator whose log goes there, and whose provider refuses the credentials.
fn failing(sandbox: &Sandbox, to: &str) -> Admin {
    let admin = sending(sandbox);
    admin.write_config(&format!("{}\n[log]\nto = {to:?}\n", admin.config_text()));
    sandbox
        .twilio()
        .set_auth_token("5ec2e700000000000000000000000077");
    admin
}

#[test]
fn a_file_has_one_line_of_each_message_that_failed_and_standard_error_none() {
    let sandbox = Sandbox::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("textsender.log");
    let admin = failing(&sandbox, file.to_str().unwrap());
    for sent in 1..=2 {
        let ran = admin.feed(&["send"], REQUEST);
        ran.failed(78);
        assert_eq!(ran.stderr, "");
        let log = fs::read_to_string(&file).unwrap();
        assert_eq!(log.lines().count(), sent, "{log}");
        assert!(log.contains(" WARN "), "{log}");
        assert!(log.contains("sender=\"twilio\""), "{log}");
    }
    // One that was rotated away is left alone.
    let old = folder.path().join("textsender.log.1");
    fs::rename(&file, &old).unwrap();
    let stream = format!("{REQUEST}\n").repeat(2);
    let ran = admin.feed(&["send", "--stream"], &stream);
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""), "{ran}");
    assert_eq!(fs::read_to_string(old).unwrap().lines().count(), 2);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2);

    // What it does not take is not lost.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let ran = admin.feed(&["send"], REQUEST);
    ran.failed(78);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
}

#[test]
fn a_message_that_is_tried_again_and_again_is_one_line() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sandbox.twilio().fault(When::always(), Fault::status(429));
    let ran = admin.feed(&["send"], REQUEST);
    ran.failed(69);
    assert!(
        ran.json()["attempts"].as_array().unwrap().len() > 1,
        "{ran}"
    );
    assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
}

/// What comes in at a socket that stands where a daemon has its own, while a message fails.
fn received(to: &str, place: &str) -> Vec<String> {
    let sandbox = Sandbox::start();
    let admin = failing(&sandbox, to);
    during(&admin, place, "send", REQUEST, 78)
}

/// What comes in there while a command runs.
fn during(admin: &Admin, place: &str, command: &str, input: &str, exit: i32) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let daemon = UnixDatagram::bind(&socket).unwrap();
    daemon.set_nonblocking(true).unwrap();
    let above = Path::new(place).parent().unwrap().display();
    let around = match place.starts_with("/dev/") {
        true => "--dev /dev".to_owned(),
        false => format!("--tmpfs /run --dir {above}"),
    };
    let line = format!(
        "bwrap --dev-bind / / {around} --bind {} {place} textsender {command}",
        socket.display()
    );
    let ran = admin.shell(&line, input);
    assert_eq!(ran.exit, exit, "{ran}");
    assert_eq!(ran.stderr, "");
    let mut buffer = [0; 4096];
    let received = std::iter::from_fn(|| {
        daemon
            .recv(&mut buffer)
            .ok()
            .map(|size| String::from_utf8(buffer[..size].to_vec()).unwrap())
    });
    received.collect()
}

#[test]
#[ignore = "needs root and bwrap"]
fn as_root_the_journal_gets_a_line_with_its_priority() {
    let lines = received("journald", "/run/systemd/journal/socket");
    let [line] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    let beginning = "PRIORITY=4\nSYSLOG_IDENTIFIER=textsender\nMESSAGE=plugin: ";
    assert!(line.starts_with(beginning), "{line}");
    assert_eq!(line.matches('\n').count(), 3, "{line}");
    assert!(!line.contains(twilio::AUTH_TOKEN), "{line}");
}

#[test]
#[ignore = "needs root and bwrap"]
fn as_root_the_syslog_daemon_gets_a_line_with_its_priority() {
    let lines = received("syslog", "/dev/log");
    let [line] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    // daemon.warning
    assert!(line.starts_with("<28>textsender["), "{line}");
    assert!(line.contains("]: plugin: "), "{line}");
}

#[test]
#[ignore = "needs root and bwrap"]
fn as_root_a_change_is_in_the_systems_log_at_once_without_a_value() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    for place in ["/run/systemd/journal/socket", "/dev/log"] {
        let lines = during(
            &admin,
            place,
            "secret set twilio.auth_token",
            "5ec2e700000000000000000000000001",
            0,
        );
        let [line] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert!(
            line.contains("changed by root: replace the secret twilio.auth_token"),
            "{line}"
        );
        assert!(!line.contains("5ec2e7"), "{line}");
    }
}
