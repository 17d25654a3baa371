//! `textsender schema`: the protocol, for those who generate or check it.

use std::process::ExitCode;

use super::output::json;
use crate::protocol::{request_schema, response_schema};

/// Prints the JSON Schema of requests or of responses
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender schema request")]
pub(super) struct Schema {
    /// Of what
    of: Of,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Of {
    /// What `send` reads
    Request,
    /// What `send` writes
    Response,
}

impl Schema {
    pub(super) fn run(&self) -> ExitCode {
        json(&match self.of {
            Of::Request => request_schema(),
            Of::Response => response_schema(),
        });
        ExitCode::SUCCESS
    }
}
