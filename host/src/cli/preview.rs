//! `textsender preview`: the text and its envelope, as the sender would get them.

use std::{fmt::Write, process::ExitCode};

use super::{
    Common,
    draft::DraftOptions,
    explain::{ask_senders, shown_length, shown_number},
    output,
};
use crate::{
    decision::Snapshot,
    explain::{Completion, Envelope, Evaluation, Preview},
    protocol::Failure,
};

/// Shows the text and its envelope as the sender would get them
///
/// Nothing is sent or written, and no sender's secret is read; its plugin is asked what it carries.
/// Numbers are masked, and a stand-in takes the place of the code. Exits 0, or as `send` would if nothing would be sent.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender preview --user-dn CN=Ada,OU=Staff,DC=example,DC=org --phone +447700900123 --locale cy")]
pub(super) struct PreviewCommand {
    #[command(flatten)]
    draft: DraftOptions,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

impl PreviewCommand {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        match self.preview(common) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => output::print_error(&failure.to_string(), failure.outcome().exit()),
        }
    }

    fn preview(&self, common: &Common) -> Result<(), Failure> {
        let draft = self.draft.read()?;
        let (snapshot, _) = Snapshot::read(&common.config_file().path);
        let snapshot = snapshot?;
        let draft = Completion::by(snapshot.config())?.of(draft, false)?;
        let mut evaluation = Evaluation::of(&snapshot, draft);
        ask_senders(&mut evaluation);
        let preview = evaluation.preview()?;
        match self.json {
            true => output::json(&preview),
            false => output::print(&shown(&preview)),
        }
        Ok(())
    }
}

/// Like a letter: what is around it, an empty line, and the text.
fn shown(preview: &Preview) -> String {
    let Envelope {
        purpose,
        to,
        user,
        name,
        locale,
        secret_characters,
        secret_given,
        expires_in,
    } = &preview.envelope;
    let to = to.as_ref().map(shown_number);
    let secret = match secret_given {
        true => format!("{secret_characters} characters, not shown"),
        false => format!("{secret_characters} characters, a stand-in"),
    };
    let lines = [
        ("by", Some(preview.senders.join(", then "))),
        (
            "to",
            Some(to.unwrap_or_else(|| "no number given".to_owned())),
        ),
        ("purpose", Some((*purpose).to_owned())),
        ("user", user.clone()),
        ("name", name.clone()),
        ("locale", locale.map(str::to_owned)),
        ("secret", Some(secret)),
        (
            "expires in",
            expires_in.map(|seconds| format!("{seconds} s")),
        ),
        ("segments", Some(shown_length(preview.segments))),
    ];
    let mut shown = String::new();
    for (label, fact) in lines {
        if let Some(fact) = fact {
            // Writing to a String never fails.
            let _ = writeln!(shown, "{label:12}{fact}");
        }
    }
    let _ = writeln!(shown, "\n{}", preview.text);
    shown
}
