//! What `textsender health` finds wrong and nothing else here looks at: so that both tell the same.

use super::{Finding, problem, warning};
use crate::{
    cli::site::Site,
    site::{
        Servers,
        health::{Health, Level},
    },
};

pub(super) fn findings(site: &Site, servers: Servers) -> Vec<Finding> {
    let health = Health::look(site, servers);
    let beside = health.beside_check();
    // What has findings of its own here.
    let is_told = |about: &str| about.starts_with("seal ") || about.starts_with("directory ");
    let beside = beside.filter(|state| !is_told(&state.about));
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
