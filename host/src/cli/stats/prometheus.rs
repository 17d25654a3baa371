//! Counts for Prometheus, in its text format (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
//!
//! They are gauges over a window, not counters: the ledger forgets what is older than its retention,
//! so a sum over all of it would fall.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
    path::Path,
};

use jiff::SignedDuration;

use super::word;
use crate::{
    ledger::{Health, SenderState, Tally},
    os::rights,
    trust,
};

/// What the file holds.
pub(super) fn text(tallies: &[Tally], senders: &[SenderState], window: SignedDuration) -> String {
    let mut counts: BTreeMap<[&str; 3], (u64, u64)> = BTreeMap::new();
    for tally in tallies {
        let key = [
            tally.sender.as_deref().unwrap_or_default(),
            tally.region.as_deref().unwrap_or_default(),
            word(tally),
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
            Health::Good => 0,
            Health::Trial { failures, .. } | Health::Paused { failures, .. } => failures,
        };
        (vec![("sender", known.sender.clone())], u64::from(failures))
    });
    let window = u64::try_from(window.as_secs()).unwrap_or(0);

    let mut text = String::new();
    gauge(
        &mut text,
        "textsender_window_seconds",
        "How far back the counts of messages and segments go.",
        &[(Vec::new(), window)],
    );
    gauge(
        &mut text,
        "textsender_messages",
        "Requests in the window, by the sender that decided, the number's region and the outcome; replayed answers are not counted.",
        &of(|counts| counts.0),
    );
    gauge(
        &mut text,
        "textsender_segments",
        "Segments of the texts of these requests.",
        &of(|counts| counts.1),
    );
    gauge(
        &mut text,
        "textsender_sender_failures",
        "Failures in a row of each sender that ever failed; 0 when it works again.",
        &failures.collect::<Vec<_>>(),
    );
    text
}

/// Labels and a value.
type Sample = (Vec<(&'static str, String)>, u64);

fn gauge(text: &mut String, name: &str, help: &str, samples: &[Sample]) {
    // Writing to a String never fails.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
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

/// A label's value: backslash, quote and line feed have escapes.
fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
}

/// Writes the file beside its place, and renames it: a reader has the old one or the new one, whole.
/// Its new name does not end in `.prom`, so the collector never reads it half-written. Readable for
/// all, as the collector is another user.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let (folder, name) = trust::place(file)?;
    let mut new = name.clone();
    new.push(format!(".{}.new", std::process::id()));
    let written = folder
        .create_new(&new)
        .and_then(|mut opened| {
            opened.write_all(text.as_bytes())?;
            rights::set_mode(&opened, 0o644)
        })
        .and_then(|()| folder.rename(&new, &name));
    if written.is_err() {
        // It may not be there; what went wrong first is what is told.
        let _ = folder.remove(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::protocol::Outcome;

    fn tally(day: &str, sender: &str, outcome: Option<Outcome>, messages: u64) -> Tally {
        Tally {
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
        }];
        assert_eq!(
            text(&tallies, &senders, SignedDuration::from_hours(1)),
            r#"# HELP textsender_window_seconds How far back the counts of messages and segments go.
# TYPE textsender_window_seconds gauge
textsender_window_seconds 3600
# HELP textsender_messages Requests in the window, by the sender that decided, the number's region and the outcome; replayed answers are not counted.
# TYPE textsender_messages gauge
textsender_messages{sender="a\"b\\c\nd",region="GB",outcome="sending"} 1
textsender_messages{sender="twilio",region="GB",outcome="accepted"} 5
# HELP textsender_segments Segments of the texts of these requests.
# TYPE textsender_segments gauge
textsender_segments{sender="a\"b\\c\nd",region="GB",outcome="sending"} 2
textsender_segments{sender="twilio",region="GB",outcome="accepted"} 10
# HELP textsender_sender_failures Failures in a row of each sender that ever failed; 0 when it works again.
# TYPE textsender_sender_failures gauge
textsender_sender_failures{sender="twilio"} 0
"#
        );
    }

    #[test]
    fn the_file_is_replaced_whole_and_readable_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("textsender.prom");
        for text in ["one\n", "two\n"] {
            replace(&file, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(rights::Rights::of(&file.metadata().unwrap()).mode, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("none/textsender.prom"), "").is_err());
    }
}
