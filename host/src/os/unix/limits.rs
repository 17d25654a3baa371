//! Limits of a process and of the machine, by the names under which administrators know them.

use std::{io, os::fd::OwnedFd};

use rustix::{
    io::{Errno, fcntl_dupfd_cloexec},
    stdio,
};

/// An error in the system's words, with the limit that it ran into.
pub fn explained(error: &io::Error) -> String {
    match reached(error) {
        Some(limit) => format!("{error}: {limit}"),
        None => error.to_string(),
    }
}

/// Lets a write past the limit of file sizes fail (EFBIG) instead of ending the process without a word.
#[allow(unsafe_code)]
pub fn survive_file_sizes() {
    // SAFETY: no handler of ours is set, and nothing else in this process uses the signal.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Whether this process may open so many files more, for what panics where it may not.
///
/// # Errors
///
/// It may not.
pub fn can_open(count: usize) -> io::Result<()> {
    let open = |_| fcntl_dupfd_cloexec(stdio::stdin(), 0);
    let opened: Result<Vec<OwnedFd>, Errno> = (0..count).map(open).collect();
    opened.map(drop).map_err(io::Error::from)
}

/// The limit of file sizes, in the words of [`reached`], where there is one: for failures whose cause
/// was lost on the way.
pub fn of_file_sizes() -> Option<&'static str> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
    limit.current?;
    reached(&Errno::FBIG.into())
}

/// Whether no descriptor was left.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

/// Whether this machine itself refuses a connection: a filter around this process, or a family of addresses that it may
/// not use. No answer of the network is told as one of these; EACCES may be a router's, over IPv6 (RFC 4443, 3.1).
pub fn is_connection_forbidden(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::PERM | Errno::AFNOSUPPORT))
}

/// The limit that a system call ran into, if that is why it failed.
pub fn reached(error: &io::Error) -> Option<&'static str> {
    let errno = Errno::from_raw_os_error(error.raw_os_error()?);
    Some(match errno {
        Errno::MFILE => {
            "the limit of open files is reached (LimitNOFILE= of its service, or ulimit -n)"
        }
        Errno::NFILE => "the machine's limit of open files is reached",
        Errno::AGAIN => {
            "the limit of processes and threads is reached (TasksMax= or LimitNPROC= of its service, \
             or ulimit -u)"
        }
        Errno::NOMEM => {
            "there is no memory left (MemoryMax= or LimitAS= of its service, or ulimit -v)"
        }
        Errno::FBIG => {
            "the limit of file sizes is reached (LimitFSIZE= of its service, or ulimit -f)"
        }
        _ => return None,
    })
}
