//! What commands say when they can't: the file, the key, the near name, what to do, and the exit code.

use textsender_tests::harness::each;

use super::Admin;

#[test]
fn without_a_configuration_every_command_says_how_to_make_one() {
    let commands: [&[&str]; 11] = [
        &["plugin", "list"],
        &["sender", "list"],
        &["sender", "add", "twilio"],
        &["secret", "list"],
        &["secret", "set", "twilio.auth_token"],
        &["select-sender", "twilio"],
        &["policy", "list"],
        &["policy", "add", "Staff"],
        &["text", "show", "--policy", "Everyone"],
        &["helpdesk", "show"],
        &["test-send"],
    ];
    each(commands, |command| {
        let ran = Admin::new().run(command);
        ran.failed(1).says("make one with `textsender init`");
        assert!(ran.stdout.is_empty(), "{ran}");
    });
}

#[test]
fn usage_errors_exit_with_two() {
    let commands: [(&[&str], &str); 9] = [
        (&["init"], "give --region"),
        (&["init", "--region", "XX"], "XX"),
        (&["sender", "add"], "NAME"),
        (&["sendr"], "sender"),
        (&["text", "set"], "--policy"),
        (
            &["text", "set", "--helpdesk", "newpassword"],
            "new_password",
        ),
        (&["test-send"], "give --phone"),
        (
            &["test-send", "--to", "+447700900123", "--code", "abc"],
            "4 to 64 printable characters",
        ),
        (&["policy", "set-sender", "Everyone"], "SENDER"),
    ];
    each(commands, |(command, words)| {
        let admin = match command[0] {
            "init" => Admin::new(),
            _ => Admin::at_work(),
        };
        admin.run(command).failed(2).says(words);
    });
}

#[test]
fn a_test_tells_what_is_missing_with_the_exit_code_of_send() {
    let admin = Admin::at_work();
    let test = ["test-send", "--to", "+447700900123"];
    admin.run(&test).failed(78).says("no sender is set");
    admin.run(&["sender", "add", "twilio"]).ok();
    admin.run(&["select-sender", "twilio", "--force"]).failed(0);
    admin.run(&test).failed(78).says("what to do: ");
    let elsewhere = ["test-send", "--sender", "twilio", "--to", "+33612345678"];
    admin.run(&elsewhere).failed(77).says("region");
    let named = ["test-send", "--policy", "Everyon", "--to", "+447700900123"];
    admin.run(&named).failed(1).says("did you mean Everyone?");
}

#[test]
fn every_command_has_help_with_an_example() {
    let admin = Admin::new();
    let mut left = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = left.pop() {
        let mut command: Vec<&str> = path.clone();
        command.push("--help");
        let ran = admin.run(&command);
        ran.ok();
        let subcommands = subcommands(&ran.stdout);
        let is_leaf = subcommands.is_empty();
        for name in subcommands {
            let mut path = path.clone();
            path.push(name.leak());
            left.push(path);
        }
        if is_leaf {
            seen += 1;
            assert!(ran.stdout.contains("Example"), "{ran}");
        }
    }
    assert!(seen > 30, "only {seen} commands");
}

fn subcommands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("Commands:\n") else {
        return Vec::new();
    };
    let lines = list.lines().take_while(|line| !line.is_empty());
    // What is set in further goes on with the words about the command above.
    let lines = lines.filter_map(|line| {
        line.strip_prefix("  ")
            .filter(|line| !line.starts_with(' '))
    });
    let names = lines.filter_map(|line| line.split_whitespace().next());
    let names = names.filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn completions_and_manual_pages_are_made() {
    let admin = Admin::new();
    for shell in ["bash", "zsh", "fish"] {
        admin
            .run(&["completions", shell])
            .ok()
            .says("select-sender");
    }
    admin.run(&["man"]).ok().says(".TH textsender 1");
    let folder = tempfile::tempdir().unwrap();
    admin
        .run(&["man", "--folder", &folder.path().display().to_string()])
        .ok();
    assert!(folder.path().join("textsender-sender-set.1").exists());
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let page = std::fs::read_to_string(file.path()).unwrap();
        let has = |section: &str| page.contains(&format!(".SH {section}"));
        assert!(
            has("\"EXIT STATUS\"") || name == "textsender-health.1",
            "{name}"
        );
        assert!(
            has("FILES") && has("ENVIRONMENT") && !has("EXTRA"),
            "{name}"
        );
    }
    admin
        .run(&["explain-error", "secret_missing"])
        .ok()
        .says("exit code 78");
    admin
        .run(&["explain-error", "secret_misin"])
        .failed(1)
        .says("did you mean secret_missing?");
}
