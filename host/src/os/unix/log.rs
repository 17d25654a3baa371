//! The system's own logs, each behind a socket for datagrams that systemd or a syslog daemon keeps.

use std::{io, os::unix::net::UnixDatagram, path::Path, process};

/// The journal's socket (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).
const JOURNAL: &str = "/run/systemd/journal/socket";

/// syslog(3)'s.
const SYSLOG: &str = "/dev/log";

/// By what name lines are found.
const NAME: &str = "textsender";

/// LOG_DAEMON of syslog(3), in its place.
const DAEMON: u8 = 3 << 3;

/// Gives a line to the journal. `priority` is syslog(3)'s, from 0 to 7.
///
/// # Errors
///
/// There is no journal, or it takes nothing now.
pub fn to_journal(priority: u8, line: &str) -> io::Result<()> {
    let fields = format!("PRIORITY={priority}\nSYSLOG_IDENTIFIER={NAME}\nMESSAGE={line}\n");
    send(Path::new(JOURNAL), fields.as_bytes())
}

/// Gives a line to the syslog daemon, as the C library does (RFC 3164).
///
/// # Errors
///
/// There is none, or it takes nothing now.
pub fn to_syslog(priority: u8, line: &str) -> io::Result<()> {
    let line = format!("<{}>{NAME}[{}]: {line}", DAEMON | priority, process::id());
    send(Path::new(SYSLOG), line.as_bytes())
}

/// Gives a line to the first of the system's logs that takes it.
///
/// # Errors
///
/// There is none.
pub fn to_system(priority: u8, line: &str) -> io::Result<()> {
    to_journal(priority, line).or_else(|_| to_syslog(priority, line))
}

/// A daemon that has no room is not waited for.
fn send(socket: &Path, datagram: &[u8]) -> io::Result<()> {
    let own = UnixDatagram::unbound()?;
    own.set_nonblocking(true)?;
    own.send_to(datagram, socket).map(|_| ())
}
