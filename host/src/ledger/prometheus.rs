//! Counts for Prometheus, in its text format, version 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
};

use jiff::SignedDuration;

use crate::{protocol::Outcome, redact::without_tricks};

use super::{Deliveries, Health, STEPS, SenderState, Tally, Total, Uses};

/// Labels and a value.
pub type Sample<V = u64> = (Vec<(&'static str, String)>, V);

/// A page of counts.
#[derive(Default)]
pub struct Exposition(String);

impl Exposition {
    /// How many of the texts that the hub asked about had arrived, by sender and region.
    pub fn deliveries(&mut self, deliveries: &[Deliveries]) {
        let labels = |one: &Deliveries| {
            vec![
                ("sender", one.sender.clone()),
                ("region", one.region.clone()),
            ]
        };
        let asked = deliveries.iter().map(|one| (labels(one), one.asked));
        self.gauge(
            "textsender_texts_watched",
            "Accepted texts in the window that the hub asked the provider about, a sample, a minute after they were sent.",
            &asked.collect::<Vec<_>>(),
        );
        let share = deliveries.iter().map(|one| {
            let share = one.delivered as f64 / one.asked.max(1) as f64;
            (labels(one), share)
        });
        self.gauge(
            "textsender_delivered_share",
            "The share of these texts that the phone had by then.",
            &share.collect::<Vec<_>>(),
        );
    }

    /// How many messages were sent without the hub that is configured.
    pub fn without_hub(&mut self, count: u64) {
        self.gauge(
            "textsender_messages_without_hub",
            "Messages in the window that `textsender send` sent by itself, as the hub that is configured was away.",
            &[(Vec::new(), count)],
        );
    }

    /// How many codes were typed in, by sender and region.
    pub fn uses(&mut self, uses: &[Uses]) {
        let of = |value: fn(&Uses) -> u64| -> Vec<Sample> {
            let sample = |one: &Uses| {
                let region = one.region.clone().unwrap_or_default();
                (
                    vec![("sender", one.by.clone()), ("region", region)],
                    value(one),
                )
            };
            uses.iter().map(sample).collect()
        };
        self.gauge(
            "textsender_codes_sent",
            "Codes in the window that were sent, or may have been.",
            &of(|uses| uses.sent),
        );
        self.gauge(
            "textsender_codes_used",
            "Those of them that were typed in, as far as callers report it.",
            &of(|uses| uses.used),
        );
    }

    /// The ledger's counts. They are gauges over a window, not counters: the ledger forgets what is older
    /// than its retention, so a sum over all of it would fall.
    pub fn ledger(&mut self, tallies: &[Tally], senders: &[SenderState], window: SignedDuration) {
        let mut counts: BTreeMap<[&str; 3], (u64, u64)> = BTreeMap::new();
        for tally in tallies {
            let key = [
                tally.sender.as_deref().unwrap_or_default(),
                tally.region.as_deref().unwrap_or_default(),
                tally.word(),
            ];
            let (messages, segments) = counts.entry(key).or_default();
            *messages += tally.messages;
            *segments += tally.segments;
        }
        let of = |value: fn(&(u64, u64)) -> u64| -> Vec<Sample> {
            let sample = |(key, counts): (&[&str; 3], _)| {
                let values = key.iter().map(|value| (*value).to_owned());
                let labels = ["sender", "region", "outcome"].into_iter().zip(values);
                (labels.collect(), value(counts))
            };
            counts.iter().map(sample).collect()
        };
        let failures = senders.iter().map(|known| {
            let failures = match known.health {
                Health::Good | Health::RateLimited { .. } => 0,
                Health::Trial { failures, .. } | Health::Paused { failures, .. } => failures,
            };
            (vec![("sender", known.sender.clone())], u64::from(failures))
        });
        let unsealed = senders.iter().map(|known| {
            let labels = vec![("sender", known.sender.clone())];
            (labels, u64::from(known.unsealed.is_some()))
        });
        let window = u64::try_from(window.as_secs()).unwrap_or(0);

        self.gauge(
            "textsender_window_seconds",
            "How far back the counts of messages and segments go.",
            &[(Vec::new(), window)],
        );
        self.gauge(
            "textsender_messages",
            "Requests in the window, by the sender that decided, the number's region and the outcome; replayed answers are not counted.",
            &of(|counts| counts.0),
        );
        self.gauge(
            "textsender_segments",
            "Segments of those of them that were sent, or may have been.",
            &of(|counts| counts.1),
        );
        self.gauge(
            "textsender_sender_failures",
            "Failures in a row of each sender that ever failed; 0 when it works again.",
            &failures.collect::<Vec<_>>(),
        );
        self.gauge(
            "textsender_sender_unsealed",
            "1 for each sender whose plugin was not wholly sealed when it last sent something.",
            &unsealed.collect::<Vec<_>>(),
        );
    }

    /// Counts since the ledger began, and how long messages took.
    pub fn totals(&mut self, totals: &[Total]) {
        let mut messages: BTreeMap<[&str; 3], u64> = BTreeMap::new();
        let mut segments: BTreeMap<[&str; 2], u64> = BTreeMap::new();
        let mut times: BTreeMap<&str, ([u64; STEPS.len() + 1], u64)> = BTreeMap::new();
        for total in totals {
            let (sender, region) = (total.sender.as_str(), total.region.as_str());
            let key = [sender, region, total.outcome.as_str()];
            *messages.entry(key).or_default() += total.messages;
            *segments.entry([sender, region]).or_default() += total.segments;
            if total.outcome == Outcome::Accepted {
                let (steps, sum) = times.entry(sender).or_default();
                steps[total.step.min(STEPS.len())] += total.messages;
                *sum += total.ms;
            }
        }
        self.counter(
            "textsender_messages_total",
            "Requests since the ledger began, by the sender that decided, the number's region and the outcome; replayed answers are not counted. What was unknown and is known now counts as both.",
            &samples(["sender", "region", "outcome"], &messages),
        );
        self.counter(
            "textsender_segments_total",
            "Segments of those of them that were sent, or may have been.",
            &samples(["sender", "region"], &segments),
        );
        self.times(&times);
    }

    /// A histogram: each bucket counts what those below it count, too.
    fn times(&mut self, times: &BTreeMap<&str, ([u64; STEPS.len() + 1], u64)>) {
        const NAME: &str = "textsender_message_seconds";
        let text = &mut self.0;
        // Writing to a String never fails.
        let _ = writeln!(
            text,
            "# HELP {NAME} From a request until a provider took its message, by sender.\n# TYPE {NAME} histogram"
        );
        for (sender, (steps, ms)) in times {
            let sender = format!("sender=\"{}\"", escaped(sender));
            let mut count = 0;
            for (step, more) in steps.iter().enumerate() {
                count += more;
                let bound = STEPS.get(step).map(|ms| f64::from(*ms) / 1e3);
                let bound = bound.map_or("+Inf".to_owned(), |seconds| seconds.to_string());
                let _ = writeln!(text, "{NAME}_bucket{{{sender},le=\"{bound}\"}} {count}");
            }
            let seconds = *ms as f64 / 1e3;
            let _ = writeln!(
                text,
                "{NAME}_sum{{{sender}}} {seconds}\n{NAME}_count{{{sender}}} {count}"
            );
        }
    }

    /// What goes up and down.
    pub fn gauge<V: Display>(&mut self, name: &str, help: &str, samples: &[Sample<V>]) {
        self.family("gauge", name, help, samples);
    }

    /// What only grows.
    pub fn counter(&mut self, name: &str, help: &str, samples: &[Sample]) {
        self.family("counter", name, help, samples);
    }

    /// What another process wrote, such as a part of the page.
    pub fn append(&mut self, written: &str) {
        self.0.push_str(written);
    }

    /// The page.
    pub fn into_text(self) -> String {
        self.0
    }

    fn family<V: Display>(&mut self, kind: &str, name: &str, help: &str, samples: &[Sample<V>]) {
        let text = &mut self.0;
        // Writing to a String never fails.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let labels: Vec<String> = labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
                .collect();
            let _ = match labels.as_slice() {
                [] => writeln!(text, "{name} {value}"),
                labels => writeln!(text, "{name}{{{}}} {value}", labels.join(",")),
            };
        }
    }
}

fn samples<const N: usize>(
    labels: [&'static str; N],
    counts: &BTreeMap<[&str; N], u64>,
) -> Vec<Sample> {
    let sample = |(key, count): (&[&str; N], &u64)| {
        let values = key.iter().map(|value| (*value).to_owned());
        (labels.into_iter().zip(values).collect(), *count)
    };
    counts.iter().map(sample).collect()
}

/// A label's value: backslash, quote and line feed have escapes; what else does not read as it is written is a space.
fn escaped(value: &str) -> String {
    without_tricks(value, false)
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(day: &str, sender: &str, outcome: Option<Outcome>, messages: u64) -> Tally {
        Tally {
            machine: None,
            day: day.parse().unwrap(),
            sender: Some(sender.to_owned()),
            region: Some("GB".to_owned()),
            outcome,
            messages,
            segments: messages * 2,
        }
    }

    #[test]
    fn days_are_summed_and_values_escaped() {
        let tallies = [
            tally("2026-11-23", "twilio", Some(Outcome::Accepted), 2),
            tally("2026-11-24", "twilio", Some(Outcome::Accepted), 3),
            tally("2026-11-24", "a\"b\\c\nd", None, 1),
        ];
        let senders = [SenderState {
            sender: "twilio".to_owned(),
            health: Health::Good,
            failed_at: None,
            unsealed: Some("it can read files".to_owned()),
        }];
        let mut page = Exposition::default();
        page.ledger(&tallies, &senders, SignedDuration::from_hours(1));
        assert_eq!(
            page.into_text(),
            r#"# HELP textsender_window_seconds How far back the counts of messages and segments go.
# TYPE textsender_window_seconds gauge
textsender_window_seconds 3600
# HELP textsender_messages Requests in the window, by the sender that decided, the number's region and the outcome; replayed answers are not counted.
# TYPE textsender_messages gauge
textsender_messages{sender="a\"b\\c\nd",region="GB",outcome="sending"} 1
textsender_messages{sender="twilio",region="GB",outcome="accepted"} 5
# HELP textsender_segments Segments of those of them that were sent, or may have been.
# TYPE textsender_segments gauge
textsender_segments{sender="a\"b\\c\nd",region="GB",outcome="sending"} 2
textsender_segments{sender="twilio",region="GB",outcome="accepted"} 10
# HELP textsender_sender_failures Failures in a row of each sender that ever failed; 0 when it works again.
# TYPE textsender_sender_failures gauge
textsender_sender_failures{sender="twilio"} 0
# HELP textsender_sender_unsealed 1 for each sender whose plugin was not wholly sealed when it last sent something.
# TYPE textsender_sender_unsealed gauge
textsender_sender_unsealed{sender="twilio"} 1
"#
        );
    }
}
