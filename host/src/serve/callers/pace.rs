//! An answer that hides that nothing was sent takes as long as one to a message that was: how long it
//! took would tell else. It waits for the time that one of the caller's last messages took, by chance.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::answer::{Answer, Kind};

/// How many of a caller's last messages are remembered.
const REMEMBERED: usize = 128;

/// What a message takes before any was sent: the usual time of a provider, in milliseconds.
const USUAL: std::ops::Range<u64> = 150..450;

/// What the last messages took, by caller. Callers are those of the configuration: few.
#[derive(Default)]
pub(in crate::serve) struct Paces {
    by_caller: Mutex<HashMap<String, VecDeque<Duration>>>,
}

impl Paces {
    /// Remembers how long a message took; or waits as long as one would have taken.
    pub(super) async fn keep(&self, caller: &str, since: Instant, answer: &Answer) {
        match answer.kind() {
            Kind::Sent => self.note(caller, since.elapsed()),
            Kind::Hidden => sleep_until(since + self.usual(caller)).await,
            Kind::Other => {}
        }
    }

    fn note(&self, caller: &str, took: Duration) {
        let mut by_caller = self.lock();
        let last = by_caller.entry(caller.to_owned()).or_default();
        if last.len() == REMEMBERED {
            last.pop_front();
        }
        last.push_back(took);
    }

    fn usual(&self, caller: &str) -> Duration {
        let by_caller = self.lock();
        let last = by_caller.get(caller).filter(|last| !last.is_empty());
        match last {
            Some(last) => last[below(last.len())],
            None => {
                let spread = below((USUAL.end - USUAL.start) as usize) as u64;
                Duration::from_millis(USUAL.start + spread)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Duration>>> {
        self.by_caller
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number from 0 to `end`, not included, by chance.
fn below(end: usize) -> usize {
    let mut bytes = [0; 8];
    // Without randomness it is always the oldest: that tells nothing of users either.
    let _ = getrandom::fill(&mut bytes);
    (u64::from_le_bytes(bytes) % end.max(1) as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The greatest distance between two distributions (Kolmogorov and Smirnov).
    fn distance(mut some: Vec<Duration>, mut others: Vec<Duration>) -> f64 {
        some.sort();
        others.sort();
        let share = |of: &[Duration], at: &Duration| {
            of.partition_point(|one| one <= at) as f64 / of.len() as f64
        };
        let all = some.iter().chain(&others);
        all.map(|at| (share(&some, at) - share(&others, at)).abs())
            .fold(0.0, f64::max)
    }

    /// A provider's times: most around 120 ms, one in eight slow.
    fn provider(n: u64) -> Duration {
        let spread = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        let slow = if n.is_multiple_of(8) { 400 } else { 0 };
        Duration::from_millis(90 + spread + slow)
    }

    #[tokio::test(start_paused = true)]
    async fn hidden_answers_take_what_messages_take() {
        let paces = Paces::default();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for n in 0..1000 {
            paces.note("idp", provider(n));
            known.push(provider(n));
            let since = Instant::now();
            sleep_until(since + paces.usual("idp")).await;
            unknown.push(since.elapsed());
        }
        // Beyond 0.0855 two samples of 1,000 differ with a probability of 99.9 %.
        let distance = distance(known, unknown);
        assert!(distance < 0.0855, "{distance}");
    }

    #[test]
    fn before_any_message_it_is_a_usual_time_and_callers_have_their_own() {
        let paces = Paces::default();
        let milliseconds = |caller: &str| paces.usual(caller).as_millis() as u64;
        assert!((0..100).all(|_| USUAL.contains(&milliseconds("idp"))));
        for _ in 0..2 * REMEMBERED {
            paces.note("idp", Duration::from_millis(7));
        }
        assert_eq!(milliseconds("idp"), 7);
        assert!(USUAL.contains(&milliseconds("other")));
        assert_eq!(paces.lock()["idp"].len(), REMEMBERED);
    }
}
