//! What a change would break: the faults that `check` finds in the result, and not in what there is.

use std::collections::HashSet;

use super::{draft::Draft, error::EditError};
use crate::{
    check::{self, Report, unlinked::policy_of},
    config::{Config, Fault, Reading, render},
};

/// The faults that a draft would bring.
pub(super) struct Verdict {
    pub(super) faults: Vec<Fault>,
    /// Whether one of them stops every message.
    pub(super) stops_all: bool,
    /// The same with the lines that they point at.
    pub(super) shown: String,
}

/// Checks a draft. What there is now is checked only if the draft has a fault: to ask plugins takes a
/// moment.
pub(super) fn new_faults(draft: &Draft) -> Result<Verdict, EditError> {
    let none = Verdict {
        faults: Vec::new(),
        stops_all: false,
        shown: String::new(),
    };
    if draft.is_unchanged() {
        return Ok(none);
    }
    let after = draft.block_on(check::of(draft.result(), draft.state()))?;
    if after.faults.is_empty() && after.of_unlinked.is_empty() {
        return Ok(none);
    }
    let reading = Reading::of(draft.config().sources.clone());
    let before = draft.block_on(check::of(reading, draft.state()))?;
    let default = default_policy(&before.config);
    let known: HashSet<_> = live(&before, default).map(identity).collect();
    // A default policy that is no longer named is not one that is linked to nothing yet: its users are refused.
    let default = default_policy(&after.config).or(default);
    let is_new = |fault: &&Fault| {
        !known.contains(&identity(fault)) && !is_step_of_completion(fault, &before, &after)
    };
    let faults: Vec<Fault> = live(&after, default).filter(is_new).cloned().collect();
    let stops_all = faults
        .iter()
        .any(|fault| after.stopping.contains(fault) && !after.config.costs_one_policy(fault));
    let shown = render::render(&faults, &after.config.sources, false);
    Ok(Verdict {
        faults,
        stops_all,
        shown,
    })
}

/// The faults on which a message may depend: not those of a policy that is for no one yet, unless it was the default.
fn live<'r>(report: &'r Report, default: Option<&'r str>) -> impl Iterator<Item = &'r Fault> {
    let of_default = report.of_unlinked.iter().filter(move |fault| {
        let policy = policy_of(fault, &report.config);
        policy.is_some_and(|policy| default == Some(policy.name.value.as_str()))
    });
    report.faults.iter().chain(of_default)
}

fn default_policy(config: &Config) -> Option<&str> {
    let default = config.defaults.policy.as_ref();
    default.map(|default| default.value.as_str())
}

/// A fault but for its place, which an edit above it moves.
fn identity(fault: &Fault) -> (&str, &str, &str) {
    (&fault.file, &fault.key, &fault.message)
}

/// Whether a fault is only what a sender needs next that was incomplete before: plugins name one need
/// after another, and each step towards a whole sender is an improvement.
fn is_step_of_completion(fault: &Fault, before: &Report, after: &Report) -> bool {
    after.incomplete.iter().any(|incomplete| {
        let was_used_so = before.incomplete.iter().any(|earlier| {
            earlier.sender == incomplete.sender && earlier.used_by == incomplete.used_by
        });
        let is_need = incomplete.needs.iter().any(|need| {
            fault.key == format!("senders.{}.settings.{}", incomplete.sender, need.key)
        });
        was_used_so && is_need
    })
}
