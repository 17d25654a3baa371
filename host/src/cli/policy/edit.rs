//! `textsender policy edit`: a policy's file in an editor.

use std::process::ExitCode;

use crate::{
    cli::{Common, config, edit::EditOptions, output::Output, site::Site},
    edit::whole,
};

/// Edits a policy's file in $EDITOR; it is checked before it is put in place
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy edit Staff")]
pub(super) struct Edit {
    /// The policy
    name: String,
    #[command(flatten)]
    edit: EditOptions,
}

impl Edit {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let file = whole::file_of_policy(&site.config, &self.name)?;
        config::edit_file(
            common,
            &file,
            &format!("policy {}", self.name),
            self.edit,
            out,
        )
    }
}
