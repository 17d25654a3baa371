//! How everything stands, on one screen of 80 columns and 24 lines for ten senders.

use std::process::ExitCode;

use jiff::Timestamp;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::recent::{Hour, Last, Recent};
use crate::{
    check::{self, Standing},
    cli::{
        Common, doctor,
        output::{Cell, Output, Style, count, json},
        site::{Site, block_on},
        standing,
    },
    ledger::{Health, LedgerError, Pause, SenderState},
    os::process::host_name,
    protocol::ErrorCode,
    site,
};

/// The width of a terminal that is no wider than the first ones were.
const WIDTH: usize = 80;

/// How everything stands.
#[derive(Serialize)]
struct Overview {
    version: &'static str,
    config: String,
    /// This machine's name, where several share the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    machine: Option<String>,
    default_sender: Option<String>,
    helpdesk_sender: Option<String>,
    policies: usize,
    senders: Vec<SenderLine>,
    /// What an administrator has paused.
    pauses: Vec<Pause>,
    /// The last 24 hours; `null` where the ledger can't be read.
    last_24_hours: Option<Recent>,
    problems: Vec<Problem>,
    /// What to do next, as a command.
    next: String,
}

#[derive(Serialize)]
struct SenderLine {
    name: String,
    state: String,
    #[serde(skip)]
    style: Style,
    paused_for: Option<String>,
    last_success: Option<Timestamp>,
    last_error: Option<LastError>,
}

#[derive(Serialize)]
struct LastError {
    at: Timestamp,
    code: String,
}

/// Something that keeps messages from being sent.
#[derive(Serialize)]
struct Problem {
    what: String,
    remedy: String,
}

pub(super) fn run(common: &Common, as_json: bool, out: &Output) -> anyhow::Result<ExitCode> {
    let now = Timestamp::now();
    let overview = look(common, now)?;
    match as_json {
        true => json(&overview),
        false => show(&overview, now, out),
    }
    Ok(ExitCode::SUCCESS)
}

fn look(common: &Common, now: Timestamp) -> anyhow::Result<Overview> {
    let site = Site::read(common)?;
    let standings = site.standings(None)?;
    let report = block_on(check::check(&site.config.sources.main))?;
    let mut problems: Vec<Problem> = doctor::problems(&site, report, common)
        .into_iter()
        .chain(doctor::problems_of_shared(&site))
        .map(|(what, remedy)| Problem { what, remedy })
        .collect();
    let judged = site::health::Health::look(&site, site::Servers::Ask);
    let beside = judged.beside_check();
    // Those have a line of their own.
    let beside = beside.filter(|state| !state.about.starts_with("pause "));
    problems.extend(beside.map(|state| Problem {
        what: format!("{}: {}", state.about, state.words),
        remedy: state.command.clone(),
    }));
    let known = common.history().and_then(|history| {
        let recent = Recent::of(&history, &site.config.prices, now)?;
        Ok((recent, history.senders(now)?, history.pauses(now)?))
    });
    let (recent, health, pauses) = match known {
        Ok((recent, health, pauses)) => (Some(recent), health, pauses),
        Err(LedgerError::Absent { .. }) => (Some(Recent::default()), Vec::new(), Vec::new()),
        // Said with what else there is to say of it.
        Err(_) if site.config.state.shared.is_some() => (None, Vec::new(), Vec::new()),
        Err(error) => {
            problems.push(Problem {
                what: error.to_string(),
                remedy: doctor::remedy_of_ledger(&error).to_owned(),
            });
            (None, Vec::new(), Vec::new())
        }
    };
    let defaults = &site.config.defaults;
    let helpdesk = site.config.helpdesk.as_ref();
    let own = helpdesk.and_then(|helpdesk| helpdesk.options.sender.as_ref());
    let name = |sender: &crate::config::Located<String>| sender.value.clone();
    let lines = standings.iter().map(|standing| {
        let last = recent
            .as_ref()
            .and_then(|recent| recent.senders.get(&standing.sender));
        line(standing, last, &health)
    });
    Ok(Overview {
        version: env!("CARGO_PKG_VERSION"),
        config: site.config.sources.main.display().to_string(),
        machine: site.config.state.shared.as_ref().map(|_| host_name()),
        default_sender: defaults.sender.as_ref().map(name),
        helpdesk_sender: own.or(defaults.sender.as_ref()).map(name),
        policies: site.config.policies.len(),
        senders: lines.collect(),
        next: next(
            &standings,
            defaults.sender.is_some(),
            &problems,
            recent.as_ref(),
            pauses.first(),
        ),
        pauses,
        last_24_hours: recent,
        problems,
    })
}

fn line(standing: &Standing, last: Option<&Last>, health: &[SenderState]) -> SenderLine {
    let health = health.iter().find(|state| state.sender == standing.sender);
    let paused_for = health.and_then(|state| match &state.health {
        Health::Paused { reason, .. } | Health::Trial { reason, .. } => Some(reason.clone()),
        Health::RateLimited { .. } => Some(ErrorCode::Throttled.as_str().to_owned()),
        Health::Good => None,
    });
    let is_paused = standing.is_ready() && paused_for.is_some();
    let word = standing::word(standing);
    SenderLine {
        name: standing.sender.clone(),
        state: if is_paused {
            "paused".to_owned()
        } else {
            word.text().to_owned()
        },
        style: if is_paused { Style::Bad } else { word.style() },
        paused_for,
        last_success: last.and_then(|last| last.success),
        last_error: last
            .and_then(|last| last.error.clone())
            .map(|(at, code)| LastError { at, code }),
    }
}

