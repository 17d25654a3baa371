//! What earlier rules leave to a later one. A rule takes answers by their status and by what stands in them; both are
//! few, so that each is looked at by itself.

use std::ops::RangeInclusive;

use regex_lite::Regex;

use crate::definition::{Rule, StatusSet};

/// Every status.
const STATUSES: RangeInclusive<u16> = 100..=599;

/// Bodies that have nothing in common: an expression that matches them all matches any.
const BODIES: [&str; 3] = ["", "\n", "{\"zq9\":[7]}"];

/// Answers that have nothing in common but that something stands there.
const PAGES: [&str; 3] = ["q", "<p>Hi</p>", BODIES[2]];

/// What earlier rules leave of the answers that a rule looks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// All that matters: what is taken is judged the same.
    All,
    /// Some of them are judged otherwise.
    Some,
    Nothing,
}

/// What a rule wants to stand at its pointer. A value of a list is one by itself.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    Anything,
    Is(&'a str),
    Begins(&'a str),
    Exists(bool),
}

impl Left {
    pub(super) fn of(later: &Rule, earlier: &[&Rule]) -> Self {
        let statuses = STATUSES.filter(|status| holds(later, *status));
        let (mut is_anything_left, mut is_anything_judged_otherwise) = (false, false);
        for status in statuses {
            for wanted in wanted_by(later) {
                let mut at_status = earlier.iter().filter(|rule| holds(rule, status));
                let mut clashing = at_status.clone().filter(|it| it.verdict != later.verdict);
                is_anything_judged_otherwise |= clashing.any(|rule| meets(rule, later, wanted));
                is_anything_left |= !at_status.any(|rule| covers(rule, later, wanted));
            }
        }
        match (is_anything_left, is_anything_judged_otherwise) {
            (false, _) => Self::Nothing,
            (true, true) => Self::Some,
            (true, false) => Self::All,
        }
    }
}

fn holds(rule: &Rule, status: u16) -> bool {
    let statuses: Option<&StatusSet> = rule.status.as_ref();
    statuses.is_none_or(|statuses| statuses.holds(status))
}

fn wanted_by(rule: &Rule) -> Vec<Wanted<'_>> {
    let values = rule.is.iter().chain(rule.one_of.iter().flatten());
    let mut wanted: Vec<_> = values.map(|value| Wanted::Is(&value.0)).collect();
    wanted.extend(rule.prefix.as_deref().map(Wanted::Begins));
    wanted.extend(rule.exists.map(Wanted::Exists));
    if wanted.is_empty() {
        wanted.push(Wanted::Anything);
    }
    wanted
}

/// Whether a rule takes answers of a later one that have this: all of them, or those with its id.
fn meets(earlier: &Rule, later: &Rule, wanted: Wanted<'_>) -> bool {
    let is_same_value = earlier.at.is_some() && earlier.body.is_none() && later.body.is_none();
    covers(earlier, later, wanted) || (is_same_value && has_value(earlier, later, wanted))
}

/// Whether a rule takes each answer of a later one that has this, whatever its status.
fn covers(earlier: &Rule, later: &Rule, wanted: Wanted<'_>) -> bool {
    let has_body = match &earlier.body {
        None => true,
        body => *body == later.body || body.as_deref().is_some_and(is_any),
    };
    let has_id = earlier.id.is_none() || earlier.id == later.id;
    has_body && has_id && has_value(earlier, later, wanted)
}

fn has_value(earlier: &Rule, later: &Rule, wanted: Wanted<'_>) -> bool {
    match &earlier.at {
        None => true,
        at => *at == later.at && wanted_by(earlier).iter().any(|all| all.covers(wanted)),
    }
}

impl Wanted<'_> {
    fn covers(self, other: Wanted<'_>) -> bool {
        match (self, other) {
            (Self::Anything, _) => true,
            (Self::Is(one), Wanted::Is(another)) => one == another,
            (Self::Begins(begin), Wanted::Is(value) | Wanted::Begins(value)) => {
                value.starts_with(begin)
            }
            // What has a value is there.
            (Self::Exists(true), Wanted::Is(_) | Wanted::Begins(_)) => true,
            (Self::Exists(one), Wanted::Exists(another)) => one == another,
            _ => false,
        }
    }
}

/// Whether an expression finds something on a portal's page too.
pub(super) fn is_any_page(expression: &str) -> bool {
    Regex::new(expression).is_ok_and(|regex| PAGES.iter().all(|page| regex.is_match(page)))
}

fn is_any(expression: &str) -> bool {
    Regex::new(expression).is_ok_and(|regex| BODIES.iter().all(|body| regex.is_match(body)))
}
