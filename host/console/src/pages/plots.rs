//! Texts over time, counted from the ledger and drawn as SVG, with their numbers in tables beside them. What is
//! drawn can be told apart without colour.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use maud::{Markup, html};
use textsender::{
    config::{Prices, Spend},
    ledger::{History, Mark},
    protocol::Outcome,
    site::plots::{self, Plot},
};

use super::layout;

/// How long a time is looked at, and in what steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Day,
    Week,
    Month,
}

/// What became of the messages of one step of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// When it begins, in seconds.
    pub from: i64,
    pub accepted: u64,
    /// Certainly not sent, or still being sent.
    pub others: u64,
    pub unknown: u64,
    /// How long each took that was accepted, in milliseconds.
    delays: Vec<i64>,
    /// Segments that were sent, or may have been, by region.
    pub segments: BTreeMap<String, u64>,
}

/// Messages of a period, counted. Answers that were replayed are not counted again.
#[derive(Debug)]
pub struct Counted {
    period: Period,
    pub steps: Vec<Step>,
}

impl Period {
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// As an address has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The period of this name; a day if there is none.
    pub fn named(name: Option<&str>) -> Self {
        let named = Self::ALL.into_iter().find(|one| Some(one.as_str()) == name);
        named.unwrap_or(Self::Day)
    }

    /// As a command has it.
    pub const fn since(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// Seconds of a step, and how many there are.
    const fn steps(self) -> (i64, i64) {
        match self {
            Self::Day => (HOUR, 24),
            Self::Week => (HOUR, 7 * 24),
            Self::Month => (24 * HOUR, 30),
        }
    }
}

const HOUR: i64 = 60 * 60;

impl Step {
    fn all(&self) -> u64 {
        self.accepted + self.others + self.unknown
    }

    /// Half of those accepted took no longer.
    fn delay(&self) -> Option<u64> {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        let median = *delays.get(delays.len().checked_sub(1)? / 2)?;
        u64::try_from(median).ok()
    }

    /// In percent, rounded up: one in a thousand is not none.
    fn share_unknown(&self) -> u64 {
        (self.unknown * 100).div_ceil(self.all().max(1))
    }
}

impl Counted {
    /// Counts what the ledger has of a period that ends now. Without a ledger there is nothing.
    ///
    /// # Errors
    ///
    /// The ledger can't be read.
    pub fn of(history: Option<&History>, period: Period, now: Timestamp) -> anyhow::Result<Self> {
        let (seconds, count) = period.steps();
        let last = now.as_second().div_euclid(seconds) * seconds;
        let first = last - (count - 1) * seconds;
        let step = |index| Step {
            from: first + index * seconds,
            ..Step::default()
        };
        let mut counted = Self {
            period,
            steps: (0..count).map(step).collect(),
        };
        if let Some(history) = history {
            for mark in history.timeline(Timestamp::from_second(first)?)? {
                counted.add(&mark, first, seconds);
            }
        }
        Ok(counted)
    }

    fn add(&mut self, mark: &Mark, first: i64, seconds: i64) {
        let index = (mark.at.div_euclid(1000) - first).div_euclid(seconds);
        let step = usize::try_from(index).ok();
        let Some(step) = step.and_then(|index| self.steps.get_mut(index)) else {
            return;
        };
        match mark.outcome {
            Some(Outcome::Accepted) => {
                step.accepted += 1;
                step.delays.extend(mark.ms);
            }
            Some(Outcome::Unknown) => step.unknown += 1,
            Some(_) | None => {
                step.others += 1;
                return;
            }
        }
        let region = mark.region.as_deref().unwrap_or("-");
        let segments = u64::from(mark.segments);
        match step.segments.get_mut(region) {
            Some(sum) => *sum += segments,
            None => drop(step.segments.insert(region.to_owned(), segments)),
        }
    }

