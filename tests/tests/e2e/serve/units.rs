//! The units for systemd, as far as they can be tried without it running. That a plugin is sealed under the hub's
//! filter of system calls is shown by the binary `sealed`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use textsender_tests::harness::artifacts;

fn units() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd")
}

fn unit(name: &str) -> String {
    fs::read_to_string(units().join(name)).unwrap()
}

#[test]
#[cfg_attr(not(has_systemd), ignore = "needs systemd-analyze")]
fn systemd_finds_nothing_wrong_with_the_units_and_the_service_exposes_little() {
    let folder = tempfile::tempdir().unwrap();
    let program = artifacts().textsender.to_str().unwrap();
    let service = unit("textsender.service").replace("/usr/bin/textsender", program);
    fs::write(folder.path().join("textsender.service"), service).unwrap();
    fs::write(
        folder.path().join("textsender.socket"),
        unit("textsender.socket"),
    )
    .unwrap();
    let analyze = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        command
            .env("SYSTEMD_LOG_LEVEL", "warning")
            .current_dir(folder.path());
        let output = command.args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && said.is_empty(),
            "{arguments:?}: {said}"
        );
    };
    analyze(&[
        "verify",
        "--man=no",
        "./textsender.service",
        "./textsender.socket",
    ]);
    // Of ten, in tenths: what systemd itself calls OK, and no more than it was.
    analyze(&[
        "security",
        "--offline=true",
        "--threshold=16",
        "./textsender.service",
    ]);
}

#[test]
fn the_hub_may_seal_its_plugins_under_its_own_filter() {
    let calls = |text: &str| {
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("SystemCallFilter="));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let drop_in = calls(&unit("textsender.conf"));
    assert_eq!(drop_in.len(), 1);
    let of_service = calls(&unit("textsender.service"));
    assert_eq!(of_service, ["@system-service", &drop_in[0]]);
}
