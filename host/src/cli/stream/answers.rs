//! Standard output, written by a thread of its own, several answers at once where several wait.

use std::{
    io::{self, ErrorKind, Write},
    thread,
};

use tokio::sync::{mpsc, oneshot};

use crate::protocol::Response;

/// How many answers may wait to be written. While they do, a task with one more waits too, and no
/// further line is begun.
const WAITING: usize = 64;

/// Takes answers. When the last one of these is dropped, standard output is flushed.
pub(super) type Answers = mpsc::Sender<Response>;

/// Resolves when everything is written, or with what went wrong.
pub(super) struct Written(oneshot::Receiver<io::Result<()>>);

/// Starts to write.
///
/// # Errors
///
/// The system gives no thread for it.
pub(super) fn writer() -> io::Result<(Answers, Written)> {
    let (answers, received) = mpsc::channel(WAITING);
    let (ended, end) = oneshot::channel();
    thread::Builder::new().spawn(move || {
        // The one who waited may have given up.
        let _ = ended.send(write_all(received));
    })?;
    Ok((answers, Written(end)))
}

impl Written {
    /// Waits for the end of the writing.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        // It ends without a word only if its thread panicked.
        let end = (&mut self.0).await;
        end.unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into()))
    }
}

fn write_all(mut answers: mpsc::Receiver<Response>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let mut lines = Vec::new();
    while let Some(first) = answers.blocking_recv() {
        lines.clear();
        append(&first, &mut lines)?;
        while let Ok(next) = answers.try_recv() {
            append(&next, &mut lines)?;
        }
        stdout.write_all(&lines)?;
        stdout.flush()?;
    }
    Ok(())
}

fn append(response: &Response, lines: &mut Vec<u8>) -> io::Result<()> {
    Ok(response.write_line(lines)?)
}
