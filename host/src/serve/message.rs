//! A message: from a request over HTTP to its response.

use std::{sync::Arc, time::Duration};

use axum::{extract::Request as HttpRequest, response::Response as HttpResponse};
use http::{HeaderMap, StatusCode};
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout_at},
};

use super::{
    Shared,
    access::{CONFIG, Caller, KEY},
    body,
    connections::{Busy, Connection},
    places::Place,
    reply,
};
use crate::{
    dispatch::{self, Asked, Dispatch, Unread},
    failpoint::Step,
    ledger::{History, LedgerError},
    protocol::{
        DeliveryBody, ErrorCode, Failure, MAX_WAIT, MessageId, Outcome, Request, Resend, Response,
    },
};

/// `Prefer: wait=SECONDS` (RFC 7240): for how long an accepted message is followed.
const PREFER: &str = "prefer";

/// A message that was read, and goes on whether or not its caller stays.
pub(super) struct Message {
    shared: Arc<Shared>,
    caller: Caller,
    /// The request under the ledger's id.
    request: Result<Request, Unread>,
    /// The caller's own id.
    id: Option<MessageId>,
    wait: Option<Duration>,
    since: Instant,
    _busy: Busy,
}

/// What a message is made of.
pub(super) struct Reading {
    /// The request under the caller's own id; or why there is none.
    pub(super) request: Result<Request, Unread>,
    /// For how long an accepted message is followed, if at all.
    pub(super) wait: Option<Duration>,
    /// Since when its caller waits.
    pub(super) since: Instant,
}

/// Answers `POST /v1/messages`.
pub(super) async fn send(
    shared: Arc<Shared>,
    caller: Caller,
    connection: Arc<Connection>,
    request: HttpRequest,
) -> HttpResponse {
    let since = Instant::now();
    let at = shared.failpoints.at;
    let (head, body) = request.into_parts();
    if let Err(failure) = shared.is_meant(&head.headers) {
        return reply::failed(&failure);
    }
    let request = match body::read(body).await {
        Ok(json) => dispatch::read(&json.bytes)
            .and_then(|request| with_key(request, &json.bytes, &head.headers)),
        Err(failure) => Err((None, failure)),
    };
    let reading = Reading {
        request,
        wait: wait_of(&head.headers),
        since,
    };
    let message = Message::new(shared, caller, reading, connection.busy());
    let response = message.answered().await;
    (at)(Step::Responded);
    reply::of(&response)
}

/// Answers `GET /v1/messages/{id}`.
pub(super) async fn look_up(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    with_delivery: bool,
) -> HttpResponse {
    let found = match MessageId::parse(id) {
        Some(id) => shared.answer_to(caller, &id, with_delivery).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(response)) => reply::json(StatusCode::OK, &response),
        Ok(None) => reply::text(StatusCode::NOT_FOUND, "no message of yours has this id"),
        Err(failure) => reply::failed(&failure),
    }
}

/// Answers `POST /v1/messages/{id}/used`.
pub(super) async fn used(shared: &Shared, caller: &Caller, id: &str) -> HttpResponse {
    let unknown = || Failure::new(ErrorCode::UnknownId);
    let Some(id) = MessageId::parse(id) else {
        return reply::json(StatusCode::NOT_FOUND, &Response::failed(None, &unknown()));
    };
    let mut response = match caller.ledger_id(&id) {
        Ok(ledger_id) => dispatch::answer_used(ledger_id, shared.dispatch()).await,
        Err(_) => Response::failed(None, &unknown()),
    };
    response.id = Some(id.as_str().to_owned());
    match response.outcome {
        Outcome::Invalid => reply::json(StatusCode::NOT_FOUND, &response),
        _ => reply::of(&response),
    }
}

impl Message {
    pub(super) fn new(shared: Arc<Shared>, caller: Caller, reading: Reading, busy: Busy) -> Self {
        let request = reading.request;
        let (id, request) = match request.and_then(|request| under_ledger_id(request, &caller)) {
            Ok((id, request)) => (Some(id), Ok(request)),
            Err((id, failure)) => {
                let ledger_id = id.as_ref().and_then(|id| caller.ledger_id(id).ok());
                (id, Err((ledger_id, failure)))
            }
        };
        Self {
            shared,
            caller,
            request,
            id,
            wait: reading.wait,
            since: reading.since,
            _busy: busy,
        }
    }

