//! The files in `connectors`: each is run as its own side runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::site::Site;
use textsender_tests::sandbox::{Fault, Sandbox, When};

const PYTHON: &str = include_str!("../../../connectors/python/textsender.py");
const NODE: &str = include_str!("../../../connectors/node/textsender.js");
const LTB: &str = include_str!("../../../connectors/ltb/smsapi-textsender.inc.php");

/// A shell with textsender in `$PATH` and a site that leads to the sandbox.
pub fn shell(site: &Site, program: &str, arguments: &[&str]) -> Output {
    let programs = artifacts().textsender.parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    Command::new(program)
        .args(arguments)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("TEXTSENDER_CONFIG", site.config_file())
        .current_dir(site.folder())
        .output()
        .unwrap()
}

pub fn said(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap().trim()
}

pub fn site(sandbox: &Sandbox) -> Site {
    Site::for_sandbox(sandbox, &artifacts().twilio).unwrap()
}

/// Runs the Python client with an expression, and gives what it prints.
fn python(site: &Site, expression: &str) -> String {
    let program = format!("{PYTHON}\nprint({expression})\n");
    fs::write(site.folder().join("client.py"), program).unwrap();
    said(&shell(site, "python3", &["client.py"])).to_owned()
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs python3")]
fn the_python_client_sends_once_and_tells_how_to_go_on() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let call = "text_code({'phone': '+447700900123'}, 'beK989vc', 'reset-1')";

    // Whether it was sent is not known; the client repeats the id, and never sends twice.
    sandbox.twilio().fault(When::next(), Fault::drop().taken());
    assert_eq!(python(&site, call), "enter code");
    assert_eq!(sandbox.text_count(), 1);
    assert_eq!(python(&site, call), "enter code");
    assert_eq!(sandbox.text_count(), 1);

    sandbox.twilio().fault(When::always(), Fault::status(401));
    let call = "text_code({'phone': '+33612345678'}, 'beK989vc', 'reset-2')";
    assert_eq!(python(&site, call), "other way");
    let call = "text_code({'phone': '07700 9001'}, 'beK989vc', 'reset-3')";
    assert_eq!(python(&site, call), "correct number");
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs python3")]
fn the_python_client_knows_a_program_that_never_ran_from_one_that_died() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let with = |command: &str| {
        let call = format!("text_code({{'phone': '+447700900123'}}, 'beK989vc', 'r', {command})");
        python(&site, &call)
    };
    assert_eq!(with("('no-such-program',)"), "other way");
    for exit in [1, 2, 126, 127] {
        assert_eq!(with(&format!("('sh', '-c', 'exit {exit}')")), "other way");
    }
    assert_eq!(with("('sh', '-c', 'kill -9 $$')"), "enter code");
    for half in ["half of an answer", "12", "{}", "\\\\377"] {
        let dying = format!("('sh', '-c', \"printf '{half}'; exit 1\")");
        assert_eq!(with(&dying), "enter code", "{half}");
    }
}

