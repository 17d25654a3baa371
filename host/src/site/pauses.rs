//! What an administrator stops: written to the ledger, and noted in the journal of changes.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use jiff::Timestamp;

use super::{Site, block_on};
use crate::{
    config::{self, is_name},
    edit::{
        journal::{self, Change},
        names,
    },
    failpoint::Failpoints,
    ledger::{CLOSING, History, Ledger, LedgerError, Options, Pause, Subject},
    recipient::Region,
};

/// How often it is looked whether a message has ended.
const LOOK: Duration = Duration::from_millis(50);

/// How long after its caller has its answer a message may still be open: its process writes down how it ended.
const MARGIN: Duration = Duration::from_secs(10);

/// The most characters of a reason.
const LONGEST_REASON: usize = 200;

/// Digits of a prefix that is paused: of one calling code at least, and of no whole number.
const PREFIX: std::ops::RangeInclusive<usize> = 1..=11;

/// What is to be paused.
pub struct Order {
    /// What.
    pub subject: Subject,
    /// Why.
    pub reason: String,
    /// For how long; `None`: until it is resumed.
    pub lasts: Option<Duration>,
}

impl Site {
    /// Pauses something. What was handed to a sender before may still be sent: see [`Site::handed_over`].
    ///
    /// # Errors
    ///
    /// There is no such thing, or the ledger can't be written.
    pub fn pause(&self, order: Order, failpoints: Failpoints) -> anyhow::Result<Pause> {
        let subject = in_one_form(order.subject)?;
        if let Subject::Sender(name) = &subject {
            names::sender(&self.config, name)?;
        }
        let reason: String = order.reason.trim().chars().take(LONGEST_REASON).collect();
        if reason.is_empty() {
            bail!("the reason is empty: say why, for others who find it paused");
        }
        let now = (failpoints.clock)();
        let until = order.lasts.and_then(|lasts| now.checked_add(lasts).ok());
        let end = until.map(|until| until.strftime(" until %Y-%m-%d %H:%M:%SZ").to_string());
        let end = end.unwrap_or_default();
        // As root is still known who called sudo.
        let change = Change::now(format!("pause {subject}{end}: {reason}"), Vec::new(), false);
        let options = self.to_stop(failpoints)?;
        let pause = Pause {
            subject,
            reason,
            by: change.by.clone(),
            since: now,
            until,
        };
        let written = pause.clone();
        self.write(&options, async |ledger| ledger.pause(written).await)?;
        journal::note(&self.state, &change).context("it is paused, but")?;
        Ok(pause)
    }

    /// Ends the pause of something; `None`: it was not paused.
    ///
    /// # Errors
    ///
    /// The ledger can't be written.
    pub fn resume(
        &self,
        subject: Subject,
        failpoints: Failpoints,
    ) -> anyhow::Result<Option<Pause>> {
        let subject = in_one_form(subject)?;
        let change = Change::now(format!("resume {subject}"), Vec::new(), false);
        let options = self.to_stop(failpoints)?;
        let resumed = self.write(&options, async |ledger| ledger.resume(&subject).await)?;
        if resumed.is_some() {
            journal::note(&self.state, &change).context("it is resumed, but")?;
        }
        Ok(resumed)
    }

    /// What is paused.
    ///
    /// # Errors
    ///
    /// The ledger can't be read.
    pub fn pauses(&self, now: Timestamp) -> Result<Vec<Pause>, LedgerError> {
        let options = Options::of(&self.config.state);
        match History::open(&self.state, &options).and_then(|history| history.pauses(now)) {
            Err(LedgerError::Absent { .. }) => Ok(Vec::new()),
            pauses => pauses,
        }
    }

    /// Refuses what would end a sender's pause, as that goes by its name.
    ///
    /// # Errors
    ///
    /// It is paused, or whether it is can't be read.
    pub fn is_not_paused(&self, sender: &str) -> anyhow::Result<()> {
        let pauses = self.pauses(Timestamp::now())?;
        match pauses.iter().find(|pause| pause.subject.is_sender(sender)) {
            Some(pause) => bail!(
                "sender {sender} is paused, and would not be by another name: rename it once it is resumed ({})",
                pause.subject.resume()
            ),
            None => Ok(()),
        }
    }

    /// Waits until no message is open any more that a sender was handed before now, but no longer than such a
    /// one may take. `waiting` is called once, where there is one. Returns how many still are.
    ///
    /// # Errors
    ///
    /// The ledger can't be read.
    pub fn handed_over(&self, waiting: impl FnOnce(usize)) -> Result<usize, LedgerError> {
        let mut history = History::open(&self.state, &Options::of(&self.config.state))?;
        let mut open: Vec<i64> = history.handed_over()?.iter().map(|one| one.seq).collect();
        if !open.is_empty() {
            waiting(open.len());
        }
        let last = Instant::now() + self.config.sending.timeout + MARGIN;
        while !open.is_empty() && Instant::now() < last {
            thread::sleep(LOOK);
            history = history.renewed()?;
            let now = history.handed_over()?;
            open.retain(|seq| now.iter().any(|one| one.seq == *seq));
        }
        Ok(open.len())
    }

    /// Becomes the account that sends, where there is a ledger that every send asks.
    fn to_stop(&self, failpoints: Failpoints) -> anyhow::Result<Options> {
        if self.config.state.ledger == config::Ledger::Off {
            bail!(
                "nothing can be paused without a ledger, and [state] ledger is \"off\"; stop the service that \
                 sends instead, such as with systemctl stop textsender"
            );
        }
        self.become_owner()?;
        Ok(Options {
            failpoints,
            ..Options::of(&self.config.state)
        })
    }

    fn write<T>(
        &self,
        options: &Options,
        step: impl AsyncFnOnce(&Ledger) -> Result<T, LedgerError>,
    ) -> anyhow::Result<T> {
        let written = block_on(async {
            let ledger = Ledger::open(&self.state, options.clone())?;
            let written = step(&ledger).await;
            ledger.close(CLOSING).await;
            written
        })?;
        Ok(written?)
    }
}

/// The same subject in its one form, if it can be one.
fn in_one_form(subject: Subject) -> anyhow::Result<Subject> {
    Ok(match subject {
        Subject::All | Subject::Sender(_) => subject,
        Subject::Region(code) => {
            let region = Region::parse(&code.to_ascii_uppercase())?;
            Subject::Region(region.as_str().to_owned())
        }
        // One without a section has a token alone.
        Subject::Caller(name) if is_name(&name) => Subject::Caller(name),
        Subject::Caller(name) => {
            bail!("{name:?} is not the name of a caller, as in [callers.NAME]")
        }
        Subject::Prefix(written) => {
            let digits: String = written.chars().filter(|c| !c.is_whitespace()).collect();
            let is_prefix = digits.strip_prefix('+').is_some_and(|digits| {
                PREFIX.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
            });
            if !is_prefix {
                bail!(
                    "a prefix is the beginning of numbers in international form, such as +4477009, of at \
                     most {} digits",
                    PREFIX.end()
                );
            }
            Subject::Prefix(digits)
        }
    })
}
