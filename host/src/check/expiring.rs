//! What runs out: certificates, and secrets that were stored with a date. One place for `check`, `health`, the metrics,
//! alerts and `expiring`.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    config::{Config, Fault},
    directory::Looked,
    ledger::{Ledger, Options},
    net, secrets,
};

/// In how many days something ends when it is alerted, and alerted again.
pub const STEPS: [i64; 3] = [30, 7, 1];

/// What kind of thing ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiringKind {
    /// The certificate that the hub shows to callers on other machines.
    Certificate,
    /// The certificate of a server of a directory or of a shared ledger.
    OfServer,
    /// The authorities that are trusted instead of the system's.
    Authorities,
    /// A stored secret.
    Secret,
}

impl ExpiringKind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate | Self::OfServer => "certificate",
            Self::Authorities => "authorities",
            Self::Secret => "secret",
        }
    }
}

/// One thing that ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expiring {
    /// What it is.
    pub kind: ExpiringKind,
    /// The file, or the secret's name.
    pub name: String,
    /// Until when it is good; 1970 where that can't be read.
    pub until: Timestamp,
    /// How it is renewed.
    pub renew: String,
    /// Why its end can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
}

impl Expiring {
    /// Whole days that are left; below zero where it has ended.
    pub fn days_left(&self, now: Timestamp) -> i64 {
        self.until
            .as_second()
            .saturating_sub(now.as_second())
            .div_euclid(24 * 60 * 60)
    }

    /// How many of the [`STEPS`] it has passed, and one more where it has ended.
    pub fn steps(&self, now: Timestamp) -> u8 {
        let left = self.until.duration_since(now);
        let passed = |days: &&i64| left <= SignedDuration::from_hours(24 * **days);
        let passed = STEPS.iter().filter(passed).count();
        u8::try_from(passed).unwrap_or(0) + u8::from(self.until <= now)
    }

    /// The same in words.
    pub fn words(&self, now: Timestamp) -> String {
        if let Some(why) = &self.unreadable {
            return format!("it can't be read: {why}");
        }
        match self.days_left(now) {
            ..0 => format!("it expired at {}", self.until),
            0 => format!("it expires within a day, at {}", self.until),
            1 => format!("it expires in a day, at {}", self.until),
            days => format!("it expires in {days} days, at {}", self.until),
        }
    }

    /// What `check` says of it: a fault where callers that check the certificate send nothing, else a warning.
    fn judged(&self, now: Timestamp) -> Option<(bool, Fault)> {
        if self.steps(now) == 0 {
            return None;
        }
        let is_fault = self.kind == ExpiringKind::Certificate && self.until <= now;
        let what = match (&self.unreadable, self.kind) {
            (Some(why), _) => why.clone(),
            (None, ExpiringKind::Secret) => {
                format!("the secret {}: {}", self.name, self.words(now))
            }
            (None, kind) => format!("{}: {}", kind.as_str(), self.words(now)),
        };
        let file = match self.kind {
            ExpiringKind::Secret => secrets::EXPIRY,
            _ => &self.name,
        };
        Some((is_fault, Fault::of_file(Path::new(file), what, &self.renew)))
    }
}

/// Everything that ends, as far as it can be known from here: the nearest first.
pub fn all(config: &Config, state: &Path) -> Vec<Expiring> {
    let mut all: Vec<Expiring> = certificate(config).into_iter().collect();
    all.extend(authorities(config));
    all.extend(stored(state));
    sort(&mut all);
    all
}

/// The same, and what the servers of a shared ledger show when they are asked.
pub fn with_servers(config: &Config, state: &Path) -> Vec<Expiring> {
    let servers = Ledger::certificates(state, &Options::of(&config.state));
    let servers = servers.into_iter().map(|(name, until)| Expiring {
        kind: ExpiringKind::OfServer,
        name,
        until,
        renew: "renew it on the database server, and have that read it again (pg_ctl reload)"
            .to_owned(),
        unreadable: None,
    });
    let mut all = all(config, state);
    all.extend(servers);
    sort(&mut all);
    all
}

