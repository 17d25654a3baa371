//! One document on standard input, which may be slow, and may be set not to block.

use std::{
    io::{self, ErrorKind, Read},
    time::{Duration, Instant},
};

use crate::{
    os::pipes::wait_for_input,
    protocol::{ErrorCode, Failure, MAX_REQUEST},
};

/// How much is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// How long is waited before the configuration is asked how long may be waited.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Reads standard input to its end, or to one byte past the bound. `timeout` is asked for only if the
/// document is not there at once.
pub(super) fn read(timeout: impl FnOnce() -> Duration) -> Result<Vec<u8>, Failure> {
    let mut wait = Wait {
        began: Instant::now(),
        most: AT_ONCE,
        timeout: Some(timeout),
    };
    let mut stdin = io::stdin().lock();
    let (mut json, mut chunk) = (Vec::new(), [0; CHUNK]);
    while json.len() <= MAX_REQUEST {
        wait.until_readable()?;
        match stdin.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => json.extend_from_slice(&chunk[..count]),
            // Another reader of the same input was quicker.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(&error)),
        }
    }
    json.truncate(MAX_REQUEST + 1);
    Ok(json)
}

struct Wait<F> {
    began: Instant,
    /// How long it may take in all, as far as it is known.
    most: Duration,
    /// Says how long it really may take.
    timeout: Option<F>,
}

impl<F: FnOnce() -> Duration> Wait<F> {
    /// Waits until a read would not wait.
    fn until_readable(&mut self) -> Result<(), Failure> {
        while !wait_for_input(Some(self.most.saturating_sub(self.began.elapsed()))) {
            self.ran_out()?;
        }
        Ok(())
    }

    fn ran_out(&mut self) -> Result<(), Failure> {
        if let Some(timeout) = self.timeout.take() {
            self.most = timeout();
        }
        if self.began.elapsed() < self.most {
            return Ok(());
        }
        let waited = format!("its end did not come in {:?}", self.most);
        Err(Failure::with_detail(ErrorCode::InputTimeout, waited))
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::with_detail(ErrorCode::BadJson, error.to_string())
}
