//! `textsender health`: one line and an exit code, as monitoring plugins have them.

use std::process::ExitCode;

use super::{
    Common,
    output::{Output, json, notice},
    site::Site,
};
use crate::site::{
    Servers,
    health::{Health, Level},
};

/// The exit code of a monitoring plugin that can't tell.
const UNKNOWN: u8 = 3;

/// Tells monitoring whether all is well: one line, and the exit code of a monitoring plugin
///
/// It looks at configuration, ledger, senders, their seals, directories, certificates, deliveries, pauses and the last 10
/// minutes' texts, as `stats --prometheus` does, and asks no provider. Exits 0 if all is well, 1 for a warning, 2 where texts are not
/// sent or will not be, 3 where it can't tell, such as for another account, or can't alert.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender health\n  \
    textsender health --alert\n  \
    sudo -u textsender textsender health --json | jq '.states[] | select(.level != \"ok\")'")]
pub(super) struct HealthCommand {
    /// Writes JSON: how each thing is
    #[arg(long)]
    json: bool,
    /// Alerts of what changed since the last time by the ways of [alerts]: run it by a timer, each minute
    #[arg(long)]
    alert: bool,
}

impl HealthCommand {
    pub(super) fn run(&self, common: &Common, out: &Output) -> ExitCode {
        let site = match Site::read(common) {
            Ok(site) => site,
            // What is there and can't be used sends nothing; it says no one who is to be alerted.
            Err(error) if common.config_file().path.exists() && !self.alert => {
                return told(Level::Critical.word(), &error, Level::Critical.exit(), out);
            }
            Err(error) => return told("UNKNOWN", &error, UNKNOWN, out),
        };
        if let Err(error) = site.become_owner() {
            return told("UNKNOWN", &error, UNKNOWN, out);
        }
        let health = Health::look(&site, Servers::Ask);
        match self.json {
            true => json(&health),
            false => out.line(health.line()),
        }
        if self.alert {
            match site.alert(&health) {
                Ok(failed) => failed.iter().for_each(notice),
                Err(error) => {
                    notice(format_args!("no alert could be sent: {error:#}"));
                    return UNKNOWN.into();
                }
            }
        }
        health.level.exit().into()
    }
}

fn told(word: &str, error: &anyhow::Error, exit: u8, out: &Output) -> ExitCode {
    let words = format!("{error:#}").replace(['\n', '|'], " ");
    out.line(format_args!("TEXTSENDER {word}: {words}"));
    exit.into()
}
