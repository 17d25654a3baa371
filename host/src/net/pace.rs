//! How fast new connections are made.
//!
//! The side that ends a connection keeps its port for a minute, and Linux has 28,232 of them to one address.
//! Once half of them are taken, each further connection searches through all of them, on the thread that
//! serves every sender: up to 120 ms were seen. So new connections of one sender take turns.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

use super::Cause;
use crate::budget::{NEW_CONNECTIONS, SAVED_CONNECTIONS};

/// The turns of one sender's new connections. Clones are the same.
#[derive(Clone, Debug)]
pub struct Pace(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// From one turn to the next.
    every: Duration,
    /// The time for which unused turns are saved up, at most.
    saved: Duration,
    /// When the next turn comes; in the past while turns are saved up. The holder of the lock is first in line.
    due: Mutex<Instant>,
}

impl Pace {
    /// So many a second, and so many more at once after a rest.
    pub fn new(a_second: u64, saved_up: u64) -> Self {
        let every = Duration::from_nanos(1_000_000_000 / a_second);
        let saved = every * u32::try_from(saved_up).unwrap_or(u32::MAX);
        let now = Instant::now();
        Self(Arc::new(Inner {
            every,
            saved,
            due: Mutex::new(now.checked_sub(saved).unwrap_or(now)),
        }))
    }

    /// Waits so long for a turn.
    ///
    /// # Errors
    ///
    /// None came in time: [`Cause::NoTurn`].
    pub async fn turn_within(&self, patience: Duration) -> Result<(), Cause> {
        let turn = timeout(patience, self.turn()).await;
        turn.map_err(|_| Cause::NoTurn)
    }

    /// Waits for a turn. Who gives up while waiting takes none.
    pub async fn turn(&self) {
        let Inner { every, saved, due } = &*self.0;
        let mut due = due.lock().await;
        if let Some(oldest) = Instant::now().checked_sub(*saved) {
            *due = oldest.max(*due);
        }
        sleep_until(*due).await;
        *due += *every;
    }
}

/// As fast as one sender may make them.
impl Default for Pace {
    fn default() -> Self {
        Self::new(NEW_CONNECTIONS, SAVED_CONNECTIONS)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_saved_up_is_there_at_once_and_the_rest_comes_at_its_pace() {
        let pace = Pace::new(200, 10);
        let begun = Instant::now();
        for _ in 0..11 {
            pace.turn().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        for _ in 0..200 {
            pace.turn().await;
        }
        let took = begun.elapsed().as_secs_f64();
        assert!((1.0..1.3).contains(&took), "{took} s");

        // However long the rest, no more than these are saved up.
        tokio::time::advance(Duration::from_secs(3_600)).await;
        let begun = Instant::now();
        for _ in 0..11 {
            pace.turn().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        pace.turn().await;
        assert!(begun.elapsed() > Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_no_turn() {
        let pace = Pace::new(1, 0);
        pace.turn().await;
        for _ in 0..1_000 {
            assert!(pace.turn().now_or_never().is_none());
        }
        let begun = Instant::now();
        pace.turn().await;
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
}
