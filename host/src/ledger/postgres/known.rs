//! What is known of the database, and what a transaction makes of it: what it has read, with the version of each,
//! and what it writes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::wire::{
    Answer, Expected, ExpectedId, ExpectedProviderId, ExpectedRow, ExpectedUse, Lease, Pauses,
    PutWindow, Request, SenderRow, digest, from_hex,
};
use crate::ledger::keys::Digest;
use crate::ledger::store::Breaker;
use crate::ledger::stored::{Decision, hexadecimal};

/// What the database had when it was last heard of. It may have changed; its versions say so.
#[derive(Default)]
pub(super) struct Known {
    pub windows: HashMap<Digest, (i64, Vec<u8>)>,
    pub senders: HashMap<String, (i64, Breaker)>,
    pub rows: HashMap<i64, Decision>,
    pub holders: HashMap<String, i64>,
    /// Numbers to which a code went that was typed in.
    pub used: HashMap<Digest, bool>,
    /// Providers' ids that decisions since a time have, or not.
    pub provider_ids: HashMap<(String, i64), bool>,
    /// What is paused; empty: nothing.
    pub pauses: String,
}

/// What a transaction has read, and the version of each; what it writes.
#[derive(Default)]
pub(super) struct Work {
    pub windows: BTreeMap<Digest, i64>,
    pub senders: BTreeMap<String, i64>,
    pub rows: BTreeMap<i64, i64>,
    pub ids: BTreeMap<String, i64>,
    pub used: BTreeMap<Digest, bool>,
    pub provider_ids: BTreeMap<(String, i64), bool>,
    pub leases: Vec<i64>,
    pub insert: BTreeMap<i64, Decision>,
    pub update: BTreeMap<i64, Decision>,
    pub put_windows: BTreeMap<Digest, (Option<i64>, Vec<u8>)>,
    pub put_senders: BTreeMap<String, Breaker>,
    /// What was paused, if that was read.
    pub pauses: Option<String>,
    pub put_pauses: Option<String>,
}

impl Known {
    /// How things are, in place of what was expected. True if another had changed what was known, and not only what
    /// was guessed.
    pub fn learn(&mut self, work: &Work, answer: Answer) -> bool {
        let is_changed = |expected: Option<&i64>, now: i64| {
            expected.is_some_and(|expected| ![0, now].contains(expected))
        };
        let mut is_contended = false;
        self.forget(work);
        self.pauses = answer.pauses.unwrap_or_default();
        for window in answer.windows {
            let key = digest(Some(&window.key), "key");
            let events = from_hex(&window.events, "events");
            if let (Ok(Some(key)), Ok(events)) = (key, events) {
                is_contended |= is_changed(work.windows.get(&key), window.v);
                self.windows.insert(key, (window.v, events));
            }
        }
        for sender in answer.senders {
            is_contended |= is_changed(work.senders.get(&sender.sender), sender.v);
            if let Ok(breaker) = sender.breaker() {
                self.senders.insert(sender.sender, (sender.v, breaker));
            }
        }
        for recipient in work.used.keys() {
            let is_used = answer.used.contains(&hexadecimal(recipient));
            self.used.insert(*recipient, is_used);
        }
        for key in work.provider_ids.keys() {
            let is_known = answer.provider_ids.contains(&key.0);
            self.provider_ids.insert(key.clone(), is_known);
        }
        for row in answer.holders {
            self.holders.insert(row.id.clone(), row.seq);
            self.rows.insert(row.seq, row);
        }
        for row in answer.rows {
            is_contended |= is_changed(work.rows.get(&row.seq), row.v);
            self.rows.insert(row.seq, row);
        }
        is_contended
    }

    /// What was written is what is known now: windows, senders, and the open claims of this process, `owner`.
    pub fn keep(&mut self, work: Work, version: i64, owner: &str, epoch: &str) {
        self.forget_rows(&work);
        // A step that had been done before does not say its version.
        if version == 0 {
            return self.forget(&work);
        }
        if self.windows.len() > MOST_KNOWN {
            self.windows.clear();
        }
        for (key, (_, events)) in work.put_windows {
            self.windows.insert(key, (version, events));
        }
        if let Some(pauses) = work.put_pauses {
            self.pauses = pauses;
        }
        for (sender, breaker) in work.put_senders {
            self.senders.insert(sender, (version, breaker));
        }
        let own = |row: &Decision| row.outcome.is_none() && row.owner.as_deref() == Some(owner);
        for row in work.insert.into_values().chain(work.update.into_values()) {
            if own(&row) {
                let epoch = row.epoch.clone().unwrap_or_else(|| epoch.to_owned());
                self.holders.insert(row.id.clone(), row.seq);
                let row = Decision {
                    v: version,
                    epoch: Some(epoch),
                    ..row
                };
                self.rows.insert(row.seq, row);
            }
        }
    }

