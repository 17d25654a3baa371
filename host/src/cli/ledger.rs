//! `textsender ledger`: the ledger that several machines share.

use std::process::ExitCode;

use jiff::Timestamp;

use super::{
    Common, history,
    output::{Cell, Output, json, print},
    site::Site,
};
use crate::ledger::{self, LedgerError, Machine};

/// How far back machines are looked for, if not told: 30 days, in hours.
const MONTH: i64 = 30 * 24;

/// Prints how to prepare a ledger that several machines share, and lists the machines
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
            Command::Machines(machines) => machines.run(common, out)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

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
