//! How an account that may look but not read the ledger gets its answer: through the hub, on a socket of its own.

use std::{
    io::{self, IsTerminal, Read, Write},
    process::ExitCode,
    time::Duration,
};

use super::{Common, output::print_error};
use crate::{
    os::socket,
    serve::{Question, ask},
};

/// How long a hub that is busy is waited for.
const WITHIN: Duration = Duration::from_secs(10);

/// Has the hub run this command line, where it has a socket for readers and this account can't read the ledger itself.
/// `None`: it is run here.
pub(super) fn through_hub(common: &Common) -> Option<ExitCode> {
    let path = common.believed().ok()?.serve.read_socket?;
    common.may_read_records().err()?;
    // Who may not connect either is told what the command tells.
    let hub = socket::connect(&path, WITHIN).ok()?;
    let words = words(std::env::args().skip(1));
    let has_input =
        words.iter().any(|word| word == "-") || words.first().is_some_and(|it| it == "explain");
    let mut stdin = String::new();
    if has_input && !io::stdin().is_terminal() {
        // What can't be read is missed there.
        let _ = io::stdin().read_to_string(&mut stdin);
    }
    Some(match ask(hub, &Question { words, stdin }) {
        Ok(told) => {
            // A reader that has gone has seen enough.
            let _ = io::stdout().write_all(told.stdout.as_bytes());
            let _ = io::stderr().write_all(told.stderr.as_bytes());
            told.exit.into()
        }
        Err(error) => print_error(&format!("the hub at {}: {error}", path.display()), 1),
    })
}

/// What every command takes, with a value: the hub has its own configuration, and logs as it does.
const GLOBAL: [&str; 3] = ["--config", "--log-level", "--log-format"];

/// The words of a command line without what every command takes.
fn words(line: impl Iterator<Item = String>) -> Vec<String> {
    let mut words = Vec::new();
    let mut line = line;
    while let Some(word) = line.next() {
        let (option, has_value) = match word.split_once('=') {
            Some((option, _)) => (option, true),
            None => (word.as_str(), false),
        };
        match (GLOBAL.contains(&option), has_value) {
            (true, false) => drop(line.next()),
            (true, true) => {}
            (false, _) => words.push(word),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::{cli::Cli, serve::READABLE};

    #[test]
    fn what_every_command_takes_is_not_passed_on() {
        let line = [
            "--config",
            "a.toml",
            "log",
            "--config=b",
            "--since",
            "1d",
            "--log-level",
            "trace",
            "--json",
        ];
        let passed = words(line.iter().map(ToString::to_string));
        assert_eq!(passed, ["log", "--since", "1d", "--json"]);
    }

    /// What the hub passes on to a command is an option of it.
    #[test]
    fn what_may_be_asked_is_there() {
        let program = Cli::command();
        for (name, options) in READABLE {
            let command = program.find_subcommand(name).unwrap();
            for option in options {
                let is_it = |arg: &clap::Arg| arg.get_long() == option.strip_prefix("--");
                assert!(command.get_arguments().any(is_it), "{name} {option}");
            }
        }
    }
}
