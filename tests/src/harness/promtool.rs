//! Prometheus's own judge of metrics.

use std::io::Write;
use std::process::{Command, Stdio};

/// Fails where promtool finds something in a page of metrics. Where it is not installed nothing is looked at, and the
/// tests that are named after it are ignored.
#[track_caller]
pub fn check_metrics(page: &str) {
    if cfg!(not(has_promtool)) {
        return;
    }
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(page.as_bytes()).unwrap();
    drop(stdin);
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?} of\n{page}");
}
