//! `textsender limits`: how many texts may go where, and what other figures would have done.

use std::process::ExitCode;

use clap::{Args, Subcommand, builder::PossibleValuesParser};

use super::{
    Common,
    edit::EditOptions,
    output::{Cell, Output, Style, json},
    site::Site,
};
use crate::{
    edit::limits::{ResetLimit, SetLimit},
    ledger::{Hindsight, Limit, Mode, Proposal, Scope},
    site::limits::{self, LimitLine},
};

/// Shows and changes how many texts may go where, and what other figures would have done
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender limits list\n  \
    textsender limits try recipient 3/10m 10/1d\n  \
    textsender limits propose\n  \
    textsender limits set recipient --limits 3/10m,10/1d --mode enforce")]
pub(super) struct LimitsCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(List),
    Try(Try),
    Propose(Propose),
    Set(Set),
    Reset(Reset),
}

/// Lists the limits, and what each would have refused of the last 7 days' texts
#[derive(Args)]
#[command(after_help = "Example:\n  textsender limits list --json")]
struct List {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Shows what a limit with these figures would have refused of the last 7 days' texts; changes nothing
#[derive(Args)]
#[command(after_help = "Example:\n  textsender limits try recipient 3/10m 10/1d")]
struct Try {
    /// The limit
    #[arg(value_parser = keys())]
    limit: String,
    /// Its figures, such as 5/10m: five texts in any ten minutes
    #[arg(required = true, value_name = "COUNT/WINDOW")]
    figures: Vec<Limit>,
}

/// Proposes figures for limits from the last 14 days' texts, with what they would have refused; changes nothing
///
/// Twice the most that there was: of codes that were typed in, where callers tell of that. No figure is lower than an
/// enrolment day of 5,000 users needs, whose numbers may lie in one block.
#[derive(Args)]
#[command(after_help = "Example:\n  textsender limits propose --json")]
struct Propose {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Changes a limit: its figures, and whether it refuses or only records
///
/// What is not named stays.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender limits set prefix --mode enforce\n  \
    textsender limits set region --limits 1000/1h --mode record")]
struct Set {
    /// The limit
    #[arg(value_parser = keys())]
    limit: String,
    /// Its figures, with commas between them
    #[arg(long, value_name = "COUNT/WINDOW", value_delimiter = ',', required_unless_present_any = ["no_limits", "mode"])]
    limits: Vec<String>,
    /// Lifts it
    #[arg(long, conflicts_with = "limits")]
    no_limits: bool,
    /// What happens at the limit: it is refused, or sent and recorded
    #[arg(long, value_parser = PossibleValuesParser::new([Mode::Enforce.as_str(), Mode::Record.as_str()]))]
    mode: Option<String>,
    #[command(flatten)]
    edit: EditOptions,
}

/// Resets a limit to its default
#[derive(Args)]
#[command(after_help = "Example:\n  textsender limits reset prefix")]
struct Reset {
    /// The limit
    #[arg(value_parser = keys())]
    limit: String,
    #[command(flatten)]
    edit: EditOptions,
}

fn keys() -> PossibleValuesParser {
    PossibleValuesParser::new(Scope::CONFIGURED.map(Scope::key))
}

/// The key of a name that the command line has judged.
fn key(name: &str) -> Scope {
    Scope::at_key(name).unwrap_or(Scope::All)
}

impl LimitsCommand {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::List(list) => list.run(common, out),
            Command::Try(trial) => trial.run(common, out),
            Command::Propose(propose) => propose.run(common, out),
            Command::Set(set) => set.run(common, out),
            Command::Reset(reset) => reset.run(common, out),
        }
    }
}

impl List {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let lines = limits::lines(&site)?;
        if self.json {
            json(&lines);
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<Vec<Cell>> = lines.iter().map(row).collect();
        out.table(
            &["LIMIT", "COUNTS", "FIGURES", "MODE", "WOULD HAVE REFUSED"],
            &rows,
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn row(line: &LimitLine) -> Vec<Cell> {
    let figures = match line.limits.is_empty() {
        true => "none".to_owned(),
        false => line.limits.join(", "),
    };
    let mode = match line.is_default {
        true => format!("{} (default)", line.mode),
        false => line.mode.to_owned(),
    };
    vec![
        line.limit.into(),
        Cell::new(Style::Faint, line.counts),
        figures.into(),
        mode.into(),
        line.last_week
            .map_or("-".to_owned(), |found| share(&found))
            .into(),
    ]
}

fn share(found: &Hindsight) -> String {
    format!("{} of {}", found.refused, found.texts)
}

impl Try {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let key = key(&self.limit);
        let found = limits::try_out(&site, key, self.figures.clone())?;
        match found {
            Some(found) => out.line(format_args!(
                "it would have refused {} texts of the last 7 days ({})",
                share(&found),
                key.describe()
            )),
            None => out.line(
                "not known: there is no ledger yet, or it does not record what this limit counts",
            ),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Propose {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let Some(found) = limits::proposals(&site)? else {
            out.line("nothing was sent yet: a proposal needs the record of 14 days");
            return Ok(ExitCode::SUCCESS);
        };
        if self.json {
            json(&found);
            return Ok(ExitCode::SUCCESS);
        }
        if found.days_missing > 0 {
            let days = found.days_missing;
            out.line(format_args!(
                "a proposal needs the record of 14 days: in {days} days there is one"
            ));
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<Vec<Cell>> = found.proposals.iter().map(proposal).collect();
        out.table(
            &[
                "LIMIT",
                "FIGURES",
                "THE MOST THERE WAS",
                "WOULD HAVE REFUSED",
            ],
            &rows,
        );
        let of = match found.is_used_told {
            true => "Of the codes that were typed in",
            false => "Of all texts, as no caller tells which codes were typed in",
        };
        out.line(format_args!(
            "\n{of}, in the last 14 days. To have one hold:\n  textsender limits set LIMIT --limits FIGURES --mode enforce"
        ));
        Ok(ExitCode::SUCCESS)
    }
}

fn proposal(proposal: &Proposal) -> Vec<Cell> {
    let figures: Vec<String> = proposal.limits.iter().map(Limit::to_string).collect();
    let most: Vec<String> = proposal.most.iter().map(u64::to_string).collect();
    let found = &proposal.found;
    let refused = match found.refused_used {
        0 => share(found),
        used => format!("{}, {used} of which were typed in", share(found)),
    };
    vec![
        proposal.scope.name().into(),
        figures.join(",").into(),
        most.join(", ").into(),
        refused.into(),
    ]
}

impl Set {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let is_named = self.no_limits || !self.limits.is_empty();
        let order = SetLimit {
            key: key(&self.limit),
            limits: is_named.then(|| self.limits.clone()),
            mode: self.mode.as_deref().and_then(Mode::named),
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "changed the limit {} in {}",
                self.limit,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Reset {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = ResetLimit {
            key: key(&self.limit),
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "the limit {} has its default again, by {}",
                self.limit,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
