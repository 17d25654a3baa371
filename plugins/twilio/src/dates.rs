//! Dates as Twilio's API writes them. They are those of HTTP but for the name of the time zone.

use std::time::SystemTime;

/// Reads `Tue, 03 Feb 2026 10:20:30 +0000` (RFC 2822).
pub fn read(date: &str) -> Option<SystemTime> {
    let date = date.strip_suffix("+0000")?;
    httpdate::parse_http_date(&format!("{date}GMT")).ok()
}

/// The beginning of the day in UTC, such as `2026-02-03T00:00:00Z`.
pub fn day(time: SystemTime) -> String {
    // "Tue, 03 Feb 2026 10:20:30 GMT": the host's clock gives no year of five digits.
    let date = httpdate::fmt_http_date(time);
    let (day, month, year) = (&date[5..7], &date[8..11], &date[12..16]);
    // Each month's name begins three characters after the last one's.
    let month = "JanFebMarAprMayJunJulAugSepOctNovDec".find(month);
    format!(
        "{year}-{:02}-{day}T00:00:00Z",
        month.unwrap_or_default() / 3 + 1
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn are_read_and_written() {
        let cases = [
            ("Thu, 01 Jan 1970 00:00:00 +0000", 0, "1970-01-01"),
            (
                "Thu, 29 Feb 2024 23:59:59 +0000",
                1_709_251_199,
                "2024-02-29",
            ),
            (
                "Thu, 31 Dec 2026 12:00:01 +0000",
                1_798_718_401,
                "2026-12-31",
            ),
        ];
        for (date, seconds, day) in cases {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(super::read(date), Some(time), "{date}");
            assert_eq!(super::day(time), format!("{day}T00:00:00Z"));
        }
        for bad in ["", "+0000", "2026-02-03", "Tue, 03 Feb 2026 10:20:30 +0100"] {
            assert_eq!(super::read(bad), None, "{bad}");
        }
    }
}
