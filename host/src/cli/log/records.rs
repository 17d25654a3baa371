//! What `log` reads: the ledger; and beside a shared one, what this machine's own has that the shared one does not know
//! yet.

use std::collections::HashSet;

use crate::{
    cli::{Common, history::ledger_place, output::notice},
    ledger::{Away, Entry, Filter, History, LedgerError},
};

pub(super) struct Records {
    pub history: History,
    /// This machine's own ledger, and since when something of it is missing in the shared one.
    own: Option<(History, Away)>,
}

impl Records {
    pub fn open(common: &Common) -> Result<Records, LedgerError> {
        let (state, options) = ledger_place(&common.believed_of_ledger()?);
        let own = Away::look(&state, &options)
            .and_then(|away| Some((History::own(&state, &options).ok()?, away)));
        match (History::open(&state, &options), own) {
            (Err(error @ LedgerError::Unreachable { .. }), Some((history, away))) => {
                let since = away.since.strftime("%Y-%m-%d %H:%M:%SZ");
                notice(format_args!(
                    "{error}. What follows is of this machine's own ledger, by which codes go since {since}"
                ));
                Ok(Records { history, own: None })
            }
            (history, own) => history.map(|history| Records { history, own }),
        }
    }

    /// All of an id, oldest first.
    pub fn of_id(&self, id: &str) -> Result<Vec<Entry>, LedgerError> {
        let known = self.history.of_id(id)?;
        match &self.own {
            Some((own, _)) => Ok(merged(known, own.of_id(id)?)),
            None => Ok(known),
        }
    }

    /// The latest decisions that pass the filter, at most so many, oldest first.
    pub fn latest(&self, count: usize, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
        let known = self.history.latest(count, filter)?;
        let Some((own, away)) = &self.own else {
            return Ok(known);
        };
        // What is older was brought over.
        let filter = Filter {
            since: filter.since.max(Some(away.since)),
            ..filter.clone()
        };
        let mut all = merged(known, own.latest(count, &filter)?);
        Ok(all.split_off(all.len().saturating_sub(count)))
    }

    /// Whether there is something of both.
    pub const fn is_merged(&self) -> bool {
        self.own.is_some()
    }
}

/// Decisions of both by time. One that was brought over keeps its time, and is shown once.
fn merged(mut known: Vec<Entry>, mut own: Vec<Entry>) -> Vec<Entry> {
    let seen: HashSet<_> = known.iter().map(|entry| (&entry.id, entry.at)).collect();
    own.retain(|entry| !seen.contains(&(&entry.id, entry.at)));
    known.append(&mut own);
    known.sort_by_key(|entry| entry.at);
    known
}
