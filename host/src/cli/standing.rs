//! How a sender stands, in words: ready, or what it still needs.

use serde::Serialize;

use super::output::{Cell, Style};
use crate::check::{Need, Standing};

/// The state of a sender, for a tool.
#[derive(Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) plugin: String,
    state: &'static str,
    needs: Vec<Need>,
    faults: Vec<String>,
    pub(super) used_by: Vec<String>,
}

impl From<&Standing> for Line {
    fn from(standing: &Standing) -> Self {
        Self {
            name: standing.sender.clone(),
            plugin: standing.plugin.clone(),
            state: state(standing),
            needs: standing.needs.clone(),
            faults: faults(standing).collect(),
            used_by: standing.used_by.clone(),
        }
    }
}

/// Whether it can send, as far as can be told without asking its provider.
pub(super) fn is_ready(standing: &Standing) -> bool {
    state(standing) == "ready"
}

/// One word.
pub(super) fn word(standing: &Standing) -> Cell {
    let style = match state(standing) {
        "ready" => Style::Good,
        "incomplete" => Style::Attention,
        _ => Style::Bad,
    };
    Cell::new(style, state(standing))
}

/// What is lacking or wrong, on one line; empty if it is ready.
pub(super) fn detail(standing: &Standing) -> String {
    let needs: Vec<&str> = standing
        .needs
        .iter()
        .map(|need| need.key.as_str())
        .collect();
    let needs = (!needs.is_empty()).then(|| format!("needs: {}", needs.join(", ")));
    let all: Vec<String> = needs.into_iter().chain(faults(standing)).collect();
    match (all.is_empty(), is_ready(standing)) {
        (true, false) => "its plugin can't be used; see `textsender plugin list`".to_owned(),
        _ => all.join("; "),
    }
}

/// The command that gives a sender what it needs.
pub(super) fn command(sender: &str, need: &Need) -> String {
    match need.secret {
        true => format!("textsender secret set {sender}.{}", need.key),
        false => format!("textsender sender set {sender} {}=...", need.key),
    }
}

fn state(standing: &Standing) -> &'static str {
    match standing {
        Standing {
            has_plugin: false, ..
        } => "no plugin",
        Standing { needs, .. } if !needs.is_empty() => "incomplete",
        Standing { faults, .. } if !faults.is_empty() => "wrong",
        _ => "ready",
    }
}

/// Each fault with its key below the sender's section, and what to do.
fn faults(standing: &Standing) -> impl Iterator<Item = String> {
    let section = format!("senders.{}.", standing.sender);
    standing.faults.iter().map(move |fault| {
        let key = fault.key.strip_prefix(&section).unwrap_or(&fault.key);
        let key = key.strip_prefix("settings.").unwrap_or(key);
        let words = format!("{}; {}", fault.message, fault.remedy);
        match key {
            "" | "plugin" => words,
            key => format!("{key}: {words}"),
        }
    })
}
