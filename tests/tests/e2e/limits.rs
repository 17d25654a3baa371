//! Limits of a service, and places where something of the system is missing: the real cause is named.

use std::io::Write;
use std::process::{Command, Stdio};

use textsender_tests::harness::{Test, artifacts};

/// Sends in a shell that sets a limit first; what it says.
fn limited(limit: &str) -> (Option<i32>, String) {
    let test = Test::new();
    let mut child = Command::new("/bin/sh")
        .args(["-c", &format!("{limit}; exec \"$0\" send")])
        .arg(&artifacts().textsender)
        .env("TEXTSENDER_CONFIG", test.site().config_file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that does not read it has ended.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all(test.request_json().as_bytes());
    let output = child.wait_with_output().unwrap();
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    (output.status.code(), format!("{stdout}{stderr}"))
}

#[test]
fn a_limit_of_file_sizes_is_named_and_ends_no_process() {
    let (code, shown) = limited("ulimit -f 1");
    assert!(code.is_some_and(|code| code != 0), "it was ended: {shown}");
    assert!(shown.contains("LimitFSIZE="), "{shown}");
}
