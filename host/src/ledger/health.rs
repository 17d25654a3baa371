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

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::columns;
use super::store::Store;

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
}

/// The pause after the first failure: short, so that a hiccup costs little.
pub const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// The longest pause, so that a repaired sender is noticed soon (Envoy's outlier detection ejects for
/// `max_ejection_time` = 300 s as well).
pub const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How long a trial may take before another message may try: the default of `[send] timeout`.
pub const TRIAL: Duration = Duration::from_secs(30);

/// What the ledger knows of a sender that has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Breaker {
    pub failures: u32,
    pub reason: String,
    pub failed_at: i64,
    pub trial_at: Option<i64>,
}

impl Breaker {
    /// The health at `now`; [`Health::Trial`] if one may be granted.
    pub fn health(&self, now: i64) -> Health {
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

    /// The breaker after a failure at `now` of an attempt that began at `began`.
    fn after_failure(self, began: i64, now: i64, reason: &str) -> Breaker {
        if self.failures > 0 && began < self.failed_at && self.failed_at <= now {
            return self;
        }
        Breaker {
            failures: self.failures.saturating_add(1),
            reason: reason.to_owned(),
            failed_at: now,
            trial_at: None,
        }
    }

    fn never_failed() -> Breaker {
        Breaker {
            failures: 0,
            reason: String::new(),
            failed_at: 0,
            trial_at: None,
        }
    }

    /// Reads a row of `senders`.
    pub fn read(row: &Row<'_>) -> rusqlite::Result<Breaker> {
        Ok(Breaker {
            failures: row.get("failures")?,
            reason: row.get("reason")?,
            failed_at: columns::time(row, "failed_at")?.as_millisecond(),
            trial_at: row.get("trial_at")?,
        })
    }

    /// When it failed last.
    pub fn failed_at(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.failed_at).ok()
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

impl Store {
    /// The health of the senders in the order in which the message will try them. A trial is
    /// granted to a sender only if all before it are paused, for only then will it be tried.
    pub(super) fn health_of(&self, senders: &[String], now: i64) -> rusqlite::Result<Vec<Health>> {
        let mut found_one_to_try = false;
        let mut all = Vec::with_capacity(senders.len());
        for sender in senders {
            let breaker = self.breaker(sender)?;
            if breaker.failed_at > now {
                self.store_breaker(
                    sender,
                    &Breaker {
                        failed_at: now,
                        ..breaker.clone()
                    },
                )?;
            }
            let health = match breaker.health(now) {
                Health::Trial { failures, reason } if found_one_to_try => Health::Paused {
                    failures,
                    reason,
                    remaining: Duration::ZERO,
                },
                Health::Trial { failures, reason } => {
                    self.store_breaker(
                        sender,
                        &Breaker {
                            trial_at: Some(now),
                            ..breaker
                        },
                    )?;
                    Health::Trial { failures, reason }
                }
                other => other,
            };
            found_one_to_try |= !matches!(health, Health::Paused { .. });
            all.push(health);
        }
        Ok(all)
    }

    /// Takes note of how a sender did.
    pub(super) fn report_health(&self, report: &HealthReport, now: i64) -> rusqlite::Result<()> {
        let Some(reason) = &report.failure else {
            self.sql
                .prepare_cached(
                    "UPDATE senders SET failures = 0, trial_at = NULL WHERE sender = ?1 AND failures > 0",
                )?
                .execute([&report.sender])?;
            return Ok(());
        };
        let took = i64::try_from(report.took.as_millis()).unwrap_or(i64::MAX);
        let breaker = self.breaker(&report.sender)?;
        self.store_breaker(
            &report.sender,
            &breaker.after_failure(now.saturating_sub(took), now, reason),
        )
    }

    fn breaker(&self, sender: &str) -> rusqlite::Result<Breaker> {
        let breaker = self
            .sql
            .prepare_cached(
                "SELECT failures, reason, failed_at, trial_at FROM senders WHERE sender = ?1",
            )?
            .query_row([sender], Breaker::read)
            .optional()?;
        Ok(breaker.unwrap_or_else(Breaker::never_failed))
    }

    fn store_breaker(&self, sender: &str, breaker: &Breaker) -> rusqlite::Result<()> {
        self.sql
            .prepare_cached("INSERT OR REPLACE INTO senders VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                sender,
                breaker.failures,
                breaker.reason,
                breaker.failed_at,
                breaker.trial_at
            ])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(times: u32, at: i64) -> Breaker {
        Breaker {
            failures: times,
            reason: "timeout".into(),
            failed_at: at,
            trial_at: None,
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
        let one = Breaker::never_failed().after_failure(0, 10_000, "timeout");
        let two = one.clone().after_failure(5_000, 10_001, "timeout");
        assert_eq!(one, two);
        let next = two.after_failure(20_000, 30_000, "unauthorized");
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
