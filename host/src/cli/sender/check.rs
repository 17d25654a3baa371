//! `textsender sender check`: credentials and reachability, without a message.

use std::process::ExitCode;

use serde::Serialize;
use textsender_plugin_api::Finding;

use crate::{
    cli::{
        Common,
        output::{Output, Style, json},
    },
    protocol::Outcome,
    site::{Site, ask},
};

/// Asks the provider whether it knows the credentials and settings. Nothing is sent
///
/// The exit code is 0 if nothing is wrong, 69 if the provider can't be reached, 76 if no provider was asked, 78
/// if something has to be fixed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender sender check twilio")]
pub(super) struct Check {
    /// The sender
    name: String,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'r> {
    sender: &'r str,
    outcome: &'static str,
    findings: Vec<Finding>,
}

impl Check {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.known_sender(&self.name)?;
        let standing = site.standing(&self.name)?;
        let (outcome, findings) = match standing.is_ready() {
            true => {
                let asked = ask(&site, &self.name, common.log.level())?;
                (asked.outcome, asked.findings)
            }
            false => {
                let finding = Finding::fault(standing.detail());
                (Outcome::Misconfigured, vec![finding])
            }
        };
        if self.json {
            let outcome = match outcome {
                Outcome::Accepted => "ok",
                other => other.as_str(),
            };
            json(&Report {
                sender: &self.name,
                outcome,
                findings,
            });
        } else {
            for finding in &findings {
                let (word, message) = match finding.message.strip_prefix("warning: ") {
                    _ if finding.is_fault => (out.paint(Style::Bad, "fault"), &*finding.message),
                    Some(warning) => (out.paint(Style::Attention, "warning"), warning),
                    None if outcome == Outcome::Unknown => {
                        (out.paint(Style::Attention, "note"), &*finding.message)
                    }
                    None => (out.paint(Style::Good, "ok"), &*finding.message),
                };
                out.line(format_args!("{word}: {message}"));
            }
        }
        Ok(outcome.into())
    }
}