    /// Sends it, and gives its response.
    pub(super) async fn answered(self) -> Response {
        let id = self.id.clone();
        let sent = tokio::spawn(self.answer());
        // It ends without an answer only by a fault of ours.
        let maybe_sent = Failure::new(ErrorCode::MaybeSent);
        let sent = sent.await;
        sent.unwrap_or_else(|_| Response::failed(id, &maybe_sent))
    }

    async fn answer(self) -> Response {
        let (shared, id) = (Arc::clone(&self.shared), self.id.clone());
        let mut response = self.response().await;
        shared.counts.note(response.outcome);
        shared.follow_up(&response);
        // The ledger's own says whose message it is, and which resend.
        response.id = id.map(|id| id.as_str().to_owned());
        response
    }

    async fn response(self) -> Response {
        let shared = &self.shared;
        let dispatch = shared.dispatch();
        let place = match (&self.request, &dispatch) {
            (Ok(request), Ok(dispatch)) => {
                match shared.place(dispatch, request, self.since).await {
                    Ok(place) => Some(place),
                    Err(failure) => return Response::failed(self.id, &failure),
                }
            }
            // It is answered at once.
            _ => None,
        };
        let bounds = match (self.caller.name(), &dispatch) {
            (Some(name), Ok(dispatch)) => Some(dispatch.bounds_of(name)),
            _ => None,
        };
        let asked = Asked {
            caller: self.caller.uid,
            bounds,
            since: self.since,
            place,
            wait: self.wait,
            stopping: shared.stopping.subscribe(),
        };
        dispatch::answer(self.request, dispatch, asked).await
    }
}

impl Shared {
    /// Has the provider asked later what became of an accepted text.
    fn follow_up(self: &Arc<Self>, response: &Response) {
        let (Outcome::Accepted, false) = (response.outcome, response.replayed) else {
            return;
        };
        let (Some(id), Some(sender), Some(provider_id)) =
            (&response.id, &response.sender, &response.provider_id)
        else {
            return;
        };
        let shared = Arc::clone(self);
        let (id, name, provider_id) = (id.clone(), sender.clone(), provider_id.clone());
        self.watch.follow(sender, async move {
            let Ok(dispatch) = shared.dispatch() else {
                return;
            };
            let asked = dispatch.watch_delivery(&id, &name, &provider_id);
            if let Err(failure) = asked.await {
                tracing::debug!(%id, "what became of it is not known: {failure}");
            }
        });
    }

    /// A place among the messages in flight, for which a message waits no longer than it may take.
    async fn place(
        &self,
        dispatch: &Dispatch,
        request: &Request,
        since: Instant,
    ) -> Result<Place, Failure> {
        let mut stopping = self.stopping.subscribe();
        let place = timeout_at(since + dispatch.time_for(request), self.places.take());
        tokio::select! {
            biased;
            place = place => place.map_err(|_| Failure::new(ErrorCode::Busy)),
            _ = stopping.wait_for(|stopping| *stopping) => Err(Failure::new(ErrorCode::Stopping)),
        }
    }

    /// Whether the hub has the configuration that the caller means, if it says which.
    fn is_meant(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let Some(meant) = headers.get(CONFIG) else {
            return Ok(());
        };
        if meant.as_bytes() == self.file.as_os_str().as_encoded_bytes() {
            return Ok(());
        }
        let detail = format!("it has {}", self.file.display());
        Err(Failure::with_detail(ErrorCode::HubOtherConfig, detail))
    }

    /// What a message was answered, as the ledger has it.
    async fn answer_to(
        &self,
        caller: &Caller,
        id: &MessageId,
        with_delivery: bool,
    ) -> Result<Option<Response>, Failure> {
        let dispatch = self.dispatch()?;
        let Ok(ledger_id) = caller.ledger_id(id) else {
            return Ok(None);
        };
        let state = dispatch.state().to_owned();
        let options = dispatch.ledger_options();
        let read = spawn_blocking(move || {
            let history = History::open(&state, &options)?;
            history.answer_to(ledger_id.as_str())
        });
        let mut response = match read.await {
            Ok(Ok(Some(response))) => response,
            Ok(Ok(None) | Err(LedgerError::Absent { .. })) => return Ok(None),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => return Err(Failure::new(ErrorCode::LedgerFailed)),
        };
        response.id = Some(id.as_str().to_owned());
        if let (Outcome::Accepted, true, Some(sender), Some(provider_id)) = (
            response.outcome,
            with_delivery,
            &response.sender,
            &response.provider_id,
        ) {
            let status = dispatch.status(sender, provider_id).await;
            response.delivery = status.ok().map(|status| DeliveryBody::from(&status));
        }
        Ok(Some(response))
    }
}

