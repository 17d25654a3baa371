//! How a machine is set up, in fingerprints: so that machines which share a ledger can be compared, and one that was
//! left out when the others were changed is named.
//!
//! Each fingerprint is keyed by the ledger's key: it says whether two machines have the same, and nothing of what they
//! have. A machine writes its report into the shared ledger about once a minute while it sends, after an answer.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use super::error::LedgerError;
use super::folder::Folder;
use super::history::History;
use super::keys::Keys;
use super::stored::hexadecimal;
use crate::config::{Reading, Sources};
use crate::secrets;
use crate::trust;

/// What is compared, by name: a file of the configuration, a plugin's file, a stored secret, `textsender` itself.
pub(super) type Report = BTreeMap<String, String>;

/// A machine that is not set up as this one is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The other machine.
    pub machine: String,
    /// When it last said how it is set up.
    pub at: Timestamp,
    /// What differs: `policies/staff.toml`, `twilio.auth_token`, `libtextsender_twilio.so`, `textsender`.
    pub differs: Vec<String>,
}

impl History {
    /// The machines that are not set up as this one, whose `textsender.toml` is `main`; by name.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn drift(&self, main: &Path, own_name: &str) -> Result<Vec<Drift>, LedgerError> {
        let reports = self.archive.reports()?;
        let others = reports.into_iter().filter(|(name, ..)| name != own_name);
        let others: Vec<_> = others.collect();
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let own = look(main, &self.folder, &self.keys);
        let drift = others.into_iter().filter_map(|(machine, at, report)| {
            let differs = differences(&own, &serde_json::from_str(&report).ok()?);
            let at = Timestamp::from_millisecond(at).ok()?;
            (!differs.is_empty()).then_some(Drift {
                machine,
                at,
                differs,
            })
        });
        Ok(drift.collect())
    }
}

/// "srv2 differs: policies/staff.toml, twilio.auth_token"
impl std::fmt::Display for Drift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} differs: {}", self.machine, self.differs.join(", "))
    }
}

/// Looks at this machine. What can't be read is left out.
pub(super) fn look(main: &Path, state: &Path, keys: &Keys) -> Report {
    let mut report = Report::new();
    let print = |bytes: &[u8]| {
        let digest = hexadecimal(&keys.setup(bytes));
        digest[..DIGITS].to_owned()
    };
    report.insert(
        "textsender".to_owned(),
        env!("CARGO_PKG_VERSION").to_owned(),
    );
    report.insert(KEY.to_owned(), print(KEY.as_bytes()));
    let config = Reading::of(Sources::read(main)).config;
    let folder = main.parent().unwrap_or(main);
    for file in &config.sources.files {
        let name = file.path.strip_prefix(folder).unwrap_or(&file.path);
        report.insert(name.display().to_string(), print(file.text.as_bytes()));
    }
    let plugins = &config.plugins;
    for folder in std::iter::once(&plugins.folder).chain(&plugins.further_folders) {
        for (name, path) in files(folder) {
            if Path::new(&name)
                .extension()
                .is_some_and(|ending| ending == "so")
            {
                report.extend(read(&path).map(|bytes| (name, print(&bytes))));
            }
        }
    }
    for (name, path) in files(&state.join(secrets::FOLDER)) {
        // Others are files in the making.
        if !name.starts_with('.') {
            report.extend(read(&path).map(|bytes| (name, print(&bytes))));
        }
    }
    report
}

/// Names that only one has, or that are not the same.
fn differences(one: &Report, other: &Report) -> Vec<String> {
    // By another key all fingerprints are others. An older version said nothing of it.
    if let (Some(own), Some(others)) = (one.get(KEY), other.get(KEY))
        && own != others
    {
        return vec![KEY.to_owned()];
    }
    let names = one.keys().chain(other.keys());
    let mut names: Vec<_> = names
        .filter(|name| one.get(*name) != other.get(*name))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The key of all fingerprints.
const KEY: &str = "ledger.key";

fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.map(|entry| {
        (
            entry.file_name().to_string_lossy().into_owned(),
            entry.path(),
        )
    });
    named.collect()
}

fn read(path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut file = trust::open(path).ok()?.take(LARGEST);
    file.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Whether this machine's report is due.
pub(super) fn is_due(folder: &Folder) -> bool {
    let written = stamp(folder).metadata().and_then(|file| file.modified());
    // One in the future was written before the clock was set back.
    let ago = written.ok().and_then(|written| written.elapsed().ok());
    ago.is_none_or(|ago| ago >= EVERY)
}

/// Notes that it was written: it is not due for a while.
pub(super) fn is_done(folder: &Folder) {
    let stamp = folder.open_or_make(&stamp(folder));
    // Where that fails, it is written again with the next message.
    let _ = stamp.map(|file| file.set_modified(SystemTime::now()));
}

fn stamp(folder: &Folder) -> PathBuf {
    folder.path().join("ledger.reported")
}

/// Hexadecimal digits of a fingerprint that are kept.
const DIGITS: usize = 16;

/// Bytes of a file that are compared.
const LARGEST: u64 = 64 * 1024 * 1024;

/// How often a machine says how it is set up.
const EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn report(pairs: &[(&str, &str)]) -> Report {
        let pairs = pairs.iter();
        pairs
            .map(|(name, print)| ((*name).to_owned(), (*print).to_owned()))
            .collect()
    }

    #[test]
    fn what_differs_and_what_only_one_has_is_named() {
        let one = report(&[
            ("textsender.toml", "1"),
            ("policies/staff.toml", "2"),
            ("twilio.auth_token", "3"),
        ]);
        let other = report(&[
            ("textsender.toml", "1"),
            ("policies/staff.toml", "5"),
            ("policies/more.toml", "6"),
        ]);
        let names = [
            "policies/more.toml",
            "policies/staff.toml",
            "twilio.auth_token",
        ];
        assert_eq!(differences(&one, &other), names);
        assert_eq!(differences(&other, &one), names);
        assert!(differences(&one, &one).is_empty());
    }
}
