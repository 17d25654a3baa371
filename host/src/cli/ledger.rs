//! `textsender ledger`: the ledger that several machines share, for the owner of its database.

use std::process::ExitCode;

use super::output::print;
use crate::ledger;

/// Prepare a ledger that several machines share
#[derive(clap::Args)]
pub(super) struct Ledger {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Schema(Schema),
}

/// Print the SQL that prepares a database for it
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender ledger schema --postgres | psql --single-transaction -v ON_ERROR_STOP=1 textsender"
)]
struct Schema {
    /// For PostgreSQL 13 or later
    #[arg(long, required = true)]
    postgres: bool,
    /// The account that textsender connects as, which is there already
    #[arg(long, value_name = "ROLE", default_value = "textsender")]
    role: String,
}

impl Ledger {
    pub(super) fn run(self) -> ExitCode {
        match self.command {
            Command::Schema(schema) => print(&ledger::postgres_schema(&schema.role)),
        }
        ExitCode::SUCCESS
    }
}
