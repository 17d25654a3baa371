//! `textsender policy`: commands about policies.

mod diff;

use std::process::ExitCode;

use clap::Subcommand;

/// Looks at policies
#[derive(clap::Args)]
pub(super) struct Policy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Diff(diff::Diff),
}

impl Policy {
    pub(super) fn run(&self) -> ExitCode {
        match &self.command {
            Command::Diff(diff) => diff.run(),
        }
    }
}
