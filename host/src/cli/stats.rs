//! `textsender stats`: how much was sent, by day, sender, region and outcome.

mod plot;
mod prometheus;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::builder::PossibleValuesParser;
use jiff::Timestamp;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::{
    Common, history,
    output::{self, Cell, Output},
};
use crate::{
    config::{Config, Prices, Spend},
    ledger::{Exposition, History, LedgerError, Tally, UsedBy, Uses},
    site::{Installation, Recorded, Servers},
};

/// How far back it looks, in hours, if not told: a week, or an hour for Prometheus.
const WEEK: i64 = 7 * 24;
const HOUR: i64 = 1;

/// Counts what was decided, by day, sender, region and outcome
///
/// For the last 7 days, in UTC; answers that were replayed are not counted again. Where the configuration has
/// [prices], with what was spent. With --prometheus,
/// for the last hour, into a file for node_exporter's textfile collector, with whether configuration, ledger and
/// senders are in order: run it by a timer.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender stats --since 30d --json\n  \
    textsender stats --plot --since 24h\n  \
    textsender stats --prometheus /var/lib/prometheus/node-exporter/textsender.prom")]
pub(super) struct Stats {
    /// Since so long ago (10m, 12h, 7d), a day (2026-11-24, UTC), or a time (RFC 3339)
    #[arg(long, value_name = "WHEN", value_parser = history::since)]
    since: Option<Timestamp>,
    /// Counts instead how many of the codes were typed in, as far as callers report it
    #[arg(long, value_name = "BY", conflicts_with = "prometheus", value_parser = PossibleValuesParser::new(BY.map(|(word, _)| word)))]
    used_by: Option<String>,
    /// Draws instead how many were sent when: by hour up to two days, else by day
    #[arg(long, conflicts_with_all = ["prometheus", "used_by", "json"])]
    plot: bool,
    /// Writes JSON
    #[arg(long, conflicts_with = "prometheus")]
    json: bool,
    /// Writes this file for Prometheus, whole or not at all
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
    /// Prints how the installation stands, for the hub's own page
    #[arg(long, hide = true)]
    installation: bool,
}

impl Stats {
    pub(super) fn run(&self, common: &Common, out: &Output) -> ExitCode {
        if let Err(error) = common.may_read_records() {
            return output::print_error(&format!("{error:#}"), 1);
        }
        match self.count(common, out) {
            Ok(()) => ExitCode::SUCCESS,
            Err(words) => output::print_error(&words, 1),
        }
    }

    fn count(&self, common: &Common, out: &Output) -> Result<(), String> {
        if self.installation {
            let mut page = Exposition::default();
            Installation::look(&common.config_file().path, Servers::Ask)
                .write(Timestamp::now(), &mut page);
            output::print(&page.into_text());
            return Ok(());
        }
        if let Some(file) = &self.prometheus {
            return self.write_metrics(file, common);
        }
        let config = common.believed_of_ledger().map_err(|it| it.to_string())?;
        let since = self.since.unwrap_or_else(|| history::ago(WEEK));
        if let Some(by) = self.used_by() {
            return self.count_uses(by, since, &config);
        }
        if self.plot {
            let now = Timestamp::now();
            let (first, step) = plot::steps(since, now);
            let marks = read(&config, |ledger| ledger.timeline(first))?;
            plot::draw(&marks, first, step, now, out);
            return Ok(());
        }
        let tallies = read(&config, |ledger| ledger.tallies(Some(since)))?;
        let prices = &config.prices;
        match self.json {
            true => output::json(
                &tallies
                    .iter()
                    .map(|tally| Priced::of(tally, prices))
                    .collect::<Vec<_>>(),
            ),
            false => show(&tallies, prices, out),
        }
        Ok(())
    }

    fn used_by(&self) -> Option<UsedBy> {
        let word = self.used_by.as_deref()?;
        BY.into_iter()
            .find(|(known, _)| *known == word)
            .map(|(_, by)| by)
    }

    fn count_uses(&self, by: UsedBy, since: Timestamp, config: &Config) -> Result<(), String> {
        let uses = read(config, |ledger| ledger.uses(by, Some(since)))?;
        match self.json {
            true => output::json(&uses),
            false => output::print(&shown_uses(&uses)),
        }
        Ok(())
    }

    /// Writes a file whatever is broken: that is what it is to say.
    fn write_metrics(&self, file: &Path, common: &Common) -> Result<(), String> {
        let now = Timestamp::now();
        let since = self.since.unwrap_or_else(|| history::ago(HOUR));
        let read = common
            .history()
            .and_then(|ledger| Recorded::read(&ledger, since, now));
        let mut page = Exposition::default();
        Installation::look(&common.config_file().path, Servers::Ask).write(now, &mut page);
        // What can't be read is no count, and not ok.
        let recorded = read.unwrap_or_default();
        recorded.write(now.duration_since(since), &mut page);
        prometheus::replace(file, &page.into_text())
            .map_err(|error| format!("cannot write {}: {error}", file.display()))
    }
}

