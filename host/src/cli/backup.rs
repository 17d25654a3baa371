//! `textsender backup` and `restore`.

use std::{path::PathBuf, process::ExitCode};

use super::{
    Common, check,
    edit::say_wait,
    output::{Output, count},
    site::Site,
};
use crate::edit::backup::{self, Copied};

/// Copies configuration, policies, secrets and the ledger into a new folder
///
/// Texts are sent meanwhile as always. The folder holds secrets in the open: keep it as you keep them. Plugins are
/// not in it; they come with the package.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sudo textsender backup /var/backups/textsender-2026-11-28")]
pub(super) struct Backup {
    /// The folder to make
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Puts a backup back, with owners and modes, and checks what came of it
///
/// The ledger that is there is set aside. A message that was sent since the backup could be sent again by a repeat
/// of its id.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sudo textsender restore /var/backups/textsender-2026-11-28")]
pub(super) struct Restore {
    /// The folder that `textsender backup` made
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Backup {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.is_for_caller()?;
        let main = &site.config.sources.main;
        let copied = backup::back_up(main, &site.state, &self.folder, say_wait)?;
        out.line(format_args!(
            "copied {} into {}",
            shown(&copied),
            self.folder.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let main = common.config_file().path;
        let copied = backup::restore(&self.folder, &main, say_wait)?;
        out.line(format_args!("restored {} of {}", shown(&copied), copied.at));
        Ok(check::Check::default().run(common))
    }
}

fn shown(copied: &Copied) -> String {
    let files = count(copied.files, "file", "files");
    match copied.has_ledger {
        true => format!("{files} and the ledger"),
        false => format!("{files}, and no ledger, as there is none on this machine"),
    }
}