/// Runs the Node client with more lines, and gives what they print.
fn node(site: &Site, lines: &str) -> String {
    let request = r#"
const request = (n) => ({ id: `reset-${n}`, purpose: "verification_code", event: "reset",
  user: { phone: `+4477009001${n}` }, code: "beK989vc", expires_in: 600 });
const print = (responses) => console.log(responses.map(({ id, outcome }) => `${id}:${outcome}`).join(" "));
"#;
    fs::write(
        site.folder().join("client.js"),
        format!("{NODE}{request}{lines}"),
    )
    .unwrap();
    said(&shell(site, "node", &["client.js"])).to_owned()
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs node")]
fn the_node_client_keeps_a_stream_open() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let lines = r#"
const textsender = new Textsender();
Promise.all([10, 11, 12, 10].map((n) => textsender.send(request(n)))).then((responses) => {
  print(responses);
  textsender.close();
});
"#;
    // The id that comes twice is sent once, and both get its answer.
    assert_eq!(
        node(&site, lines),
        "reset-10:accepted reset-11:accepted reset-12:accepted reset-10:accepted"
    );
    assert_eq!(sandbox.text_count(), 3);
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs node")]
fn the_node_client_survives_a_missing_program_and_one_that_dies() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let lines = r#"
const missing = new Textsender("no-such-program");
const never = new Textsender("sh", ["-c", "exit 127"]);
const dying = new Textsender("sh", ["-c", "read line; kill -9 $$"]);
(async () => {
  print([await missing.send(request(10)), await missing.send(request(11))]);
  print([await never.send(request(12))]);
  // After the process died, the next request gets another one.
  print([await dying.send(request(13)), await dying.send(request(14))]);
  dying.args = ["-c", "read line; printf '{\"id\":\"reset-16\",'; kill -9 $$"];
  print([await dying.send(request(16))]);
  dying.args = ["-c", "read line; echo null; echo 12; kill -9 $$"];
  print([await dying.send(request(17))]);
  dying.command = "textsender";
  dying.args = ["send", "--stream"];
  print([await dying.send(request(15))]);
  dying.close();
})();
"#;
    assert_eq!(
        node(&site, lines),
        "reset-10:misconfigured reset-11:misconfigured\nreset-12:misconfigured\n\
         reset-13:unknown reset-14:unknown\nreset-16:unknown\nreset-17:unknown\nreset-15:accepted"
    );
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs node")]
fn the_node_client_waits_no_longer_than_it_is_told() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let lines = r#"
const silent = new Textsender("sh", ["-c", "read line; read never"], 50);
silent.send(request(10)).then((response) => { print([response]); silent.close(); });
"#;
    assert_eq!(node(&site, lines), "reset-10:unknown");
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs python3")]
fn the_python_client_waits_no_longer_than_it_is_told() {
    let sandbox = Sandbox::start();
    let call = "send({'id': 'r'}, ('tail', '-f', '/dev/null'), 0.05)['outcome']";
    assert_eq!(python(&site(&sandbox), call), "unknown");
}

/// Calls LTB's class as its page does: all variables of the page are at hand, and the constructor gets those that
/// its parameters name. Gives what the page logs, and whether the code counts as sent.
fn ltb(site: &Site, command: &str) -> (String, String) {
    let class = LTB
        .replace(SEND, command)
        .replace("PATIENCE = 60", "PATIENCE = 2");
    fs::write(site.folder().join("class.php"), class).unwrap();
    let page = r#"<?php
function page() {
    $lang = "en"; $cache_token_expiration = 3600; $login = "ada"; $sms = "+447700900123";
    $userdn = "CN=Ada,OU=Staff,DC=example,DC=org"; $displayname = null;
    $smstoken = "824617"; $smstoken_session_id = "0a1b2c3d4e5f"; $sms_message = "Your code is 824617";
    $known = get_declared_classes();
    include_once "class.php";
    $page = get_defined_vars();
    $added = array_diff(get_declared_classes(), $known);
    $class = reset($added);
    $arguments = [];
    foreach ((new ReflectionClass($class))->getConstructor()->getParameters() as $parameter) {
        if (!isset($page[$parameter->name])) { echo "lacks $parameter->name"; exit(1); }
        $arguments[] = $page[$parameter->name];
    }
    return (new $class(...$arguments))->send_sms_by_api($sms, $sms_message) ? "smssent" : "smsnotsent";
}
echo page();
"#;
    fs::write(site.folder().join("page.php"), page).unwrap();
    let output = shell(
        site,
        "php",
        &["-d", "log_errors=1", "-d", "display_errors=0", "page.php"],
    );
    let log = String::from_utf8(output.stderr.clone()).unwrap();
    (said(&output).to_owned(), log)
}

const SEND: &str = "[\"textsender\", \"send\"]";

#[test]
#[cfg_attr(not(has_php), ignore = "needs php")]
fn ltbs_class_sends_a_code_once_and_in_the_policys_words() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    // Whether it was sent is not known; the class repeats the id, and never sends twice.
    sandbox.twilio().fault(When::next(), Fault::drop().taken());
    let (sent, log) = ltb(&site, SEND);
    assert_eq!(sent, "smssent");
    assert!(
        !log.contains("824617") && !log.contains("7700900123"),
        "{log}"
    );
    let texts = sandbox.texts();
    assert_eq!(texts.len(), 1);
    assert_eq!(
        (texts[0].to.as_str(), texts[0].body.as_str()),
        ("+447700900123", "Your verification code is 824617")
    );
    // The page is loaded again.
    assert_eq!(ltb(&site, SEND).0, "smssent");
    assert_eq!(sandbox.text_count(), 1);
}

#[test]
#[cfg_attr(not(has_php), ignore = "needs php")]
fn ltbs_class_logs_why_nothing_was_sent_and_no_code() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    sandbox.twilio().fault(When::always(), Fault::status(401));
    let (said, log) = ltb(&site, SEND);
    assert_eq!(said, "smsnotsent");
    assert!(log.contains("misconfigured, unauthorized"), "{log}");
    assert!(
        !log.contains("824617") && !log.contains("7700900123"),
        "{log}"
    );
}

