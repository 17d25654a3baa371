//! What root does for the account that sends leaves that account able to send.
//!
//! Only root can act as another: `.ci/run` runs what needs root by its name.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use textsender_tests::harness::{Test, artifacts, each};
use textsender_tests::sandbox::{Fault, Sandbox, When, twilio};

use super::Admin;
use crate::stream::request;

/// `nobody`, in every Linux distribution.
const NOBODY: u32 = 65_534;

#[test]
#[ignore = "needs root"]
fn as_root_a_test_leaves_the_service_account_able_to_send() {
    let sandbox = Sandbox::start();
    let admin = Admin::new();
    let folder = admin.folder().display().to_string();
    admin
        .run(&[
            "init", "--region", "GB", "--folder", &folder, "--owner", "nobody",
        ])
        .ok();
    let plugin = artifacts().plugin("twilio").display().to_string();
    admin.run(&["plugin", "install", &plugin]).ok();
    admin.adds_twilio(&sandbox);
    admin
        .feed(&["secret", "set", "twilio.auth_token"], twilio::AUTH_TOKEN)
        .ok()
        .says("sender twilio is ready");
    admin.run(&["select-sender", "twilio"]).ok();
    admin.run(&["test-send", "--phone", "+447700900123"]).ok();
    admin.run(&["sender", "check", "twilio"]).ok();
    admin.run(&["check"]).ok();
    admin.run(&["doctor"]).ok().says("runs as nobody");

    owned_by(&admin.state(), NOBODY);
    // The configuration stays root's: the account reads it, and can't change it.
    assert_eq!(fs::metadata(admin.config()).unwrap().uid(), 0);
    assert_eq!(fs::metadata(admin.everyone()).unwrap().uid(), 0);

    // A copy that the account may run, wherever this was built.
    let program = artifacts().copy_program_into(&admin.folder());
    let mut send = Command::new(program);
    send.arg("send")
        .env_clear()
        .env("TEXTSENDER_CONFIG", admin.config())
        .uid(NOBODY)
        .gid(NOBODY);
    let mut child = send
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(request.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(sandbox.text_count(), 2);
    // It can edit nothing, and is told so.
    let mut edit = admin.command(&["select-sender", "twilio"]);
    let output = edit.uid(NOBODY).gid(NOBODY).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("run this as root, with sudo"),
        "{output:?}"
    );
}

/// An installation of root's whose account that sends is this one, and which sends.
fn owned_install(sandbox: &Sandbox, owner: &str) -> Admin {
    let admin = Admin::new();
    let folder = admin.folder().display().to_string();
    admin
        .run(&[
            "init", "--region", "GB", "--folder", &folder, "--owner", owner,
        ])
        .ok();
    let plugin = artifacts().plugin("twilio").display().to_string();
    admin.run(&["plugin", "install", &plugin]).ok();
    admin.sends_by_twilio(sandbox);
    admin
}

/// Runs a command as another account: with a copy of the program that it may run.
fn as_account(admin: &Admin, user: u32, arguments: &[&str]) -> (i32, String) {
    let program = admin.folder().join("textsender");
    if !program.exists() {
        artifacts().copy_program_into(&admin.folder());
        let mut open = Command::new("chmod");
        open.arg("755").arg(admin.folder().parent().unwrap());
        assert!(open.status().unwrap().success());
    }
    let mut command = Command::new(program);
    command.args(arguments).env_clear();
    command.env("TEXTSENDER_CONFIG", admin.config());
    let output = command.uid(user).gid(user).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.code().unwrap(), said)
}

/// `daemon`, in every Linux distribution.
const DAEMON: u32 = 1;

#[test]
#[ignore = "needs root"]
fn as_root_init_hands_the_whole_state_folder_over_and_notes_the_account() {
    let sandbox = Sandbox::start();
    let admin = owned_install(&sandbox, "daemon");
    admin.run(&["test-send", "--phone", "+447700900123"]).ok();
    owned_by(&admin.state(), DAEMON);
    assert!(admin.config_text().contains("owner = \"daemon\""));
    let folder = admin.folder().display().to_string();
    let init = ["init", "--folder", &folder, "--owner", "nobody"];
    admin.run(&init).ok().says("gave");
    owned_by(&admin.state(), NOBODY);
    assert!(admin.config_text().contains("owner = \"nobody\""));
    admin.run(&["test-send", "--phone", "+447700900123"]).ok();
    owned_by(&admin.state(), NOBODY);
}