/// The request with the id of the header, if there is one. An id of its own must be the same.
fn with_key(request: Request, json: &[u8], headers: &HeaderMap) -> Result<Request, Unread> {
    let Some(key) = headers.get(KEY) else {
        return Ok(request);
    };
    let own = Request::id_of(json);
    let refused = |words: &str| {
        let failure = Failure::with_detail(ErrorCode::BadField, words);
        Err((own.clone(), failure))
    };
    let key = key.to_str().unwrap_or_default();
    // A string of structured fields (RFC 9651) is in quotes.
    let bare = key.strip_prefix('"').and_then(|key| key.strip_suffix('"'));
    let Some(key) = MessageId::parse(bare.unwrap_or(key)) else {
        return refused("the header Idempotency-Key: expected 1 to 128 printable characters");
    };
    match &own {
        Some(own) if *own != key => refused("id: it differs from the header Idempotency-Key"),
        _ => Ok(Request { id: key, ..request }),
    }
}

/// The caller's id, and the request under the id that the ledger gets.
fn under_ledger_id(request: Request, caller: &Caller) -> Result<(MessageId, Request), Unread> {
    let id = request.id.clone();
    let in_ledger = || {
        let resend = match &request.resend {
            Resend::Of(of) => Resend::Of(caller.ledger_id(of)?),
            other => other.clone(),
        };
        Ok((caller.ledger_id(&id)?, resend))
    };
    match in_ledger() {
        Ok((ledger_id, resend)) => Ok((
            id,
            Request {
                id: ledger_id,
                resend,
                ..request
            },
        )),
        Err(failure) => Err((Some(id), failure)),
    }
}

fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).iter();
    let mut preferences = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']));
    let seconds = preferences.find_map(|one| {
        let (name, value) = one.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then_some(value)
    })?;
    let seconds = seconds.trim().trim_matches('"').parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_key_stands_for_the_id_and_never_for_another() {
        let json = |id: &str| {
            format!(
                r#"{{"purpose":"verification_code","user":{{"phone":"+447700900123"}},"code":"beK989vc"{id}}}"#
            )
        };
        let keyed = |key: &str, id: &str| {
            let json = json(id);
            let request = Request::parse(json.as_bytes()).unwrap();
            let keyed = with_key(request, json.as_bytes(), &headers(KEY, key));
            keyed
                .map(|request| request.id.as_str().to_owned())
                .map_err(|(id, failure)| (id.map(|id| id.as_str().to_owned()), failure.code))
        };
        assert_eq!(keyed("a-1", "").unwrap(), "a-1");
        assert_eq!(keyed("\"a-1\"", "").unwrap(), "a-1");
        assert_eq!(keyed("a-1", r#","id":"a-1""#).unwrap(), "a-1");
        let other = keyed("a-1", r#","id":"a-2""#).unwrap_err();
        assert_eq!(other, (Some("a-2".to_owned()), ErrorCode::BadField));
        assert_eq!(keyed("a 1", "").unwrap_err(), (None, ErrorCode::BadField));
        assert_eq!(keyed("", "").unwrap_err(), (None, ErrorCode::BadField));
    }

    #[test]
    fn a_caller_prefers_to_wait() {
        let wait = |value: &str| wait_of(&headers(PREFER, value)).map(|wait| wait.as_secs());
        assert_eq!(wait("wait=20"), Some(20));
        assert_eq!(wait("respond-async, wait=5"), Some(5));
        assert_eq!(wait("Wait = \"5\""), Some(5));
        assert_eq!(wait("wait=99999999"), Some(86_400));
        for none in ["respond-async", "wait=", "wait=soon", "wait=-1"] {
            assert_eq!(wait(none), None, "{none}");
        }
    }
}
