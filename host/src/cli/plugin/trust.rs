//! `textsender plugin trust`: approves a plugin's file as it is now, and the hosts that it declares.

use std::{path::Path, process::ExitCode};

use anyhow::{anyhow, bail};

use super::change;
use crate::{
    cli::{Common, edit::say_wait, output::Output, site::Site},
    config,
    edit::{
        files::{self, Access, Lock},
        names::why_not,
    },
    plugins::{
        Description, folder,
        lock::{self, Pin},
        verify,
    },
};

/// Approves a plugin: its file as it is now, and the hosts that it talks to
///
/// With [plugins] trust = "pinned" only approved files are loaded, and a new version or a new host has to be approved
/// first. What was approved is in plugins.lock beside the configuration.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sudo textsender plugin trust twilio")]
pub(super) struct Trust {
    /// The plugin
    id: String,
}

impl Trust {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let file = folder::find(&site.config.plugins, &self.id);
        let refused = |why: String| anyhow!("{} can't be approved: {why}", file.display());
        let facts = verify::inspect(&file);
        if let Some(fault) = facts.faults.first() {
            return Err(refused(fault.to_string()));
        }
        let Some(checksum) = facts.checksum else {
            bail!(refused("it can't be read".to_owned()));
        };
        let described = site.describe(&self.id);
        let described = described.map_err(|reason| refused(why_not(&reason, &file)))?;

        let _lock = Lock::of(&site.folder(), say_wait)?;
        let path = lock::Lock::beside(&site.config.sources.main);
        let mut approved = lock::Lock::read(&path)?;
        let pin = Pin {
            checksum,
            hosts: described.info.hosts,
        };
        let hosts = match pin.hosts.is_empty() {
            true => "no hosts but those in its senders' settings".to_owned(),
            false => pin.hosts.join(", "),
        };
        let known = approved.pins.insert(self.id.clone(), pin.clone());
        if known.as_ref() == Some(&pin) {
            out.line(format_args!("{} is approved already", self.id));
            return Ok(ExitCode::SUCCESS);
        }
        let access = Access {
            owner: None,
            mode: 0o644,
        };
        files::replace(&path, approved.to_string().as_bytes(), access)?;
        change::note(&site, format!("approve plugin {}", self.id))?;
        out.line(format_args!(
            "approved {} {} in {}",
            self.id,
            described.info.version,
            path.display()
        ));
        out.line(format_args!("  sha256  {checksum}\n  hosts   {hosts}"));
        if site.config.plugins.trust == config::Trust::Owner {
            out.line("it counts once [plugins] trust = \"pinned\" is set");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Why a file may not be loaded although nothing is wrong with it, where only approved ones may.
pub(super) fn not_approved(
    site: &Site,
    id: &str,
    file: &Path,
    described: &Description,
) -> Option<String> {
    if site.config.plugins.trust == config::Trust::Owner {
        return None;
    }
    let approved = match lock::Lock::read(&lock::Lock::beside(&site.config.sources.main)) {
        Ok(approved) => approved,
        Err(error) => return Some(error.to_string()),
    };
    let remedy = format!("textsender plugin trust {id}");
    let Some(pin) = approved.pins.get(id) else {
        return Some(format!("it is not approved; approve it with {remedy}"));
    };
    if verify::inspect(file).checksum.as_ref() != Some(&pin.checksum) {
        return Some(format!(
            "it is not the approved file; approve it with {remedy}"
        ));
    }
    let hosts = pin.unapproved(&described.info.hosts);
    (!hosts.is_empty()).then(|| {
        let hosts = hosts.join(", ");
        format!(
            "it wants to talk to hosts that are not approved, {hosts}; approve them with {remedy}"
        )
    })
}