#[test]
#[ignore = "needs root"]
fn as_root_wrong_owners_and_modes_are_put_right_by_one_command() {
    let sandbox = Sandbox::start();
    let admin = owned_install(&sandbox, "nobody");
    admin.run(&["test-send", "--phone", "+447700900123"]).ok();
    let state = admin.state().display().to_string();
    // As a restore by hand leaves it, and what following a wrong advice makes of it.
    for harm in ["chown -R root:", "chown -R daemon:", "chmod -R go+rwX"] {
        admin.shell(&format!("{harm} {state}"), "").ok();
        let fixed = admin.run(&["doctor", "--offline", "--fix"]);
        fixed.ok().says("fixed").says("no problems");
        owned_by(&admin.state(), NOBODY);
        admin.run(&["check"]).ok();
        admin.run(&["test-send", "--phone", "+447700900123"]).ok();
        owned_by(&admin.state(), NOBODY);
    }
    admin.shell(&format!("rm -rf {state}"), "").ok();
    let test = ["test-send", "--phone", "+447700900123"];
    let ran = admin.run(&test);
    ran.failed(78).says("textsender init");
    assert!(!admin.state().exists(), "root made it: {ran}");
    admin.run(&["doctor", "--offline", "--fix"]).says("fixed");
    owned_by(&admin.state(), NOBODY);
    admin
        .feed(&["secret", "set", "twilio.auth_token"], twilio::AUTH_TOKEN)
        .ok();
    admin.run(&test).ok();
}

/// As a backup comes back from where owners are not kept.
#[test]
#[ignore = "needs root"]
fn as_root_a_backup_with_wrong_owners_is_restored_to_the_account_that_sends() {
    let sandbox = Sandbox::start();
    let admin = owned_install(&sandbox, "nobody");
    let test = ["test-send", "--phone", "+447700900123"];
    admin.run(&test).ok();
    let backup = admin.folder().with_file_name("backup");
    let backup = backup.display().to_string();
    admin.run(&["backup", &backup]).ok();
    let state = admin.state().display().to_string();
    admin
        .shell(&format!("chown -R root: {backup}; rm -rf {state}"), "")
        .ok();
    admin.run(&["restore", &backup]).ok().says("no faults");
    owned_by(&admin.state(), NOBODY);
    admin.run(&["check"]).ok();
    admin.run(&test).ok();
    owned_by(&admin.state(), NOBODY);
}

#[test]
#[ignore = "needs root"]
fn as_root_another_account_is_told_one_thing() {
    let sandbox = Sandbox::start();
    let admin = owned_install(&sandbox, "nobody");
    admin.run(&["test-send", "--phone", "+447700900123"]).ok();
    let commands: [&[&str]; 8] = [
        &["check"],
        &["doctor", "--offline"],
        &["status"],
        &["sender", "list"],
        &["secret", "list"],
        &["log"],
        &["stats"],
        &["test-send", "--phone", "+447700900123"],
    ];
    for command in commands {
        let (exit, said) = as_account(&admin, DAEMON, command);
        assert_ne!(exit, 0, "{command:?}: {said}");
        let words = format!("sudo -u nobody textsender {}", command.join(" "));
        assert!(said.contains(&words), "{command:?}: {said}");
        assert!(!said.contains("chown"), "{command:?}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{command:?}: {said}");
        let (exit, said) = as_account(&admin, NOBODY, command);
        assert_eq!(exit, 0, "{command:?}: {said}");
    }
    // A caller that is started as another account is told in its response.
    let program = admin.folder().join("textsender").display().to_string();
    let request = request("one", "+447700900123").to_string();
    let sent = admin.shell_as(DAEMON, &format!("{program} send"), &request);
    sent.failed(78).says("sudo -u nobody textsender send");
    assert!(!sent.stdout.contains("doctor"), "{sent}");
    let ran = admin.run(&["doctor", "--as", "daemon"]);
    ran.failed(78).says("/etc/sudoers.d/textsender");
    assert_eq!(ran.stdout.matches("->").count(), 1, "{ran}");
}

