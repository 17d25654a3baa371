//! Which request is answered by what.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, Request, State},
    response::Response,
    routing::{get, post},
};
use http::StatusCode;

use super::{
    Shared, access::Caller, callers, connections::Connection, message, metrics, read, reply,
};

type Hub = State<Arc<Shared>>;

/// All of them.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/v1/messages", post(send))
        .route("/v1/messages/{id}", get(look_up))
        .route("/callers/{name}", post(send_shaped))
        .route("/v1/messages/{id}/used", post(used))
        .route(read::PATH, post(ask))
        .route("/healthz", get(health))
        .route("/metrics", get(count))
        .fallback(nothing)
        .with_state(Arc::clone(shared))
}

async fn send(
    State(shared): Hub,
    Extension(caller): Extension<Caller>,
    Extension(connection): Extension<Arc<Connection>>,
    request: Request,
) -> Response {
    message::send(shared, caller, connection, request).await
}

async fn send_shaped(
    State(shared): Hub,
    Extension(caller): Extension<Caller>,
    Extension(connection): Extension<Arc<Connection>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    callers::send(shared, caller, connection, &name, request).await
}

async fn look_up(
    State(shared): Hub,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let with_delivery = query.split('&').any(|part| part == "delivery=true");
    message::look_up(&shared, &caller, &id, with_delivery).await
}

async fn used(
    State(shared): Hub,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Response {
    message::used(&shared, &caller, &id).await
}

async fn ask(State(shared): Hub, request: Request) -> Response {
    read::answer(&shared, request).await
}

async fn health(State(shared): Hub) -> Response {
    let ready = match shared.dispatch() {
        Ok(dispatch) => dispatch.ready().await,
        Err(failure) => Err(failure),
    };
    match ready {
        Ok(()) => reply::text(StatusCode::OK, "ok"),
        Err(failure) => reply::text(StatusCode::SERVICE_UNAVAILABLE, &failure.to_string()),
    }
}

async fn count(State(shared): Hub) -> Response {
    metrics::answer(&shared).await
}

async fn nothing() -> Response {
    let words = "there is nothing here; messages go to POST /v1/messages";
    reply::refused(StatusCode::NOT_FOUND, words)
}
