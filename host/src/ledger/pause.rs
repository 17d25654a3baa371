//! What an administrator has paused: nothing of it is sent until it is resumed, or its time is over.
//!
//! All pauses stand in one place of the store. A step that claims a message or hands it to a sender reads them together
//! with all else that it relies on, so a pause and such a step have an order: what is claimed or handed over after
//! the pause was written is refused. What a sender was handed before is sent; who pauses waits for it by
//! [`History::handed_over`].
//!
//! A send where nothing is paused looks one row up by its key, twice.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::EntryState;
use super::error::LedgerError;
use super::history::History;
use super::store::{Store, StoreError, StoreResult};
use super::worker::Durability;
use super::{Entry, Ledger};
use crate::protocol::{ErrorCode, Failure};
use crate::redact::printable;

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", content = "name", rename_all = "snake_case")]
pub enum Subject {
    /// Everything.
    All,
    /// One sender: its fallbacks go on.
    Sender(String),
    /// Numbers of one region, as two letters.
    Region(String),
    /// What one caller of the hub asks for.
    Caller(String),
    /// Numbers in international form that begin so.
    Prefix(String),
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What is paused.
    #[serde(flatten)]
    pub subject: Subject,
    /// Why, in the words of who paused it.
    pub reason: String,
    /// Who paused it.
    pub by: String,
    /// When it was paused.
    pub since: Timestamp,
    /// When it ends by itself; `None`: when it is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What pauses know a message by.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The number, in international form.
    pub number: &'a str,
    /// Its region.
    pub region: Option<&'a str>,
    /// The caller of the hub that asks, if it has a name.
    pub caller: Option<&'a str>,
}

impl Subject {
    /// Whether it covers a message, whichever sender it goes through.
    pub fn covers(&self, message: &Target<'_>) -> bool {
        match self {
            Subject::All => true,
            Subject::Sender(_) => false,
            Subject::Region(region) => message.region == Some(region),
            Subject::Caller(caller) => message.caller == Some(caller),
            Subject::Prefix(prefix) => message.number.starts_with(prefix.as_str()),
        }
    }

    /// Whether it is this sender.
    pub fn is_sender(&self, sender: &str) -> bool {
        matches!(self, Subject::Sender(name) if name == sender)
    }

    /// What it is, in one word, and which one it is.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Subject::All => ("all", None),
            Subject::Sender(name) => ("sender", Some(name)),
            Subject::Region(name) => ("region", Some(name)),
            Subject::Caller(name) => ("caller", Some(name)),
            Subject::Prefix(digits) => ("prefix", Some(digits)),
        }
    }

    /// The command that ends its pause.
    pub fn resume(&self) -> String {
        match self.parts() {
            (what, None) => format!("textsender resume --{what}"),
            (what, Some(name)) => format!("textsender resume --{what} {name}"),
        }
    }
}

/// "all texts", "sender twilio".
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (_, None) => f.write_str("all texts"),
            (what, Some(name)) => write!(f, "{what} {name}"),
        }
    }
}

/// "sender twilio, by ann since 2026-11-29 03:12:00Z: takes texts and delivers none"
impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%SZ");
        let Pause {
            subject, by, since, ..
        } = self;
        write!(f, "{subject}, by {} since {}", printable(by), time(*since))?;
        if let Some(until) = self.until {
            write!(f, " until {}", time(until))?;
        }
        write!(f, ": {}", printable(&self.reason))
    }
}

impl Pause {
    /// What a message is answered that it keeps: what is paused, and the command that ends it. Why it is
    /// paused stands in the ledger.
    pub fn failure(&self) -> Failure {
        let detail = format!("{}; `{}` ends it", self.subject, self.subject.resume());
        Failure::with_detail(ErrorCode::Paused, detail)
    }

    fn is_over(&self, now: i64) -> bool {
        self.until
            .is_some_and(|until| until.as_millisecond() <= now)
    }
}

/// The pause that covers a message, whichever sender it goes through.
pub fn of_message<'p>(pauses: &'p [Pause], message: &Target<'_>) -> Option<&'p Pause> {
    pauses.iter().find(|pause| pause.subject.covers(message))
}

/// The pause of a sender.
pub fn of_sender<'p>(pauses: &'p [Pause], sender: &str) -> Option<&'p Pause> {
    pauses.iter().find(|pause| pause.subject.is_sender(sender))
}

