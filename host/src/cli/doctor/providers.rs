//! Each sender that is ready: how its host process is sealed, and whether its provider can be reached
//! and knows the credentials. Nothing is sent.

use std::time::Duration;

use textsender_plugin_api::Level;
use tokio::time::Instant;

use super::{Finding, note, ok, problem};
use crate::{
    cli::{
        Common, sender,
        site::{Site, block_on},
        standing,
    },
    plugins::{HostProcess, Launch},
    protocol::Outcome,
};

/// How long a plugin may take to be loaded and configured.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the kernel really gave of each sender's seal.
pub(super) fn seals(site: &Site) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for standing in site.standings(None)? {
        let name = &standing.sender;
        let launch = Launch::of(&site.config, &site.state, name, Level::Error);
        let (true, Ok(launch)) = (standing::is_ready(&standing), launch) else {
            continue;
        };
        let plan = launch.seal.clone();
        let sealed = block_on(async {
            let process = HostProcess::start(launch).ok()?;
            process.ready(Instant::now() + PATIENCE).await.ok()?;
            process.sealed()
        })?;
        let Some(sealed) = sealed else {
            continue;
        };
        findings.push(match sealed.lacks(&plan).as_slice() {
            [] => ok("seal", format!("{name}: {sealed}")),
            lacks => note(
                "seal",
                format!("{name} is not wholly sealed: {}", lacks.join("; ")),
            ),
        });
    }
    Ok(findings)
}

pub(super) fn findings(site: &Site, common: &Common) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for standing in site.standings(None)? {
        if !standing::is_ready(&standing) {
            continue;
        }
        let name = &standing.sender;
        let (outcome, answers) = sender::ask(site, name, common.log.level())?;
        for answer in answers {
            let words = format!("{name}: {}", answer.message);
            findings.push(match (answer.is_fault, outcome) {
                (false, _) => ok("providers", words),
                (true, Outcome::Unavailable) if standing.used_by.is_empty() => note("providers", words),
                (true, Outcome::Unavailable) => problem(
                    "providers",
                    words,
                    "see that this machine reaches the provider: DNS, firewall, [http] proxy",
                ),
                (true, _) => problem(
                    "providers",
                    words,
                    format!("correct it with `textsender sender set {name}` or `textsender secret set {name}.KEY`"),
                ),
            });
        }
    }
    Ok(findings)
}
