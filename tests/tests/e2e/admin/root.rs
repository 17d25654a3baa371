//! What root does for the account that sends leaves that account able to send.
//!
//! Only root can act as another: `.ci/run` runs what needs root by its name.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::{Sandbox, twilio};

use super::Admin;

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
    let url = format!("base_url={}", sandbox.twilio().url());
    let sid = format!("account_sid={}", twilio::ACCOUNT_SID);
    let from = format!("from={}", twilio::FROM_NUMBER);
    admin
        .run(&["sender", "add", "twilio", &url, &sid, &from])
        .ok();
    admin
        .feed(&["secret", "set", "twilio.auth_token"], twilio::AUTH_TOKEN)
        .ok()
        .says("sender twilio is ready");
    admin.run(&["select-sender", "twilio"]).ok();
    admin.run(&["test-send", "--to", "+447700900123"]).ok();
    admin.run(&["sender", "check", "twilio"]).ok();
    admin.run(&["check"]).ok();
    admin.run(&["doctor"]).ok().says("runs as nobody");

    owned_by(&admin.state(), NOBODY);
    // The configuration stays root's: the account reads it, and can't change it.
    assert_eq!(fs::metadata(admin.config()).unwrap().uid(), 0);
    assert_eq!(fs::metadata(admin.everyone()).unwrap().uid(), 0);

    // A copy that the account may run, wherever this was built. Another process makes it: a file that this one has
    // open for writing is busy for as long as a child of another test has it, too.
    let program = admin.folder().join("textsender");
    let mut copy = Command::new("cp");
    copy.arg(&artifacts().textsender).arg(&program);
    assert!(copy.status().unwrap().success());
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
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), request.as_bytes()).unwrap();
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
