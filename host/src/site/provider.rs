//! A sender's provider, asked about credentials and settings without a message.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use jiff::{SignedDuration, Timestamp};
use textsender_plugin_api::{Finding, Level};
use tokio::time::Instant;

use super::{Site, block_on};
use crate::{
    config,
    ledger::{Health, HealthReport, History, Ledger, LedgerError, Options, SenderState},
    plugins::{CallResult, Pool, Reply, Work},
    protocol::Outcome,
    route::Ask,
};

/// How long a provider may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be known of a sender whose plugin asked no provider.
const NOT_ASKED: &str = "can't tell: no provider was asked";

/// What a provider said.
pub struct Asked {
    /// Accepted where nothing is wrong.
    pub outcome: Outcome,
    /// What the plugin found.
    pub findings: Vec<Finding>,
    /// How far this machine's clock is ahead of the provider's, if an answer told.
    pub clock_ahead: Option<SignedDuration>,
    /// What to do about a provider that was not reached, where that is known.
    pub remedy: Option<&'static str>,
}

impl Asked {
    /// Whether it is good, and what came of it in words.
    pub fn in_words(&self) -> (bool, String) {
        match self.outcome {
            Outcome::Accepted => (
                true,
                "its provider takes credentials and settings".to_owned(),
            ),
            other => (false, other.to_string()),
        }
    }
}

/// Asks the provider of a ready sender. One that works is no longer paused for having failed.
///
/// # Errors
///
/// Its process can't be started, and why.
pub fn ask(site: &Site, sender: &str, max_level: Level) -> anyhow::Result<Asked> {
    let asked = ask_unsaved(site, sender, max_level)?;
    if asked.outcome == Outcome::Accepted
        && let Err(error) = end_pause(site, sender)
    {
        tracing::warn!(%error, "the ledger does not know that {sender} works");
    }
    Ok(asked)
}

/// The same of settings that are not saved: of the sender that is, nothing is known by that.
///
/// # Errors
///
/// As above.
pub fn ask_unsaved(site: &Site, sender: &str, max_level: Level) -> anyhow::Result<Asked> {
    let pool = Pool::new(Arc::new(site.config.clone()), site.state.clone(), max_level);
    let asked = pool.ask(sender, Work::Check, Instant::now() + PATIENCE);
    let end = block_on(asked)?.map_err(|failure| anyhow!(failure))?;
    let clock_ahead = end.trace.clock_ahead();
    let fault = end.trace.last_fault();
    let remedy = fault.as_ref().and_then(|fault| fault.remedy);
    let is_answered = end.trace.has_answer() || end.trace.has_own_network();
    let (outcome, finding) = match end.result {
        CallResult::Replied(Reply::Checked(mut findings)) => {
            let is_fault = findings.iter().any(|finding| finding.is_fault);
            let outcome = match is_answered {
                _ if is_fault => Outcome::Misconfigured,
                true => Outcome::Accepted,
                // Whatever else it says, it can't know.
                false => {
                    findings.push(Finding::note(NOT_ASKED));
                    Outcome::Unknown
                }
            };
            return Ok(Asked {
                outcome,
                findings,
                clock_ahead,
                remedy: None,
            });
        }
        CallResult::Failed(error) => {
            // Host, port and cause are the front's own knowledge.
            let fault = fault.filter(|fault| error.failure == Some(fault.kind));
            let is_ours = fault.as_ref().is_some_and(|fault| fault.ours.is_some());
            let words = fault.and_then(|fault| fault.words);
            let outcome = match error.needs_administrator() || is_ours {
                true => Outcome::Misconfigured,
                false => Outcome::Unavailable,
            };
            (outcome, words.unwrap_or_else(|| error.to_string()))
        }
        CallResult::TimedOut => (
            Outcome::Unavailable,
            "the provider did not answer in time".to_owned(),
        ),
        CallResult::Panicked | CallResult::Died | CallResult::TooOld | CallResult::Replied(_) => (
            Outcome::Unavailable,
            "the plugin failed; --log-level debug shows how".to_owned(),
        ),
    };
    Ok(Asked {
        outcome,
        findings: vec![Finding::fault(finding)],
        clock_ahead,
        remedy,
    })
}

/// Tells the ledger of a sender that it works, if it knows that it failed. Where there is no ledger
/// yet, none is made.
fn end_pause(site: &Site, sender: &str) -> anyhow::Result<()> {
    if site.config.state.ledger == config::Ledger::Off {
        return Ok(());
    }
    let options = Options::of(&site.config.state);
    let known = match History::open(&site.state, &options) {
        Ok(history) => history.senders(Timestamp::now())?,
        Err(LedgerError::Absent { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let has_failed = |known: &SenderState| known.sender == sender && known.health != Health::Good;
    if !known.iter().any(has_failed) {
        return Ok(());
    }
    let works = HealthReport {
        sender: sender.to_owned(),
        failure: None,
        took: Duration::ZERO,
        ended_ago: Duration::ZERO,
        unsealed: None,
    };
    let ledger = Ledger::open(&site.state, options)?;
    Ok(block_on(ledger.report_health(works))??)
}
