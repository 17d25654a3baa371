//! What the commands that read the ledger share: where it is, and since when.

use std::path::PathBuf;

use jiff::{Span, Timestamp, civil::Date};

use super::{Common, site::Site};
use crate::{
    config::{self, Environment, Prices, Reading, ResolvedPath, Sources},
    ledger::{History, LedgerError, Options},
    os::rights,
    trust::Unsafe,
};

impl Common {
    /// Opens the ledger for reading. Faults of the configuration don't matter: where one is in the
    /// way of sending, the ledger may tell since when.
    pub(super) fn history(&self) -> Result<History, LedgerError> {
        let (state, options) = self.ledger_place()?;
        History::open(&state, &options)
    }

    /// The ledger's folder, and how it is opened.
    pub(super) fn ledger_place(&self) -> Result<(PathBuf, Options), LedgerError> {
        let reading = Reading::of(Sources::read(&self.config_file().path)).believed();
        let reading = reading.map_err(|found| LedgerError::Untrusted {
            reason: format!("the configuration, which says where it is, can't be trusted: {found}"),
        })?;
        let state = Environment::current().state_folder(reading.config.state.folder.as_deref());
        Ok((state.path, Options::of(&reading.config.state)))
    }

    /// What segments cost, whatever else is wrong with the configuration.
    pub(super) fn prices(&self) -> Prices {
        let reading = Reading::of(Sources::read(&self.config_file().path));
        reading.config.prices
    }

    /// An error where this caller can't see what the account that sends has recorded.
    pub(super) fn may_read_records(&self) -> anyhow::Result<()> {
        match Site::read(self) {
            Ok(site) if rights::may_read(&site.state).is_err() => site.is_for_caller(),
            Ok(_) => Ok(()),
            // A configuration that can't be read is told where it matters.
            Err(_) => Ok(()),
        }
    }

    /// Where the state folder is.
    pub(super) fn state_folder(&self) -> Result<ResolvedPath, Unsafe> {
        let config = Reading::of(Sources::read(&self.config_file().path))
            .believed()?
            .config;
        Ok(Environment::current().state_folder(config.state.folder.as_deref()))
    }
}

/// Reads a time in the past: `90s`, `10m`, `12h`, `7d`; a day (in UTC); a day and time as RFC 3339.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    if let Some(ago) = config::duration(text) {
        return Timestamp::now()
            .checked_sub(ago)
            .map_err(|error| error.to_string());
    }
    let time = match Date::strptime("%Y-%m-%d", text) {
        Ok(day) => format!("{day}T00:00:00Z"),
        Err(_) => text.to_owned(),
    };
    time.parse::<Timestamp>().map_err(|_| {
        "write how long ago (90s, 10m, 12h, 7d), a day (2026-11-24, in UTC), or a time \
         (2026-11-24T07:43:00Z)"
            .to_owned()
    })
}

/// So long ago.
pub(super) fn ago(hours: i64) -> Timestamp {
    // Only a clock before the year -9998 makes this fail.
    Timestamp::now()
        .checked_sub(Span::new().hours(hours))
        .unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_ago_days_and_times() {
        for (text, read) in [
            ("2026-11-24", "2026-11-24T00:00:00Z"),
            ("2026-11-24T07:43:00Z", "2026-11-24T07:43:00Z"),
            ("2026-11-24T07:43:00+02:00", "2026-11-24T05:43:00Z"),
        ] {
            assert_eq!(since(text), Ok(read.parse().unwrap()), "{text}");
        }
        let begun = since("10m").unwrap();
        let ago = Timestamp::now().duration_since(begun);
        assert!((600..=601).contains(&ago.as_secs()), "{ago}");
    }

    #[test]
    fn other_words_say_what_to_write() {
        for text in [
            "",
            "yesterday",
            "10",
            "2026-11",
            "2026-11-24T07:43:00",
            "-1h",
        ] {
            assert!(since(text).unwrap_err().contains("10m"), "{text}");
        }
    }
}
