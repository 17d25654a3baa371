//! `textsender plugin list`: every file of the folder, and why it can or can't be used.

use std::process::ExitCode;

use crate::{
    cli::{
        Common,
        output::{Cell, Output, Style, json},
        site::Site,
    },
    site::plugins::{PluginFile, files},
};

/// Lists every file in the plugins folder: what it is, or why it can't be used
///
/// Each library is loaded in a sealed process of its own, never in this one.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender plugin list --json")]
pub(super) struct List {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.leave_root()?;
        let files = files(&site)?;
        if self.json {
            json(&files);
            return Ok(ExitCode::SUCCESS);
        }
        let folder = site.config.plugins.folder.display();
        if files.is_empty() {
            out.line(format_args!(
                "{folder} is empty: put plugins there with `textsender plugin install FILE`"
            ));
        }
        let rows: Vec<Vec<Cell>> = files.iter().map(row).collect();
        out.table(&["PLUGIN", "VERSION", "FILE", "STATE", "USED BY"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

fn row(listed: &PluginFile) -> Vec<Cell> {
    let state = match &listed.refused {
        None => Cell::new(Style::Good, "ok"),
        Some(why) => Cell::new(Style::Bad, why),
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        or_none(&listed.plugin).into(),
        or_none(&listed.version).into(),
        listed.file.as_str().into(),
        state,
        Cell::new(Style::Faint, listed.used_by.join(", ")),
    ]
}
