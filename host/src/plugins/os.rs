//! What the host process asks of the operating system. Linux only: a port writes this file anew.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use rustix::{
    fs::{Mode, OFlags},
    io::{FdFlags, fcntl_setfd},
    process::{DumpableBehavior, Resource, Rlimit, Signal},
};
use tokio::net::unix::pipe;

/// The most memory that a host process may take, in bytes: a plugin that takes more fails alone.
const MEMORY: u64 = 1 << 30;

/// The hidden subcommand of a host process.
pub const SUBCOMMAND: &str = "plugin-host";

/// Starts this executable as a host process: empty environment, frames on its standard input and
/// output, nothing else inherited.
pub(super) fn spawn() -> io::Result<(Child, pipe::Sender, pipe::Receiver)> {
    let mut child = Command::new("/proc/self/exe")
        .arg(SUBCOMMAND)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    let down: ChildStdin = child.stdin.take().ok_or_else(gone)?;
    let up: ChildStdout = child.stdout.take().ok_or_else(gone)?;
    let down = pipe::Sender::from_owned_fd(down.into())?;
    let up = pipe::Receiver::from_owned_fd(up.into())?;
    Ok((child, down, up))
}

/// Moves the frames' pipes away from standard input and output, where a plugin would print, and
/// puts nothing in their place.
pub(super) fn take_pipes() -> io::Result<(pipe::Receiver, File)> {
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

/// Bounds what a plugin can do to this machine, and ties this process to the front's life.
pub(super) fn restrain() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let limits = [
        (Resource::Core, 0),
        (Resource::As, MEMORY),
        (Resource::Fsize, 0),
    ];
    for (resource, limit) in limits {
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        rustix::process::setrlimit(resource, limit)?;
    }
    Ok(())
}

/// The path by which the linker loads the very file that was checked.
pub(super) fn path_of(file: &File) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// The machine field of this executable's own ELF header.
pub(super) fn own_machine() -> Option<[u8; 2]> {
    use std::os::unix::fs::FileExt;
    let mut machine = [0; 2];
    File::open("/proc/self/exe")
        .ok()?
        .read_exact_at(&mut machine, 18)
        .ok()?;
    Some(machine)
}
