//! `textsender explain`: every policy considered and why it won or lost, and all that follows from it.

mod shown;

use std::process::ExitCode;

use jiff::Timestamp;

use super::{Common, draft::DraftOptions, log, output, site::block_on};
use crate::{
    decision::Snapshot,
    explain::{Completion, Evaluation},
    ledger::LedgerError,
    protocol::{Failure, Outcome},
};

pub(super) use shown::{shown_length, shown_number};

/// Explains who would get which text by which sender, and why
///
/// Nothing is sent or written, and no sender's secret is read; its plugin is asked what it carries. A
/// code on standard input is never shown: a stand-in takes its place that costs the same. Exits 0 if the message would be sent, else
/// with the exit code that `send` would give.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender explain --user-dn CN=Ada,OU=Staff,DC=example,DC=org --phone +447700900123 --event reset")]
pub(super) struct Explain {
    /// Explains instead what became of the message with this id, from the ledger
    #[arg(long, value_name = "ID", conflicts_with = "DraftOptions")]
    id: Option<String>,
    #[command(flatten)]
    draft: DraftOptions,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Asks the senders' plugins what they carry of the message. Where that can't be done, the rest is known all the same.
pub(super) fn ask_senders(evaluation: &mut Evaluation) {
    if let Err(error) = block_on(evaluation.ask_senders()) {
        output::notice(format!("what the senders carry is not known: {error:#}"));
    }
    for failure in evaluation.unusable() {
        output::notice(format!("what a sender carries is not known: {failure}"));
    }
}

impl Explain {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        if let Some(id) = &self.id {
            return log::explain(id, self.json, common);
        }
        match self.explain(common) {
            Ok(outcome) => outcome.into(),
            Err(failure) => output::print_error(&failure.to_string(), failure.outcome().exit()),
        }
    }

    fn explain(&self, common: &Common) -> Result<Outcome, Failure> {
        let draft = self.draft.read()?;
        let (snapshot, _) = Snapshot::read(&common.config_file().path);
        let snapshot = snapshot?;
        let draft = Completion::by(snapshot.config())?.of(draft, true)?;
        let mut evaluation = Evaluation::of(&snapshot, draft);
        ask_senders(&mut evaluation);
        let now = Timestamp::now();
        let known = common.history();
        let known = known.and_then(|history| Ok((history.senders(now)?, history.pauses(now)?)));
        let health = match known {
            Ok((health, pauses)) => {
                evaluation.note_pauses(pauses);
                health
            }
            Err(LedgerError::Absent { .. }) => Vec::new(),
            Err(error) => {
                let error = match common.may_read_records() {
                    Ok(()) => error.to_string(),
                    Err(error) => format!("{error:#}"),
                };
                output::notice(format!("whether a sender is paused is not known: {error}"));
                Vec::new()
            }
        };
        let mut explained = evaluation.explained();
        explained.tell_health(&health);
        match self.json {
            true => output::json(&explained),
            false => output::print_lines(&shown::shown(&explained, output::colour())),
        }
        let failure = evaluation.failure();
        Ok(failure.map_or(Outcome::Accepted, Failure::outcome))
    }
}
