//! `textsender stats`: how much was sent, by day, sender, region and outcome.

mod prometheus;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::builder::PossibleValuesParser;
use jiff::Timestamp;

use super::{Common, history, output};
use crate::{
    ledger::{Exposition, LedgerError, Tally, UsedBy, Uses},
    site::{Installation, Recorded},
};

/// How far back it looks, in hours, if not told: a week, or an hour for Prometheus.
const WEEK: i64 = 7 * 24;
const HOUR: i64 = 1;

/// Counts what was decided, by day, sender, region and outcome
///
/// For the last 7 days, in UTC; answers that were replayed are not counted again. With --prometheus,
/// for the last hour, into a file for node_exporter's textfile collector, with whether configuration, ledger and
/// senders are in order: run it by a timer.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender stats --since 30d --json\n  \
    textsender stats --prometheus /var/lib/prometheus/node-exporter/textsender.prom")]
pub(super) struct Stats {
    /// Since so long ago (10m, 12h, 7d), a day (2026-11-24, UTC), or a time (RFC 3339)
    #[arg(long, value_name = "WHEN", value_parser = history::since)]
    since: Option<Timestamp>,
    /// Counts instead how many of the codes were typed in, as far as callers report it
    #[arg(long, value_name = "BY", conflicts_with = "prometheus", value_parser = PossibleValuesParser::new(BY.map(|(word, _)| word)))]
    used_by: Option<String>,
    /// Writes JSON
    #[arg(long, conflicts_with = "prometheus")]
    json: bool,
    /// Writes this file for Prometheus, whole or not at all
    #[arg(long, value_name = "FILE")]
    prometheus: Option<PathBuf>,
    /// Print how the installation stands, for the hub's own page
    #[arg(long, hide = true)]
    installation: bool,
}

impl Stats {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        if let Err(error) = common.may_read_records() {
            return output::print_error(&format!("{error:#}"), 1);
        }
        match self.count(common) {
            Ok(()) => ExitCode::SUCCESS,
            Err(words) => output::print_error(&words, 1),
        }
    }

    fn count(&self, common: &Common) -> Result<(), String> {
        if self.installation {
            let mut page = Exposition::default();
            Installation::look(&common.config_file().path).write(Timestamp::now(), &mut page);
            output::print(&page.into_text());
            return Ok(());
        }
        if let Some(file) = &self.prometheus {
            return self.write_metrics(file, common);
        }
        let since = self.since.unwrap_or_else(|| history::ago(WEEK));
        if let Some(by) = self.used_by() {
            return self.count_uses(by, since, common);
        }
        let tallies = common
            .history()
            .and_then(|ledger| ledger.tallies(Some(since)));
        let tallies = match tallies {
            Ok(tallies) => tallies,
            // Before the first message there is nothing to count.
            Err(LedgerError::Absent { .. }) => Vec::new(),
            Err(error) => return Err(error.to_string()),
        };
        match self.json {
            true => output::json(&tallies),
            false => output::print(&shown(&tallies)),
        }
        Ok(())
    }

    fn used_by(&self) -> Option<UsedBy> {
        let word = self.used_by.as_deref()?;
        BY.into_iter()
            .find(|(known, _)| *known == word)
            .map(|(_, by)| by)
    }

    fn count_uses(&self, by: UsedBy, since: Timestamp, common: &Common) -> Result<(), String> {
        let uses = common
            .history()
            .and_then(|ledger| ledger.uses(by, Some(since)));
        let uses = match uses {
            Ok(uses) => uses,
            Err(LedgerError::Absent { .. }) => Vec::new(),
            Err(error) => return Err(error.to_string()),
        };
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
        Installation::look(&common.config_file().path).write(now, &mut page);
        // What can't be read is no count, and not ok.
        let recorded = read.unwrap_or_default();
        recorded.write(now.duration_since(since), &mut page);
        prometheus::replace(file, &page.into_text())
            .map_err(|error| format!("cannot write {}: {error}", file.display()))
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

/// A table, and the sum.
fn shown(tallies: &[Tally]) -> String {
    let headings = [
        "day", "machine", "sender", "region", "outcome", "messages", "segments",
    ];
    let mut rows = vec![headings.map(str::to_owned)];
    rows.extend(tallies.iter().map(row));
    let total = |count: fn(&Tally) -> u64| tallies.iter().map(count).sum::<u64>().to_string();
    let [messages, segments] = [total(|t| t.messages), total(|t| t.segments)];
    let [none, total] = ["", "total"].map(str::to_owned);
    let [a, b, c, d] = std::array::from_fn(|_| none.clone());
    rows.push([total, a, b, c, d, messages, segments]);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    // One machine alone has no name.
    let is_shared = tallies.iter().any(|tally| tally.machine.is_some());
    rows.iter()
        .map(|[day, machine, sender, region, outcome, messages, segments]| {
            let [a, m, b, c, d, e, f] = widths;
            let machine = match is_shared {
                true => format!("{machine:<m$}  "),
                false => String::new(),
            };
            format!(
                "{day:<a$}  {machine}{sender:<b$}  {region:<c$}  {outcome:<d$}  {messages:>e$}  {segments:>f$}\n"
            )
        })
        .collect()
}

fn row(tally: &Tally) -> [String; 7] {
    let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    [
        tally.day.to_string(),
        or(&tally.machine),
        or(&tally.sender),
        or(&tally.region),
        tally.word().to_owned(),
        tally.messages.to_string(),
        tally.segments.to_string(),
    ]
}
