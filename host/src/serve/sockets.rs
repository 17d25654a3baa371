//! Where a hub listens: a Unix socket always, one for readers if asked for, HTTP if asked for, on loopback unless it has TLS; the service manager's in
//! place of its own.

use std::{fmt::Display, io, net::SocketAddr, path::PathBuf};

use futures_util::{FutureExt, future::select_all};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use super::{
    access::Origin,
    connections::{Connections, MOST},
};
use crate::{
    config,
    os::socket::{Inherited, Listener},
};

/// Where a hub is to listen.
pub struct Listening {
    /// The Unix socket, and the group whose members may connect to it.
    pub socket: PathBuf,
    /// By number; `None`: the group of this process.
    pub group: Option<u32>,
    /// The Unix socket for readers, if there is one, and its group.
    pub read: Option<PathBuf>,
    /// By number; `None`: the group of this process.
    pub read_group: Option<u32>,
    /// Where HTTP is served, if at all.
    pub http: Option<SocketAddr>,
    /// What it is served with.
    pub tls: Option<config::Tls>,
    /// Sockets that the service manager listens on, which take the place of the above.
    pub inherited: Inherited,
}

/// Takes connections.
pub(super) enum Socket {
    Unix {
        listener: Listener,
        /// For those who may look and change nothing.
        is_for_readers: bool,
    },
    Http {
        listener: TcpListener,
        has_tls: bool,
        /// Not the service manager's.
        is_own: bool,
    },
}

/// A connection of either kind. One type, so that the protocol is compiled once.
pub(super) type Stream = Box<dyn Io>;

/// What HTTP needs of a connection.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Listening {
    pub(super) fn open(self) -> io::Result<Vec<Socket>> {
        let Inherited {
            mut unix,
            mut read,
            mut tcp,
        } = self.inherited;
        if unix.is_empty() {
            let bound = Listener::bind(&self.socket, self.group);
            unix.push(bound.map_err(at(self.socket.display()))?);
            tracing::info!(socket = %self.socket.display(), "listening");
        }
        if let (Some(socket), true) = (&self.read, read.is_empty()) {
            let bound = Listener::bind(socket, self.read_group);
            read.push(bound.map_err(at(socket.display()))?);
            tracing::info!(socket = %socket.display(), "listening for readers");
        }
        let (is_own, has_tls) = (tcp.is_empty(), self.tls.is_some());
        if let (Some(address), true) = (self.http, is_own) {
            tcp.push(std::net::TcpListener::bind(address).map_err(at(address))?);
        }
        let http = tcp
            .into_iter()
            .map(|listener| Socket::http(listener, is_own, has_tls));
        let of = |is_for_readers| {
            move |listener| {
                Ok(Socket::Unix {
                    listener,
                    is_for_readers,
                })
            }
        };
        let unix = unix.into_iter().map(of(false));
        let read = read.into_iter().map(of(true));
        unix.chain(read).chain(http).collect()
    }
}

/// The next connection, wherever it comes from. One more than may be open is not taken.
pub(super) async fn accept(
    sockets: &[Socket],
    connections: &Connections,
) -> io::Result<(Stream, Origin)> {
    connections.room().await;
    let accepts = sockets.iter().map(|socket| Box::pin(socket.accept()));
    // There is a socket.
    select_all(accepts).await.0
}

impl Socket {
    fn http(listener: std::net::TcpListener, is_own: bool, has_tls: bool) -> io::Result<Self> {
        let address = listener.local_addr()?;
        if !has_tls && !address.ip().is_loopback() {
            let words = format!("{address}: without [serve] tls HTTP is served on loopback alone");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        tracing::info!(%address, "listening");
        Ok(Self::Http {
            listener,
            has_tls,
            is_own,
        })
    }

    async fn accept(&self) -> io::Result<(Stream, Origin)> {
        match self {
            Self::Unix {
                listener,
                is_for_readers,
            } => {
                let (stream, uid) = listener.accept().await?;
                let origin = match is_for_readers {
                    true => Origin::Reader { uid },
                    false => Origin::Socket { uid },
                };
                Ok((Box::new(stream), origin))
            }
            Self::Http {
                listener, has_tls, ..
            } => {
                let (stream, _) = listener.accept().await?;
                // Answers are written whole: there is nothing to gather. It only fails with the stream.
                let _ = stream.set_nodelay(true);
                let origin = match has_tls {
                    true => Origin::Https,
                    false => Origin::Http,
                };
                Ok((Box::new(stream), origin))
            }
        }
    }

    /// Listens no longer. What waits at a socket of our own is accepted first, as no one else will; what
    /// waits at the service manager's is for the next hub.
    pub(super) fn close(mut self) -> Vec<(Stream, Origin)> {
        match &mut self {
            Self::Unix { listener, .. } if listener.is_own() => listener.unlink(),
            Self::Http { is_own: true, .. } => {}
            Self::Unix { .. } | Self::Http { .. } => return Vec::new(),
        }
        let waiting = || self.accept().now_or_never()?.ok();
        // More than may be open would keep it from its end.
        std::iter::from_fn(waiting).take(MOST).collect()
    }
}

fn at(place: impl Display) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{place}: {error}"))
}