impl Ledger {
    /// Pauses something, or gives its pause another reason and end. What is claimed or handed to a sender
    /// after this has returned is refused.
    ///
    /// # Errors
    /// If the ledger fails; then nothing is paused that was not.
    pub async fn pause(&self, pause: Pause) -> Result<(), LedgerError> {
        self.queue
            .call(Durability::Synced, move |store| {
                let mut pauses = read(store)?;
                pauses.retain(|known| known.subject != pause.subject);
                pauses.push(pause.clone());
                write(store, &pauses)
            })
            .await
    }

    /// Ends the pause of something; returns it. `None`: it was not paused.
    ///
    /// # Errors
    /// If the ledger fails; then it stays paused.
    pub async fn resume(&self, subject: &Subject) -> Result<Option<Pause>, LedgerError> {
        let subject = subject.clone();
        self.queue
            .call(Durability::Synced, move |store| {
                let mut pauses = read(store)?;
                let paused = pauses.iter().position(|pause| pause.subject == subject);
                let Some(paused) = paused.map(|place| pauses.remove(place)) else {
                    return Ok(None);
                };
                write(store, &pauses)?;
                Ok(Some(paused))
            })
            .await
    }
}

impl History {
    /// What is paused now.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn pauses(&self, now: Timestamp) -> Result<Vec<Pause>, LedgerError> {
        let written = self.archive.pauses()?;
        parse(written.as_deref(), now.as_millisecond()).ok_or_else(|| LedgerError::Corrupt {
            file: self.folder.clone(),
            reason: "its pauses are not what textsender writes".to_owned(),
            set_aside: None,
        })
    }

    /// The messages that a sender was handed, and whose end is not written yet.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn handed_over(&self) -> Result<Vec<Entry>, LedgerError> {
        let (_, open) = self.archive.end()?;
        let mut entries = self.entries(self.archive.numbered(&open)?)?;
        entries.retain(|one| one.state == EntryState::Sending && !one.dispatched_to.is_empty());
        Ok(entries)
    }
}

/// The pauses that hold, as part of a step: it is run again where one came or went meanwhile.
pub(super) fn read(store: &dyn Store) -> StoreResult<Vec<Pause>> {
    let Some(written) = store.pauses()? else {
        return Ok(Vec::new());
    };
    parse(Some(&written), store.now()).ok_or(StoreError::Damaged("pauses"))
}

fn write(store: &dyn Store, pauses: &[Pause]) -> StoreResult<()> {
    if pauses.is_empty() {
        return store.put_pauses(None);
    }
    let text = serde_json::to_string(pauses).map_err(|_| StoreError::Damaged("pauses"))?;
    store.put_pauses(Some(&text))
}

/// Those that are not over; `None`: it is none of ours.
fn parse(written: Option<&str>, now: i64) -> Option<Vec<Pause>> {
    let Some(written) = written.filter(|text| !text.is_empty()) else {
        return Some(Vec::new());
    };
    let mut pauses: Vec<Pause> = serde_json::from_str(written).ok()?;
    pauses.retain(|pause| !pause.is_over(now));
    Some(pauses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_covers_what_it_names_and_nothing_else() {
        let ada = Target {
            number: "+447700900123",
            region: Some("GB"),
            caller: Some("portal"),
        };
        let of = |text: &str| text.to_owned();
        for (subject, covers) in [
            (Subject::All, true),
            (Subject::Region(of("GB")), true),
            (Subject::Region(of("FR")), false),
            (Subject::Caller(of("portal")), true),
            (Subject::Caller(of("other")), false),
            (Subject::Prefix(of("+4477009")), true),
            (Subject::Prefix(of("+4477008")), false),
            (Subject::Sender(of("twilio")), false),
        ] {
            assert_eq!(subject.covers(&ada), covers, "{subject}");
        }
        assert!(Subject::Sender(of("twilio")).is_sender("twilio"));
        assert!(!Subject::All.is_sender("twilio"));
    }

    #[test]
    fn pauses_are_read_as_they_were_written_and_end_by_themselves() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let pauses = vec![
            Pause {
                subject: Subject::All,
                reason: "SMS pumping".to_owned(),
                by: "ann".to_owned(),
                since: at(1),
                until: Some(at(60)),
            },
            Pause {
                subject: Subject::Prefix("+4477009".to_owned()),
                reason: "x".to_owned(),
                by: "bob".to_owned(),
                since: at(2),
                until: None,
            },
        ];
        let written = serde_json::to_string(&pauses).unwrap();
        assert_eq!(parse(Some(&written), 59_999), Some(pauses.clone()));
        assert_eq!(parse(Some(&written), 60_000), Some(pauses[1..].to_vec()));
        assert_eq!(parse(None, 0), Some(Vec::new()));
        assert_eq!(parse(Some(""), 0), Some(Vec::new()));
        assert_eq!(parse(Some("{"), 0), None);
    }
}