#[test]
#[ignore = "needs root"]
fn as_root_a_state_folder_that_is_gone_is_told_with_the_command_that_makes_it() {
    let sandbox = Sandbox::start();
    let admin = owned_install(&sandbox, "nobody");
    fs::remove_dir_all(admin.state()).unwrap();
    let said = "is missing, and nobody sends with it";
    admin
        .run(&["check"])
        .says(said)
        .says("sudo textsender init");
    admin
        .run(&["test-send", "--phone", "+447700900123"])
        .says("textsender init");
    assert!(!admin.state().exists());
}

/// Where root itself sends, too.
#[test]
#[ignore = "needs root"]
fn as_root_no_plugin_process_is_roots() {
    let sandbox = Sandbox::start();
    let admin = super::changes::sending(&sandbox);
    sandbox
        .twilio()
        .fault(When::always(), Fault::delay(Duration::from_secs(5)));
    let mut check = admin.command(&["sender", "check", "twilio"]);
    let mut child = check
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sandbox
        .wait_for_requests(1, Duration::from_secs(30))
        .unwrap();
    let pid = child.id();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    assert!(!children.trim().is_empty());
    for process in children.split_whitespace() {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let uids = status
            .lines()
            .find(|line| line.starts_with("Uid:"))
            .unwrap();
        assert!(
            uids.split_whitespace().skip(1).all(|uid| uid != "0"),
            "{uids}"
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Each thread has an account of its own: one that began too early would stay root's.
#[test]
#[ignore = "needs root"]
fn as_root_no_thread_of_a_stream_stays_roots() {
    let test = Test::new();
    let given = Command::new("sh")
        .args(["-c", "chmod 755 \"$1\" && chown -R nobody: \"$2\"", "sh"])
        .args([test.site().folder(), &test.site().state()])
        .status();
    assert!(given.unwrap().success());
    let mut stream = test.stream().start_silent();
    stream.ask(&[request("a", "+447700900101")]);
    let answers = stream.wait_for_answers(1);
    assert_eq!(answers[0]["outcome"], "accepted", "{answers:?}");

    let threads = fs::read_dir(format!("/proc/{}/task", stream.id())).unwrap();
    let accounts: Vec<_> = threads
        .map(|thread| accounts_of(&thread.unwrap().path()))
        .collect();
    let all = format!("Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}\t{NOBODY}");
    assert!(accounts.len() > 3, "{accounts:?}");
    assert!(accounts.iter().all(|line| *line == all), "{accounts:?}");
    stream.finish().exit(0);
}

/// The accounts of a process or a thread, as its folder in /proc tells them.
fn accounts_of(process: &Path) -> String {
    let status = fs::read_to_string(process.join("status")).unwrap();
    let mut lines = status.lines();
    lines
        .find(|line| line.starts_with("Uid:"))
        .unwrap()
        .to_owned()
}

/// In a container, every account that the namespace does not map is shown as the same number.
#[test]
#[ignore = "needs root"]
fn as_root_an_owner_whom_the_namespace_does_not_map_is_told_as_that() {
    let owned: [fn(&Test) -> PathBuf; 4] = [
        |test| test.site().config_file(),
        |test| test.site().state(),
        |test| test.site().plugins(),
        |test| test.site().plugins().join("libtextsender_twilio.so"),
    ];
    each(owned, |path| {
        let test = Test::new();
        let path = path(&test);
        chown(&path, Some(DAEMON), Some(DAEMON)).unwrap();
        let run = test.under(["unshare", "--user", "--map-root-user"]).run();
        let shown = format!("{}{}", run.stdout.as_deref().unwrap(), run.stderr);
        assert_eq!(run.response["outcome"], "misconfigured", "{run}");
        let words = format!(
            "{} belongs to an account that this user namespace does not map",
            path.display()
        );
        assert!(shown.contains(&words), "{run}");
        assert!(!shown.contains("chown"), "{run}");
    });
}

/// Everything below a folder, and the folder.
fn owned_by(folder: &Path, user: u32) {
    assert_eq!(
        fs::metadata(folder).unwrap().uid(),
        user,
        "{}",
        folder.display()
    );
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => owned_by(&path, user),
            false => assert_eq!(
                fs::metadata(&path).unwrap().uid(),
                user,
                "{}",
                path.display()
            ),
        }
    }
}
