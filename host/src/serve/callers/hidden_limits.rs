//! Counts what was asked for of users to whom nothing was sent, by the limits of a recipient, as the ledger counts
//! texts. Else `limited` would come for users that have a number, and never for others.
//!
//! In memory alone: it is about answers that hide something, and nothing was sent.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::ledger::Limit;

/// The most users of whom anything is remembered.
const MOST: usize = 65_536;

/// The same once more within this is a repeat, as in the ledger.
const REPEAT: Duration = Duration::from_secs(30);

/// Who was to get what.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// By number, or by name where there is none. Empty: nothing tells who.
    pub(super) user: String,
    /// The code.
    pub(super) carried: String,
}

/// What was asked for, by user. Names and codes are kept as hashes, by a key of this process.
#[derive(Default)]
pub(in crate::serve) struct HiddenLimits {
    hasher: RandomState,
    by_user: Mutex<HashMap<u64, VecDeque<Asked>>>,
}

struct Asked {
    at: Instant,
    carried: u64,
}

impl HiddenLimits {
    /// Counts it.
    ///
    /// # Errors
    ///
    /// A limit is reached; when it will not be any more.
    pub(super) fn count(
        &self,
        caller: &str,
        wanted: &Wanted,
        limits: &[Limit],
    ) -> Result<(), Duration> {
        let longest = limits.iter().map(|limit| limit.window()).max();
        let (Some(longest), false) = (longest, wanted.user.is_empty()) else {
            return Ok(());
        };
        let now = Instant::now();
        let user = self.hasher.hash_one((caller, &wanted.user));
        let carried = self.hasher.hash_one(&wanted.carried);
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if by_user.len() >= MOST {
            let is_recent = |asked: &Asked| now - asked.at < longest;
            by_user.retain(|_, asked| asked.back().is_some_and(is_recent));
        }
        if by_user.len() >= MOST {
            by_user.clear();
        }
        let asked = by_user.entry(user).or_default();
        asked.retain(|asked| now - asked.at < longest);
        let is_repeat = |asked: &Asked| asked.carried == carried && now - asked.at < REPEAT;
        if asked.iter().any(is_repeat) {
            return Ok(());
        }
        let waits = limits.iter().filter_map(|limit| wait(asked, *limit, now));
        if let Some(wait) = waits.max() {
            return Err(wait);
        }
        asked.push_back(Asked { at: now, carried });
        Ok(())
    }
}

/// How long this limit is reached, if it is.
fn wait(asked: &VecDeque<Asked>, limit: Limit, now: Instant) -> Option<Duration> {
    let nth = asked.len().checked_sub(limit.count() as usize)?;
    let until = asked.get(nth)?.at + limit.window();
    (until > now).then(|| until - now)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn wanted(user: &str, code: u32) -> Wanted {
        Wanted {
            user: user.to_owned(),
            carried: code.to_string(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn users_who_get_nothing_are_limited_like_those_who_do() {
        let counted = HiddenLimits::default();
        let limits = ["2/10m", "3/1d"].map(|limit| limit.parse().unwrap());
        let ask = |user: &str, code| counted.count("idp", &wanted(user, code), &limits);
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert_eq!(ask("ada", 1), Ok(()));
        // A repeat within seconds.
        assert_eq!(ask("ada", 1), Ok(()));
        advance(minutes(1)).await;
        assert_eq!(ask("ada", 2), Ok(()));
        assert_eq!(ask("ada", 3), Err(minutes(9)));
        // Others have limits of their own; of whom nothing is known, none.
        assert_eq!(ask("bob", 3), Ok(()));
        assert_eq!(counted.count("other", &wanted("ada", 3), &limits), Ok(()));
        for code in 0..9 {
            assert_eq!(ask("", code), Ok(()));
        }
        advance(minutes(9)).await;
        assert_eq!(ask("ada", 3), Ok(()));
        advance(minutes(11)).await;
        assert_eq!(ask("ada", 4), Err(minutes(24 * 60 - 21)));
        advance(minutes(24 * 60)).await;
        assert_eq!(ask("ada", 4), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let counted = HiddenLimits::default();
        let limits = ["1/10m".parse().unwrap()];
        for n in 0..=MOST {
            let _ = counted.count("idp", &wanted(&n.to_string(), 1), &limits);
        }
        assert!(counted.by_user.lock().unwrap().len() <= MOST);
        assert_eq!(counted.count("idp", &wanted("ada", 1), &[]), Ok(()));
    }
}
