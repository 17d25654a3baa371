//! Secrets go in, and nothing shows them again.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use textsender_tests::harness::{each, secrecy::Hidden, wait_for};
use textsender_tests::sandbox::{Fault, Sandbox, When, twilio};

use super::{Admin, Ran, changes::sending};

/// Twilio's sender, without its secret.
fn twilio_at(sandbox: &Sandbox) -> Admin {
    let admin = Admin::at_work();
    admin.adds_twilio(sandbox);
    admin
}

#[track_caller]
fn shows_nothing(ran: &Ran, secret: &str) {
    let hidden = Hidden::secret("the token", secret);
    for output in [&ran.stdout, &ran.stderr] {
        assert_eq!(hidden.shown_in(output), None, "{ran}");
    }
}

#[test]
fn a_secret_is_in_its_file_and_nowhere_else() {
    let sandbox = Sandbox::start();
    let admin = twilio_at(&sandbox);
    let before = admin.config_text();
    // With a lax umask, as scripts have it.
    let stored = admin.shell(
        "umask 000; exec textsender secret set twilio.auth_token",
        twilio::AUTH_TOKEN,
    );
    stored.ok().says("sender twilio is ready");
    assert_eq!(admin.config_text(), before);

    let folder = admin.state().join("secrets");
    let file = folder.join("twilio.auth_token");
    assert_eq!(fs::read_to_string(&file).unwrap(), twilio::AUTH_TOKEN);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));

    shows_nothing(&stored, twilio::AUTH_TOKEN);
    let commands: [&[&str]; 12] = [
        &["secret", "list"],
        &["secret", "list", "--json"],
        &["sender", "list", "--json"],
        &["sender", "show", "twilio"],
        &["sender", "show", "twilio", "--json"],
        &[
            "sender",
            "check",
            "twilio",
            "--json",
            "--log-level",
            "trace",
        ],
        &["plugin", "show", "twilio", "--json"],
        &["check", "--json"],
        &["doctor", "--json"],
        &["policy", "show", "Everyone", "--json"],
        &[
            "test-send",
            "--sender",
            "twilio",
            "--to",
            "+447700900123",
            "--log-level",
            "trace",
        ],
        &["secret", "remove", "twilio.auth_token"],
    ];
    for command in commands {
        let ran = admin.run(command);
        assert!(!ran.stdout.is_empty(), "{ran}");
        shows_nothing(&ran, twilio::AUTH_TOKEN);
    }
    assert!(!file.exists());
}

#[test]
fn a_secret_is_in_no_argument_no_environment_and_no_core_file() {
    let sandbox = Sandbox::start();
    let admin = twilio_at(&sandbox);
    admin
        .feed(&["secret", "set", "twilio.auth_token"], twilio::AUTH_TOKEN)
        .ok();
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

    // The provider has been asked: the host process knows the token now.
    let pid = child.id();
    // One that has ended, and was not waited for yet, holds no memory any more.
    let lives = |process: &&str| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        !status.is_empty() && !status.contains("State:\tZ")
    };
    // The one that described the plugin may still be ending.
    let children = wait_for("one host process", || {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let children = children.split_whitespace().filter(lives);
        let children: Vec<String> = children.map(str::to_owned).collect();
        (children.len() == 1).then_some(children)
    });
    for process in children.into_iter().chain([pid.to_string()]) {
        for of in ["cmdline", "environ"] {
            let shown = match fs::read(format!("/proc/{process}/{of}")) {
                // Shut to its own user, too: only root sees it.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => continue,
                shown => shown.unwrap(),
            };
            let shown = String::from_utf8_lossy(&shown).into_owned();
            let hidden = Hidden::secret("the token", twilio::AUTH_TOKEN);
            assert_eq!(hidden.shown_in(&shown), None, "{of} of {process}");
        }
        // Nor would it be in a core file: there is none.
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let core = limits.lines().find(|line| line.contains("core file size"));
        let words: Vec<&str> = core.unwrap().split_whitespace().collect();
        assert_eq!(words[4..6], ["0", "0"], "{process}: {limits}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_secret_on_the_command_line_is_refused_with_the_command_to_use() {
    let admin = twilio_at(&Sandbox::start());
    let before = admin.config_text();
    let ran = admin.run(&[
        "sender",
        "set",
        "twilio",
        &format!("auth_token={}", twilio::AUTH_TOKEN),
    ]);
    ran.failed(1)
        .says("textsender secret set twilio.auth_token");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains(twilio::AUTH_TOKEN), "{said}");
    assert_eq!(admin.config_text(), before);
}

