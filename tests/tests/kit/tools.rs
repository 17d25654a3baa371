//! Commands, and where things are.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use textsender_tests::harness::artifacts;

/// The top of the source.
pub const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A folder of our own below cargo's, kept from one run to the next, so that what is built there is built once.
pub fn workshop(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("kit")
        .join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command that should succeed, and gives what it wrote.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}{complaint}",
        output.status
    );
    said
}

/// The conformance suite's report of a library.
#[track_caller]
pub fn report(library: &Path, sample: &Path) -> Value {
    let mut check = Command::new(&artifacts().textsender);
    check.args(["plugin", "check", "--json"]).arg(library);
    let output = check.arg("--settings").arg(sample).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {complaint}"));
    assert_eq!(
        report["conforms"] == true,
        output.status.success(),
        "{report:#}"
    );
    report
}

/// The rules that a report finds in this standing, by their numbers.
pub fn rules(report: &Value, standing: &str) -> Vec<String> {
    let rules = report["rules"].as_array().unwrap().iter();
    let rules = rules.filter(|rule| rule["standing"] == standing);
    rules
        .map(|rule| rule["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Wants a plugin to keep every rule that applies to it, SHOULDs too.
#[track_caller]
pub fn keeps_the_contract(library: &Path, sample: &Path) {
    let report = report(library, sample);
    let mut broken = rules(&report, "broken");
    // It is about time, and this machine may be busy.
    broken.retain(|rule| rule != "F2");
    assert_eq!(broken, Vec::<String>::new(), "{report:#}");
    assert!(rules(&report, "kept").len() > 30, "{report:#}");
}

/// Sends a message through a plugin to the echo, and gives the response and what the provider was asked.
#[track_caller]
pub fn sent(library: &Path, sample: &Path) -> String {
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;
    let textsender = artifacts().textsender.display();
    let send = format!("echo '{request}' | {textsender} send");
    let mut echo = Command::new(env!("CARGO_BIN_EXE_sandbox"));
    echo.arg("echo")
        .arg("--plugin")
        .arg(library)
        .arg("--settings")
        .arg(sample);
    run(echo.args(["--", "sh", "-c", &send]))
}
