//! `textsender completions` and `textsender man`: made from the command line's own definition.

use std::{io, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::CommandFactory;

use super::{
    Cli,
    output::{Output, print},
};

/// Writes the completions of a shell
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender completions bash > /usr/share/bash-completion/completions/textsender")]
pub(super) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

/// Writes the manual page, or with a folder one for each command
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  textsender man | man -l -\n  textsender man --folder /usr/share/man/man1"
)]
pub(super) struct Man {
    /// Writes textsender.1, textsender-sender.1 and so on there
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(&self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "textsender", &mut script);
        print(&String::from_utf8_lossy(&script));
        ExitCode::SUCCESS
    }
}

impl Man {
    pub(super) fn run(&self, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.folder {
            Some(folder) => {
                let written = clap_mangen::generate_to(Cli::command(), folder);
                written.with_context(|| format!("{} can't be written", folder.display()))?;
                out.line(format_args!(
                    "wrote the manual pages to {}",
                    folder.display()
                ));
            }
            None => print(&page()?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn page() -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}
