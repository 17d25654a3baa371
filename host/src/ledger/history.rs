//! Reading the ledger back: what `log`, `explain`, `stats` and `doctor` show.
//!
//! A connection of its own on the caller's thread, which may take its time: no sender waits for it. It
//! makes and writes no file, so it also reads where nothing may be written.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use textsender_plugin_api::Phone;

use super::Options;
use super::archive::{Archive, Found, PAGE, Page, Server, Wanted};
use super::entry::{Entry, EntryState};
use super::error::LedgerError;
use super::health::Health;
use super::keys::{Digest, Keys};
use super::shared;
use super::sqlite::archive::SqliteArchive;
use super::store::Breaker;
use super::stored::hexadecimal;
use crate::protocol::Outcome;

/// The ledger, open for reading.
pub struct History {
    pub(super) archive: Box<dyn Archive>,
    pub(super) keys: Keys,
    pub(super) folder: PathBuf,
}

/// Which decisions to show; the default shows all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Not earlier than this.
    pub since: Option<Timestamp>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// To this number.
    pub recipient: Option<Phone>,
    /// Whose answer this sender gave.
    pub sender: Option<String>,
    /// That this policy decided.
    pub policy: Option<String>,
    /// That this actor asked for.
    pub actor: Option<String>,
    /// Whose id begins so.
    pub id_prefix: Option<String>,
    /// For the user of this name.
    pub user: Option<String>,
}

/// How far a reader has followed the ledger.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    after: i64,
    sending: BTreeSet<i64>,
    /// Those that were seen, and after which earlier ones may still come.
    seen: BTreeSet<i64>,
}

/// What is known of a sender that has failed at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderState {
    /// The sender.
    pub sender: String,
    /// Its health now.
    pub health: Health,
    /// When it failed last.
    pub failed_at: Option<Timestamp>,
    /// What its process lacked of its seal when it last did something.
    pub unsealed: Option<String>,
}

impl History {
    /// Opens the ledger in `folder` for reading, or the one that is shared.
    ///
    /// # Errors
    /// [`LedgerError::Absent`] if nothing was ever recorded there, or why it cannot be read. A
    /// damaged file is not set aside; the next send does that.
    pub fn open(folder: &Path, options: &Options) -> Result<History, LedgerError> {
        let (archive, keys): (Box<dyn Archive>, Keys) = match &options.shared {
            None => {
                let (archive, keys) = SqliteArchive::open(folder, options)?;
                (Box::new(archive), keys)
            }
            Some(shared) => {
                let (archive, keys) = (shared::store()?.archive)(folder, shared, options)?;
                (archive, keys)
            }
        };
        Ok(History {
            archive,
            keys,
            folder: folder.to_owned(),
        })
    }

    /// Opens this machine's own ledger, beside one that is shared.
    ///
    /// # Errors
    /// As [`History::open`].
    pub fn own(folder: &Path, options: &Options) -> Result<History, LedgerError> {
        let options = Options {
            shared: None,
            ..options.clone()
        };
        History::open(folder, &options)
    }

