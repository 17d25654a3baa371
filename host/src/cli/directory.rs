//! `textsender directory`: the program that asks a directory takes over, with the directory's description on its
//! standard input.

use std::{path::Path, process::ExitCode};

use super::{Common, output, site::Site};
use crate::{
    directory::{self, Directories, SNAPSHOTS},
    protocol::{ErrorCode, Failure},
    trust,
};

/// Checks a directory, writes the snapshot of its links, and looks users up
///
/// A directory is `[directories.NAME]`. The package textsender-directory has what asks it.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender directory check          # logs in, reads links and bound objects, says what is wrong\n  \
    textsender directory user ada       # who it is, with which number, and which policy decides")]
pub(super) struct DirectoryCommand {
    #[command(subcommand)]
    command: Command,
    /// Which directory, where there are several
    #[arg(long, value_name = "NAME", global = true)]
    directory: Option<String>,
    /// Writes JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Logs in, reads links and bound objects, and says what is wrong; nothing is written
    #[command(after_help = "Example:\n  textsender directory check")]
    Check,
    /// Writes the snapshot of links and bound objects, by which policies are found
    #[command(after_help = "Example:\n  textsender directory sync --directory example")]
    Sync {
        /// Lets an edit that makes an object unusable count at once, and not after a day
        #[arg(long)]
        accept: bool,
    },
    /// Shows what is found of a user, and which group policy object decides
    #[command(after_help = "Example:\n  textsender directory user ada")]
    User {
        /// ada, EXAMPLE\ada, ada@example.org or a SID
        name: String,
    },
}

impl DirectoryCommand {
    pub(super) fn run(&self, common: &Common) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        // Only what can't be handed over comes back.
        let failure = match self.hand_over(&site) {
            Ok(failure) | Err(failure) => failure,
        };
        let code = failure.outcome().exit();
        Ok(output::print_error(&failure.to_string(), code))
    }

    fn hand_over(&self, site: &Site) -> Result<Failure, Failure> {
        let none = "there is no [directories.NAME]";
        let directories = Directories::of(&site.config, &site.state)
            .ok_or_else(|| Failure::with_detail(ErrorCode::BadConfiguration, none))?;
        let described = directories.described(self.directory.as_deref())?;
        let mut arguments = if self.json {
            vec!["--json"]
        } else {
            Vec::new()
        };
        match &self.command {
            Command::Check => arguments.push("check"),
            Command::Sync { accept } => {
                make_folder(&site.state)?;
                arguments.push("sync");
                arguments.extend(accept.then_some("--accept"));
            }
            Command::User { name } => arguments.extend(["user", "--", name]),
        }
        Ok(directory::hand_over(&arguments, described.as_bytes()))
    }
}

/// Makes the folder of snapshots, if it is missing.
fn make_folder(state: &Path) -> Result<(), Failure> {
    let folder = state.join(SNAPSHOTS);
    trust::make_folder(&folder, 0o700)
        .map(drop)
        .map_err(|error| {
            let what = format!("{}: the folder can't be made: {error}", folder.display());
            Failure::with_detail(ErrorCode::DirectoryStale, what)
        })
}
