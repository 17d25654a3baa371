//! The units for systemd, as far as they can be tried without it running. That a plugin is sealed under the hub's
//! filter of system calls is shown by the binary `sealed`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use textsender_tests::harness::artifacts;

const PACKAGING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging");

fn units() -> PathBuf {
    Path::new(PACKAGING).join("systemd")
}

fn unit(name: &str) -> String {
    fs::read_to_string(units().join(name)).unwrap()
}

#[test]
#[cfg_attr(not(has_systemd), ignore = "needs systemd-analyze")]
fn systemd_finds_nothing_wrong_with_the_units_and_the_service_exposes_little() {
    let folder = tempfile::tempdir().unwrap();
    let program = artifacts().textsender.to_str().unwrap();
    let names = [
        "textsender.service",
        "textsender.socket",
        "textsender-read.socket",
        "textsender-alerts.service",
        "textsender-alerts.timer",
        "textsender-metrics.service",
        "textsender-metrics.timer",
        "textsender-directory.service",
        "textsender-directory.timer",
        "textsender-failed@.service",
    ];
    for name in names {
        let text = unit(name).replace("/usr/bin/textsender", program);
        fs::write(folder.path().join(name), text).unwrap();
    }
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
    let paths = names.map(|name| format!("./{name}"));
    analyze(
        &[
            &["verify", "--man=no"][..],
            &paths.each_ref().map(String::as_str),
        ]
        .concat(),
    );
    // Of ten, in tenths: what systemd itself calls OK, and no more than it was.
    for (unit, most) in [
        ("textsender.service", 16),
        // They run an administrator's command and a sendmail, which is setgid or setuid.
        ("textsender-alerts.service", 27),
        ("textsender-failed@.service", 29),
    ] {
        let threshold = format!("--threshold={most}");
        let unit = format!("./{unit}");
        analyze(&["security", "--offline=true", &threshold, &unit]);
    }
}

/// What is wrong is alerted within a minute, and somebody hears of alerts that can't go out.
#[test]
fn systemd_has_alerts_looked_for_each_minute_and_tells_of_units_that_fail() {
    assert!(unit("textsender-alerts.timer").contains("\nOnCalendar=minutely\n"));
    for entry in fs::read_dir(units()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let tells = unit(&name).contains("\nOnFailure=textsender-failed@%n.service\n");
        let should = name.ends_with(".service") && name != "textsender-failed@.service";
        assert_eq!(tells, should, "{name}");
    }
}

/// Account and folder as the packages make them: by systemd's own tools, in a root of their own.
#[test]
#[cfg_attr(not(has_systemd), ignore = "needs systemd-analyze")]
fn systemd_makes_the_account_and_its_folder() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    let run = |program: &str, arguments: &[&str], file: &str| {
        let mut command = Command::new(program);
        command.arg(format!("--root={}", root.path().display()));
        let output = command
            .args(arguments)
            .arg(Path::new(PACKAGING).join(file))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    run("systemd-sysusers", &[], "sysusers.d/textsender.conf");
    let accounts = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    assert!(accounts.contains("textsender:x:"), "{accounts}");
    assert!(accounts.contains(":/var/lib/textsender:"), "{accounts}");
    let groups = fs::read_to_string(root.path().join("etc/group")).unwrap();
    assert!(groups.contains("textsender-read:x:"), "{groups}");
    // Without root, the folder can't be another account's: that the line can be read is what is seen.
    let line = fs::read_to_string(Path::new(PACKAGING).join("tmpfiles.d/textsender.conf")).unwrap();
    let own = line.replace(":textsender :textsender", "- -");
    let file = root.path().join("own.conf");
    fs::write(&file, own).unwrap();
    run("systemd-tmpfiles", &["--create"], file.to_str().unwrap());
    let folder = root.path().join("var/lib/textsender").metadata().unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&folder.permissions()) & 0o777,
        0o700
    );
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
