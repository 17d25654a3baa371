//! How everything stands: faults, senders, what failed last, texts over time.

use jiff::Timestamp;
use maud::{Markup, html};
use textsender::{
    check::{self, Report},
    ledger::{Filter, Health, History, SenderState},
    protocol::Outcome,
    site::block_on,
};

use super::{
    Made, layout, log,
    plots::{Counted, Period},
    senders::state_word,
    visit::Visit,
};
use crate::command::{self, Command};

/// How many failures are shown.
const FAILURES: usize = 10;

pub fn show(visit: &Visit) -> Made {
    let site = visit.site()?;
    let report = block_on(check::check(&site.config.sources.main))?;
    let standings = site.standings(None)?;
    // Where the ledger can't be read, such as one on another machine, all else is shown.
    let (history, unreadable) = match log::history(visit) {
        Ok(history) => (history, None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    let pauses = match &history {
        Some(history) => history.pauses(Timestamp::now())?,
        None => Vec::new(),
    };
    let period = Period::named(visit.call.asked("period"));
    let counted = Counted::of(history.as_ref(), period, Timestamp::now())?;
    let known = history.as_ref().map(look).transpose()?;
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
    let commands = [
        Command::new(["check"]),
        Command::new(["status"]),
        Command::new(["log"]),
        Command::new(["stats", "--since", period.since()]),
    ];
    let content = html! {
        @for pause in &pauses {
            p.bad { strong { "Paused: " } (pause) "; to end it: " code { (pause.subject.resume()) } }
        }
        (faults(&report))
        h2 { "Senders" }
        @if rows.is_empty() { p { "There is no sender yet. " a href="/senders" { "Add one." } } }
        @else { (layout::table("Senders and how each stands", &["Sender", "State", "What it needs", "Used by"], &rows)) }
        @if let Some(why) = &unreadable {
            h2 { "The ledger" }
            p.bad { strong { "It can't be read: " } (why) }
        } @else {
            h2 { "The last failures" }
            @if failures.is_empty() { p { "None is recorded." } }
            @else { (layout::table("The last messages that were not accepted", &["When", "Outcome", "Why", "To", "Sender"], &failures)) }
            h2 { "Texts" }
            p {
                @for one in Period::ALL {
                    a.button href={ "/?period=" (one.as_str()) } aria-current=[(one == period).then_some("true")] { "A " (one.as_str()) } " "
                }
            }
            (counted.shown(&site.config.prices))
        }
        (layout::command_box("The commands that show the same", &command::lines(&commands, &visit.call)))
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
        vec![
            html! { (entry.at.strftime("%Y-%m-%d %H:%M:%SZ")) },
            html! { (log::word(entry)) },
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
