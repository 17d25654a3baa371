//! How everything stands: faults, senders, what failed last.

use jiff::Timestamp;
use maud::{Markup, html};
use textsender::{
    check::{self, Report},
    ledger::{EntryState, Filter, Health, History, LedgerError, Options, SenderState},
    protocol::Outcome,
    site::block_on,
};

use super::{Made, layout, senders::state_word, visit::Visit};

/// How many failures are shown.
const FAILURES: usize = 10;

pub fn show(visit: &Visit) -> Made {
    let site = visit.site()?;
    let report = block_on(check::check(&site.config.sources.main))?;
    let standings = site.standings(None)?;
    let known = match History::open(&site.state, &Options::of(&site.config.state)) {
        Ok(history) => Some(look(&history)?),
        Err(LedgerError::Absent { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (failures, health) = known.unwrap_or_default();
    let rows = standings.iter().map(|standing| {
        let paused = health
            .iter()
            .find(|state| state.sender == standing.sender)
            .and_then(paused);
        vec![
            html! { a href={ "/senders/" (standing.sender) } { (standing.sender) } },
            html! { (state_word(standing)) @if let Some(paused) = &paused { "; " (paused) } },
            html! { (standing.detail()) },
            html! { (standing.used_by.join(", ")) },
        ]
    });
    let rows: Vec<Vec<Markup>> = rows.collect();
    let content = html! {
        (faults(&report))
        h2 { "Senders" }
        @if rows.is_empty() { p { "There is no sender yet. " a href="/senders" { "Add one." } } }
        @else { (layout::table("Senders and how each stands", &["Sender", "State", "What it needs", "Used by"], &rows)) }
        h2 { "The last failures" }
        @if failures.is_empty() { p { "None is recorded." } }
        @else { (layout::table("The last messages that were not accepted", &["When", "Outcome", "Why", "To", "Sender"], &failures)) }
        (layout::command_box("The commands that show the same", "textsender check\ntextsender status\ntextsender log"))
    };
    Ok(layout::page(visit, 200, "Overview", &content))
}

type Known = (Vec<Vec<Markup>>, Vec<SenderState>);

fn look(history: &History) -> anyhow::Result<Known> {
    let health = history.senders(Timestamp::now())?;
    let mut failures = Vec::new();
    for outcome in Outcome::ALL {
        if outcome == Outcome::Accepted {
            continue;
        }
        let filter = Filter {
            outcome: Some(outcome),
            ..Filter::default()
        };
        failures.extend(history.latest(FAILURES, &filter)?);
    }
    failures.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    failures.truncate(FAILURES);
    let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let rows = failures.iter().map(|entry| {
        let outcome = match entry.state {
            EntryState::Sending => "sending",
            EntryState::Ended(outcome) => outcome.as_str(),
        };
        vec![
            html! { (entry.at.strftime("%Y-%m-%d %H:%M:%SZ")) },
            html! { (outcome) },
            html! { (or(&entry.code)) },
            html! { (or(&entry.recipient)) },
            html! { (or(&entry.sender)) },
        ]
    });
    Ok((rows.collect(), health))
}

fn paused(state: &SenderState) -> Option<String> {
    match &state.health {
        Health::Paused { reason, .. } | Health::Trial { reason, .. } => {
            Some(format!("paused ({reason})"))
        }
        Health::RateLimited { .. } => Some("paused (rate limit)".to_owned()),
        Health::Good => None,
    }
}

fn faults(report: &Report) -> Markup {
    html! {
        h2 { "Check" }
        @if report.faults.is_empty() && report.warnings.is_empty() { p { "No faults." } }
        @if !report.faults.is_empty() {
            p { strong { (report.faults.len()) @if report.faults.len() == 1 { " fault" } @else { " faults" } } }
            ul { @for fault in &report.faults { li.fault { (fault) } } }
        }
        @if !report.warnings.is_empty() {
            p { strong { "Warnings" } }
            ul { @for warning in &report.warnings { li { (warning) } } }
        }
    }
}
