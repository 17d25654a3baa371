//! `textsender config`: the configuration's files in an editor, and the last change taken back.

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{
    Common, ask,
    edit::{EditOptions, say_wait},
    editor,
    output::{Output, notice},
    site::Site,
};
use crate::{
    edit::{
        EditError,
        names::folder_of,
        senders,
        undo::{self, Undo},
        whole::ReplaceFile,
    },
    trust,
};

/// Edits the configuration as a whole, and undoes the last change
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender config edit   # opens $EDITOR, checks, then puts it in place\n  \
    textsender config undo --dry-run")]
pub(super) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Edit(Edit),
    Undo(UndoLast),
}

/// Edits textsender.toml in $EDITOR; it is checked before it is put in place
///
/// What has a new fault is not put in place: it is shown, and may be edited again.
#[derive(Args)]
#[command(after_help = "Example:\n  EDITOR=nano textsender config edit")]
struct Edit {
    #[command(flatten)]
    edit: EditOptions,
}

/// Undoes the last change of the configuration, whichever command made it
///
/// Undone once more, the change is made again. What was edited by hand since is never lost: then nothing is undone.
#[derive(Args)]
#[command(after_help = "Example:\n  textsender config undo")]
struct UndoLast {
    #[command(flatten)]
    edit: EditOptions,
}

impl Config {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::Edit(command) => {
                let main = common.config_file().path;
                edit_file(common, &main, "the configuration", command.edit, out)
            }
            Command::Undo(command) => {
                let take_back = || command.edit.apply(common, &Undo, out);
                let undone = match undo::renames(&folder_of(&common.config_file().path)) {
                    Some((name, new_name)) => {
                        let site = Site::read(common)?;
                        site.is_not_paused(&name)?;
                        senders::with_secrets(&site.state, (&name, &new_name), say_wait, take_back)?
                    }
                    None => take_back()?,
                };
                if let Some(undone) = undone {
                    out.line(format_args!("undone: {} ({})", undone.what, undone.at));
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Edits a copy of a file until it is good, is given up, or is forced; then puts it in place.
pub(super) fn edit_file(
    common: &Common,
    file: &Path,
    what: &str,
    options: EditOptions,
    out: &Output,
) -> anyhow::Result<ExitCode> {
    let before = trust::read_to_string(file);
    let before = before.with_context(|| format!("{} can't be read", file.display()))?;
    let name = file.file_name().unwrap_or_default();
    let copy = editor::Copy::of(&before, name)?;
    loop {
        let order = ReplaceFile {
            path: file.to_owned(),
            before: before.clone(),
            text: copy.edit()?,
            what: what.to_owned(),
        };
        if order.text == order.before {
            out.line(format_args!("{} is as it was", file.display()));
            return Ok(ExitCode::SUCCESS);
        }
        match options.apply(common, &order, out) {
            Ok(Some(())) => {
                out.line(format_args!("put {} in place", file.display()));
                return Ok(ExitCode::SUCCESS);
            }
            Ok(None) => return Ok(ExitCode::SUCCESS),
            Err(error) if is_new_fault(&error) && ask::is_terminal() => {
                notice(format_args!("{error:#}"));
                let again = ask::optional_line("Edit it again? (Enter: yes, n: give it up)")?;
                if again.is_some_and(|answer| answer.starts_with(['n', 'N'])) {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_new_fault(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(EditError::NewFaults { .. }))
}
