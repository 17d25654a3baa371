//! The health of senders: a *breaker* that spares messages the wait for a sender that is known to
//! fail.
//!
//! Each failure in a row pauses the sender for twice as long, from [`FIRST_PAUSE`] to
//! [`LONGEST_PAUSE`]. When the pause is over, one message is let through as a *trial*; if it
//! succeeds, the breaker closes, if it fails, the next pause begins. Any success closes it, so a
//! `sender check` or a `test-send` after the repair works at once.
//!
//! Failures of attempts that began before the last one was counted do not count: sixty messages
//! that time out together are one failure, not sixty.
//!
//! Two things are noted as soon as they are known, for the processes beside this one. A provider that
//! is *rate-limiting* is no failure: until its pause is over nothing is asked, and then one after
//! another. A refusal that may be *the recipient's* counts once so many different recipients met it
//! that it can't be: one dead number pauses no sender.

use std::time::Duration;

use jiff::Timestamp;

use super::keys::Digest;
use super::store::{Breaker, Store, StoreResult};

/// How a sender did in one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// The sender's name.
    pub sender: String,
    /// The error code if the sender failed (timed out, unavailable, unauthorized...). `None` if it
    /// did its work, be it to reject a number.
    pub failure: Option<String>,
    /// How long the attempt took.
    pub took: Duration,
    /// How long before this report it ended: a message may have gone on to other senders since.
    pub ended_ago: Duration,
    /// What its process lacked of its seal, in words: none if nothing. `None`: that is not known.
    pub unsealed: Option<String>,
}

/// Whether a sender should get a message now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// As far as is known, it works.
    Good,
    /// It failed, its pause is over, and the message that asked is the one to try it.
    Trial {
        /// How often it failed in a row.
        failures: u32,
        /// The error code of the last failure.
        reason: String,
    },
    /// It failed, and others should get the message if they can.
    Paused {
        /// How often it failed in a row.
        failures: u32,
        /// The error code of the last failure.
        reason: String,
        /// How long the pause still is; zero while another message tries the sender.
        remaining: Duration,
    },
    /// Its provider is rate-limiting, and is not asked before this time is over.
    RateLimited {
        /// How long that still is.
        remaining: Duration,
    },
}

/// The pause after the first failure: short, so that a hiccup costs little.
pub const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause, so that a repaired sender is noticed soon (Envoy's outlier detection ejects for
/// `max_ejection_time` = 300 s as well).
pub const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Recipients that must have met a refusal before it is taken for the sender's own.
const DOUBTS: usize = 3;

/// How long a trial may take before another message may try: the default of `[send] timeout`.
pub const TRIAL: Duration = Duration::from_secs(30);

impl Breaker {
    /// The health at `now`; [`Health::Trial`] if one may be granted.
    pub fn health(&self, now: i64) -> Health {
        let by_failures = self.health_by_failures(now);
        match self.remaining_wait(now) {
            Some(remaining) if !matches!(by_failures, Health::Paused { .. }) => {
                Health::RateLimited { remaining }
            }
            _ => by_failures,
        }
    }

    /// How long the provider wants nothing. A clock that was set back does not make it longer.
    fn remaining_wait(&self, now: i64) -> Option<Duration> {
        let remaining = u64::try_from(self.wait_until?.saturating_sub(now)).ok()?;
        let remaining = Duration::from_millis(remaining).min(LONGEST_PAUSE);
        (!remaining.is_zero()).then_some(remaining)
    }

    fn health_by_failures(&self, now: i64) -> Health {
        if self.failures == 0 {
            return Health::Good;
        }
        let Breaker {
            failures, reason, ..
        } = self.clone();
        // A clock that was set back makes the failure one of now.
        let since = u64::try_from(now.saturating_sub(self.failed_at)).unwrap_or(0);
        let remaining = pause(failures).saturating_sub(Duration::from_millis(since));
        let tried = self.trial_at.is_some_and(|at| within(TRIAL, at, now));
        match remaining.is_zero() && !tried {
            true => Health::Trial { failures, reason },
            false => Health::Paused {
                failures,
                reason,
                remaining,
            },
        }
    }

    /// The breaker after a failure of an attempt that lasted from `began` to `ended`.
    fn after_failure(self, began: i64, ended: i64, now: i64, reason: &str) -> Breaker {
        if self.failures > 0 && began < self.failed_at && self.failed_at <= now {
            return self;
        }
        Breaker {
            failures: self.failures.saturating_add(1),
            reason: reason.to_owned(),
            failed_at: ended,
            trial_at: None,
            doubts: Vec::new(),
            ..self
        }
    }

    /// The breaker after a success.
    fn closed(self) -> Breaker {
        Breaker {
            failures: 0,
            trial_at: None,
            doubts: Vec::new(),
            ..self
        }
    }

    fn never_failed() -> Breaker {
        Breaker {
            failures: 0,
            reason: String::new(),
            failed_at: 0,
            trial_at: None,
            wait_until: None,
            unsealed: None,
            doubts: Vec::new(),
        }
    }

    /// The same with what is known of its process's seal, and whether that is news.
    fn sealed(self, unsealed: Option<&str>) -> (Breaker, bool) {
        let Some(lacks) = unsealed else {
            return (self, false);
        };
        let unsealed = (!lacks.is_empty()).then(|| lacks.to_owned());
        let is_news = self.unsealed != unsealed;
        (Breaker { unsealed, ..self }, is_news)
    }

    /// When it failed last, if it ever did.
    pub fn failed_at(&self) -> Option<Timestamp> {
        let at = Some(self.failed_at).filter(|at| *at > 0)?;
        Timestamp::from_millisecond(at).ok()
    }
}

/// The pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doubled = 1u32
        .checked_shl(failures.saturating_sub(1))
        .unwrap_or(u32::MAX);
    FIRST_PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE)
}

