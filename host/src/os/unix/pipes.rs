//! The two pipes between front and host process, and what can be asked of standard input and output
//! without reading or writing.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    process::{Child, ChildStdin, ChildStdout},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    io::{Errno, FdFlags, fcntl_setfd},
    stdio,
};

pub use tokio::net::unix::pipe::{Receiver, Sender};

/// A pipe, for a test that does not read it.
#[cfg(test)]
pub fn unread() -> io::Result<(Sender, Receiver)> {
    tokio::net::unix::pipe::pipe()
}

/// The front's ends of a host process's pipes.
pub(super) fn end_of(child: &mut Child) -> io::Result<(Sender, Receiver)> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let down: ChildStdin = child.stdin.take().ok_or_else(gone)?;
    let up: ChildStdout = child.stdout.take().ok_or_else(gone)?;
    let down = Sender::from_owned_fd(OwnedFd::from(down))?;
    let up = Receiver::from_owned_fd(OwnedFd::from(up))?;
    Ok((down, up))
}

/// Moves the frames' pipes away from standard input and output, where a plugin would print, and
/// puts nothing in their place.
pub fn take_pipes() -> io::Result<(Receiver, File)> {
    let down = moved(rustix::stdio::stdin())?;
    let up = moved(rustix::stdio::stdout())?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
    let nothing = nothing.map_err(|error| {
        let error = io::Error::from(error);
        io::Error::new(
            error.kind(),
            format!("/dev/null can't be opened: {error}; is /dev mounted?"),
        )
    })?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok((Receiver::from_owned_fd(down)?, File::from(up)))
}

fn moved(fd: impl AsFd) -> io::Result<OwnedFd> {
    let copy = rustix::io::dup(fd)?;
    fcntl_setfd(&copy, FdFlags::CLOEXEC)?;
    Ok(copy)
}

/// Waits until standard input has something to read, or has ended; false if `most` ran out before.
pub fn wait_for_input(most: Option<Duration>) -> bool {
    let end = most.map(|most| Instant::now() + most);
    let mut inputs = [PollFd::from_borrowed_fd(stdio::stdin(), PollFlags::IN)];
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut inputs, left.as_ref()) {
            Ok(0) => return false,
            Err(Errno::INTR | Errno::AGAIN) => {}
            // What else fails here fails when it is read, and is told then.
            Ok(_) | Err(_) => return true,
        }
    }
}

/// Waits until standard error takes at least [`ATOMIC`] bytes without waiting, or its reader went away:
/// then a write ends at once, too.
pub fn wait_for_stderr(patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut outputs = [PollFd::from_borrowed_fd(stdio::stderr(), PollFlags::OUT)];
        match poll(&mut outputs, Some(&left)) {
            Ok(ready) => return ready > 0,
            Err(Errno::INTR) => {}
            // It is no descriptor that can be waited for: then it is none that waits.
            Err(_) => return true,
        }
    }
}

/// So many bytes go into a pipe at once that can be written to (`PIPE_BUF` of Linux; POSIX demands 512).
pub const ATOMIC: usize = 4096;

/// Whether standard output leads nowhere any more. Found out without writing: a pipe whose reader
/// went away says so.
pub fn has_no_reader() -> bool {
    let stdout = stdio::stdout();
    let mut outputs = [PollFd::from_borrowed_fd(stdout, PollFlags::empty())];
    let polled = poll(&mut outputs, Some(&Timespec::default()));
    let gone = PollFlags::ERR | PollFlags::HUP;
    polled.is_ok() && outputs[0].revents().intersects(gone)
}
