//! The `textsender` program: the command line, or a host process of its own.

use std::process::ExitCode;

use textsender::{cli, failpoint::Failpoints, plugins::plugin_host};

fn main() -> ExitCode {
    // Looked at by hand: a host process starts with every send, and needs no command line.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == plugin_host::SUBCOMMAND)
    {
        return plugin_host::run();
    }
    cli::run(Failpoints::default())
}