/// What the ledger has of something. Before the first message there is nothing to count.
fn read<T>(
    config: &Config,
    of: impl FnOnce(&History) -> Result<Vec<T>, LedgerError>,
) -> Result<Vec<T>, String> {
    match history::history(config).and_then(|ledger| of(&ledger)) {
        Err(LedgerError::Absent { .. }) => Ok(Vec::new()),
        read => read.map_err(|error| error.to_string()),
    }
}

/// What codes may be counted by.
const BY: [(&str, UsedBy); 4] = [
    ("prefix", UsedBy::Prefix),
    ("region", UsedBy::Region),
    ("sender", UsedBy::Sender),
    ("hour", UsedBy::Hour),
];

fn shown_uses(uses: &[Uses]) -> String {
    let mut rows = vec![["by", "", "sent", "used", "unused"].map(str::to_owned)];
    rows.extend(uses.iter().map(|one| {
        let beside = one.recipient.clone().or(one.region.clone());
        let unused = (one.sent - one.used) * 100 / one.sent.max(1);
        [
            one.by.clone(),
            beside.unwrap_or_default(),
            one.sent.to_string(),
            one.used.to_string(),
            format!("{unused} %"),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let [a, b, c, d, e] = std::array::from_fn(width);
    rows.iter()
        .map(|[by, beside, sent, used, unused]| {
            format!("{by:<a$}  {beside:<b$}  {sent:>c$}  {used:>d$}  {unused:>e$}\n")
        })
        .collect()
}

/// A count, with what it cost.
#[derive(Serialize)]
struct Priced<'t> {
    #[serde(flatten)]
    tally: &'t Tally,
    #[serde(flatten)]
    spend: Option<Spend>,
}

impl<'t> Priced<'t> {
    fn of(tally: &'t Tally, prices: &Prices) -> Self {
        let spend = spend(std::slice::from_ref(tally), prices);
        Self { tally, spend }
    }
}

fn spend(tallies: &[Tally], prices: &Prices) -> Option<Spend> {
    let segments = tallies.iter().map(|tally| {
        let region = tally.region.as_deref().unwrap_or_default();
        (region, tally.segments)
    });
    Spend::of(prices, segments)
}

/// The columns, and how many of them at the end have numbers.
const HEADINGS: [&str; 8] = [
    "day", "machine", "sender", "region", "outcome", "messages", "segments", "spend",
];
const NUMBERS: usize = 3;

/// A table, and the sum.
fn show(tallies: &[Tally], prices: &Prices, out: &Output) {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(tallies.iter().map(|tally| row(tally, prices)));
    let total = |count: fn(&Tally) -> u64| tallies.iter().map(count).sum::<u64>().to_string();
    let [messages, segments] = [total(|t| t.messages), total(|t| t.segments)];
    let cost = spend(tallies, prices).map(|spend| spend.to_string());
    let none = String::new;
    rows.push([
        "total".to_owned(),
        none(),
        none(),
        none(),
        none(),
        messages,
        segments,
        cost.unwrap_or_default(),
    ]);
    // One machine alone has no name, and no price is none of a column.
    let is_shown = |column: usize| match HEADINGS[column] {
        "machine" => tallies.iter().any(|tally| tally.machine.is_some()),
        "spend" => !prices.is_empty(),
        _ => true,
    };
    let columns: Vec<usize> = (0..HEADINGS.len())
        .filter(|column| is_shown(*column))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].width())
            .max()
            .unwrap_or(0)
    };
    let padded = |row: &[String; 8]| -> Vec<String> {
        let cell = |column: &usize| match *column < HEADINGS.len() - NUMBERS {
            true if out.is_terminal() => row[*column].clone(),
            true => format!("{:<1$}", row[*column], width(*column)),
            false => format!("{:>1$}", row[*column], width(*column)),
        };
        columns.iter().map(cell).collect()
    };
    let mut lines = rows.iter().map(padded);
    if !out.is_terminal() {
        lines.for_each(|line| out.line(line.join("  ")));
        return;
    }
    // It is made as narrow as the terminal.
    let headings = lines.next().unwrap_or_default();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let rows: Vec<Vec<Cell>> = lines
        .map(|line| line.into_iter().map(Cell::from).collect())
        .collect();
    out.table(&headings, &rows);
}

fn row(tally: &Tally, prices: &Prices) -> [String; 8] {
    let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let spend = Priced::of(tally, prices).spend;
    [
        tally.day.to_string(),
        or(&tally.machine),
        or(&tally.sender),
        or(&tally.region),
        tally.word().to_owned(),
        tally.messages.to_string(),
        tally.segments.to_string(),
        spend.map(|spend| spend.to_string()).unwrap_or_default(),
    ]
}
