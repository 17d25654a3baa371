//! Messages of other products, in their own shape: `POST /callers/NAME`, as `[callers.NAME]` says.
//!
//! | step | file |
//! |---|---|
//! | who asks: a token before the body is read, or a signature of the body | `signature` |
//! | JSON or a form, and what is where in it | `document` |
//! | the code in a finished text | `code` |
//! | a request of ours, which goes the way of all others | `request` |
//! | what the product expects, and no more than those who see it may know | `answer`, `pace`, `hidden_limits` |

mod answer;
mod code;
mod document;
mod hidden_limits;
mod pace;
mod request;
mod signature;

use std::{sync::Arc, time::Duration};

use axum::{body::Body, extract::Request as HttpRequest, response::Response as HttpResponse};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Shared,
    access::{self, Caller},
    body,
    connections::Connection,
    message::{Message, Reading},
    reply,
};
use crate::{
    config::{Ids, Proof, Shape},
    dispatch::Dispatch,
    protocol::{MessageId, Request, Resend},
};
use answer::Answer;
pub(super) use hidden_limits::HiddenLimits;
use hidden_limits::Wanted;
pub(super) use pace::Paces;
use request::Unsendable;

/// Answers `POST /callers/NAME`.
pub(super) async fn send(
    shared: Arc<Shared>,
    caller: Caller,
    connection: Arc<Connection>,
    name: &str,
    request: HttpRequest,
) -> HttpResponse {
    let since = Instant::now();
    let dispatch = match shared.dispatch() {
        Ok(dispatch) => dispatch,
        Err(failure) => return reply::failed(&failure),
    };
    let shape = match shape_of(&dispatch, &caller, name) {
        Ok(shape) => shape,
        Err(refused) => return *refused,
    };
    let (head, body) = request.into_parts();
    let body = proven_body(&shared, &dispatch, (name, shape), &head.headers, body).await;
    let body = match body {
        Ok(body) => body,
        Err(refused) => return *refused,
    };
    let busy = connection.busy();
    let request = request::of(shape, &head.headers, &body.bytes);
    drop(body);
    let request = with_id(&dispatch, (name, shape), request).await;
    let (wanted, has_number) = match &request {
        Ok(request) => (Some(wanted(request)), true),
        Err(unsendable) => (
            unsendable.without_number.clone(),
            unsendable.without_number.is_none(),
        ),
    };
    let reading = Reading {
        request: request.map_err(|unsendable| (None, unsendable.failure)),
        wait: None,
        since,
    };
    let (hub, caller) = (Arc::clone(&shared), caller.named(name));
    let message = Message::new(hub, caller, reading, connection.busy());
    let response = message.answered().await;
    let answer = Answer::to(&response, shape, !has_number);
    answer.log(name, &response);
    let limits = dispatch.recipient_limits();
    let counted = match (&wanted, answer.is_hidden()) {
        (Some(wanted), true) => shared.hidden_limits.count(name, wanted, limits),
        _ => Ok(()),
    };
    let answer = match counted {
        Ok(()) => answer,
        Err(wait) => Answer::limited(wait),
    };
    shared.paces.keep(name, since, &answer).await;
    drop(busy);
    answer.into_http(shape)
}

/// The shape of this caller's bodies. Who has shown neither token nor signature yet is not told which
/// callers there are.
fn shape_of<'d>(
    dispatch: &'d Dispatch,
    caller: &Caller,
    name: &str,
) -> Result<&'d Shape, Box<HttpResponse>> {
    let shape = dispatch
        .caller_named(name)
        .and_then(|caller| caller.shape.as_ref());
    match shape {
        Some(shape) if shape.proof != Proof::Token || caller.may_speak_for(name) => Ok(shape),
        None if caller.is_known() => {
            let words =
                format!("[callers.{name}] has neither product nor fields in the configuration");
            Err(reply::refused(StatusCode::NOT_FOUND, &words).into())
        }
        _ => Err(access::unauthorized().into()),
    }
}

/// The body, once it is known to be the caller's.
async fn proven_body(
    shared: &Shared,
    dispatch: &Dispatch,
    (name, shape): (&str, &Shape),
    headers: &HeaderMap,
    body: Body,
) -> Result<body::Read, Box<HttpResponse>> {
    let read = body::read(body).await;
    let read = read.map_err(|failure| Box::new(Answer::failed(&failure).into_http(shape)))?;
    if shape.proof != Proof::Token {
        let secrets = shared.tokens.secrets_of(name, dispatch.state());
        let now = Timestamp::now().as_second();
        if let Err(why) = signature::verify(shape.proof, headers, &read.bytes, &secrets, now) {
            tracing::warn!(caller = name, "a request was refused: {why}");
            return Err(reply::refused(StatusCode::UNAUTHORIZED, why).into());
        }
    }
    Ok(read)
}

/// The request with an id that is the same for the same content, where its body has none.
async fn with_id(
    dispatch: &Dispatch,
    (name, shape): (&str, &Shape),
    request: Result<request::Read, Unsendable>,
) -> Result<Request, Unsendable> {
    let request::Read { request, has_id } = request?;
    let request = Request {
        timeout: Some(time_to_answer(shape)),
        ..request
    };
    if has_id || shape.ids != Ids::Content {
        return Ok(request);
    }
    let content = [name, &request.user.phone, request.carried()];
    let id = dispatch.content_id(&content, time_to_answer(shape)).await?;
    // Without a ledger nothing is known of what was sent before.
    let Some(id) = id.as_deref().and_then(MessageId::parse) else {
        return Ok(request);
    };
    Ok(Request {
        id,
        // The same within seconds is a repeat, later the user asks for it again.
        resend: Resend::ByContent,
        ..request
    })
}

/// Who was to get what.
fn wanted(request: &Request) -> Wanted {
    Wanted {
        user: request.user.phone.clone(),
        carried: request.carried().to_owned(),
    }
}

/// The time in which a caller has its answer: the rest of what it waits is for the way there and back.
fn time_to_answer(shape: &Shape) -> Duration {
    shape.timeout * 9 / 10
}
