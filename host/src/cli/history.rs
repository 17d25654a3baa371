//! What the commands that read the ledger share: where it is, and since when.

use std::path::PathBuf;

use jiff::{Span, Timestamp, civil::Date};

use super::{Common, site::Site};
use crate::{
    config::{self, Config, Environment, Reading, ResolvedPath, Sources},
    ledger::{History, LedgerError, Options},
    os::rights,
    trust::Unsafe,
};

impl Common {
    /// The configuration, as far as it can be read: where a fault is in the way of sending, the ledger may tell
    /// since when.
    pub(super) fn believed(&self) -> Result<Config, Unsafe> {
        let reading = Reading::of(Sources::read(&self.config_file().path));
        Ok(reading.believed()?.config)
    }

    /// The same, for what it says of the ledger.
    pub(super) fn believed_of_ledger(&self) -> Result<Config, LedgerError> {
        self.believed().map_err(|found| LedgerError::Untrusted {
            reason: format!("the configuration, which says where it is, can't be trusted: {found}"),
        })
    }

    /// Opens the ledger for reading.
    pub(super) fn history(&self) -> Result<History, LedgerError> {
        history(&self.believed_of_ledger()?)
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
}

/// The ledger's folder, and how it is opened.
pub(super) fn ledger_place(config: &Config) -> (PathBuf, Options) {
    let state = state_folder(config).path;
    (state, Options::of(&config.state))
}

/// Opens the ledger that a configuration names for reading.
pub(super) fn history(config: &Config) -> Result<History, LedgerError> {
    let (state, options) = ledger_place(config);
    History::open(&state, &options)
}

/// Where a configuration says that the state folder is.
pub(super) fn state_folder(config: &Config) -> ResolvedPath {
    Environment::current().state_folder(config.state.folder.as_deref())
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
