//! Unix sockets: one that is listened on, our own or the service manager's, and connections to one.

use std::{
    env,
    ffi::OsStr,
    fs,
    fs::{File, TryLockError},
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
        unix::fs::{FileTypeExt, PermissionsExt},
        unix::net::{self, UnixListener},
    },
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use rustix::{
    fs::{AtFlags, CWD, Gid, Uid, chownat},
    io::{FdFlags, fcntl_getfd, fcntl_setfd},
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType,
        sockopt::{self, Timeout},
    },
};

use super::rights;

/// A connection that a command makes, and waits on.
pub use std::os::unix::net::UnixStream as Blocking;
/// A connection that was accepted.
pub use tokio::net::UnixStream as Stream;

/// The first descriptor that a service manager hands over (sd_listen_fds(3)).
const FIRST_INHERITED: RawFd = 3;

/// The name of a socket for readers.
const READ: &str = "read";

/// The longest path of a socket, in bytes: one less than `sun_path` holds (unix(7)).
pub const LONGEST_PATH: usize = 107;

/// Who may connect to a socket of our own.
#[derive(Clone, Copy)]
struct Access {
    /// `None`: the account that listens.
    owner: Option<u32>,
    /// `None`: the one that it has anyway.
    group: Option<u32>,
    mode: u32,
}

/// Sockets that the service manager listens on for this process.
#[derive(Default)]
pub struct Inherited {
    /// Unix sockets.
    pub unix: Vec<Listener>,
    /// Those of them that are for readers, by their name `read` (`FileDescriptorName=`).
    pub read: Vec<Listener>,
    /// TCP sockets.
    pub tcp: Vec<std::net::TcpListener>,
}

/// Takes connections.
pub struct Listener {
    listener: tokio::net::UnixListener,
    /// Where it is, if it is our own, and what keeps others from it.
    own: Option<Own>,
}

struct Own {
    path: PathBuf,
    _lock: File,
}

/// Whether a path is short enough for a socket.
///
/// # Errors
///
/// It is not: in words.
pub fn fits(path: &Path) -> Result<(), String> {
    match path.as_os_str().len() {
        0..=LONGEST_PATH => Ok(()),
        bytes => Err(format!(
            "has {bytes} bytes, and the path of a socket {LONGEST_PATH} at the most"
        )),
    }
}

/// The sockets that the service manager handed over, if it did (`LISTEN_FDS`). To be called once, before
/// any other descriptor is opened or handed on.
///
/// # Errors
///
/// One of them is no socket that listens on a path or on TCP.
pub fn inherited() -> io::Result<Inherited> {
    let number = |name| env::var(name).ok()?.parse::<u32>().ok();
    let mut found = Inherited::default();
    if number("LISTEN_PID") != Some(process::id()) {
        return Ok(found);
    }
    let count = number("LISTEN_FDS").and_then(|count| RawFd::try_from(count).ok());
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    for fd in (FIRST_INHERITED..).take(count.unwrap_or(0).max(0) as usize) {
        let socket = take(fd)?;
        let name = names.next();
        match sockopt::socket_domain(&socket)? {
            AddressFamily::UNIX if name == Some(READ) => {
                found.read.push(Listener::of(socket.into(), None)?);
            }
            AddressFamily::UNIX => found.unix.push(Listener::of(socket.into(), None)?),
            AddressFamily::INET | AddressFamily::INET6 => found.tcp.push(socket.into()),
            _ => return Err(unsuitable(fd)),
        }
    }
    Ok(found)
}

#[allow(unsafe_code)]
fn take(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: it is borrowed for the next statement, which asks whether it is open at all.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    fcntl_getfd(borrowed).map_err(|_| unsuitable(fd))?;
    // SAFETY: it is open, the service manager opened it for this process, and nothing else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    let is_stream = sockopt::socket_type(&socket).is_ok_and(|kind| kind == SocketType::STREAM);
    let listens = is_stream && sockopt::socket_acceptconn(&socket).unwrap_or(false);
    listens.then_some(socket).ok_or_else(|| unsuitable(fd))
}

fn unsuitable(fd: RawFd) -> io::Error {
    let words = format!("descriptor {fd}, of LISTEN_FDS, is not a listening stream socket");
    io::Error::new(io::ErrorKind::InvalidInput, words)
}

impl Listener {
    /// Listens at a path, for the owner and the group. One that a dead process left there is replaced,
    /// and it is taken away when this is dropped.
    ///
    /// # Errors
    ///
    /// Another process listens there, something else is there, or its folder can't be written.
    pub fn bind(path: &Path, group: Option<u32>) -> io::Result<Self> {
        let access = Access {
            owner: None,
            group,
            mode: 0o660,
        };
        Self::bind_with(path, access)
    }

    /// The same for one account alone; `None`: the one that listens.
    ///
    /// # Errors
    ///
    /// As above, or it can't be given to that account.
    pub fn bind_for(path: &Path, owner: Option<u32>) -> io::Result<Self> {
        let access = Access {
            owner,
            group: None,
            mode: 0o600,
        };
        Self::bind_with(path, access)
    }

