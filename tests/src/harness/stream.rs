//! What a process writes, read as it comes, so that it never waits for us and we can wait for it.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// One of a process's outputs.
pub(super) struct Stream(Arc<Shared>);

#[derive(Default)]
struct Shared {
    read: Mutex<Progress>,
    news: Condvar,
}

#[derive(Default)]
struct Progress {
    bytes: Vec<u8>,
    lines: usize,
    ended: bool,
}

impl Stream {
    /// Reads this output to its end, from now on.
    pub fn read(mut output: impl Read + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        thread::spawn(move || {
            let mut block = [0; 16 * 1024];
            loop {
                // An error ends it as well: whoever waits sees what came.
                let count = output.read(&mut block).unwrap_or(0);
                let mut read = writer.lock();
                read.bytes.extend_from_slice(&block[..count]);
                read.lines += block[..count].iter().filter(|byte| **byte == b'\n').count();
                read.ended = count == 0;
                writer.news.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self(shared)
    }

    /// An output that nobody reads.
    pub fn none() -> Self {
        let shared = Shared::default();
        shared.lock().ended = true;
        Self(Arc::new(shared))
    }

    /// Everything, at the end.
    #[track_caller]
    pub fn to_end(&self) -> String {
        self.wait("the end of the output", |read| read.ended)
    }

    /// What came, once it holds these words.
    #[track_caller]
    pub fn wait_for(&self, words: &str) -> String {
        let holds = |read: &Progress| String::from_utf8_lossy(&read.bytes).contains(words);
        let seen = self.wait(words, |read| read.ended || holds(read));
        assert!(seen.contains(words), "it ended without {words:?}:\n{seen}");
        seen
    }

    /// What came, once it is at least so many whole lines: these and no half of another.
    #[track_caller]
    pub fn wait_for_lines(&self, count: usize) -> String {
        let what = format!("{count} lines");
        let mut seen = self.wait(&what, |read| read.ended || read.lines >= count);
        seen.truncate(seen.rfind('\n').map_or(0, |end| end + 1));
        let lines = seen.lines().count();
        assert!(lines >= count, "it ended after {lines} of {what}:\n{seen}");
        seen
    }

    /// How many whole lines came.
    pub fn line_count(&self) -> usize {
        self.0.lock().lines
    }

    #[track_caller]
    fn wait(&self, what: &str, is_there: impl Fn(&Progress) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        let mut read = self.0.lock();
        while !is_there(&read) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seen = String::from_utf8_lossy(&read.bytes);
                panic!("waited for {what:?}; there is:\n{seen}");
            }
            let waited = self.0.news.wait_timeout(read, left);
            read = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        String::from_utf8_lossy(&read.bytes).into_owned()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