    /// What a transaction relied on is not known any more.
    pub fn forget(&mut self, work: &Work) {
        self.forget_rows(work);
        for key in work.windows.keys() {
            self.windows.remove(key);
        }
        for sender in work.senders.keys() {
            self.senders.remove(sender);
        }
    }

    /// The same of its rows and ids alone, and of what was asked once.
    fn forget_rows(&mut self, work: &Work) {
        for seq in work.rows.keys() {
            if let Some(row) = self.rows.remove(seq) {
                self.holders.remove(&row.id);
            }
        }
        for id in work.ids.keys() {
            self.holders.remove(id);
        }
        for recipient in work.used.keys() {
            self.used.remove(recipient);
        }
        for key in work.provider_ids.keys() {
            self.provider_ids.remove(key);
        }
    }
}

impl Work {
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
            && self.senders.is_empty()
            && self.rows.is_empty()
            && self.ids.is_empty()
            && self.used.is_empty()
            && self.provider_ids.is_empty()
            && self.insert.is_empty()
            && self.put_windows.is_empty()
            && self.put_senders.is_empty()
            && self.pauses.is_none()
            && self.put_pauses.is_none()
    }

    /// The step that it is; who sends it, and how, is the sender's to say.
    pub fn request(&self) -> Request<'_> {
        Request {
            ids: self
                .ids
                .iter()
                .map(|(id, seq)| ExpectedId { id, seq: *seq })
                .collect(),
            windows: self
                .windows
                .iter()
                .map(|(key, v)| Expected {
                    k: Cow::Owned(hexadecimal(key)),
                    v: *v,
                })
                .collect(),
            senders: self
                .senders
                .iter()
                .map(|(sender, v)| Expected {
                    k: Cow::Borrowed(sender),
                    v: *v,
                })
                .collect(),
            rows: self
                .rows
                .iter()
                .map(|(seq, v)| ExpectedRow { seq: *seq, v: *v })
                .collect(),
            used: self
                .used
                .iter()
                .map(|(recipient, has)| ExpectedUse {
                    k: hexadecimal(recipient),
                    has: *has,
                })
                .collect(),
            provider_ids: self
                .provider_ids
                .iter()
                .map(|((k, since), has)| ExpectedProviderId {
                    k,
                    since: *since,
                    has: *has,
                })
                .collect(),
            leases: self.leases.iter().map(|seq| Lease { seq: *seq }).collect(),
            insert: self.insert.values().collect(),
            update: self.update.values().collect(),
            put_windows: self
                .put_windows
                .iter()
                .map(|(key, (until, events))| PutWindow {
                    key: hexadecimal(key),
                    until: *until,
                    events: hexadecimal(events),
                })
                .collect(),
            put_senders: self
                .put_senders
                .iter()
                .map(|(sender, breaker)| SenderRow::of(sender, breaker))
                .collect(),
            pauses: self.pauses.as_deref().map(|value| Pauses { value }),
            put_pauses: self.put_pauses.as_deref().map(|value| Pauses { value }),
            ..Request::default()
        }
    }
}

/// Windows that are remembered.
const MOST_KNOWN: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::postgres::wire::WindowRow;

    const KEY: Digest = [7; 16];

    fn window(v: i64) -> Answer {
        Answer {
            windows: vec![WindowRow {
                key: hexadecimal(&KEY),
                v,
                events: String::new(),
            }],
            ..Answer::default()
        }
    }

    #[test]
    fn a_guess_that_was_wrong_is_no_contention() {
        for (expected, now, is_contended) in [(0, 4, false), (4, 4, false), (4, 5, true)] {
            let mut known = Known::default();
            let work = Work {
                windows: BTreeMap::from([(KEY, expected)]),
                ..Work::default()
            };
            assert_eq!(
                known.learn(&work, window(now)),
                is_contended,
                "{expected} {now}"
            );
            assert_eq!(known.windows[&KEY].0, now);
        }
    }
}