/// The one command that brings most.
fn next(
    standings: &[Standing],
    has_default: bool,
    problems: &[Problem],
    recent: Option<&Recent>,
    pause: Option<&Pause>,
) -> String {
    if let Some(pause) = pause {
        return pause.subject.resume();
    }
    let incomplete = standings.iter().find(|standing| !standing.needs.is_empty());
    let was_sent = recent.is_some_and(|recent| recent.outcomes.contains_key("accepted"));
    match (standings.first(), incomplete) {
        (None, _) => "textsender sender add NAME --plugin ID".to_owned(),
        (_, Some(standing)) => standing.needs[0].command(&standing.sender),
        (Some(first), _) if !has_default => format!("textsender select-sender {}", first.sender),
        _ if !problems.is_empty() => "textsender doctor".to_owned(),
        _ if !was_sent => "textsender test-send".to_owned(),
        _ => "textsender log --last 20".to_owned(),
    }
}

fn show(overview: &Overview, now: Timestamp, out: &Output) {
    let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".to_owned());
    let machine = overview.machine.as_ref().map(|name| format!(" on {name}"));
    out.line(cut(&format!(
        "textsender {}{}  {}",
        overview.version,
        machine.unwrap_or_default(),
        overview.config
    )));
    out.line(cut(&format!(
        "default {}   helpdesk {}   {}",
        or_none(&overview.default_sender),
        or_none(&overview.helpdesk_sender),
        count(overview.policies, "policy", "policies")
    )));
    for pause in &overview.pauses {
        let words = cut_at(&pause.to_string(), WIDTH.saturating_sub(8));
        out.line(format_args!("{} {words}", out.paint(Style::Bad, "PAUSED:")));
    }
    if !overview.senders.is_empty() {
        out.line("");
        let rows: Vec<Vec<Cell>> = overview.senders.iter().map(|line| row(line, now)).collect();
        out.table(&["SENDER", "STATE", "LAST SUCCESS", "LAST ERROR"], &rows);
    }
    if let Some(recent) = &overview.last_24_hours {
        out.line("");
        show_recent(recent, out);
    }
    out.line("");
    match overview.problems.as_slice() {
        [] => out.line(out.paint(Style::Good, "no problems")),
        [first, others @ ..] => {
            let sum = match others.len() {
                0 => String::new(),
                more => format!(" (and {more} more: textsender doctor)"),
            };
            let room = WIDTH.saturating_sub(sum.width() + 9);
            let what = cut_at(&first.what, room);
            out.line(format_args!(
                "{} {what}{sum}",
                out.paint(Style::Bad, "PROBLEM:")
            ));
            out.line(cut(&format!("  -> {}", first.remedy)));
        }
    }
    out.line(cut(&format!("next: {}", overview.next)));
}

fn row(line: &SenderLine, now: Timestamp) -> Vec<Cell> {
    let success = line.last_success.map(|at| ago(at, now));
    let error = line.last_error.as_ref();
    let error = error.map(|error| format!("{}, {}", error.code, ago(error.at, now)));
    vec![
        cut_at(&line.name, 24).into(),
        Cell::new(line.style, &line.state),
        success.unwrap_or_else(|| "-".to_owned()).into(),
        Cell::new(
            Style::Faint,
            cut_at(&error.unwrap_or_else(|| "-".to_owned()), 34),
        ),
    ]
}

fn show_recent(recent: &Recent, out: &Output) {
    let outcomes = recent.outcomes.iter();
    let counts: Vec<String> = outcomes
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let counts = match counts.is_empty() {
        true => "nothing was sent".to_owned(),
        false => counts.join(", "),
    };
    out.line(cut(&format!("last 24 hours: {counts}")));
    if !recent.outcomes.is_empty() {
        out.line(format_args!("by hour: {}", bars(&recent.hours, out)));
    }
    if let Some(codes) = recent.codes {
        let (sent, used) = (codes.sent, codes.used);
        out.line(format_args!("codes used: {used} of {sent}"));
    }
    if !recent.segments.is_empty() {
        let regions = recent.segments.iter();
        let regions: Vec<String> = regions
            .map(|(region, sum)| format!("{region} {sum}"))
            .collect();
        let spend = recent.spend.as_ref().map(|spend| {
            let without = match spend.segments_without_price {
                0 => String::new(),
                1 => " (1 segment has no price)".to_owned(),
                more => format!(" ({more} segments have no price)"),
            };
            format!("; spend: {spend}{without}")
        });
        let spend = spend.unwrap_or_default();
        let room = WIDTH.saturating_sub(spend.width());
        let segments = cut_at(&format!("segments: {}", regions.join(", ")), room);
        out.line(cut(&(segments + &spend)));
    }
}

/// A bar for each hour, the last one now; in red where messages failed. Without a terminal the numbers.
fn bars(hours: &[Hour], out: &Output) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let sum = |hour: &Hour| hour.accepted + hour.others;
    if !out.is_terminal() {
        let sums: Vec<String> = hours.iter().map(|hour| sum(hour).to_string()).collect();
        return sums.join(" ");
    }
    let most = hours.iter().map(sum).max().unwrap_or(0).max(1);
    let bars = hours.iter().map(|hour| match sum(hour) {
        0 => "·".to_owned(),
        messages => {
            // 1 to 8 eighths of the highest.
            let eighths = (messages * 8).div_ceil(most).clamp(1, 8) as usize;
            let style = match hour.others {
                0 => Style::Good,
                _ => Style::Bad,
            };
            out.paint(style, BARS[eighths - 1])
        }
    });
    bars.collect()
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => "just now".to_owned(),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

fn cut(line: &str) -> String {
    cut_at(line, WIDTH)
}

/// A text that takes no more than so many columns, with its end marked as cut.
fn cut_at(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut cut = String::new();
    for character in text.chars() {
        if cut.width() + 2 > columns {
            break;
        }
        cut.push(character);
    }
    cut + "…"
}
