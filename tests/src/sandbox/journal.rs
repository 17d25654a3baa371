//! What happened in a sandbox: every request, and every text that a provider took.
//!
//! A text is written down at the moment the provider takes it, before a byte of the answer leaves. So a test
//! that saw an answer, or lost it to a fault, finds exactly the texts that were taken.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::http::Request;
use super::lock;

/// The providers that the sandbox stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provider {
    /// Twilio Programmable Messaging.
    Twilio,
    /// GOV.UK Notify.
    Notify,
    /// An e-mail to SMS gateway.
    Gateway,
    /// Whatever provider a plugin talks to.
    Echo,
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Provider::Twilio => "Twilio",
            Provider::Notify => "GOV.UK Notify",
            Provider::Gateway => "e-mail gateway",
            Provider::Echo => "echo",
        })
    }
}

/// A text that a provider took and will deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Who took it.
    pub provider: Provider,
    /// The phone: E.164 where the provider was given a number, else the address as it was written.
    pub to: String,
    /// What the phone shows as the sender.
    pub from: String,
    /// The text as the phone shows it.
    pub body: String,
    /// When it was taken.
    pub at: Timestamp,
    /// The provider's id: `SM...`, a UUID, or the queue id of the final SMTP reply.
    pub id: String,
}

/// Fewer of something came than a test waited for.
#[derive(Debug, thiserror::Error)]
#[error("waited {waited:?} for {wanted} {what}, got {}: {got:?}", got.len())]
pub struct TooFew<T: fmt::Debug> {
    /// "texts", "requests" or "mails".
    pub what: &'static str,
    /// How many were waited for.
    pub wanted: usize,
    /// What had come when the time was up.
    pub got: Vec<T>,
    /// The time waited.
    pub waited: Duration,
}

/// The record of one sandbox, shared by its providers.
#[derive(Debug)]
pub(crate) struct Journal {
    entries: Mutex<Entries>,
    news: Condvar,
    keep_requests: bool,
}

#[derive(Debug, Default)]
struct Entries {
    texts: Vec<Text>,
    requests: Vec<Arc<Request>>,
}

impl Journal {
    /// An empty journal. Without `keep_requests` it holds texts only, as a long benchmark wants it.
    pub fn new(keep_requests: bool) -> Self {
        Self {
            entries: Mutex::default(),
            news: Condvar::new(),
            keep_requests,
        }
    }

    /// Writes down a text that was taken.
    pub fn text(&self, text: Text) {
        lock(&self.entries).texts.push(text);
        self.news.notify_all();
    }

    /// Writes down a request that was read to its end.
    pub fn request(&self, request: &Arc<Request>) {
        if self.keep_requests {
            lock(&self.entries).requests.push(Arc::clone(request));
            self.news.notify_all();
        }
    }

    /// The texts so far, oldest first.
    pub fn texts(&self) -> Vec<Text> {
        lock(&self.entries).texts.clone()
    }

    /// How many texts there are, without a copy of them.
    pub fn text_count(&self) -> usize {
        lock(&self.entries).texts.len()
    }

    /// The requests so far, oldest first.
    pub fn requests(&self) -> Vec<Arc<Request>> {
        lock(&self.entries).requests.clone()
    }

    /// Forgets texts and requests.
    pub fn clear(&self) {
        let mut entries = lock(&self.entries);
        entries.texts.clear();
        entries.requests.clear();
    }

    /// Waits until there are at least `wanted` texts.
    pub fn wait_for_texts(
        &self,
        wanted: usize,
        patience: Duration,
    ) -> Result<Vec<Text>, TooFew<Text>> {
        self.wait(patience, |entries| entries.texts.len() >= wanted);
        enough("texts", wanted, self.texts(), patience)
    }

    /// Waits until at least `wanted` requests have been read.
    pub fn wait_for_requests(
        &self,
        wanted: usize,
        patience: Duration,
    ) -> Result<Vec<Arc<Request>>, TooFew<Arc<Request>>> {
        self.wait(patience, |entries| entries.requests.len() >= wanted);
        enough("requests", wanted, self.requests(), patience)
    }

    fn wait(&self, patience: Duration, done: impl Fn(&Entries) -> bool) {
        let end = Instant::now() + patience;
        let mut entries = lock(&self.entries);
        while !done(&entries) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            entries = match self.news.wait_timeout(entries, left) {
                Ok((entries, _)) => entries,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

fn enough<T: fmt::Debug>(
    what: &'static str,
    wanted: usize,
    got: Vec<T>,
    waited: Duration,
) -> Result<Vec<T>, TooFew<T>> {
    if got.len() >= wanted {
        return Ok(got);
    }
    Err(TooFew {
        what,
        wanted,
        got,
        waited,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn text(to: &str) -> Text {
        Text {
            provider: Provider::Twilio,
            to: to.into(),
            from: "+1".into(),
            body: "hi".into(),
            at: Timestamp::UNIX_EPOCH,
            id: "SM0".into(),
        }
    }

    #[test]
    fn waiting_ends_when_the_texts_are_there() {
        let journal = Arc::new(Journal::new(true));
        let writer = Arc::clone(&journal);
        let thread = std::thread::spawn(move || {
            writer.text(text("+1"));
            writer.text(text("+2"));
        });
        let texts = journal.wait_for_texts(2, Duration::from_secs(60)).unwrap();
        thread.join().unwrap();
        assert_eq!(
            texts
                .iter()
                .map(|text| text.to.as_str())
                .collect::<Vec<_>>(),
            ["+1", "+2"]
        );
    }

    #[test]
    fn waiting_in_vain_says_what_came() {
        let journal = Journal::new(true);
        journal.text(text("+1"));
        let error = journal
            .wait_for_texts(2, Duration::from_millis(5))
            .unwrap_err();
        assert_eq!(error.got.len(), 1);
        assert!(
            error
                .to_string()
                .starts_with("waited 5ms for 2 texts, got 1: [Text"),
            "{error}"
        );
        journal.clear();
        assert_eq!(journal.text_count(), 0);
    }
}
