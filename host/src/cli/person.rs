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
    edit::{
        files::Lock,
        journal::{self, Change},
    },
    ledger::{Entry, Filter, History, Ledger, Options, Person},
};

/// Shows or erases what the ledger has of one person, by number or by user name
///
/// The provider keeps records of its own, and so do backups and the logs of other programs: they are not touched.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender person export --phone - < number\n  \
    textsender person erase --user ada")]
pub(super) struct PersonCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes every decision about a person, as JSON
    #[command(after_help = "Example:\n  textsender person export --phone - < number")]
    Export(Who),
    /// Removes from the ledger what leads to a person; counts stay
    ///
    /// What is younger than a day stays until it is older: repeats and limits rely on it.
    #[command(after_help = "Example:\n  textsender person erase --phone - < number")]
    Erase(Who),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// The number in international form; - reads it from standard input
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    phone: Option<String>,
    /// The user's name, as requests have it
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

impl PersonCommand {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        match &self.command {
            Command::Export(who) => export(who.person()?, &site)?,
            Command::Erase(who) => erase(&who.person()?, &site, out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Who {
    fn person(&self) -> anyhow::Result<Person> {
        Ok(match &self.phone {
            Some(phone) => Person::Phone(log::number(phone)?),
            None => Person::User(self.user.clone().unwrap_or_default()),
        })
    }
}

fn export(person: Person, site: &Site) -> anyhow::Result<()> {
    let history = History::open(&site.state, &Options::of(&site.config.state))?;
    let all = history.latest(usize::MAX, &Filter::from(person))?;
    json(&all.iter().map(Entry::shown).collect::<Vec<_>>());
    Ok(())
}

fn erase(person: &Person, site: &Site, out: &Output) -> anyhow::Result<()> {
    let _lock = Lock::of(&site.state, edit::say_wait)?;
    let erased = Ledger::erase(
        &site.state,
        person,
        Timestamp::now(),
        &Options::of(&site.config.state),
    )?;
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
    Ok(())
}

fn decisions(number: u64) -> String {
    count(
        usize::try_from(number).unwrap_or(usize::MAX),
        "decision",
        "decisions",
    )
}