/// Adds what ends of a directory, by what its servers say: their certificates, and the password of the account, for
/// which a date that was given by hand no longer counts.
pub fn add_directory(all: &mut Vec<Expiring>, directory: &str, looked: &Looked) {
    let secret = format!("{}.{directory}.{}", secrets::DIRECTORIES, secrets::PASSWORD);
    let servers = looked.servers.iter();
    let servers = servers.map(|one| (ExpiringKind::OfServer, &one.server, one.certificate_until));
    let password = (ExpiringKind::Secret, &secret, looked.password_until);
    for (kind, name, until) in servers.chain([password]) {
        let Some(until) = until else { continue };
        all.retain(|one| one.name != *name);
        all.push(Expiring {
            kind,
            name: name.clone(),
            until,
            renew: match kind {
                ExpiringKind::Secret => {
                    format!("give the account a new password, then `textsender secret set {name}`")
                }
                _ => "renew it on that domain controller".to_owned(),
            },
            unreadable: None,
        });
    }
    sort(all);
}

fn sort(all: &mut [Expiring]) {
    all.sort_by(|a, b| (a.until, &a.name).cmp(&(b.until, &b.name)));
}

fn certificate(config: &Config) -> Option<Expiring> {
    let file = &config.serve.tls.as_ref()?.certificate;
    let until = net::valid_until(file);
    let renew = match until {
        Ok(_) => "renew it; the hub reads it again by itself",
        Err(_) => "name a PEM file with the certificate in [serve.tls] certificate",
    };
    Some(Expiring {
        kind: ExpiringKind::Certificate,
        name: file.display().to_string(),
        unreadable: until.as_ref().err().map(ToString::to_string),
        until: until.unwrap_or(Timestamp::UNIX_EPOCH),
        renew: renew.to_owned(),
    })
}

/// Of each file of authorities the one that ends last: until then it has one that is good. A file that can't be read
/// is a fault of its own.
fn authorities(config: &Config) -> Vec<Expiring> {
    let of_senders = config.senders.values().map(|sender| &sender.http.ca_file);
    let of_ledger = config.state.shared.as_ref().map(|shared| &shared.ca_file);
    let of_directories = config.directories.values().map(|one| &one.ca_file);
    let files = [&config.http.ca_file]
        .into_iter()
        .chain(of_senders)
        .chain(of_ledger)
        .chain(of_directories);
    let mut files: Vec<&PathBuf> = files.flatten().collect();
    files.sort();
    files.dedup();
    let end = |file: &PathBuf| {
        Some(Expiring {
            kind: ExpiringKind::Authorities,
            name: file.display().to_string(),
            until: net::last_valid_until(file).ok()?,
            renew: "put the authority's new certificate into the file, beside the old one"
                .to_owned(),
            unreadable: None,
        })
    };
    files.into_iter().filter_map(end).collect()
}

/// Of stored secrets, those that were stored with a date: good to the end of the day before it, in UTC.
fn stored(state: &Path) -> Vec<Expiring> {
    let dates = secrets::expiry_dates(state).into_iter();
    let end = |(name, date): (String, jiff::civil::Date)| {
        let until = format!("{date}T00:00:00Z").parse().ok()?;
        Some(Expiring {
            kind: ExpiringKind::Secret,
            renew: format!(
                "make a new one at the provider, then `textsender secret set {name} --expires DATE`"
            ),
            name,
            until,
            unreadable: None,
        })
    };
    dates.filter_map(end).collect()
}

/// What is wrong, and what is to be warned of.
#[derive(Default)]
pub(super) struct Judged {
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
}

pub(super) fn judge(config: &Config, state: &Path, now: Timestamp) -> Judged {
    let mut judged = Judged::default();
    for one in all(config, state) {
        match one.judged(now) {
            Some((true, fault)) => judged.faults.push(fault),
            Some((false, fault)) => judged.warnings.push(fault),
            None => {}
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60;

    #[test]
    fn each_step_is_passed_when_so_many_days_are_left() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        for (seconds, steps, days) in [
            (31 * DAY, 0, 31),
            (30 * DAY + 1, 0, 30),
            (30 * DAY, 1, 30),
            (7 * DAY + 1, 1, 7),
            (7 * DAY, 2, 7),
            (DAY, 3, 1),
            (DAY - 1, 3, 0),
            (1, 3, 0),
            (0, 4, 0),
            (-1, 4, -1),
        ] {
            let one = Expiring {
                kind: ExpiringKind::Secret,
                name: "twilio.auth_token".to_owned(),
                until: Timestamp::from_second(1_800_000_000 + seconds).unwrap(),
                renew: String::new(),
                unreadable: None,
            };
            assert_eq!(
                (one.steps(now), one.days_left(now)),
                (steps, days),
                "{seconds}"
            );
        }
    }
}
