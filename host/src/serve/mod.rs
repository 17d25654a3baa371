//! The hub: the pipeline of a stream behind a Unix socket, and behind HTTP on loopback, or with TLS elsewhere.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/messages` | the response that `textsender send` writes; `Idempotency-Key` may stand for `id` |
//! | `POST /callers/NAME` | a message in another product's shape, answered in that product's words |
//! | `GET /v1/messages/{id}` | the response that was given; with `?delivery=true` what became of it since |
//! | `POST /v1/messages/{id}/used` | notes that the code was typed in |
//! | `GET /healthz` | 200 if a message could be sent now, else 503 and why |
//! | `POST /v1/read` | on the socket for readers alone: what `log`, `stats`, `status`, `explain` or `health` writes |
//! | `GET /metrics` | counts for Prometheus, from the ledger and of this process |
//!
//! ```text
//! socket -> connection -> access (Host, token) -> routes -> message -> place -> dispatch::answer
//! ```
//!
//! Who may connect to the Unix socket may send, like those who may run `textsender send`; the audit names
//! the account. Callers that reach the HTTP port prove themselves with a token, and see their own messages
//! alone.
//!
//! A message goes on when its caller hangs up: what became of it is in the ledger, and a repeat of the id
//! asks. A slow, silent or broken caller costs its own connection and nothing else (`connections`).

mod access;
mod alerts;
mod body;
mod callers;
mod client;
mod connection;
mod connections;
mod delivery;
mod message;
mod metrics;
mod places;
mod read;
mod reply;
mod routes;
mod sockets;
mod tls;
mod tokens;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::Router;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use crate::{
    dispatch::{Current, Dispatch},
    failpoint::Failpoints,
    os::{limits, signals::EndRequests},
    protocol::Failure,
};
use callers::{HiddenLimits, Paces};
pub use client::Client;
use connections::Connections;
use delivery::Watch;
use metrics::{Counts, Looked};
use places::Places;
pub use read::{COMMANDS as READABLE, Question, Told, ask};
pub use sockets::Listening;
use sockets::Socket;
use tls::Tls;
use tokens::Tokens;

/// How often idle host processes are looked for.
const ROUND: Duration = Duration::from_secs(1);

/// The pause after the system had no connection to give.
const PAUSE: Duration = Duration::from_millis(100);

/// What a message may take beyond its deadline: its outcome is written down.
const GRACE: Duration = Duration::from_secs(2);

/// A hub that listens.
pub struct Hub {
    shared: Arc<Shared>,
    router: Router,
    sockets: Vec<Socket>,
    connections: JoinSet<()>,
    /// How long a host process may idle before it is stopped.
    idle: Duration,
}

/// What all requests share.
struct Shared {
    /// The configuration's file, without links: callers say which one they mean.
    file: PathBuf,
    current: Mutex<Current>,
    places: Places,
    connections: Arc<Connections>,
    tokens: Tokens,
    tls: Option<Tls>,
    counts: Counts,
    looked: Looked,
    paces: Paces,
    watch: Watch,
    failpoints: Failpoints,
    hidden_limits: HiddenLimits,
    /// True once it is asked to end.
    stopping: watch::Sender<bool>,
}

impl Hub {
    /// Listens. `current` is what the configuration in `file` came to.
    ///
    /// # Errors
    ///
    /// It can't listen, and where.
    pub fn open(
        file: &Path,
        current: Current,
        listening: Listening,
        idle: Duration,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            file: file.canonicalize().unwrap_or_else(|_| file.to_owned()),
            failpoints: current.failpoints(),
            places: Places::new(current.concurrency()),
            watch: Watch::new(current.failpoints().delivery_after),
            current: Mutex::new(current),
            connections: Arc::default(),
            tokens: Tokens::new()?,
            tls: listening.tls.clone().map(Tls::open).transpose()?,
            counts: Counts::default(),
            looked: Looked::default(),
            paces: Paces::default(),
            hidden_limits: HiddenLimits::default(),
            stopping: watch::Sender::new(false),
        });
        Ok(Self {
            router: routes::router(&shared),
            shared,
            sockets: listening.open()?,
            connections: JoinSet::new(),
            idle,
        })
    }

    /// Serves until it is asked to end. Then no further request is taken, and those in flight end; asked
    /// again, it ends at once.
    ///
    /// # Errors
    ///
    /// Not everything that was in flight ended in time.
    pub async fn serve(mut self, asked: &mut EndRequests) -> io::Result<()> {
        tokio::spawn(alerts::look(Arc::clone(&self.shared)));
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = asked.recv() => break,
                Some(_) = self.connections.join_next() => {}
                _ = rounds.tick() => self.shared.current().stop_idle(self.idle),
                accepted = sockets::accept(&self.sockets, &self.shared.connections) => match accepted {
                    Ok(accepted) => self.converse(accepted),
                    Err(error) => {
                        let error = limits::explained(&error);
                        tracing::warn!(error, "a connection could not be taken");
                        self.shared.connections.close_one();
                        sleep(PAUSE).await;
                    }
                },
            }
        }
        self.end(asked).await
    }

    fn converse(&mut self, (stream, origin): (sockets::Stream, access::Origin)) {
        let shared = Arc::clone(&self.shared);
        // At once, so that it counts before the next one is accepted.
        let entered = shared.connections.enter(origin);
        let conversation = connection::converse(shared, self.router.clone(), stream, entered);
        self.connections.spawn(conversation);
    }

    async fn end(mut self, asked: &mut EndRequests) -> io::Result<()> {
        tracing::info!(
            "shutting down: messages in flight are finished; a second signal abandons them"
        );
        let give_up = Instant::now() + self.shared.current().timeout() + GRACE;
        let sockets = std::mem::take(&mut self.sockets);
        for accepted in sockets.into_iter().flat_map(Socket::close) {
            self.converse(accepted);
        }
        self.shared.stopping.send_replace(true);
        let shared = Arc::clone(&self.shared);
        let all_ended = async {
            while self.connections.join_next().await.is_some() {}
            // Messages go on without their callers.
            shared.places.all_free().await;
        };
        tokio::select! {
            () = all_ended => {}
            () = asked.recv() => return Err(io::Error::other("it got a second signal to end")),
            () = sleep_until(give_up) => {
                return Err(io::Error::other("not all was answered in time"));
            }
        }
        let dispatch = self.shared.current().dispatch();
        if let Ok(dispatch) = dispatch {
            dispatch.close().await;
        }
        Ok(())
    }
}

impl Shared {
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The dispatch for the next request, which misses no edit that was made before it came.
    fn dispatch(&self) -> Result<Arc<Dispatch>, Failure> {
        let mut current = self.current();
        current.look();
        self.places.resize(current.concurrency());
        current.dispatch()
    }
}
