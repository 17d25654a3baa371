//! `textsender explain-error`: what the code of a failure means, and what to do.

use std::process::ExitCode;

use anyhow::bail;
use serde::Serialize;

use super::output::{Cell, Output, json};
use crate::{edit::names::instead, protocol::ErrorCode};

/// Explains the code of an error, as it is in responses and logs
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  textsender explain-error secret_missing\n  textsender explain-error   # all of them"
)]
pub(super) struct ExplainError {
    /// The code; without it all of them
    code: Option<String>,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Explained {
    code: &'static str,
    outcome: &'static str,
    exit: u8,
    retryable: bool,
    message: &'static str,
    remedy: &'static str,
}

impl From<ErrorCode> for Explained {
    fn from(code: ErrorCode) -> Self {
        let outcome = code.outcome();
        Self {
            code: code.as_str(),
            outcome: outcome.as_str(),
            exit: outcome.exit(),
            retryable: outcome.is_retryable(),
            message: code.message(),
            remedy: code.remedy(),
        }
    }
}

impl ExplainError {
    pub(super) fn run(&self, out: &Output) -> anyhow::Result<ExitCode> {
        let all = ErrorCode::ALL.iter().copied().map(Explained::from);
        let Some(wanted) = &self.code else {
            let all: Vec<Explained> = all.collect();
            match self.json {
                true => json(&all),
                false => table(&all, out),
            }
            return Ok(ExitCode::SUCCESS);
        };
        let Some(explained) = all.into_iter().find(|explained| explained.code == wanted) else {
            let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
            bail!(
                "there is no error {wanted}{}",
                instead(wanted, codes, "see `textsender explain-error`")
            );
        };
        if self.json {
            json(&explained);
            return Ok(ExitCode::SUCCESS);
        }
        let Explained {
            code,
            outcome,
            exit,
            message,
            remedy,
            ..
        } = explained;
        out.line(format_args!("{code}: {message}"));
        out.line(format_args!("outcome: {outcome} (exit code {exit})"));
        out.line(format_args!("what to do: {remedy}"));
        Ok(ExitCode::SUCCESS)
    }
}

fn table(all: &[Explained], out: &Output) {
    let rows: Vec<Vec<Cell>> = all
        .iter()
        .map(|explained| {
            vec![
                explained.code.into(),
                explained.outcome.into(),
                explained.message.into(),
                explained.remedy.into(),
            ]
        })
        .collect();
    out.table(&["CODE", "OUTCOME", "WHAT IT MEANS", "WHAT TO DO"], &rows);
}
