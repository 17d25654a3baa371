//! What was sent when, as bars of characters: a line for each hour or day.

use jiff::{SignedDuration, Timestamp};

use super::super::output::{Output, Style, WIDTH};
use crate::{ledger::Mark, os::terminal, protocol::Outcome};

const HOUR: i64 = 60 * 60;

/// Up to so long a time is drawn by hour.
const BY_HOUR: SignedDuration = SignedDuration::from_hours(48);

/// When the first step begins, and how many seconds a step has.
pub(super) fn steps(since: Timestamp, now: Timestamp) -> (Timestamp, i64) {
    let step = match now.duration_since(since) <= BY_HOUR {
        true => HOUR,
        false => 24 * HOUR,
    };
    let first = since.as_second().div_euclid(step) * step;
    // The first moment that can be written may be no whole day.
    (Timestamp::from_second(first).unwrap_or(since), step)
}

/// A line for each step: how many, and a bar of those accepted and those that were not.
pub(super) fn draw(marks: &[Mark], first: Timestamp, step: i64, now: Timestamp, out: &Output) {
    let from = first.as_second();
    let last = (now.as_second() - from).max(0) / step;
    let mut counts = vec![(0, 0); usize::try_from(last).unwrap_or(0) + 1];
    for mark in marks {
        // A clock that was set back makes one of the future: it counts as now.
        let at = (mark.at.div_euclid(1000) - from) / step;
        let at = usize::try_from(at.min(last)).unwrap_or(0);
        match mark.outcome {
            Some(Outcome::Accepted) => counts[at].0 += 1,
            _ => counts[at].1 += 1,
        }
    }
    let (format, begin) = match step {
        HOUR => ("%Y-%m-%d %H:%M", "hour"),
        _ => ("%Y-%m-%d", "day"),
    };
    let [good, bad] = match out.is_terminal() {
        true => ["█", "░"],
        false => ["#", "-"],
    };
    let width = terminal::width().unwrap_or(WIDTH).min(WIDTH);
    let most = counts
        .iter()
        .map(|(good, bad)| good + bad)
        .max()
        .unwrap_or(0);
    let digits = most.to_string().len();
    let label = now.strftime(format).to_string().len();
    let room = width.saturating_sub(label + digits + 4).max(1);
    out.line(format_args!(
        "texts by {begin}, UTC: {good} accepted, {bad} others"
    ));
    for (step_number, (accepted, others)) in (0..).zip(counts) {
        let (bar, of_others) = bar(accepted, others, most, room);
        let at = first + SignedDuration::from_secs(step_number * step);
        let at = at.strftime(format);
        let sum = accepted + others;
        let bar = out.paint(Style::Good, good.repeat(bar))
            + &out.paint(Style::Bad, bad.repeat(of_others));
        out.whole(format!("{at}  {sum:>digits$}  {bar}").trim_end());
    }
}

/// How many characters of the room are for those accepted and for others. What there is can be seen.
fn bar(accepted: usize, others: usize, most: usize, room: usize) -> (usize, usize) {
    let scaled = |count: usize| (count * room).div_ceil(most.max(1));
    let all = scaled(accepted + others);
    let of_others = scaled(others).min(all);
    match accepted > 0 && of_others == all && all > 1 {
        true => (1, all - 1),
        false => (all - of_others, of_others),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fit_and_show_what_there_is() {
        for (accepted, others, most, room, expected) in [
            (0, 0, 0, 60, (0, 0)),
            (10, 0, 10, 60, (60, 0)),
            (0, 10, 10, 60, (0, 60)),
            (1, 0, 1_000, 60, (1, 0)),
            (999, 1, 1_000, 60, (59, 1)),
            (1, 999, 1_000, 60, (1, 59)),
            (1, 1, 1_000, 60, (0, 1)),
        ] {
            let (accepted, others) = bar(accepted, others, most, room);
            assert_eq!((accepted, others), expected);
        }
    }

    #[test]
    fn two_days_are_drawn_by_hour_and_more_by_day_from_a_whole_one_on() {
        let now = "2026-11-24T07:43:00Z".parse().unwrap();
        for (since, first, step) in [
            ("2026-11-24T06:10:00Z", "2026-11-24T06:00:00Z", HOUR),
            ("2026-11-22T07:43:00Z", "2026-11-22T07:00:00Z", HOUR),
            ("2026-11-22T07:42:00Z", "2026-11-22T00:00:00Z", 24 * HOUR),
        ] {
            let first = first.parse().unwrap();
            assert_eq!(steps(since.parse().unwrap(), now), (first, step), "{since}");
        }
    }
}
