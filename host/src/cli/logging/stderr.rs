//! Standard error, written so that no message waits for its reader.
//!
//! | | a line is written | lost is |
//! |---|---|---|
//! | one command | at once, if standard error takes it | what it does not take within [`PATIENCE`] of the process's whole life |
//! | a stream | by a thread of its own, from a bounded queue | what comes while the queue is full |
//!
//! A reader that does not read is no rarity: Java, Node and Python hand out pipes that have to be emptied.
//! The descriptor is the caller's as well, so that it is never made non-blocking. What is lost is counted,
//! and said as soon as a line gets through.

use std::{
    io::{self, Write},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::target;
use crate::os::pipes::{ATOMIC, wait_for_stderr};
use crate::redact::without_numbers;

/// How long a command waits for the reader of its log, in all.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the end of a stream waits for the queue to be written.
const LAST_WAIT: Duration = Duration::from_millis(50);

/// How many lines may wait. A line has some hundred bytes, and a few KiB at the most.
const WAITING: usize = 1024;

static QUEUE: OnceLock<SyncSender<Item>> = OnceLock::new();
static LOST: AtomicU64 = AtomicU64::new(0);
static WAITED: Mutex<Duration> = Mutex::new(Duration::ZERO);

enum Item {
    Line(Level, Vec<u8>),
    /// Answered once all that came before it is written.
    Mark(SyncSender<()>),
}

/// Takes the log's lines, each in one write.
pub(super) struct Lines {
    level: Level,
}

impl Default for Lines {
    fn default() -> Self {
        Self { level: Level::INFO }
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self::default()
    }

    fn make_writer_for(&self, event: &Metadata<'_>) -> Self {
        Self {
            level: *event.level(),
        }
    }
}

impl Write for Lines {
    fn write(&mut self, whole: &[u8]) -> io::Result<usize> {
        // Such as one in a message's id, which its caller makes.
        let text = String::from_utf8_lossy(whole);
        let line = without_numbers(&text, None);
        let line = line.as_bytes();
        let is_taken = match QUEUE.get() {
            Some(queue) => queue
                .try_send(Item::Line(self.level, line.to_vec()))
                .is_ok(),
            None => target::write(self.level, line) || write_now(line),
        };
        if !is_taken {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
        Ok(whole.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has a thread write from now on. The last one that may be started, where root becomes another account:
/// a thread from before would stay root.
pub(super) fn start_writer() {
    if QUEUE.get().is_some() {
        return;
    }
    let (queue, lines) = sync_channel(WAITING);
    let started = thread::Builder::new().spawn(move || write_all(&lines));
    // Where the system gives no thread, lines are written as those of one command are.
    if started.is_ok() {
        let _ = QUEUE.set(queue);
    }
}

/// Waits for a moment until all is written.
pub(super) fn finish() {
    let Some(queue) = QUEUE.get() else {
        return say_what_is_lost();
    };
    let until = Instant::now() + LAST_WAIT;
    let (mark, written) = sync_channel(1);
    let mut item = Item::Mark(mark);
    while let Err(TrySendError::Full(back)) = queue.try_send(item) {
        if Instant::now() >= until {
            return;
        }
        thread::sleep(Duration::from_millis(1));
        item = back;
    }
    let _ = written.recv_timeout(until.saturating_duration_since(Instant::now()));
}

fn write_all(lines: &Receiver<Item>) {
    for item in lines {
        match item {
            Item::Line(level, line) if target::write(level, &line) => {}
            Item::Line(_, line) => write(&line),
            Item::Mark(mark) => {
                let _ = mark.send(());
            }
        }
        say_what_is_lost();
    }
}

/// Writes a line if that does not keep anything waiting for longer than this process has patience.
fn write_now(line: &[u8]) -> bool {
    let mut waited = WAITED.lock().unwrap_or_else(PoisonError::into_inner);
    for piece in line.chunks(ATOMIC) {
        let begun = Instant::now();
        let is_free = wait_for_stderr(PATIENCE.saturating_sub(*waited));
        *waited += begun.elapsed();
        if !is_free {
            return false;
        }
        write(piece);
    }
    drop(waited);
    say_what_is_lost();
    true
}

fn write(bytes: &[u8]) {
    // One that goes nowhere is no fault of a message's.
    let _ = io::stderr().write_all(bytes);
}

fn say_what_is_lost() {
    if LOST.load(Ordering::Relaxed) == 0 || !wait_for_stderr(Duration::ZERO) {
        return;
    }
    let lines = LOST.swap(0, Ordering::Relaxed);
    if lines > 0 {
        tracing::warn!(
            lines,
            "standard error was not read in time: lines of the log are lost"
        );
    }
}
