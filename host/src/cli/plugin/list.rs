//! `textsender plugin list`: every file of the folder, and why it can or can't be used.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use serde::Serialize;

use super::trust;
use crate::{
    cli::{
        Common,
        output::{Cell, Output, Style, json},
        site::Site,
    },
    config::Config,
    edit::names::why_not,
    plugins::{
        Refusal, StartupError, folder,
        verify::{self, FileFault},
    },
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

/// One file.
#[derive(Serialize)]
pub(in crate::cli) struct Listed {
    pub(in crate::cli) file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) plugin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Why it can't be used; `null` if it can.
    pub(in crate::cli) refused: Option<String>,
    used_by: Vec<String>,
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

/// Every file of the plugins folders, by name; of the further ones only what the first has not.
pub(in crate::cli) fn files(site: &Site) -> anyhow::Result<Vec<Listed>> {
    let plugins = &site.config.plugins;
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in [&plugins.folder]
        .into_iter()
        .chain(&plugins.further_folders)
    {
        let found = files_in(folder)?;
        let is_new = |path: &PathBuf| paths.iter().all(|has| has.file_name() != path.file_name());
        let new: Vec<PathBuf> = found.into_iter().filter(is_new).collect();
        paths.extend(new);
    }
    Ok(paths.iter().map(|path| listed(site, path)).collect())
}

fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let named = || format!("the plugins folder {} can't be read", folder.display());
    let entries = fs::read_dir(folder).with_context(named)?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.with_context(named)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn listed(site: &Site, path: &Path) -> Listed {
    let file = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut listed = Listed {
        plugin: folder::plugin_of(&file),
        version: None,
        refused: None,
        used_by: Vec::new(),
        file,
    };
    if path.is_dir() {
        listed.refused = Some("it is a folder".to_owned());
        return listed;
    }
    let Some(plugin) = listed.plugin.clone().filter(|plugin| folder::is_id(plugin)) else {
        let name = folder::file_of(Path::new(""), "name");
        listed.plugin = None;
        listed.refused = Some(format!("it is not named like a plugin, {}", name.display()));
        return listed;
    };
    listed.used_by = users(&site.config, &plugin);
    let faults = verify::inspect(path).faults;
    if !faults.is_empty() {
        let faults: Vec<String> = faults
            .iter()
            .map(|fault| why_no_file(fault, path))
            .collect();
        listed.refused = Some(faults.join("; "));
        return listed;
    }
    match site.describe(&plugin) {
        Ok(described) => {
            listed.refused = trust::not_approved(site, &plugin, path, &described);
            listed.version = Some(described.info.version);
        }
        Err(reason) => listed.refused = Some(why_not(&reason, path)),
    }
    listed
}

fn why_no_file(fault: &FileFault, path: &Path) -> String {
    why_not(&StartupError::Refused(Refusal::File(fault.clone())), path)
}

/// The senders of a plugin.
pub(super) fn users(config: &Config, plugin: &str) -> Vec<String> {
    let senders = config.senders.iter();
    let senders = senders.filter(|(_, sender)| sender.plugin.value == plugin);
    senders.map(|(name, _)| name.clone()).collect()
}

fn row(listed: &Listed) -> Vec<Cell> {
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