    /// The plots, with their numbers.
    pub fn shown(&self, prices: &Prices) -> Markup {
        let count = |of: fn(&Step) -> u64| self.steps.iter().map(of).sum::<u64>();
        let (accepted, others) = (count(|step| step.accepted), count(|step| step.others));
        let unknown = count(|step| step.unknown);
        if accepted + others + unknown == 0 {
            return html! { p { "Nothing was sent in this time." } };
        }
        let values = |of: fn(&Step) -> u64| self.steps.iter().map(of).collect::<Vec<_>>();
        let times: Vec<String> = self.steps.iter().map(|step| self.time(step)).collect();
        let by_outcome = [
            values(|step| step.accepted),
            values(|step| step.others),
            values(|step| step.unknown),
        ];
        let median = values(|step| step.delay().unwrap_or(0));
        let rows = self.steps.iter().filter(|step| step.all() > 0);
        let rows: Vec<Vec<Markup>> = rows.map(|step| self.row(step)).collect();
        html! {
            (patterns())
            p { strong { (accepted) } " accepted, " strong { (others) } " not sent, " strong { (unknown) } " unknown." }
            (plot(plots::OUTCOMES, &times, &by_outcome, u64::to_string))
            p.label { (key(FILLS[0])) " accepted " (key(FILLS[1])) " not sent " (key(FILLS[2])) " unknown" }
            (plot(plots::SHARE_UNKNOWN, &times, &[values(Step::share_unknown)], u64::to_string))
            (plot(plots::MEDIAN, &times, &[median], u64::to_string))
            (layout::table(
                "The numbers, in UTC; times without a text are left out",
                &["From", "Accepted", "Not sent", "Unknown", "Unknown, %", "Median, ms"],
                &rows
            ))
            (self.segments())
            (self.spent(&times, prices))
        }
    }

    fn segments(&self) -> Markup {
        let mut sums = BTreeMap::<&String, u64>::new();
        for (region, segments) in self.steps.iter().flat_map(|step| &step.segments) {
            *sums.entry(region).or_default() += segments;
        }
        let regions: Vec<String> = sums.keys().map(ToString::to_string).collect();
        let segments: Vec<u64> = sums.values().copied().collect();
        let row = |(region, segments)| vec![html! { (region) }, html! { (segments) }];
        let rows: Vec<Vec<Markup>> = sums.into_iter().map(row).collect();
        html! {
            @if !rows.is_empty() {
                (plot(plots::SEGMENTS, &regions, &[segments], u64::to_string))
                (layout::table("Segments by region", &["Region", "Segments"], &rows))
            }
        }
    }

    /// A plot for each currency: what is paid in two is no sum.
    fn spent(&self, times: &[String], prices: &Prices) -> Markup {
        let spent = |step: &Step| {
            let segments = step.segments.iter();
            Spend::of(prices, segments.map(|(region, count)| (&**region, *count)))
        };
        let steps: Vec<Spend> = self.steps.iter().filter_map(spent).collect();
        let without: u64 = steps.iter().map(|step| step.segments_without_price).sum();
        let currencies = steps.iter().flat_map(|step| step.spend.keys());
        let currencies: BTreeSet<&String> = currencies.collect();
        let rows = times.iter().zip(&steps);
        let rows = rows.filter(|(_, step)| !step.spend.is_empty());
        let rows: Vec<Vec<Markup>> = rows
            .map(|(time, step)| vec![html! { (time) }, html! { (step) }])
            .collect();
        html! {
            @for currency in currencies {
                @let of = |step: &Spend| step.spend.get(currency).copied().unwrap_or(0);
                (plot(plots::SPENT, times, &[steps.iter().map(of).collect()], |sum| {
                    Spend::sum(currency, *sum).to_string()
                }))
            }
            @if !rows.is_empty() { (layout::table("What was spent", &["From", "Spent"], &rows)) }
            @if without > 0 { p { "Segments to regions without a price: " (without) "." } }
        }
    }

    fn row(&self, step: &Step) -> Vec<Markup> {
        let delay = step.delay().map_or("-".to_owned(), |ms| ms.to_string());
        vec![
            html! { (self.time(step)) },
            html! { (step.accepted) },
            html! { (step.others) },
            html! { (step.unknown) },
            html! { (step.share_unknown()) },
            html! { (delay) },
        ]
    }

