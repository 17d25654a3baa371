//! The wait of the whole sender after Notify refused a text for its rate.
//!
//! A refused request takes a token from Notify's bucket as well, and two must be there for one to pass: who
//! asks again at once is refused for ever. So after a refusal nothing is asked for two seconds, and the texts
//! that wait come back one after another, not all at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use textsender_plugin_api::{Host, SendError};

/// After so much silence a request passes again [measured on Notify's own server: 2.2 s].
const SILENCE: Duration = Duration::from_millis(2200);
/// Over how long the texts that wait are spread: at the default rate fifty pass in a second.
const SPREAD: Duration = Duration::from_millis(1500);

/// Until when nothing is asked.
#[derive(Default)]
pub struct Pause(Mutex<Option<SystemTime>>);

impl Pause {
    /// How long one text has to wait still, each another while.
    pub fn left(&self, host: &Host) -> Option<Duration> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until?.duration_since(host.now()).ok()?;
        Some(left + jitter(host))
    }

    /// Begins it, and says so of the text that was refused.
    pub fn begin(&self, host: &Host, refusal: SendError) -> SendError {
        let silence = refusal.retry_after.unwrap_or_default().max(SILENCE);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(host.now() + silence);
        refusal
            .with_retry_after(Some(silence + jitter(host)))
            .with_sender_wide_wait()
    }
}

/// A text that was not even asked for.
pub fn throttled(left: Duration) -> SendError {
    SendError::throttled("Notify is rate-limiting the service: the sender waits")
        .with_retry_after(Some(left))
        .with_sender_wide_wait()
}

fn jitter(host: &Host) -> Duration {
    let mut byte = [0];
    host.random(&mut byte);
    SPREAD * u32::from(byte[0]) / 255
}
