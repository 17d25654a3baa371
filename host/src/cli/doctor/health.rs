//! What `textsender health` finds wrong and nothing else here looks at: so that both tell the same.

use super::{Finding, problem, warning};
use crate::{
    cli::site::Site,
    site::health::{Health, Level},
};

pub(super) fn findings(site: &Site) -> Vec<Finding> {
    let health = Health::look(site);
    let beside = health.beside_check();
    // Seals are looked at, each with what is missing.
    let beside = beside.filter(|state| !state.about.starts_with("seal "));
    let findings = beside.map(|state| {
        let what = format!("{}: {}", state.about, state.words);
        match state.level {
            Level::Critical => problem("health", what, state.command.clone()),
            _ => Finding {
                remedy: Some(state.command.clone()),
                ..warning("health", what)
            },
        }
    });
    findings.collect()
}
