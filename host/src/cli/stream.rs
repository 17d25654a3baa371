//! `textsender send --stream`: a request on each line, an answer for each as it is done.
//!
//! ```text
//! stdin -> batches of lines -> a task for each, at most --concurrency -> answers -> stdout
//! ```
//!
//! Each arrow is bounded, so that nobody's slowness fills memory: while nobody reads the answers, no
//! further line is read. An edit, a rotated secret or a replaced plugin is looked for after each read
//! of standard input and before the lines that it brought: no message misses an edit that was made
//! before it was written.

use std::{
    io::{self, Read, Write},
    panic::AssertUnwindSafe,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{MissedTickBehavior, interval},
};

use crate::{
    dispatch::Dispatch,
    protocol::{ErrorCode, Failure, MAX_REQUEST, MessageId, Outcome, Request, Response},
};

/// How much of standard input is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// How often idle host processes are looked for.
const ROUND: Duration = Duration::from_secs(1);

/// How a stream is served.
pub(super) struct Stream {
    pub(super) config: PathBuf,
    pub(super) max_level: textsender_plugin_api::Level,
    /// The most messages in flight; `None` for the configuration's word.
    pub(super) concurrency: Option<usize>,
    /// How long a host process may idle before it is stopped.
    pub(super) idle: Duration,
    /// How long to wait for what becomes of an accepted message, if at all.
    pub(super) patience: Option<Duration>,
}

/// One line of standard input, by number.
struct Line {
    number: u64,
    content: Content,
}

enum Content {
    Json(Vec<u8>),
    TooLong,
}

impl Stream {
    /// Serves standard input to its end. Exits 0 if every line that was read was answered.
    pub(super) fn run(self) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime.and_then(|runtime| runtime.block_on(self.serve())) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!(%error, "the stream ended before every line was answered");
                Outcome::Unknown.into()
            }
        }
    }

    async fn serve(self) -> io::Result<()> {
        let mut dispatch = self.open().await;
        let most = self.concurrency.unwrap_or_else(|| match &dispatch {
            Ok(dispatch) => dispatch.concurrency(),
            Err(_) => 1,
        });
        let permits = Arc::new(Semaphore::new(most));
        let (answers, writer) = writer(most);
        let mut batches = reader();
        let mut terminated = signal(SignalKind::terminate())?;
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);

        loop {
            let batch = tokio::select! {
                batch = batches.recv() => batch,
                _ = terminated.recv() => None,
                () = answers.closed() => break,
                _ = rounds.tick() => {
                    if let Ok(dispatch) = &dispatch {
                        dispatch.stop_idle(self.idle);
                    }
                    continue;
                }
            };
            let Some(batch) = batch else { break };
            dispatch = self.refreshed(dispatch).await;
            for line in batch? {
                let Ok(permit) = permits.clone().acquire_owned().await else {
                    break;
                };
                self.answer(line, dispatch.clone(), answers.clone(), permit);
            }
        }
        // What is in flight ends by its own deadline.
        drop(batches);
        let all = u32::try_from(most).unwrap_or(u32::MAX);
        let _done = permits.acquire_many(all).await;
        drop(answers);
        writer
            .join()
            .unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }

    /// Answers one line in a task of its own.
    fn answer(
        &self,
        line: Line,
        dispatch: Result<Arc<Dispatch>, Failure>,
        answers: mpsc::Sender<Response>,
        permit: OwnedSemaphorePermit,
    ) {
        let patience = self.patience;
        // Boxed, as the way through all rooms is 10 KB, which would be moved ten times into a task.
        tokio::spawn(Box::pin(async move {
            let number = line.number;
            let mut response = respond(line, dispatch, patience).await;
            response.line = Some(number);
            // Nobody reads any more: the main loop sees it, too.
            let _ = answers.send(response).await;
            drop(permit);
        }));
    }

    async fn open(&self) -> Result<Arc<Dispatch>, Failure> {
        Dispatch::open(&self.config, self.max_level).map(Arc::new)
    }

    /// The dispatch for the next lines: the same, or one with the edited configuration. A bad edit
    /// keeps the last good one; where there was none yet, each line is answered with what is wrong.
    async fn refreshed(
        &self,
        current: Result<Arc<Dispatch>, Failure>,
    ) -> Result<Arc<Dispatch>, Failure> {
        let Ok(current) = current else {
            return self.open().await;
        };
        match current.refresh() {
            Ok(None) => Ok(current),
            Ok(Some(edited)) => {
                tracing::info!("the edited configuration is in force");
                Ok(Arc::new(edited))
            }
            Err(failure) => {
                tracing::error!(
                    "the edited configuration is not used, the last good one stays: {failure}"
                );
                Ok(current)
            }
        }
    }
}

