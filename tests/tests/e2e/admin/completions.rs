//! Completions know what the configuration has.

use textsender_tests::harness::each;
use textsender_tests::sandbox::Sandbox;

use super::changes::{sending, sends};

/// Words with the beginning of one, and what is offered in its place.
const CASES: [(&str, &[&str]); 19] = [
    ("sender show ", &["twilio"]),
    ("sender show twilio ", &[]),
    ("sender set twilio from=1 account", &["account_sid="]),
    ("sender show x", &[]),
    ("select-sender tw", &["twilio"]),
    ("test-send --sender ", &["twilio"]),
    ("pause --sender tw", &["twilio"]),
    ("pause --for 2h --sender ", &["twilio"]),
    ("resume --sender ", &["twilio"]),
    ("--log-level debug test-send --policy ", &["Every one"]),
    ("policy set-sender \"Every one\" ", &["twilio"]),
    ("policy add ", &[]),
    ("sender add ", &[]),
    ("plugin show t", &["twilio"]),
    ("sender add acme --plugin govuk", &["govuk-notify"]),
    ("provider show govuk", &["govuk-notify"]),
    (
        "explain-error ledger_re",
        &["ledger_read_only", "ledger_refused"],
    ),
    ("secret set twilio.auth", &["twilio.auth_token"]),
    ("sender set twilio account", &["account_sid="]),
];

#[test]
fn names_keys_and_codes_are_completed() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin
        .run(&["policy", "rename", "Everyone", "Every one"])
        .ok();
    each(CASES, |(words, offered)| {
        // An empty word stands at the end.
        let words = match words.ends_with(' ') {
            true => format!("{words}''"),
            false => words.to_owned(),
        };
        let ran = admin.shell(&format!("textsender completions -- {words}"), "");
        let names: Vec<_> = ran.ok().stdout.lines().map(str::to_owned).collect();
        assert_eq!(names, offered, "{ran}");
    });

    // As bash asks: a name with a blank is quoted, and nothing in it is run.
    let complete = |words: &str, word: u8| {
        let line = format!(
            "source <(textsender completions bash); COMP_WORDS=({words}); COMP_CWORD={word}; \
             _textsender_names textsender Ever policy; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let script = admin.folder().join("complete.bash");
        std::fs::write(&script, line).unwrap();
        admin
            .shell(&format!("bash {}", script.display()), "")
            .stdout
    };
    assert_eq!(complete("textsender policy show Ever", 3), "Every\\ one\n");
    assert_eq!(complete("textsender sender show tw", 3), "twilio\n");
}

#[test]
#[cfg_attr(not(has_fish), ignore = "needs fish")]
fn fish_completes_names_where_they_stand_and_as_values_of_options() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    each(
        [
            ("sender show ", "twilio"),
            ("test-send --sender tw", "twilio"),
            ("policy add Staff --sender tw", "twilio"),
            ("test-send --policy Every", "Everyone"),
            ("sender set twilio account", "account_sid="),
            ("sender set twilio --unset account", "account_sid"),
        ],
        |(words, offered)| {
            let line =
                format!("textsender completions fish | source; complete -C \"textsender {words}\"");
            let ran = admin.shell(&format!("fish --no-config -c '{line}'"), "");
            // A description may follow after a tabulator.
            let first = ran.stdout.split(['\t', '\n']).next().unwrap();
            assert_eq!(first, offered, "{ran}");
        },
    );
}

#[test]
fn help_is_as_wide_as_the_terminal_and_has_global_options_apart() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let help = |columns: u8, command: &str| {
        let line = format!("COLUMNS={columns} textsender {command} --help");
        admin.shell(&line, "").ok().stdout.clone()
    };
    let mut commands = vec![String::new()];
    let mut seen = 0;
    while let Some(command) = commands.pop() {
        let help = help(80, &command);
        let longest = help.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(80), "{command}: {help}");
        seen += 1;
        let below = help
            .split_once("Commands:\n")
            .map_or("", |(_, below)| below);
        let below = below.lines().take_while(|line| !line.is_empty());
        // Words that go on from the line above are further in.
        let below = below.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        let below = below.filter(|name| !["", "help"].contains(name));
        commands.extend(below.map(|name| format!("{command} {name}")));
    }
    assert!(seen > 90, "{seen}");
    for command in ["send", "sender add", "log"] {
        for columns in [60, 80] {
            let help = help(columns, command);
            let longest = help.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(columns.into()), "{command}: {help}");
            let (_, global) = help.split_once("Global options:").unwrap();
            assert!(global.contains("--config"), "{help}");
            assert!(global.contains("--log-level"), "{help}");
        }
    }
}

/// The widest table there is, on a terminal that says nothing of its size.
#[test]
fn tables_fit_eighty_columns() {
    use std::io::Read;

    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let name = "a-rather-long-name-of-a-sender-for-mobiles-abroad";
    admin.run(&["sender", "rename", "twilio", name]).ok();
    let config = admin.config_text();
    admin.write_config(&format!("{config}[prices]\nGB = \"0.0075 EUR\"\n"));
    sends(&admin);
    for command in [
        &["explain-error"][..],
        &["sender", "list"],
        &["plugin", "list"],
        &["limits", "list"],
        &["log"],
        &["log", "--changes"],
        &["stats"],
        &["stats", "--plot"],
    ] {
        let (mut child, mut screen) = admin.at_terminal(admin.command(command));
        let mut shown = Vec::new();
        let mut buffer = [0; 4096];
        // The terminal's other side ends with an error once the command has gone.
        while let Ok(size @ 1..) = screen.read(&mut buffer) {
            shown.extend_from_slice(&buffer[..size]);
        }
        assert!(child.wait().unwrap().success());
        let shown = String::from_utf8(shown).unwrap();
        for line in shown.lines() {
            // Colours have no width.
            let plain: String = line
                .split('\x1b')
                .enumerate()
                .map(|(number, part)| match number {
                    0 => part,
                    _ => part.split_once('m').map_or("", |(_, rest)| rest),
                })
                .collect();
            let width = plain.trim_end().chars().count();
            assert!(width <= 80, "{width}: {plain}");
        }
        assert!(shown.lines().count() > 1, "{shown}");
    }
}
