//! How the dialect writes a length of time (`"10m"`): a whole number and one unit is all that an administrator ever
//! writes here, so no library.

use std::time::Duration;

/// Longest time that may be written: a year and a day, so that no sum of times overflows.
const MAX: Duration = Duration::from_secs(366 * 24 * 3600);

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
}
