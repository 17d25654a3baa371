//! The two pipes between front and host process, on any Unix.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    process::{Child, ChildStdin, ChildStdout},
};

use rustix::{
    fs::{Mode, OFlags},
    io::{FdFlags, fcntl_setfd},
};
use tokio::net::unix::pipe;

/// The front's ends of a host process's pipes.
pub fn end_of(child: &mut Child) -> io::Result<(pipe::Sender, pipe::Receiver)> {
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let down: ChildStdin = child.stdin.take().ok_or_else(gone)?;
    let up: ChildStdout = child.stdout.take().ok_or_else(gone)?;
    let down = pipe::Sender::from_owned_fd(OwnedFd::from(down))?;
    let up = pipe::Receiver::from_owned_fd(OwnedFd::from(up))?;
    Ok((down, up))
}

/// Moves the frames' pipes away from standard input and output, where a plugin would print, and
/// puts nothing in their place.
pub fn take_pipes() -> io::Result<(pipe::Receiver, File)> {
    let down = moved(rustix::stdio::stdin())?;
    let up = moved(rustix::stdio::stdout())?;
    let nothing = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    Ok((pipe::Receiver::from_owned_fd(down)?, File::from(up)))
}

fn moved(fd: impl AsFd) -> io::Result<OwnedFd> {
    let copy = rustix::io::dup(fd)?;
    fcntl_setfd(&copy, FdFlags::CLOEXEC)?;
    Ok(copy)
}
