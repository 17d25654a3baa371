//! Where the console listens: loopback, or a Unix socket; nowhere else.

use std::{
    convert::Infallible,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use axum::body::Body;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use textsender::os::{accounts, signals::EndRequests, socket::Listener as UnixListener};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
};

use super::{Front, answer};

/// How long the head of a request may take, and a connection may wait for its next one.
const HEAD: Duration = Duration::from_secs(10);

/// The longest head, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// The most connections at a time. Others wait.
const CONNECTIONS: usize = 64;

/// How long connections may take to end with the session.
const CLOSING: Duration = Duration::from_secs(5);

/// How often a free port is looked for that is free at both addresses.
const TRIES: usize = 16;

/// What is listened on.
pub enum Sockets {
    /// 127.0.0.1, and ::1 where the machine has it: a browser may try either, and who else had the other would get
    /// what was meant for us.
    Loopback(TcpListener, Option<TcpListener>),
    /// A path.
    Unix(UnixListener),
}

/// Begins to listen.
///
/// # Errors
///
/// The port or the path is taken.
pub fn open(port: u16, socket: Option<&Path>) -> anyhow::Result<Sockets> {
    if let Some(path) = socket {
        // By sudo it is for who called sudo: ssh -L connects as that account.
        let listener = UnixListener::bind_for(path, accounts::asked_by())
            .with_context(|| format!("{} can't be listened on", path.display()))?;
        return Ok(Sockets::Unix(listener));
    }
    let tries = if port == 0 { TRIES } else { 1 };
    let mut last = None;
    for _ in 0..tries {
        match both(port) {
            Ok(sockets) => return Ok(sockets),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error).context("no port on loopback can be listened on"),
        None => bail!("no port on loopback can be listened on"),
    }
}

fn both(port: u16) -> io::Result<Sockets> {
    let listen = |address: SocketAddr| {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    let first = listen((Ipv4Addr::LOCALHOST, port).into())?;
    let port = first.local_addr()?.port();
    let second = match listen((Ipv6Addr::LOCALHOST, port).into()) {
        Ok(listener) => Some(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
        // The machine has no such address.
        Err(_) => None,
    };
    Ok(Sockets::Loopback(first, second))
}

impl Sockets {
    /// The port, on loopback.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Loopback(listener, _) => listener.local_addr().ok().map(|at| at.port()),
            Self::Unix(_) => None,
        }
    }

    /// Answers until the session is over, or the process is asked to end. Returns whether it was the session.
    pub async fn serve(self, front: Arc<Front>) -> anyhow::Result<bool> {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let mut end = EndRequests::listen()?;
        let ending = Arc::clone(&front);
        let mut over = pin!(ending.over());
        loop {
            let permit = Arc::clone(&connections).acquire_owned().await?;
            let accepted = tokio::select! {
                () = &mut over => break,
                () = end.recv() => return Ok(false),
                _ = tokio::signal::ctrl_c() => return Ok(false),
                accepted = self.accept() => accepted,
            };
            let Some(stream) = accepted else { continue };
            let front = Arc::clone(&front);
            tokio::spawn(async move {
                converse(front, stream).await;
                drop(permit);
            });
        }
        drop(self);
        // What is being carried out is, to its end; and the last page arrives.
        let _turn = front.acting.lock().await;
        let all = connections.acquire_many(CONNECTIONS as u32);
        let _ = tokio::time::timeout(CLOSING, all).await;
        Ok(true)
    }

    /// The next connection; `None` if there is none after all.
    async fn accept(&self) -> Option<Box<dyn Stream>> {
        let accepted = match self {
            Self::Loopback(first, Some(second)) => tokio::select! {
                accepted = first.accept() => accepted,
                accepted = second.accept() => accepted,
            },
            Self::Loopback(first, None) => first.accept().await,
            Self::Unix(listener) => {
                let (stream, uid) = listener.accept().await.ok()?;
                let mut may = vec![0, accounts::own(), accounts::caller()];
                may.extend(accounts::asked_by());
                return may
                    .contains(&uid)
                    .then(|| Box::new(stream) as Box<dyn Stream>);
            }
        };
        match accepted {
            Ok((stream, _)) => Some(Box::new(stream)),
            Err(_) => {
                // Such as for lack of a descriptor: others give theirs back.
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Answers the requests of one connection.
async fn converse(front: Arc<Front>, stream: Box<dyn Stream>) {
    let mut is_over = front.is_over.subscribe();
    let service = service_fn(move |request: Request<Incoming>| {
        let front = Arc::clone(&front);
        async move { Ok::<_, Infallible>(answer(front, request.map(Body::new)).await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        // What a browser asked for before it went away is done all the same.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    // One that ends early ends itself alone.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = is_over.wait_for(|is_over| *is_over) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_addresses_of_loopback_are_listened_on_or_none() {
        let Sockets::Loopback(first, Some(second)) = open(0, None).unwrap() else {
            // A machine without IPv6 has one of them.
            assert!(std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err());
            return;
        };
        let [first, second] = [first, second].map(|listener| listener.local_addr().unwrap());
        assert_eq!(first.port(), second.port());
        assert!(first.ip().is_loopback() && second.ip().is_loopback());

        let others = std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        assert!(open(others.local_addr().unwrap().port(), None).is_err());
    }
}
