//! How a sender stands, in words: ready, or what it still needs.

use serde::Serialize;

use super::output::{Cell, Style};
use crate::check::{Need, Standing, StandingState};

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
            state: standing.state().as_str(),
            needs: standing.needs.clone(),
            faults: standing.fault_lines().collect(),
            used_by: standing.used_by.clone(),
        }
    }
}

/// One word.
pub(super) fn word(standing: &Standing) -> Cell {
    let state = standing.state();
    let style = match state {
        StandingState::Ready => Style::Good,
        StandingState::Incomplete => Style::Attention,
        StandingState::Wrong | StandingState::NoPlugin => Style::Bad,
    };
    Cell::new(style, state.as_str())
}
