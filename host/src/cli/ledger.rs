//! `textsender ledger`: the ledger that several machines share.

use std::process::ExitCode;

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::{
    Common, doctor, history,
    output::{Cell, Output, count, json, notice, print},
    site::Site,
};
use crate::ledger::{self, LedgerError, Machine, Options};

/// How far back machines are looked for, if not told: 30 days, in hours.
const MONTH: i64 = 30 * 24;

/// Prepares, checks and moves a ledger that several machines share, and lists them
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  textsender ledger schema --postgres\n  textsender ledger machines --since 24h"
)]
pub(super) struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Schema(Schema),
    Migrate(Migrate),
    Check(Check),
    Move(Move),
    Machines(Machines),
}

/// Prints the SQL that prepares a database for it
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender ledger schema --postgres | psql --single-transaction -v ON_ERROR_STOP=1 textsender"
)]
struct Schema {
    /// For PostgreSQL 13 or later
    #[arg(long, required = true)]
    postgres: bool,
    /// The account that textsender connects as; it has to exist already
    #[arg(long, value_name = "ROLE", default_value = "textsender")]
    role: String,
}

/// Prints the SQL that brings the database's schema up to this program's version
///
/// Nothing is run by it: the owner of the database does that. Of a database that is up to date nothing is printed. Move
/// the database first, then the programs: those of an earlier version go on with a newer schema.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender ledger migrate | psql --single-transaction -v ON_ERROR_STOP=1 textsender"
)]
struct Migrate {
    /// The account that textsender connects as
    #[arg(long, value_name = "ROLE", default_value = "textsender")]
    role: String,
}

/// Checks the ledger: its server, schema, key and rights, and whether other machines are set up as this one
///
/// Exits 0, or 78 if there is a problem.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender ledger check --json")]
struct Check {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Moves the ledger that was this machine's own to the one that is now shared
///
/// Its decisions, counts of all time, what its limits count, its pauses and what is known of its senders. The file stays where it is. Done
/// again, it brings what came since, and nothing twice.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sudo -u textsender textsender ledger move")]
struct Move {}

/// Lists the machines that share the ledger, by what they recorded in the last 30 days
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender ledger machines --since 24h")]
struct Machines {
    /// Since so long ago (10m, 12h, 7d), a day (2026-11-24, UTC), or a time (RFC 3339)
    #[arg(long, value_name = "WHEN", value_parser = history::since)]
    since: Option<Timestamp>,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

impl Ledger {
    pub(super) fn run(self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Schema(schema) => print(&ledger::postgres_schema(&schema.role)),
            Command::Migrate(migrate) => migrate.run(common)?,
            Command::Check(check) => return doctor::check_ledger(common, check.json, out),
            Command::Move(_) => return move_over(common, out),
            Command::Machines(machines) => machines.run(common, out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Migrate {
    fn run(&self, common: &Common) -> anyhow::Result<()> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let options = Options::of(&site.config.state);
        let Some(server) = ledger::Ledger::server(&site.state, &options)? else {
            bail!("{ALONE}");
        };
        let (found, newest) = (server.schema, ledger::POSTGRES_SCHEMA);
        match found {
            _ if found == newest => notice(format_args!(
                "the schema on {} has version {found}, which is the newest that this program knows",
                server.hosts
            )),
            _ if found > newest => bail!(
                "the schema on {} has version {found}, and this textsender knows {newest}: upgrade textsender",
                server.hosts
            ),
            _ => print(&ledger::postgres_migration(found, &self.role)),
        }
        Ok(())
    }
}

fn move_over(common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
    let site = Site::read(common)?;
    site.become_owner()?;
    let options = Options::of(&site.config.state);
    if options.shared.is_none() {
        bail!("{ALONE}");
    }
    let brought = match ledger::Ledger::move_over(&site.state, &options) {
        Ok(brought) => brought,
        Err(LedgerError::Absent { .. }) => {
            let state = site.state.display();
            out.line(format_args!(
                "there is nothing to move: {state} has no ledger of this machine's own"
            ));
            return Ok(ExitCode::SUCCESS);
        }
        Err(error @ LedgerError::Corrupt { .. }) => return Err(error).context(OTHER_KEY),
        Err(error) => return Err(error.into()),
    };
    let decisions = count(usize::try_from(brought.decisions)?, "decision", "decisions");
    let windows = count(usize::try_from(brought.windows)?, "count", "counts");
    out.line(format_args!(
        "moved {decisions}, and {windows} of limits, to the shared ledger"
    ));
    if !brought.is_all {
        bail!(
            "messages are still being sent by this machine's own ledger: end what was started before [state.shared] was configured, and run this again"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What is said of a ledger that is not shared.
const ALONE: &str = "this machine's ledger is its own: configure [state.shared] first";

/// What may have become of a ledger that does not read.
const OTHER_KEY: &str = "the ledger can't be moved. Ids and numbers in it are hashes by its own ledger.key, so only one that was \
     written with the key that all machines have can be moved";

impl Machines {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<()> {
        common.may_read_records()?;
        let since = self.since.unwrap_or_else(|| history::ago(MONTH));
        let is_shared = Site::read(common)?.config.state.shared.is_some();
        let machines = match common
            .history()
            .and_then(|ledger| ledger.machines(Some(since)))
        {
            Ok(machines) => machines,
            // Before the first message there is nothing to list.
            Err(LedgerError::Absent { .. }) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        if self.json {
            json(&machines);
            return Ok(());
        }
        if !is_shared {
            out.line("this machine's ledger is not shared: it knows of no other machine");
            return Ok(());
        }
        let rows: Vec<Vec<Cell>> = machines.iter().map(row).collect();
        let headings = [
            "MACHINE",
            "LAST SEEN",
            "FIRST SEEN",
            "MESSAGES",
            "ACCEPTED",
            "UNKNOWN",
        ];
        out.table(&headings, &rows);
        Ok(())
    }
}

fn row(machine: &Machine) -> Vec<Cell> {
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    vec![
        machine.name.as_str().into(),
        time(machine.last).into(),
        time(machine.first).into(),
        machine.messages.to_string().into(),
        machine.accepted.to_string().into(),
        machine.unknown.to_string().into(),
    ]
}
