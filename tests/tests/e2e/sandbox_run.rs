//! `sandbox run` through the real binary: the command's surroundings, the phones, exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Posts a text to Twilio as the configuration says, with nothing but bash.
const SEND: &str = r#"
setting() { sed -n "s/^$1 = \"\(.*\)\"/\1/p" "$TEXTSENDER_CONFIG"; }
token=$(cat "$(dirname "$TEXTSENDER_CONFIG")/state/secrets/twilio.auth_token")
account=$(setting account_sid) address=$(setting base_url)
body="To=%2B447700900123&From=%2B447700900100&Body=Your+verification+code+is+beK989vc"
exec 3<>"/dev/tcp/127.0.0.1/${address##*:}"
printf 'POST /2010-04-01/Accounts/%s/Messages.json HTTP/1.1\r\nConnection: close\r\nAuthorization: Basic %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %s\r\n\r\n%s' \
    "$account" "$(printf %s "$account:$token" | base64 -w0)" ${#body} "$body" >&3
read -r _ status _ <&3
echo "answered $status"
"#;

/// A folder with a file that looks like the Twilio plugin.
fn plugins() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("libtextsender_twilio{}", std::env::consts::DLL_SUFFIX);
    fs::write(folder.path().join(name), "").unwrap();
    folder
}

fn sandbox(plugins: &Path, options: &[&str], command: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["run", "--plugins"])
        .arg(plugins)
        .args(options)
        .arg("--")
        .args(command)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_command_finds_a_configuration_that_works_and_the_phone_is_drawn_behind_its_output() {
    let output = sandbox(plugins().path(), &[], &["bash", "-c", SEND]);
    assert_eq!(
        text(&output.stdout),
        "\
answered 201
╭──────────────────────────────────────╮
│            +447700900123             │
├──────────────────────────────────────┤
│ +447700900100 (via Twilio)           │
│ ╭──────────────────────────────────╮ │
│ │ Your verification code is        │ │
│ │ beK989vc                         │ │
│ ╰──────────────────────────────────╯ │
╰──────────────────────────────────────╯
",
        "{}",
        text(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn faults_come_from_the_command_line_or_the_environment() {
    let output = sandbox(
        plugins().path(),
        &["--twilio-fault", "status=503"],
        &["bash", "-c", SEND],
    );
    assert_eq!(text(&output.stdout), "answered 503\nNo phone got a text.\n");

    let output = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["run", "--no-phones", "--plugins"])
        .arg(plugins().path())
        .args(["--", "bash", "-c", SEND])
        .env(
            "SANDBOX_TWILIO_FAULT",
            "status=500,times=0;status=429,taken",
        )
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "answered 429\n");

    let faults = [
        "--notify-fault",
        "status=500",
        "--smtp-fault",
        "at=rcpt,reply=451",
    ];
    let output = sandbox(plugins().path(), &faults, &["true"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));

    let output = sandbox(plugins().path(), &["--twilio-fault", "stat=1"], &["true"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("\"stat=1\" is not part of such a fault"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn the_exit_code_is_the_commands() {
    let plugins = plugins();
    for (command, code) in [
        (&["true"][..], 0),
        (&["sh", "-c", "exit 76"], 76),
        (&["sh", "-c", "kill -9 $$"], 137),
        (&["no-such-command"], 127),
        (&["/dev/null"], 126),
    ] {
        let output = sandbox(plugins.path(), &["--no-phones"], command);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{command:?}: {}",
            text(&output.stderr)
        );
    }
    let empty = tempfile::tempdir().unwrap();
    let output = sandbox(empty.path(), &[], &["true"]);
    assert_eq!(output.status.code(), Some(125));
    assert!(text(&output.stderr).contains("build first: cargo build"));
}

#[test]
fn the_sandboxes_own_folder_leads_the_path_and_the_configuration_goes() {
    let command = "command -v sandbox; echo $TEXTSENDER_CONFIG";
    let output = sandbox(plugins().path(), &["--no-phones"], &["sh", "-c", command]);
    let mut lines = text(&output.stdout).lines();
    assert_eq!(lines.next(), Some(env!("CARGO_BIN_EXE_sandbox")));
    let config = Path::new(lines.next().unwrap());
    assert!(config.is_absolute() && !config.exists());

    let output = sandbox(
        plugins().path(),
        &["--no-phones", "--keep", "--tls"],
        &["true"],
    );
    let kept = text(&output.stdout).trim().strip_prefix("kept: ").unwrap();
    let config = fs::read_to_string(Path::new(kept).join("textsender.toml")).unwrap();
    fs::remove_dir_all(kept).unwrap();
    assert!(
        config.contains("base_url = \"https://localhost:") && config.contains("ca_file = "),
        "{config}"
    );
}

#[test]
fn standard_input_is_the_commands_and_the_umask_does_not_matter() {
    let plugins = plugins();
    let script = format!(
        "umask 0777; echo request | {} run --no-phones --plugins {} -- cat",
        env!("CARGO_BIN_EXE_sandbox"),
        plugins.path().display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(
        text(&output.stdout),
        "request\n",
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_request_to_end_reaches_the_command() {
    let plugins = plugins();
    let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox"))
        .args(["run", "--plugins"])
        .arg(plugins.path())
        .args([
            "--",
            "sh",
            "-c",
            "trap 'echo ending; exit 9' TERM; echo ready; while :; do sleep 0.01; done",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    assert_eq!(line, "ready\n");
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut output, &mut rest).unwrap();
    assert_eq!(rest, "ending\nNo phone got a text.\n");
    assert_eq!(child.wait().unwrap().code(), Some(9));
}
