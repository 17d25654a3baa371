//! What becomes of accepted texts: a minute after they were sent the provider is asked for a sample of them.
//!
//! A text that was accepted was not delivered yet. Where a carrier filters a sender's name, every message is
//! accepted and none arrives; callers that tell of use show it, and so does the provider's own word.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::sleep;

/// When a text has arrived, if it does: most take seconds.
const AFTER: Duration = Duration::from_secs(60);

/// How many texts of one sender wait to be asked about, at the most: so many a minute are no load for a
/// provider.
const SAMPLE: usize = 10;

/// The texts that will be asked about.
pub(super) struct Watch {
    after: Duration,
    waiting: Arc<Mutex<HashMap<String, usize>>>,
}

/// The place of a text in its sender's sample.
struct Sampled {
    sender: String,
    waiting: Arc<Mutex<HashMap<String, usize>>>,
}

impl Watch {
    /// `after`: instead of a minute.
    pub(super) fn new(after: Option<Duration>) -> Self {
        Self {
            after: after.unwrap_or(AFTER),
            waiting: Arc::default(),
        }
    }

    /// Asks about a text of this sender once its time has come, if it is one of the sample.
    pub(super) fn follow(&self, sender: &str, ask: impl Future<Output = ()> + Send + 'static) {
        let Some(sampled) = self.sample(sender) else {
            return;
        };
        let after = self.after;
        // It ends with the process: nothing is owed to anyone.
        tokio::spawn(async move {
            sleep(after).await;
            ask.await;
            drop(sampled);
        });
    }

    fn sample(&self, sender: &str) -> Option<Sampled> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.entry(sender.to_owned()).or_default();
        if *count == SAMPLE {
            return None;
        }
        *count += 1;
        Some(Sampled {
            sender: sender.to_owned(),
            waiting: Arc::clone(&self.waiting),
        })
    }
}

impl Drop for Sampled {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(&self.sender) {
            *count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_sample_of_each_sender_is_asked_about_after_a_minute() {
        let watch = Watch::new(None);
        let asked = Arc::new(AtomicUsize::new(0));
        let follow = |sender: &str, count: usize| {
            for _ in 0..count {
                let asked = Arc::clone(&asked);
                watch.follow(sender, async move {
                    asked.fetch_add(1, SeqCst);
                });
            }
        };
        follow("twilio", 100);
        follow("gateway", 3);
        let began = Instant::now();
        sleep(Duration::from_millis(59_990)).await;
        assert_eq!(asked.load(SeqCst), 0);
        sleep(Duration::from_millis(20)).await;
        assert_eq!(asked.load(SeqCst), SAMPLE + 3);
        assert!(began.elapsed() < Duration::from_secs(61));
        // Then the next ones have their turn.
        follow("twilio", 100);
        sleep(Duration::from_secs(61)).await;
        assert_eq!(asked.load(SeqCst), 2 * SAMPLE + 3);
    }
}