fn within(span: Duration, at: i64, now: i64) -> bool {
    u64::try_from(now.saturating_sub(at)).is_ok_and(|since| u128::from(since) < span.as_millis())
}

/// What is known of a sender, as of now.
pub(super) fn breaker(store: &dyn Store, sender: &str, now: i64) -> StoreResult<Breaker> {
    let mut breaker = store.breaker(sender)?.unwrap_or_else(Breaker::never_failed);
    // The clock was set back: the failure becomes one of now, and ages from now on.
    if breaker.failed_at > now {
        breaker.failed_at = now;
        store.put_breaker(sender, &breaker)?;
    }
    Ok(breaker)
}

/// Takes note of how a sender did.
pub(super) fn report(store: &dyn Store, report: &HealthReport, now: i64) -> StoreResult<()> {
    let breaker = store
        .breaker(&report.sender)?
        .unwrap_or_else(Breaker::never_failed);
    let (breaker, is_news) = breaker.sealed(report.unsealed.as_deref());
    let Some(reason) = &report.failure else {
        if is_news || breaker.failures > 0 || !breaker.doubts.is_empty() {
            store.put_breaker(&report.sender, &breaker.closed())?;
        }
        return Ok(());
    };
    let ended = now.saturating_sub(milliseconds(report.ended_ago));
    let began = ended.saturating_sub(milliseconds(report.took));
    let failed = breaker.after_failure(began, ended, now, reason);
    store.put_breaker(&report.sender, &failed)
}

/// Notes that a sender's provider wants nothing for so long.
pub(super) fn rate_limited(
    store: &dyn Store,
    sender: &str,
    wait: Duration,
    now: i64,
) -> StoreResult<()> {
    let mut breaker = breaker(store, sender, now)?;
    let until = now.saturating_add(milliseconds(wait.min(LONGEST_PAUSE)));
    breaker.wait_until = breaker.wait_until.max(Some(until));
    store.put_breaker(sender, &breaker)
}

/// Notes a refusal that may be the recipient's, and takes it for the sender's once so many met it.
pub(super) fn doubted(
    store: &dyn Store,
    sender: &str,
    recipient: Digest,
    reason: &str,
    now: i64,
) -> StoreResult<()> {
    let mut breaker = breaker(store, sender, now)?;
    if breaker.doubts.contains(&recipient) {
        return Ok(());
    }
    breaker.doubts.push(recipient);
    if breaker.doubts.len() >= DOUBTS {
        breaker = breaker.after_failure(now, now, now, reason);
    }
    store.put_breaker(sender, &breaker)
}

/// A time as the ledger counts it.
pub(super) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(times: u32, at: i64) -> Breaker {
        Breaker {
            failures: times,
            reason: "timeout".into(),
            failed_at: at,
            ..Breaker::never_failed()
        }
    }

    #[test]
    fn the_pause_doubles_up_to_five_minutes() {
        let pauses: Vec<u64> = (1..=7).map(|failures| pause(failures).as_secs()).collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }

    #[test]
    fn one_failure_pauses_and_one_message_tries() {
        let paused = |seconds| Health::Paused {
            failures: 1,
            reason: "timeout".into(),
            remaining: Duration::from_secs(seconds),
        };
        let breaker = failed(1, 1_000_000);
        assert_eq!(breaker.health(1_000_000), paused(10));
        assert_eq!(breaker.health(1_009_000), paused(1));
        assert!(matches!(breaker.health(1_010_000), Health::Trial { .. }));
        let tried = Breaker {
            trial_at: Some(1_010_000),
            ..breaker
        };
        assert_eq!(tried.health(1_039_999), paused(0));
        assert!(
            matches!(tried.health(1_040_000), Health::Trial { .. }),
            "the trial was lost"
        );
    }

    #[test]
    fn failures_that_began_together_count_once() {
        let one = Breaker::never_failed().after_failure(0, 10_000, 10_000, "timeout");
        let two = one.clone().after_failure(5_000, 10_001, 10_001, "timeout");
        assert_eq!(one, two);
        let next = two.after_failure(20_000, 30_000, 30_000, "unauthorized");
        assert_eq!((next.failures, next.reason.as_str()), (2, "unauthorized"));
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_the_pause() {
        let Health::Paused { remaining, .. } = failed(1, 9_000_000).health(1_000) else {
            panic!("it is paused");
        };
        assert_eq!(remaining, FIRST_PAUSE);
    }
}
