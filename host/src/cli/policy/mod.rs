//! `textsender policy`: who gets which sender and text.

mod bind;
mod change;
mod diff;
mod edit;
mod link;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Common, output::Output};

pub(super) use change::FallbackOptions;

/// Shows, adds, links and changes policies: who gets which sender and text
///
/// A policy is linked to containers of the directory, such as OU=Staff,DC=example,DC=org, and is for the users in
/// them; the closest link wins, an enforced one beats it.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender policy add Staff --link OU=Staff,DC=example,DC=org\n  \
    textsender policy set-sender Staff twilio --fallback gateway\n  \
    textsender policy enable Staff --event enroll\n  \
    textsender text set --policy Staff")]
pub(super) struct Policy {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(show::List),
    Show(show::Show),
    Add(change::Add),
    Bind(bind::Bind),
    Link(link::Link),
    Unlink(link::Unlink),
    SetLink(link::ChangeLink),
    BlockInheritance(link::Block),
    Enable(link::Enable),
    Disable(link::Disable),
    Set(change::Set),
    SetSender(change::SetSender),
    SetDefault(change::SetDefault),
    Rename(change::Rename),
    Edit(edit::Edit),
    Remove(change::Remove),
    Diff(diff::Diff),
}

impl Policy {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::List(list) => list.run(common, out),
            Command::Show(show) => show.run(common, out),
            Command::Add(add) => add.run(common, out),
            Command::Bind(bind) => bind.run(common, out),
            Command::Link(link) => link.run(common, out),
            Command::Unlink(unlink) => unlink.run(common, out),
            Command::SetLink(set) => set.run(common, out),
            Command::BlockInheritance(block) => block.run(common, out),
            Command::Enable(enable) => enable.run(common, out),
            Command::Disable(disable) => disable.run(common, out),
            Command::Set(set) => set.run(common, out),
            Command::SetSender(set) => set.run(common, out),
            Command::SetDefault(set) => set.run(common, out),
            Command::Rename(rename) => rename.run(common, out),
            Command::Edit(edit) => edit.run(common, out),
            Command::Remove(remove) => remove.run(common, out),
            Command::Diff(diff) => Ok(diff.run()),
        }
    }
}
