//! Standard input, cut into numbered lines, read by a thread of its own: it may be anything, and not
//! all of that can be waited for otherwise.

use std::{
    io::{self, ErrorKind, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread, vec,
};

use tokio::{runtime::Handle, sync::mpsc, time::Instant};

use crate::{os::pipes::wait_for_input, protocol::MAX_REQUEST};

/// How much of standard input is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// A line that is not blank.
pub(super) struct Line {
    /// Its number, from 1. Blank lines count.
    pub(super) number: u64,
    pub(super) content: Content,
    /// When it was read.
    pub(super) read: Instant,
}

pub(super) enum Content {
    Json(Vec<u8>),
    /// Longer than a request may be: the rest of it was not kept.
    TooLong,
}

/// The lines of standard input, one after the other. At most a few [`CHUNK`]s are read ahead.
pub(super) struct Input {
    batches: mpsc::Receiver<io::Result<Vec<Line>>>,
    at_hand: vec::IntoIter<Line>,
    /// Held from the reading of a batch until it is among the batches.
    in_hand: Arc<Mutex<()>>,
}

impl Input {
    /// Starts to read.
    ///
    /// # Errors
    ///
    /// The system gives no thread for it.
    pub(super) fn read() -> io::Result<Self> {
        let in_hand = Arc::default();
        Ok(Self {
            batches: reader(Arc::clone(&in_hand))?,
            at_hand: Vec::new().into_iter(),
            in_hand,
        })
    }

    /// The next line; `None` at the end. A call that is given up takes no line.
    pub(super) async fn next(&mut self) -> Option<io::Result<Line>> {
        loop {
            if let Some(line) = self.at_hand.next() {
                return Some(Ok(line));
            }
            match self.batches.recv().await? {
                Ok(batch) => self.at_hand = batch.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Reads no more, and gives what was read already.
    pub(super) fn stop(mut self) -> impl Iterator<Item = Line> {
        let in_hand = lock(&self.in_hand);
        self.batches.close();
        drop(in_hand);
        let batches = std::iter::from_fn(move || self.batches.try_recv().ok());
        self.at_hand.chain(batches.flatten().flatten())
    }
}

fn reader(in_hand: Arc<Mutex<()>>) -> io::Result<mpsc::Receiver<io::Result<Vec<Line>>>> {
    let (batches, received) = mpsc::channel(1);
    let runtime = Handle::current();
    thread::Builder::new().spawn(move || {
        let mut lines = Lines::default();
        let mut chunk = vec![0; CHUNK];
        let mut stdin = io::stdin().lock();
        // Nothing is read before there is room for it: what was read is where it can be found.
        while let Ok(room) = runtime.block_on(batches.reserve()) {
            // Not waited for with a batch in hand.
            wait_for_input(None);
            let _in_hand = lock(&in_hand);
            if batches.is_closed() {
                return;
            }
            let batch = match stdin.read(&mut chunk) {
                Ok(0) => Ok(lines.end()),
                Ok(count) => Ok(lines.take(&chunk[..count])),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // It is set not to block, and another reader of it was quicker.
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => Err(error),
            };
            let is_over = lines.is_over || batch.is_err();
            room.send(batch);
            if is_over {
                return;
            }
        }
    })?;
    Ok(received)
}

fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cuts bytes into lines. Blank ones count, and are left out.
#[derive(Default)]
struct Lines {
    number: u64,
    begun: Vec<u8>,
    is_too_long: bool,
    is_over: bool,
}

impl Lines {
    fn take(&mut self, mut bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end]);
            lines.extend(self.finish());
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
        lines
    }

    /// The last line, which need not end in a line break.
    fn end(&mut self) -> Vec<Line> {
        self.is_over = true;
        self.finish().into_iter().collect()
    }

    /// Adds to the line that has begun, up to one byte past the bound.
    fn extend(&mut self, bytes: &[u8]) {
        let room = (MAX_REQUEST + 1).saturating_sub(self.begun.len());
        self.begun
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.is_too_long |= self.begun.len() > MAX_REQUEST;
    }

    fn finish(&mut self) -> Option<Line> {
        self.number += 1;
        let json = std::mem::take(&mut self.begun);
        let content = match std::mem::take(&mut self.is_too_long) {
            true => Content::TooLong,
            false if self.is_blank(&json) => return None,
            false => Content::Json(json),
        };
        Some(Line {
            number: self.number,
            content,
            read: Instant::now(),
        })
    }

    /// Whether there is nothing on it, but for a byte order mark on the first.
    fn is_blank(&self, line: &[u8]) -> bool {
        let marked = line.strip_prefix(b"\xef\xbb\xbf");
        let line = marked.filter(|_| self.number == 1).unwrap_or(line);
        line.trim_ascii().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&[u8]]) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::default();
        let mut all: Vec<Line> = chunks.iter().flat_map(|chunk| lines.take(chunk)).collect();
        all.extend(lines.end());
        let shown = |line: Line| match line.content {
            Content::Json(json) => (line.number, Some(String::from_utf8(json).unwrap())),
            Content::TooLong => (line.number, None),
        };
        all.into_iter().map(shown).collect()
    }

    #[test]
    fn lines_are_numbered_and_blank_ones_are_not_answered() {
        let expected = vec![
            (1, Some("a\r".into())),
            (4, Some("bc".into())),
            (5, Some("d".into())),
        ];
        assert_eq!(cut(&[b"a\r\n\n", b"  \r\nb", b"c\nd"]), expected);
        assert_eq!(
            cut(&[b"\xef\xbb\xbf\r\na\n\n"]),
            vec![(2, Some("a".into()))]
        );
    }

    #[test]
    fn a_line_past_the_bound_is_cut_off_and_the_next_is_whole() {
        let long = vec![b'x'; MAX_REQUEST + 1];
        assert_eq!(
            cut(&[&long, b"yy\nz\n"]),
            vec![(1, None), (2, Some("z".into()))]
        );
        let longest = vec![b'x'; MAX_REQUEST];
        assert!(cut(&[&longest, b"\n"])[0].1.is_some());
    }

    #[tokio::test]
    async fn what_was_read_and_not_begun_is_given_back() {
        let mut lines = Lines::default();
        let (batches, received) = mpsc::channel(2);
        for batch in [&b"a\nb\n"[..], b"c\n"] {
            batches.send(Ok(lines.take(batch))).await.unwrap();
        }
        let mut input = Input {
            batches: received,
            at_hand: Vec::new().into_iter(),
            in_hand: Arc::default(),
        };
        assert_eq!(input.next().await.unwrap().unwrap().number, 1);
        assert!(input.stop().map(|line| line.number).eq([2, 3]));
        assert!(batches.send(Ok(Vec::new())).await.is_err());
    }
}
