//! `textsender plugin trust`: approves a plugin's file as it is now, and the hosts that it declares.

use std::process::ExitCode;

use crate::{
    cli::{Common, edit::say_wait, output::Output, site::Site},
    config,
    site::plugins,
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
        let (approved, described) = plugins::approve(&site, &self.id, None, say_wait)?;
        if !approved.is_new {
            out.line(format_args!("{} is approved already", self.id));
            return Ok(ExitCode::SUCCESS);
        }
        out.line(format_args!(
            "approved {} {} in {}",
            self.id,
            described.info.version,
            approved.path.display()
        ));
        let hosts = match approved.pin.hosts.is_empty() {
            true => "no hosts but those in its senders' settings".to_owned(),
            false => approved.pin.hosts.join(", "),
        };
        let checksum = approved.pin.checksum;
        out.line(format_args!("  sha256  {checksum}\n  hosts   {hosts}"));
        if site.config.plugins.trust == config::Trust::Owner {
            out.line("it takes effect once [plugins] trust = \"pinned\" is set");
        }
        Ok(ExitCode::SUCCESS)
    }
}