    fn bind_with(path: &Path, access: Access) -> io::Result<Self> {
        fits(path).map_err(|what| io::Error::new(io::ErrorKind::InvalidInput, what))?;
        let lock = lock(&beside(path, ".lock"))?;
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                let words = "there is a file that is not a socket";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, words));
            }
            // Such as the service manager, which takes no lock.
            Ok(_) if connect(path, Duration::from_secs(1)).is_ok() => return Err(in_use()),
            _ => {}
        }
        // Made beside its place, so that no one connects before it has its mode.
        let new = new_for(path);
        let _ = fs::remove_file(&new);
        let listener = UnixListener::bind(&new)?;
        let placed = place(&new, path, access);
        if placed.is_err() {
            let _ = fs::remove_file(&new);
        }
        placed?;
        let own = Own {
            path: path.to_owned(),
            _lock: lock,
        };
        Self::of(listener, Some(own))
    }

    fn of(listener: UnixListener, own: Option<Own>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::UnixListener::from_std(listener)?;
        Ok(Self { listener, own })
    }

    /// The next connection, and the user id at its other end.
    ///
    /// # Errors
    ///
    /// The system has none to give now, such as for lack of a descriptor.
    pub async fn accept(&self) -> io::Result<(Stream, u32)> {
        let (stream, _) = self.listener.accept().await?;
        let uid = stream.peer_cred()?.uid();
        Ok((stream, uid))
    }

    /// Whether it is our own: then no one listens after this process, and its queue is lost with it.
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Takes it from its path, if it is our own: no further connection comes. Those that wait can still
    /// be accepted.
    pub fn unlink(&mut self) {
        if let Some(own) = self.own.take() {
            // Where it is gone already, that is what was wanted.
            let _ = fs::remove_file(&own.path);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.unlink();
    }
}

fn lock(path: &Path) -> io::Result<File> {
    let lock = rights::open_or_create(path, 0o600)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(in_use()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn in_use() -> io::Error {
    io::Error::new(
        io::ErrorKind::AddrInUse,
        "another process listens there already",
    )
}

fn place(new: &Path, path: &Path, access: Access) -> io::Result<()> {
    let Access { owner, group, mode } = access;
    // Before it is another's, who could put something else in its place.
    fs::set_permissions(new, fs::Permissions::from_mode(mode))?;
    if owner.is_some() || group.is_some() {
        let (user, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
        let given = chownat(CWD, new, user, group, AtFlags::SYMLINK_NOFOLLOW);
        given.map_err(|error| {
            let words = format!("its owner or group can't be set: {error}");
            io::Error::new(error.kind(), words)
        })?;
    }
    fs::rename(new, path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The name under which a socket is made: no longer than a socket's may be.
fn new_for(path: &Path) -> PathBuf {
    const ENDING: &str = ".new";
    let room = LONGEST_PATH - ENDING.len();
    let bytes = path.as_os_str().as_bytes();
    let whole = bytes.len().min(room);
    beside(Path::new(OsStr::from_bytes(&bytes[..whole])), ENDING)
}

/// Tells the service manager how it stands, such as `READY=1`, if it wants to know (sd_notify(3)).
pub fn notify(state: &str) {
    let (Some(path), Ok(socket)) = (env::var_os("NOTIFY_SOCKET"), net::UnixDatagram::unbound())
    else {
        return;
    };
    if let Err(error) = socket.send_to(state.as_bytes(), path) {
        tracing::warn!(%error, "the service manager could not be notified: {state}");
    }
}

/// The user id of the process that listens at the other end.
///
/// # Errors
///
/// The system does not say.
#[allow(unsafe_code)]
pub fn peer(stream: &Blocking) -> io::Result<u32> {
    let mut peer = libc::ucred {
        // A process of another pid namespace has none, which rustix takes for an error.
        pid: 0,
        uid: u32::MAX,
        gid: u32::MAX,
    };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    let (level, name) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
    let at = (&raw mut peer).cast();
    // SAFETY: it writes to `peer`, which is of that size, and to `size` alone.
    match unsafe { libc::getsockopt(stream.as_raw_fd(), level, name, at, &raw mut size) } {
        0 => Ok(peer.uid),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Connects to a socket. One whose queue is full is waited for, but not longer than this.
///
/// # Errors
///
/// No one listens, or this account may not connect.
pub fn connect(path: &Path, within: Duration) -> io::Result<Blocking> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    sockopt::set_socket_timeout(socket.as_fd(), Timeout::Send, Some(within))?;
    rustix::net::connect(&socket, &address)?;
    Ok(net::UnixStream::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_be_as_long_as_the_system_takes_it() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let folder = tempfile::tempdir().unwrap();
        let of = |bytes: usize| {
            let name = "s".repeat(bytes - folder.path().as_os_str().len() - 1);
            folder.path().join(name)
        };
        for bytes in [60, LONGEST_PATH - 2, LONGEST_PATH] {
            let listener = Listener::bind(&of(bytes), None).unwrap();
            assert!(connect(&of(bytes), Duration::from_secs(1)).is_ok());
            drop(listener);
        }
        let refused = Listener::bind(&of(LONGEST_PATH + 1), None).err().unwrap();
        assert!(refused.to_string().contains("has 108 bytes"), "{refused}");
    }
}
