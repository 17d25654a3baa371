//! One connection: its requests, one after the other, and what ends it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::{Instant, sleep_until, timeout};
use tower_service::Service;

use super::{
    Shared,
    access::{self, Origin},
    connections::Entered,
    sockets::Stream,
};

/// How long the head of a request may take, and a connection may wait for its next one; and the beginning
/// of TLS.
const HEAD: Duration = Duration::from_secs(10);

/// The longest head, in bytes, and the most that is read ahead.
const HEAD_BYTES: usize = 16 * 1024;

/// How long a connection may take to send what it has begun, once the hub is asked to end.
const LINGER: Duration = Duration::from_secs(1);

/// Answers the requests of one connection.
pub(super) async fn converse(
    shared: Arc<Shared>,
    router: Router,
    stream: Stream,
    entered: Entered,
) {
    let connection = Arc::clone(&entered.connection);
    let origin = connection.origin();
    let mut stopping = shared.stopping.subscribe();
    let stream = match (origin, &shared.tls) {
        (Origin::Https, Some(tls)) => tokio::select! {
            accepted = timeout(HEAD, tls.accept(stream)) => match accepted {
                Ok(Ok(protected)) => protected,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a connection is not protected");
                    return;
                }
                Err(_) => return,
            },
            () = connection.asked_to_close() => return,
            _ = stopping.wait_for(|stopping| *stopping) => return,
        },
        _ => stream,
    };
    let service = service_fn(|mut request: Request<Incoming>| {
        let admitted = access::admit(&shared, origin, &request);
        let (connection, mut router) = (Arc::clone(&connection), router.clone());
        async move {
            let caller = match admitted {
                Ok(caller) => caller,
                Err(refused) => return Ok::<_, Infallible>(*refused),
            };
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(connection);
            router.call(request.map(Body::new)).await
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        // A caller that has sent all may say so, and still wants its answer.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let mut end: Option<Instant> = None;
    loop {
        let late = sleep_until(end.unwrap_or_else(Instant::now));
        tokio::select! {
            biased;
            ended = serving.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended");
                }
                return;
            }
            () = late, if end.is_some() => {}
            () = connection.asked_to_close() => {}
            _ = stopping.wait_for(|stopping| *stopping), if end.is_none() => {
                // One that has sent nothing yet gets the time to: its request may be on its way.
                serving.as_mut().graceful_shutdown();
                end = Some(Instant::now() + LINGER);
                continue;
            }
        }
        if !connection.is_busy() {
            return;
        }
        serving.as_mut().graceful_shutdown();
        end = Some(Instant::now() + LINGER);
    }
}
