//! At a terminal: an editor for texts, tables, colour. Elsewhere plain lines.

use std::fs;
use std::io::Read;

use textsender_tests::harness::each;
use textsender_tests::sandbox::{Sandbox, twilio};

use super::Admin;
use super::changes::{sending, sends};

/// Everything that a command shows at a terminal, to its end.
fn screen(admin: &Admin, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = admin.command(arguments);
    command.envs(variables.iter().copied());
    let (mut child, mut screen) = admin.at_terminal(command);
    let mut shown = Vec::new();
    let mut read = [0; 1024];
    // The end of the terminal is an error to its reader.
    while let Ok(count @ 1..) = screen.read(&mut read) {
        shown.extend_from_slice(&read[..count]);
    }
    let succeeded = child.wait().unwrap().success();
    (succeeded, String::from_utf8(shown).unwrap())
}

#[test]
fn a_text_is_edited_in_the_editor_of_the_environment() {
    let admin = Admin::at_work();
    let text = || {
        admin
            .run(&["text", "show", "--policy", "Everyone", "--json"])
            .json()[0]["text"]
            .clone()
    };
    let edit = |script: &str| {
        let editor = format!("sed -i {script}");
        screen(
            &admin,
            &["text", "set", "--policy", "Everyone"],
            &[("EDITOR", &editor)],
        )
    };
    let (succeeded, shown) = edit("s/Please/Now/");
    assert!(succeeded, "{shown}");
    assert_eq!(text(), "Now enter this verification code: %code%");

    // What the comments say is no part of the text, and a text that can't be sent is not saved.
    let (succeeded, shown) = edit("1s/%code%/%cod%/");
    assert!(
        !succeeded && shown.contains("did you mean `%code%`?"),
        "{shown}"
    );
    let (succeeded, shown) = edit("s/nothing/else/");
    assert!(!succeeded && shown.contains("as it was"), "{shown}");
    assert_eq!(text(), "Now enter this verification code: %code%");
}

#[test]
fn the_editor_shows_what_may_be_used() {
    let admin = Admin::at_work();
    let seen = admin.folder().join("seen");
    let editor = format!("cp -t {}", seen.display());
    fs::create_dir(&seen).unwrap();
    screen(
        &admin,
        &["text", "set", "--helpdesk", "new_password"],
        &[("EDITOR", &editor)],
    );
    let seen = fs::read_to_string(seen.join("text")).unwrap();
    assert!(
        seen.starts_with("Your new password is %password%\n# ----"),
        "{seen}"
    );
    for line in ["# %password%: needed", "# %name%: may be used", "# %%"] {
        assert!(seen.contains(line), "{seen}");
    }
    assert!(!seen.contains("%code%"), "{seen}");
}

/// What the editor is given to explain the text of the first policy.
fn explained(admin: &Admin) -> String {
    let seen = admin.folder().join("seen");
    fs::create_dir_all(&seen).unwrap();
    let editor = format!("cp -t {}", seen.display());
    let set = ["text", "set", "--policy", "Everyone"];
    screen(admin, &set, &[("EDITOR", &editor)]);
    let seen = fs::read_to_string(seen.join("text")).unwrap();
    let (_, explained) = seen.split_once("not sent ----\n").unwrap();
    explained.to_owned()
}

#[test]
fn the_editor_shows_what_this_policys_senders_can_carry() {
    let admin = Admin::at_work();
    let add = |name: &str, plugin: &str, setting: &str| {
        let arguments = ["sender", "add", name, "--plugin", plugin, setting];
        admin.run(&arguments).ok();
    };
    add("twilio", "twilio", "from=+447700900100");
    add("notify", "govuk-notify", "personalisation.otp=%code%");
    add("gateway", "email-gateway", "body=%message%##");
    let set = |senders: &[&str]| {
        // None of them is complete.
        let set = ["policy", "set-sender", "Everyone", "--force"];
        let arguments = [&set[..], senders].concat();
        admin.run(&arguments).failed(0);
    };

    // Notify's template has a place for the code, and for nothing else.
    set(&["notify"]);
    let own = explained(&admin);
    assert_eq!(
        own,
        "# %code%: needed\n# %% is a percent sign.\n\
         # Through sender notify the user reads the provider's own text: of this text only the values are used.\n"
    );

    set(&["twilio", "--fallback", "gateway"]);
    let all = explained(&admin);
    for line in [
        "# %code%: needed\n",
        "# %user%: may",
        "# %name%: may",
        "# %minutes%: may",
    ] {
        assert!(all.contains(line), "{all}");
    }
    assert!(!all.contains("can't carry"), "{all}");

    set(&["twilio", "--fallback", "notify"]);
    let both = explained(&admin);
    assert!(
        both.contains("%name|there%; sender notify can't carry it\n"),
        "{both}"
    );
}