    /// The latest decisions that pass the filter, at most so many, oldest first.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn latest(&self, count: usize, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
        let wanted = self.wanted(filter);
        let (mut entries, mut before) = (Vec::new(), i64::MAX);
        loop {
            let page = self.archive.page(&wanted, Page::Before(before))?;
            let is_last = page.len() < PAGE;
            for found in page {
                before = found.0.seq;
                let entry = self.entry(found)?;
                if self.shows(filter, &entry) {
                    entries.push(entry);
                }
                if entries.len() >= count {
                    entries.reverse();
                    return Ok(entries);
                }
            }
            if is_last {
                entries.reverse();
                return Ok(entries);
            }
        }
    }

    /// Calls `show` with each decision that passes the filter, oldest first, until it breaks. A slow
    /// `show`, such as a pager that is not scrolled, does not keep others from writing the log back: the
    /// ledger is read a page at a time.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn each(
        &self,
        filter: &Filter,
        mut show: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        let wanted = self.wanted(filter);
        let mut from = match filter.since {
            // What is older is not even looked at.
            Some(_) => self.archive.first(wanted.since)?,
            None => 0,
        };
        loop {
            let page = self.archive.page(&wanted, Page::From(from))?;
            let is_last = page.len() < PAGE;
            for found in page {
                from = found.0.seq + 1;
                let entry = self.entry(found)?;
                if self.shows(filter, &entry) && show(entry).is_break() {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// All that is known of one id, oldest first: a message that was repeated has several entries.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn of_id(&self, id: &str) -> Result<Vec<Entry>, LedgerError> {
        self.entries(self.archive.of_id(id)?)
    }

    /// A cursor that stands after everything that is in the ledger now.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn end(&self) -> Result<Cursor, LedgerError> {
        let (after, sending) = self.archive.end()?;
        let late = after.saturating_sub(self.archive.overlap());
        let seen = self.from(late.saturating_add(1))?;
        Ok(Cursor {
            after,
            sending: sending.into_iter().collect(),
            seen: seen.into_iter().map(|(row, _)| row.seq).collect(),
        })
    }

    /// The decisions that pass the filter and have ended since the cursor's last use. None is
    /// missed because it took longer than a later one, and none comes twice.
    ///
    /// # Errors
    /// If the ledger cannot be read; the cursor then stays where it was.
    pub fn follow(&self, cursor: &mut Cursor, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
        let sending: Vec<i64> = cursor.sending.iter().copied().collect();
        let mut found = self.archive.numbered(&sending)?;
        let late = cursor.after.saturating_sub(self.archive.overlap());
        let new = self.from(late.saturating_add(1))?;
        let is_new = |(row, _): &Found| !cursor.seen.contains(&row.seq);
        found.extend(new.into_iter().filter(is_new));
        let (sending, ended): (Vec<_>, Vec<_>) = self
            .entries(found)?
            .into_iter()
            .partition(|entry| entry.state == EntryState::Sending);
        let known = || sending.iter().chain(&ended).map(|entry| entry.seq);
        cursor.after = known().max().unwrap_or(0).max(cursor.after);
        let late = cursor.after.saturating_sub(self.archive.overlap());
        cursor.seen.extend(known());
        cursor.seen = cursor.seen.split_off(&late.saturating_add(1));
        cursor.sending = sending.iter().map(|entry| entry.seq).collect();
        let shown = ended.into_iter().filter(|entry| self.shows(filter, entry));
        Ok(shown.collect())
    }

    /// Every decision from this number on.
    fn from(&self, mut number: i64) -> Result<Vec<Found>, LedgerError> {
        let wanted = self.wanted(&Filter::default());
        let mut found = Vec::new();
        loop {
            let page = self.archive.page(&wanted, Page::From(number))?;
            let is_last = page.len() < PAGE;
            found.extend(page);
            match found.last() {
                Some((row, _)) if !is_last => number = row.seq + 1,
                _ => return Ok(found),
            }
        }
    }

    /// Whether the file that is open is still the ledger: a damaged one may have been set aside.
    pub fn is_in_place(&self) -> bool {
        self.archive.is_in_place()
    }

    /// The same ledger with what was written since: opened again where its log came or went.
    ///
    /// # Errors
    /// If the ledger cannot be opened again.
    pub fn renewed(mut self) -> Result<History, LedgerError> {
        self.archive.renew()?;
        Ok(self)
    }

    /// The server of a ledger that several machines share; `None` for this machine's own.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub fn server(&self) -> Result<Option<Server>, LedgerError> {
        self.archive.server()
    }

    /// The senders that have failed at some time, by name.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn senders(&self, now: Timestamp) -> Result<Vec<SenderState>, LedgerError> {
        let senders = self.archive.senders()?.into_iter();
        let state = |(sender, breaker): (String, Breaker)| SenderState {
            sender,
            health: breaker.health(now.as_millisecond()),
            failed_at: breaker.failed_at(),
            unsealed: breaker.unsealed,
        };
        Ok(senders.map(state).collect())
    }

    /// Writes a copy of the ledger and its key into a folder that is there. Messages go on meanwhile. Of a
    /// ledger that is shared nothing is copied: its database has backups of its own.
    ///
    /// # Errors
    /// If the ledger cannot be read, or the copy cannot be written.
    pub fn copy_into(&self, copies: &Path) -> Result<(), LedgerError> {
        self.archive.copy_into(copies)
    }

    /// The part of a filter that a store applies.
    fn wanted(&self, filter: &Filter) -> Wanted {
        let recipient = filter.recipient.as_ref();
        let recipient = recipient.map(|phone| self.keys.both(|keys| keys.recipient(phone)));
        Wanted {
            since: filter.since.map_or(i64::MIN, Timestamp::as_millisecond),
            recipient: recipient.map(|(own, _)| own),
            or_recipient: recipient.and_then(|(_, other)| other),
            outcome: filter.outcome.map(Outcome::as_str),
        }
    }

    pub(super) fn entry(&self, found: Found) -> Result<Entry, LedgerError> {
        let seq = found.0.seq;
        Entry::of(found).ok_or_else(|| LedgerError::Corrupt {
            file: self.folder.clone(),
            reason: format!("decision {seq} holds what textsender never writes"),
            set_aside: None,
        })
    }

    pub(super) fn entries(&self, found: Vec<Found>) -> Result<Vec<Entry>, LedgerError> {
        found.into_iter().map(|one| self.entry(one)).collect()
    }

    /// Whether an entry passes the filter.
    fn shows(&self, filter: &Filter, entry: &Entry) -> bool {
        let is_of = |hash: &Option<String>, wanted: Option<(Digest, Option<Digest>)>| {
            let Some((own, other)) = wanted else {
                return true;
            };
            let is = |wanted: &Digest| *hash == Some(hexadecimal(wanted));
            is(&own) || other.as_ref().is_some_and(is)
        };
        let phone = filter.recipient.as_ref();
        let user = filter.user.as_deref();
        is_of(
            &entry.recipient_hash,
            phone.map(|phone| self.keys.both(|keys| keys.recipient(phone))),
        ) && is_of(
            &entry.user_hash,
            user.map(|user| self.keys.both(|keys| keys.user(user))),
        ) && filter
            .outcome
            .is_none_or(|outcome| entry.state == EntryState::Ended(outcome))
            && filter.since.is_none_or(|since| entry.at >= since)
            && is_wanted(&filter.sender, &entry.sender)
            && is_wanted(&filter.policy, &entry.policy)
            && is_wanted(&filter.actor, &entry.actor)
            && filter
                .id_prefix
                .as_ref()
                .is_none_or(|beginning| entry.id.starts_with(beginning))
    }
}

fn is_wanted(wanted: &Option<String>, found: &Option<String>) -> bool {
    wanted.is_none() || wanted == found
}

impl Cursor {
    /// Whether an entry had ended before the cursor: following from it does not bring it again.
    pub fn has_passed(&self, entry: &Entry) -> bool {
        entry.seq <= self.after && !self.sending.contains(&entry.seq)
    }
}
