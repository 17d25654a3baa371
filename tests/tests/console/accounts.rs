//! Whose files they are, and who runs the console.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::Uid;
use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::Sandbox;
use textsender_tests::sandbox::site::Site;

use crate::page::Form;
use crate::served::Served;

/// An account that has nothing.
const NOBODY: u32 = 65534;
const ANOTHER: u32 = 65533;

fn installation() -> (Site, Sandbox) {
    let sandbox = Sandbox::start();
    let site = Site::for_sandbox(&sandbox, &artifacts().twilio).unwrap();
    set_mode(site.folder(), 0o755);
    (site, sandbox)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn new_text(served: &Served) -> Form {
    let form = served
        .get("/text?policy=Everyone")
        .status(200)
        .form("/text");
    form.set("text", "Another text: %code%")
}

#[test]
#[ignore = "needs root"]
fn as_root_read_only_files_are_shown_and_a_change_of_them_is_refused() {
    let (site, sandbox) = installation();
    let owner = format!("{NOBODY}:{NOBODY}");
    let given = Command::new("chown")
        .args(["-R", &owner])
        .arg(site.folder())
        .status();
    assert!(given.unwrap().success());
    set_mode(&site.policies(), 0o555);
    set_mode(&site.policies().join("everyone.toml"), 0o444);
    set_mode(&site.config_file(), 0o444);
    set_mode(site.folder(), 0o555);

    let served = Served::run_by(NOBODY, site, sandbox).opened();
    let before = served.files();
    let form = new_text(&served);
    served.submit(&form).status(409).says("can't be");
    served
        .submit(&form.set("step", "save"))
        .status(409)
        .says("with sudo");
    assert_eq!(served.files(), before);
    // Reading and sending need no right to write there.
    served
        .send_test("+447700900123", "test-1234")
        .says("accepted by");
}

#[test]
#[ignore = "needs root"]
fn as_root_an_account_without_rights_sees_who_sends_and_changes_nothing() {
    let (site, sandbox) = installation();
    let served = Served::run_by(NOBODY, site, sandbox).opened();
    let before = served.files();
    let page = served.get("/senders").status(500);
    let page = page
        .says("The account root sends")
        .says("Start it with sudo");
    let token = page.form("/close").fields;
    for path in [
        "/text",
        "/select-sender",
        "/senders/twilio",
        "/policies/default",
    ] {
        let form = Form {
            action: path.to_owned(),
            fields: token.clone(),
        };
        let form = form.set("form", path).set("step", "save").set("seen", "0");
        let reply = served.submit(&form.set("policy", "Everyone").set("sender", "twilio"));
        assert!(reply.status >= 400, "{path}: {}", reply.status);
    }
    assert_eq!(served.files(), before);
    assert!(served.sandbox.texts().is_empty());
}

#[test]
#[ignore = "needs root"]
fn as_root_by_sudo_the_socket_is_for_who_called_sudo_and_no_other() {
    let (site, _sandbox) = installation();
    let socket = site.folder().join("console.sock");
    let program = artifacts().textsender.with_file_name("textsender-console");
    let mut console = Command::new(program)
        .arg("--config")
        .arg(site.config_file())
        .arg("--socket")
        .arg(&socket)
        .env_clear()
        .env("SUDO_UID", NOBODY.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let stdout = console.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut address).unwrap();
    let found = fs::metadata(&socket).unwrap();
    assert_eq!((found.uid(), found.mode() & 0o777), (NOBODY, 0o600));

    let host = address.strip_prefix("http://").unwrap();
    let (host, path) = host.split_once('/').unwrap();
    let request = format!(
        "GET /{} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        path.trim()
    )
    .replace(":PORT", ":8080");
    let answer = as_account(NOBODY, &socket, &request);
    assert!(answer.unwrap().contains("Open the console"));
    assert!(as_account(ANOTHER, &socket, &request).is_none());
    console.kill().unwrap();
    console.wait().unwrap();
}

/// What an account gets at a socket; `None` if it may not connect. Only this thread becomes that account.
fn as_account(account: u32, socket: &Path, request: &str) -> Option<String> {
    let ask = || {
        let account = Uid::from_raw(account);
        rustix::thread::set_thread_res_uid(account, account, account).unwrap();
        let mut stream = UnixStream::connect(socket).ok()?;
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        Some(answer)
    };
    thread::scope(|scope| scope.spawn(ask).join().unwrap())
}
