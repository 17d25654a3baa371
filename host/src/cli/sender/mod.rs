//! `textsender sender`: the accounts with providers.

mod change;
mod check;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Common, output::Output};

/// Shows, adds and changes senders: accounts with a provider
///
/// A sender may be built step by step; until it has all that it needs it is incomplete, and says what is missing.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    textsender sender add twilio\n  \
    textsender sender set twilio account_sid=AC0123456789abcdef0123456789abcdef from=+447700900100\n  \
    textsender secret set twilio.auth_token\n  \
    textsender sender check twilio")]
pub(super) struct Sender {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(show::List),
    Show(show::Show),
    Add(change::Add),
    Set(change::Set),
    Unset(change::Unset),
    Rename(change::Rename),
    Remove(change::Remove),
    Check(check::Check),
}

impl Sender {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::List(list) => list.run(common, out),
            Command::Show(show) => show.run(common, out),
            Command::Add(add) => add.run(common, out),
            Command::Set(set) => set.run(common, out),
            Command::Unset(unset) => unset.run(common, out),
            Command::Rename(rename) => rename.run(common, out),
            Command::Remove(remove) => remove.run(common, out),
            Command::Check(check) => check.run(common, out),
        }
    }
}