    fn time(&self, step: &Step) -> String {
        let format = match self.period {
            Period::Month => "%Y-%m-%d",
            Period::Day | Period::Week => "%Y-%m-%d %H:%M",
        };
        let at = Timestamp::from_second(step.from);
        at.map_or_else(|_| String::new(), |at| at.strftime(format).to_string())
    }
}

/// The size of a plot's area, in its own units.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 140;

/// How bars of several values are told apart: by pattern, as not everyone sees colours.
const FILLS: [&str; 3] = ["currentColor", "url(#hatched)", "url(#dotted)"];

/// Bars, one for each label, the values of all series on top of each other; `shown` is how a value is written.
fn plot(
    Plot { title, query }: Plot,
    labels: &[String],
    series: &[Vec<u64>],
    shown: impl Fn(&u64) -> String,
) -> Markup {
    let sums = (0..labels.len()).map(|at| series.iter().map(|values| values[at]).sum::<u64>());
    let most = sums.max().unwrap_or(0).max(1);
    let slot = WIDTH as f64 / labels.len().max(1) as f64;
    let at_most = shown(&most);
    let summary = format!("{title}: at most {at_most}; the numbers are in the table");
    let (first, last) = (labels.first(), labels.last());
    html! {
        figure {
            figcaption { (title) }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT + 34) } role="img" aria-label=(summary) {
                line x1="0" y1=(HEIGHT + 14) x2=(WIDTH) y2=(HEIGHT + 14) stroke="currentColor" {}
                text x="0" y="10" font-size="11" fill="currentColor" { (at_most) }
                @for at in 0..labels.len() { (bar(labels, series, at, slot, most, &shown)) }
                @if let Some(first) = first { text x="0" y=(HEIGHT + 30) font-size="11" fill="currentColor" { (first) } }
                @if let (Some(last), true) = (last, labels.len() > 1) {
                    text x=(WIDTH) y=(HEIGHT + 30) font-size="11" fill="currentColor" text-anchor="end" { (last) }
                }
            }
            details { summary { "In Prometheus" } pre { (query) } }
        }
    }
}

fn bar(
    labels: &[String],
    series: &[Vec<u64>],
    at: usize,
    slot: f64,
    most: u64,
    shown: &impl Fn(&u64) -> String,
) -> Markup {
    let width = (slot * 0.8).clamp(1.0, 60.0);
    let left = at as f64 * slot + (slot - width) / 2.0;
    let mut below = 0;
    let mut parts = Vec::new();
    for (values, fill) in series.iter().zip(FILLS) {
        let scaled = |value: u64| value as f64 / most as f64 * HEIGHT as f64;
        if values[at] > 0 {
            below += values[at];
            let top = (HEIGHT + 14) as f64 - scaled(below);
            parts.push((values[at], top, scaled(values[at]), fill));
        }
    }
    html! {
        @for (value, top, height, fill) in parts {
            rect x=(short(left)) y=(short(top)) width=(short(width)) height=(short(height)) fill=(fill) stroke="currentColor" stroke-width="0.5" {
                title { (labels[at]) ": " (shown(&value)) }
            }
        }
    }
}

/// A tenth of a unit is finer than any screen.
fn short(value: f64) -> String {
    format!("{value:.1}")
}

fn key(fill: &'static str) -> Markup {
    html! { svg.key viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" { rect x="1" y="1" width="14" height="14" fill=(fill) stroke="currentColor" {} } }
}

fn patterns() -> Markup {
    html! {
        svg.key width="0" height="0" aria-hidden="true" {
            defs {
                pattern id="hatched" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    line x1="0" y1="0" x2="0" y2="5" stroke="currentColor" stroke-width="2" {}
                }
                pattern id="dotted" width="4" height="4" patternUnits="userSpaceOnUse" {
                    circle cx="2" cy="2" r="1" fill="currentColor" {}
                }
            }
        }
    }
}