#[test]
fn names_are_checked_before_a_secret_is_asked_for() {
    let admin = twilio_at(&Sandbox::start());
    for (name, exit, words) in [
        ("auth_token", 2, "write SENDER.SETTING"),
        ("../x.y", 2, "write SENDER.SETTING"),
        ("twilo.auth_token", 1, "did you mean twilio?"),
        ("twilio.auth_tokn", 1, "did you mean auth_token?"),
        ("twilio.from", 1, "is not a secret"),
    ] {
        admin
            .feed(&["secret", "set", name], "value")
            .failed(exit)
            .says(words);
    }
    admin
        .feed(&["secret", "set", "twilio.auth_token"], "\n")
        .failed(1)
        .says("the secret is empty");
    assert_eq!(
        fs::read_dir(admin.state().join("secrets")).unwrap().count(),
        0
    );
}

/// At a terminal the value is asked for, and nothing of it comes back.
#[test]
fn what_is_typed_is_not_shown() {
    let admin = twilio_at(&Sandbox::start());
    let (mut child, mut screen) =
        admin.at_terminal(admin.command(&["secret", "set", "twilio.auth_token"]));
    let mut shown = Vec::new();
    let mut read = [0; 1024];
    // Once it asks, nothing is shown any more.
    while !String::from_utf8_lossy(&shown).contains("it is not shown): ") {
        let count = screen.read(&mut read).unwrap();
        shown.extend_from_slice(&read[..count]);
    }
    // A slip, taken back: the last character and the line.
    screen.write_all(b"oops\x15").unwrap();
    screen
        .write_all(format!("{}x\x7f\r", twilio::AUTH_TOKEN).as_bytes())
        .unwrap();
    // The end of the terminal is an error to its reader.
    while let Ok(count @ 1..) = screen.read(&mut read) {
        shown.extend_from_slice(&read[..count]);
    }
    assert!(child.wait().unwrap().success());
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert_eq!(
        Hidden::secret("the token", twilio::AUTH_TOKEN).shown_in(&shown),
        None,
        "{shown}"
    );
    assert!(!shown.contains("oops"), "{shown}");
    let file = admin.state().join("secrets/twilio.auth_token");
    assert_eq!(fs::read_to_string(file).unwrap(), twilio::AUTH_TOKEN);
}

