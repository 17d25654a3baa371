//! `textsender plugin`: the libraries that know how to talk to a provider.

mod change;
mod check;
mod list;
mod new;
mod show;
mod trust;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Common, output::Output};

/// Makes, tries, lists, installs and removes plugins: the libraries that talk to providers
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender plugin list\n  \
    textsender plugin install ./libtextsender_acme.so\n  \
    textsender plugin new acme\n  \
    textsender plugin check target/release/libtextsender_acme.so --settings sample.toml")]
pub(super) struct Plugin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    New(new::New),
    Check(check::Check),
    Install(change::Install),
    Trust(trust::Trust),
    Remove(change::Remove),
}

impl Plugin {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::List(list) => list.run(common, out),
            Command::Show(show) => show.run(common, out),
            Command::New(new) => Ok(new.run()),
            Command::Check(check) => Ok(check.run()),
            Command::Install(install) => install.run(common, out),
            Command::Trust(trust) => trust.run(common, out),
            Command::Remove(remove) => remove.run(common, out),
        }
    }
}
