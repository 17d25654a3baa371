//! `textsender select-sender`: the sender of every policy that names none.

use std::process::ExitCode;

use super::{Common, edit::EditOptions, output::Output};
use crate::edit::defaults::{self, KeepsOwn};

/// Selects the sender for everyone whose policy names none
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender select-sender twilio")]
pub(super) struct SelectSender {
    /// The sender
    name: String,
    #[command(flatten)]
    edit: EditOptions,
}

impl SelectSender {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = defaults::SelectSender {
            name: self.name.clone(),
        };
        let Some(keep_own) = self.edit.apply(common, &order, out)? else {
            return Ok(ExitCode::SUCCESS);
        };
        out.line(format_args!(
            "selected sender {} in {}",
            self.name,
            common.config_file().path.display()
        ));
        for KeepsOwn { policy, sender } in keep_own {
            out.line(format_args!(
                "policy {policy} keeps its own sender, {sender}"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
