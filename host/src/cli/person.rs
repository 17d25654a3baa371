//! `textsender person`: what is recorded of one person, to be handed out or erased.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{
    Common, edit, log,
    output::{Output, count, json},
    site::Site,
};
use crate::{
    edit::journal::{self, Change},
    ledger::{Filter, History, Options},
};

/// Shows or erases what the ledger has of one person, by number
///
/// The provider keeps records of its own, and so do backups and the logs of other programs: they are not touched.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender person export --phone - < number\n  \
    textsender person erase --phone - < number")]
pub(super) struct Person {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes every decision about a number, as JSON
    #[command(after_help = "Example:\n  textsender person export --phone - < number")]
    Export(Number),
    /// Takes out of the ledger what leads to a number; counts stay
    ///
    /// What is younger than a day stays until it is older: repeats and limits rely on it.
    #[command(after_help = "Example:\n  textsender person erase --phone - < number")]
    Erase(Number),
}

#[derive(Args)]
struct Number {
    /// The number in international form; - reads it from standard input
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    phone: String,
}

impl Person {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let history = History::open(&site.state, &Options::default())?;
        match &self.command {
            Command::Export(number) => {
                let filter = Filter {
                    recipient: Some(log::number(&number.phone)?),
                    ..Filter::default()
                };
                json(&history.latest(usize::MAX, &filter)?);
            }
            Command::Erase(number) => {
                let phone = log::number(&number.phone)?;
                let _lock = crate::edit::files::Lock::of(&site.state, edit::say_wait)?;
                let erased = history.erase(&phone, Timestamp::now())?;
                let what = format!("erase {} of one person", decisions(erased.erased));
                journal::note(&site.state, &Change::now(what, Vec::new(), false))
                    .context("it is erased, but")?;
                out.line(format_args!("erased {}", decisions(erased.erased)));
                if erased.kept > 0 {
                    out.line(format_args!(
                        "{} of the last day stays: repeats and limits rely on it; erase it again later",
                        decisions(erased.kept)
                    ));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn decisions(number: u64) -> String {
    count(
        usize::try_from(number).unwrap_or(usize::MAX),
        "decision",
        "decisions",
    )
}
