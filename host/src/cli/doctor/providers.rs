//! The providers: whether they can be reached, and know the credentials. Nothing is sent.

use super::{Finding, note, ok, problem};
use crate::{
    cli::{Common, sender, site::Site, standing},
    protocol::Outcome,
};

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
