//! The two small notations of the dialect: a length of time (`"10m"`) and a rate (`"5/10m"`).
//! A whole number and one unit is all that an administrator ever writes here, so no library.

use std::time::Duration;

/// Longest time that may be written: a year and a day, so that no sum of times overflows.
const MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// At most `count` messages within any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least 1.
    pub count: u32,
    /// The length of the sliding window; at least one second.
    pub window: Duration,
}

/// Reads `"500ms"`, `"30s"`, `"10m"`, `"12h"`, `"1d"`; `None` for anything else, zero, or more than
/// 366 days.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return in_range(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    in_range(Duration::from_secs(number.checked_mul(seconds)?))
}

/// Reads `"COUNT/WINDOW"`, such as `"5/10m"`.
pub fn rate(text: &str) -> Option<Rate> {
    let (count, window) = text.split_once('/')?;
    if !count.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let rate = Rate {
        count: count.parse().ok()?,
        window: duration(window)?,
    };
    (rate.count > 0 && rate.window >= Duration::from_secs(1)).then_some(rate)
}

fn in_range(duration: Duration) -> Option<Duration> {
    (!duration.is_zero() && duration <= MAX).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            ("500ms", Some(Duration::from_millis(500))),
            ("30s", Some(Duration::from_secs(30))),
            ("10m", Some(Duration::from_secs(600))),
            ("12h", Some(Duration::from_secs(43_200))),
            ("1d", Some(Duration::from_secs(86_400))),
            ("366d", Some(MAX)),
            ("367d", None),
            ("0s", None),
            ("30", None),
            ("s", None),
            ("", None),
            ("-1s", None),
            ("1.5s", None),
            ("30 s", None),
            ("30S", None),
            ("1h30m", None),
            ("99999999999999999999s", None),
            ("9999999999999999999d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text), expected, "{text}");
        }
    }

    #[test]
    fn rates() {
        let five = Rate {
            count: 5,
            window: Duration::from_secs(600),
        };
        let cases = [
            ("5/10m", Some(five)),
            ("0/10m", None),
            ("5/0m", None),
            ("5/999ms", None),
            ("+5/10m", None),
            ("/10m", None),
            ("5", None),
            ("5/10", None),
            ("5/10m/1d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(rate(text), expected, "{text}");
        }
    }
}