#[test]
#[cfg_attr(not(has_php), ignore = "needs php")]
fn ltbs_class_knows_a_program_that_never_ran_from_one_that_died_or_is_silent() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    for (command, said) in [
        (r#"["no-such-program"]"#, "smsnotsent"),
        (r#"["sh", "-c", "exit 127"]"#, "smsnotsent"),
        (r#"["sh", "-c", "kill -9 $$"]"#, "smssent"),
        (
            r#"["sh", "-c", "echo half of an answer; exit 1"]"#,
            "smssent",
        ),
    ] {
        // In PHP's double quotes `$$` is as it is.
        assert_eq!(ltb(&site, command).0, said, "{command}");
    }
    let silent = r#"["tail", "-f", "/dev/null"]"#;
    assert_eq!(ltb(&site, silent).0, "smssent");
}

/// Runs a script of `connectors` with this on its standard input, and gives its exit code.
fn script(site: &Site, path: &str, arguments: &[&str], code: &str) -> i32 {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../connectors")
        .join(path);
    let line = format!("printf %s '{code}' | \"$0\" \"$@\"");
    let script = script.to_str().unwrap();
    let arguments: Vec<_> = ["-c", &line, script]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    shell(site, "sh", &arguments).status.code().unwrap()
}

/// The exit code of a connector's script whose `textsender` is a shell's script that does this.
fn with_program(site: &Site, does: &str, script: &str, arguments: &[&str]) -> i32 {
    let program = site.folder().join("textsender");
    fs::write(&program, format!("#!/bin/sh\n{does}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../connectors")
        .join(script);
    let ran = Command::new("/bin/sh")
        .arg(script)
        .args(arguments)
        .env("PATH", format!("{}:/usr/bin:/bin", site.folder().display()))
        .stdin(std::process::Stdio::null())
        .output();
    ran.unwrap().status.code().unwrap()
}

#[test]
fn privacyideas_script_sends_the_code_and_says_whether_it_may_come() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let run = |phone: &str, code: &str| script(&site, "privacyidea/textsender.sh", &[phone], code);
    assert_eq!(run("+447700900123", "824617"), 0);
    assert_eq!(sandbox.texts()[0].body, "Your verification code is 824617");
    sandbox.twilio().fault(When::next(), Fault::drop().taken());
    assert_eq!(run("+447700900124", "824618"), 0);
    // A text in place of the code, a number that is none or an option: nothing is sent.
    assert_eq!(run("+447700900123", "Your code is 824617."), 1);
    assert_eq!(run("12", "824617"), 1);
    assert_eq!(run("--help", "824617"), 1);
    assert_eq!(sandbox.text_count(), 2);
}

#[test]
fn privacyideas_script_takes_a_send_that_died_for_one_that_may_have_sent() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let run = |does| with_program(&site, does, "privacyidea/textsender.sh", &["+447700900123"]);
    for (does, exit) in [
        ("kill -9 $$", 0),
        ("exit 101", 0),
        ("printf {; exit 1", 0),
        ("exit 1", 1),
        ("exit 69", 1),
        ("exit 78", 1),
        ("exit 76", 0),
    ] {
        assert_eq!(run(does), exit, "{does}");
    }
}

#[test]
fn from_a_shell_the_exit_says_how_the_user_can_go_on() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let run = |phone: &str, id: &str| {
        script(
            &site,
            "command-line/text-code",
            &[phone, id, "--event", "reset"],
            "824617",
        )
    };
    sandbox.twilio().fault(When::next(), Fault::drop().taken());
    assert_eq!(run("+447700900123", "reset-1"), 0);
    assert_eq!(run("+447700900123", "reset-1"), 0);
    assert_eq!(sandbox.text_count(), 1);
    assert_eq!(run("07700 9001", "reset-2"), 65);
    sandbox.twilio().fault(When::always(), Fault::status(401));
    assert_eq!(run("+447700900124", "reset-3"), 1);
    // An argument that it does not know, and a missing program.
    let wrong = ["+447700900123", "reset-4", "--no-such-argument"];
    assert_eq!(script(&site, "command-line/text-code", &wrong, "824617"), 1);
    // What died in the middle of its answer may have sent it; what said nothing never ran.
    for (does, exit) in [("printf '{\"version\":1,'; exit 1", 0), ("exit 1", 1)] {
        let arguments = ["+447700900123", "r"];
        let ended = with_program(&site, does, "command-line/text-code", &arguments);
        assert_eq!(ended, exit, "{does}");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors/command-line/text-code");
    let missing = Command::new("/bin/sh")
        .arg(&script)
        .args(["+447700900123", "r"])
        .env("PATH", "/nowhere")
        .output();
    assert_eq!(missing.unwrap().status.code(), Some(1));
}
