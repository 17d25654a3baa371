//! The pipe to a host process. Written at once where it takes bytes, else as soon as it does.

use std::{
    io::{self, ErrorKind},
    sync::Mutex,
};

use tokio::sync::Notify;

use super::lock;
use crate::{
    budget::BODY_BYTES,
    os::pipes::Sender,
    plugins::frames::{self, Down},
};

/// The most bytes that wait for a process to read them. What it asks for comes from a provider, at
/// most 1 MiB at a time; one that keeps asking and never reads would fill the front's memory.
const MAX_PENDING: usize = BODY_BYTES as usize;

pub(super) struct Outbox {
    pipe: Sender,
    pending: Mutex<Vec<u8>>,
    waiting: Notify,
}

impl Outbox {
    pub(super) fn new(pipe: Sender) -> Self {
        Self {
            pipe,
            pending: Mutex::default(),
            waiting: Notify::new(),
        }
    }

    /// Sends a frame. It never waits: what the pipe does not take now, [`Outbox::run`] sends.
    ///
    /// # Errors
    ///
    /// The process is gone, the frame is too large, or [too much](ErrorKind::QuotaExceeded) waits.
    pub(super) fn post(&self, frame: &Down) -> io::Result<()> {
        let mut pending = lock(&self.pending);
        if pending.len() > MAX_PENDING {
            return Err(ErrorKind::QuotaExceeded.into());
        }
        frames::encode(frame, &mut pending)?;
        self.flush(&mut pending)
    }

    /// Sends what is pending whenever the pipe takes bytes, until the process is gone.
    pub(super) async fn run(&self) -> io::Result<()> {
        loop {
            self.waiting.notified().await;
            self.pipe.writable().await?;
            self.flush(&mut lock(&self.pending))?;
        }
    }

    fn flush(&self, pending: &mut Vec<u8>) -> io::Result<()> {
        let mut written = 0;
        let result = loop {
            if written == pending.len() {
                break Ok(());
            }
            match self.pipe.try_write(&pending[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.waiting.notify_one();
                    break Ok(());
                }
                Err(error) => break Err(error),
            }
        };
        pending.drain(..written);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::pipes;

    #[tokio::test]
    async fn what_a_process_does_not_read_is_bounded() {
        let (pipe, _unread) = pipes::unread().unwrap();
        let outbox = Outbox::new(pipe);
        let file = ("file".to_owned(), Ok("x".repeat(1 << 20)));
        let frame = Down::Files(vec![file]);
        let refused = (0..64).map(|_| outbox.post(&frame)).find(Result::is_err);
        let kind = refused.unwrap().unwrap_err().kind();
        assert_eq!(kind, ErrorKind::QuotaExceeded);
        let waiting = lock(&outbox.pending).len();
        assert!(waiting < MAX_PENDING + 3 * (1 << 20), "{waiting}");
    }
}