#[test]
fn the_list_says_what_is_unused() {
    let admin = twilio_at(&Sandbox::start());
    let secrets = admin.state().join("secrets");
    for name in ["twilio.auth_token", "gone.api_key"] {
        let file = secrets.join(name);
        fs::write(&file, "value").unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    let listed = admin.run(&["secret", "list", "--json"]).json();
    let used: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| {
            (
                secret["name"].as_str().unwrap(),
                secret["is_used"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(used, [("gone.api_key", false), ("twilio.auth_token", true)]);
    admin
        .run(&["secret", "remove", "gone.api_kee"])
        .failed(1)
        .says("did you mean gone.api_key?");
}

/// What looks like a mistake may be right: a provider's key may be in quotes, and of another form.
#[test]
fn what_is_given_as_exact_is_stored_as_it_is() {
    let admin = twilio_at(&Sandbox::start());
    let file = admin.state().join("secrets/twilio.auth_token");
    let set = ["secret", "set", "twilio.auth_token"];
    let given = "\"Auth Token: 5ec2e7\" ";
    admin
        .feed(&set, given)
        .failed(1)
        .says("--exact stores it anyway");
    assert!(!file.exists());
    let exact = admin.feed(&[&set[..], &["--exact"]].concat(), &format!("{given}\n"));
    assert_eq!(exact.exit, 0, "{exact}");
    shows_nothing(&exact, "5ec2e7");
    assert_eq!(fs::read_to_string(&file).unwrap(), given);
}

/// A token comes out of a browser or an editor with more than was meant.
#[test]
fn what_came_along_with_a_pasted_secret_is_taken_off_and_named() {
    let token = twilio::AUTH_TOKEN;
    let pasted = [
        (format!("  {token}\t\r\n"), "spaces"),
        (format!("\"{token}\"\n"), "quotes"),
        (format!("\u{feff}{token}\n"), "invisible characters"),
        (format!("{token}\u{200b}\n"), "invisible characters"),
        (format!("Auth Token: {token}\n"), "the label before it"),
        (format!("'auth_token={token}'\n"), "the label before it"),
        (format!("\u{a0}\u{201c}{token}\u{201d}\n"), "spaces"),
    ];
    each(pasted, |(pasted, named)| {
        let admin = twilio_at(&Sandbox::start());
        let stored = admin.feed(&["secret", "set", "twilio.auth_token"], &pasted);
        assert_eq!(stored.exit, 0, "{stored}");
        stored.says("taken off").says(named);
        shows_nothing(&stored, token);
        let file = admin.state().join("secrets/twilio.auth_token");
        assert_eq!(fs::read_to_string(&file).unwrap(), token);
    });
}

#[test]
fn a_secret_that_all_can_read_is_warned_of_once() {
    let admin = sending(&Sandbox::start());
    let file = admin.state().join("secrets/twilio.auth_token");
    fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    for command in [&["check"][..], &["status"], &["sender", "list"]] {
        let ran = admin.run(command);
        let warnings = ran.stderr.matches("every account can read").count();
        assert_eq!(warnings, 1, "{ran}");
    }
}

#[test]
fn a_state_folder_that_others_can_write_to_is_one_fault_whatever_is_in_it() {
    let admin = sending(&Sandbox::start());
    fs::set_permissions(admin.state(), Permissions::from_mode(0o777)).unwrap();
    let check = admin.run(&["check"]);
    check
        .failed(78)
        .says("can be written by others (mode 0777)");
    check.says("1 fault");
}

/// `doctor --fix` puts owners and modes right, and this is neither.
#[test]
fn a_stored_secret_that_is_none_is_to_be_stored_again() {
    let admin = sending(&Sandbox::start());
    let file = admin.state().join("secrets/twilio.auth_token");
    let wrong: [(&[u8], &str); 3] = [
        (b"", "the secret is empty"),
        (b"\n\n", "the secret is empty"),
        (b"\xff\xfe", "twilio.auth_token: is not UTF-8 text"),
    ];
    for (content, words) in wrong {
        fs::write(&file, content).unwrap();
        let check = admin.run(&["check"]);
        check.failed(78).says(words);
        check.says("= help: textsender secret set twilio.auth_token");
    }
}

#[test]
fn a_secret_that_the_provider_refuses_changes_nothing() {
    let sandbox = Sandbox::start();
    let admin = twilio_at(&sandbox);
    let file = admin.state().join("secrets/twilio.auth_token");
    let set = ["secret", "set", "twilio.auth_token", "--check"];
    let stored = admin.feed(&set, twilio::AUTH_TOKEN);
    stored.ok();
    shows_nothing(&stored, twilio::AUTH_TOKEN);
    let another = "5ec2e700000000000000000000000000";
    let refused = admin.feed(&set, another);
    refused.failed(1).says("the provider refuses it");
    shows_nothing(&refused, another);
    assert_eq!(fs::read_to_string(&file).unwrap(), twilio::AUTH_TOKEN);
    // Nor does one that could not be asked.
    sandbox.twilio().fault(When::always(), Fault::status(503));
    let unasked = admin.feed(&set, another);
    unasked
        .failed(1)
        .says("could not be asked")
        .says("without --check");
    assert_eq!(fs::read_to_string(&file).unwrap(), twilio::AUTH_TOKEN);
    assert_eq!(sandbox.text_count(), 0);
}