#[test]
fn tables_and_colour_are_for_terminals() {
    let admin = Admin::at_work();
    let (_, coloured) = screen(&admin, &["plugin", "list"], &[]);
    assert!(
        coloured.contains("PLUGIN") && coloured.contains("\x1b[32mok\x1b[0m"),
        "{coloured}"
    );
    let (_, plain) = screen(&admin, &["plugin", "list"], &[("NO_COLOR", "1")]);
    assert!(
        plain.contains("PLUGIN") && !plain.contains('\x1b'),
        "{plain}"
    );
    let piped = admin.run(&["plugin", "list"]);
    let first = concat!(
        "email-gateway\t",
        env!("CARGO_PKG_VERSION"),
        "\tlibtextsender_email_gateway.so\tok\t\n"
    );
    assert!(piped.stdout.starts_with(first), "{piped}");
}

/// A terminal that does not say how wide it is has 80 columns.
#[test]
fn every_line_fits_the_terminal_whatever_the_names() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let sender = format!(
        "{}-64",
        "long-name-of-a-sender".repeat(3)[..61].trim_end_matches('-')
    );
    let policy =
        "Everyone who works in the building at the river, their guests, and all who are on leave";
    let container =
        "OU=Department of Long Names,OU=Departments of All Kinds,DC=reset,DC=example,DC=org";
    let url = format!("base_url={}", sandbox.twilio().url());
    let sid = format!("account_sid={}", twilio::ACCOUNT_SID);
    let from = format!("from={}", twilio::FROM_NUMBER);
    admin
        .run(&[
            "sender", "add", &sender, "--plugin", "twilio", &url, &sid, &from,
        ])
        .ok();
    let secret = format!("{sender}.auth_token");
    let set = ["secret", "set", &secret, "--expires", "2099-01-01"];
    admin.feed(&set, twilio::AUTH_TOKEN).ok();
    admin
        .run(&[
            "policy", "add", policy, "--link", container, "--sender", &sender,
        ])
        .ok();
    admin
        .run(&[
            "policy",
            "set-sender",
            policy,
            &sender,
            "--fallback",
            "twilio",
        ])
        .ok();
    let incomplete = sender.replace("64", "65");
    admin
        .run(&["sender", "add", &incomplete, "--plugin", "twilio"])
        .failed(0);
    sends(&admin);
    let dn = format!("CN=Ada Lovelace,{container}");
    let commands: [&[&str]; 14] = [
        &[
            "explain",
            "--user-dn",
            &dn,
            "--phone",
            "+447700900123",
            "--event",
            "reset",
        ],
        &["rotate", "--plan"],
        &["expiring"],
        &["provider", "list"],
        &["provider", "show", "twilio"],
        &["doctor", "--offline"],
        &["sender", "list"],
        &["sender", "show", &sender],
        &["policy", "list"],
        &["policy", "show", policy],
        &["secret", "list"],
        &["status"],
        &["limits", "list"],
        &["log"],
    ];
    each(commands, |command| {
        let (_, shown) = screen(&admin, command, &[("NO_COLOR", "1")]);
        assert!(shown.lines().count() > 1, "{command:?}: {shown}");
        for line in shown.lines() {
            let line = line.trim_end_matches('\r');
            assert!(line.chars().count() <= 80, "{command:?}: {line}\n{shown}");
        }
    });
}

#[test]
fn a_region_is_asked_for_at_a_terminal() {
    let admin = Admin::new();
    let folder = admin.folder().display().to_string();
    let (mut child, mut screen) = admin.at_terminal(admin.command(&["init", "--folder", &folder]));
    std::io::Write::write_all(&mut screen, b"gb\n").unwrap();
    let mut shown = Vec::new();
    // The end of the terminal is an error to its reader.
    let _ = screen.read_to_end(&mut shown);
    assert!(child.wait().unwrap().success());
    assert!(
        fs::read_to_string(admin.everyone())
            .unwrap()
            .contains("region = \"GB\"")
    );
}