async fn respond(
    line: Line,
    dispatch: Result<Arc<Dispatch>, Failure>,
    patience: Option<Duration>,
) -> Response {
    let request = match read(line.content) {
        Ok(request) => request,
        Err((id, failure)) => {
            let response = Response::failed(id.clone(), &failure);
            if let Ok(dispatch) = dispatch {
                dispatch.note_invalid(id.as_ref(), &response).await;
            }
            return response;
        }
    };
    let dispatch = match dispatch {
        Ok(dispatch) => dispatch,
        Err(failure) => return Response::failed(Some(request.id), &failure),
    };
    let sent = AssertUnwindSafe(dispatch.send_and_follow(&request, patience));
    let sent = sent.catch_unwind().await;
    // One request's panic is not the others' end. What had left by then nobody knows.
    sent.unwrap_or_else(|_| Response::failed(Some(request.id), &Failure::new(ErrorCode::MaybeSent)))
}

/// The request on a line, or what is wrong with it, and its id as far as that can be told.
fn read(line: Content) -> Result<Request, (Option<MessageId>, Failure)> {
    match line {
        Content::Json(json) => {
            Request::parse(&json).map_err(|failure| (Request::id_of(&json), failure))
        }
        Content::TooLong => {
            let failure = Failure::with_detail(ErrorCode::TooLarge, "more than 1 MiB");
            Err((None, failure))
        }
    }
}

/// Reads standard input in a thread of its own: it may be anything, and not all of that can be
/// waited for otherwise.
fn reader() -> mpsc::Receiver<io::Result<Vec<Line>>> {
    let (batches, received) = mpsc::channel(1);
    thread::spawn(move || {
        let mut lines = Lines::default();
        let mut chunk = vec![0; CHUNK];
        let mut stdin = io::stdin().lock();
        loop {
            let batch = match stdin.read(&mut chunk) {
                Ok(0) => Ok(lines.end()),
                Ok(count) => Ok(lines.take(&chunk[..count])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let over = lines.is_over || batch.is_err();
            let is_empty = batch.as_ref().is_ok_and(Vec::is_empty);
            if (!is_empty && batches.blocking_send(batch).is_err()) || over {
                return;
            }
        }
    });
    received
}

/// Cuts bytes into numbered lines. Blank ones count, and are not answered.
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
            false if json.trim_ascii().is_empty() => return None,
            false => Content::Json(json),
        };
        Some(Line {
            number: self.number,
            content,
        })
    }
}

/// Writes answers in a thread of its own, several at once where several wait.
fn writer(most: usize) -> (mpsc::Sender<Response>, thread::JoinHandle<io::Result<()>>) {
    let (answers, mut received) = mpsc::channel::<Response>(most);
    let thread = thread::spawn(move || {
        let mut stdout = io::stdout().lock();
        let mut lines = Vec::new();
        while let Some(first) = received.blocking_recv() {
            lines.clear();
            append(&first, &mut lines)?;
            while let Ok(next) = received.try_recv() {
                append(&next, &mut lines)?;
            }
            stdout.write_all(&lines)?;
            stdout.flush()?;
        }
        Ok(())
    });
    (answers, thread)
}

fn append(response: &Response, lines: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(&mut *lines, response)?;
    lines.push(b'\n');
    Ok(())
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
}
