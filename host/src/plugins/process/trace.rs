//! What left this machine for one call: the front's own knowledge, against which a plugin's word
//! is held. And what time it is at the provider, which an answer tells beside.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};
use textsender_plugin_api::{Answer, Stage};

use crate::{
    budget::Limit,
    transport::{Fault, Progress},
};

/// What left for one call, and what it used up.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    seen: Arc<Mutex<Seen>>,
    network_granted: bool,
    has_answer: Arc<AtomicBool>,
    was_taken: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Seen {
    exchanges: Vec<Traced>,
    clock_ahead: Option<SignedDuration>,
    limit: Option<Limit>,
    server_words: Option<String>,
}

#[derive(Debug)]
struct Traced {
    progress: Progress,
    delivers: bool,
}

impl Trace {
    /// The trace of a call that was handed to a plugin, which may or may not have connections of
    /// its own.
    pub fn new(network_granted: bool) -> Self {
        Self {
            network_granted,
            ..Self::default()
        }
    }

    /// Whether the plugin may have sent something that the front did not see: only its own word
    /// tells then.
    pub fn has_own_network(&self) -> bool {
        self.network_granted
    }

    /// Notes a new exchange, and gives the progress by which it is followed.
    pub(crate) fn begin(&self, delivers: bool) -> Progress {
        let progress = Progress::default();
        lock(&self.seen).exchanges.push(Traced {
            progress: progress.clone(),
            delivers,
        });
        progress
    }

    /// Notes that the call, or its process, used a budget up.
    pub(crate) fn used_up(&self, limit: Limit) {
        lock(&self.seen).limit = Some(limit);
    }

    /// The budget that it used up, if it did.
    pub fn limit(&self) -> Option<Limit> {
        let seen = lock(&self.seen);
        let waits = seen.exchanges.iter().any(|it| it.progress.is_waiting());
        seen.limit.or(waits.then_some(Limit::Connections))
    }

    /// Whether a message may have been taken without our knowing: written, and not answered.
    pub fn is_in_doubt(&self) -> bool {
        self.any(|stage| stage == Stage::Written)
    }

    /// Whether a provider answered a delivering exchange.
    pub fn is_answered(&self) -> bool {
        self.any(|stage| stage == Stage::Answered)
    }

    /// Whether anything left that may have handed a message over.
    pub fn was_written(&self) -> bool {
        self.any(|stage| stage != Stage::NotSent)
    }

    /// Whether a provider answered any exchange, delivering or reading.
    pub fn has_answer(&self) -> bool {
        self.has_answer.load(Ordering::Relaxed) || self.is_answered()
    }

    /// Whether a provider answered a delivering exchange without a refusal: whatever the plugin makes of it,
    /// the message may have been sent.
    pub fn was_taken(&self) -> bool {
        self.was_taken.load(Ordering::Relaxed)
    }

    /// Notes a provider's answer to a delivering exchange.
    pub(crate) fn delivered(&self, answer: &Answer) {
        let is_refusal = match answer {
            Answer::Http(answer) => answer.status >= 400,
            Answer::Smtp(reply) => reply.code >= 400,
            _ => false,
        };
        self.was_taken.fetch_or(!is_refusal, Ordering::Relaxed);
    }

    /// Notes that a provider answered a reading exchange, and when it says that it answered (RFC 9110, 6.6.1).
    pub(crate) fn answered(&self, answer: &Answer) {
        self.has_answer.store(true, Ordering::Relaxed);
        let Answer::Http(answer) = answer else { return };
        let date = answer.header("date");
        let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
        if let Some(date) = date {
            let ahead = Timestamp::now().duration_since(date);
            lock(&self.seen).clock_ahead = Some(ahead);
        }
    }

    /// How far this machine's clock is ahead of the provider's, by its last answer: give or take the second that an
    /// answer's time is cut to, and the time that the answer took. `None` if no answer told.
    pub fn clock_ahead(&self) -> Option<SignedDuration> {
        lock(&self.seen).clock_ahead
    }

    /// Notes what a mail server said when it refused, cleaned: a plugin may not pass it on.
    pub(crate) fn server_said(&self, words: String) {
        lock(&self.seen).server_words = Some(words);
    }

    /// What a mail server said when it refused last, cleaned.
    pub fn server_words(&self) -> Option<String> {
        lock(&self.seen).server_words.clone()
    }

    /// Why the last exchange that failed brought no answer.
    pub fn last_fault(&self) -> Option<Fault> {
        let seen = lock(&self.seen);
        let mut exchanges = seen.exchanges.iter().rev();
        exchanges.find_map(|traced| traced.progress.fault())
    }

    /// Whether a delivering exchange came so far.
    fn any(&self, is: impl Fn(Stage) -> bool) -> bool {
        let seen = lock(&self.seen);
        let mut delivering = seen.exchanges.iter().filter(|traced| traced.delivers);
        delivering.any(|traced| is(traced.progress.stage()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use textsender_plugin_api::HttpResponse;

    use super::*;

    #[test]
    fn an_answer_that_refuses_nothing_took_the_message() {
        for (status, was_taken) in [
            (200, true),
            (303, true),
            (400, false),
            (429, false),
            (500, false),
        ] {
            let trace = Trace::new(false);
            trace.delivered(&Answer::Http(HttpResponse {
                status,
                headers: Vec::new(),
                body: Vec::new(),
            }));
            assert_eq!(trace.was_taken(), was_taken, "{status}");
        }
    }
}
