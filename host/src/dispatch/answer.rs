//! The answer to one request of many, whatever its document, the configuration or a fault of ours makes
//! of it.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{sync::watch, time::Instant};

use super::{Dispatch, HANDED_OVER};
use crate::{
    decision::Bounds,
    protocol::{ErrorCode, Failure, MessageId, Request, Response},
};

/// A document that is no right request: its id, as far as that can be told, and what is wrong.
pub type Unread = (Option<MessageId>, Failure);

/// Who asks, and what for besides sending.
pub struct Asked<P> {
    /// The user id that asks; `None`: that of this process.
    pub caller: Option<u32>,
    /// What the caller may do; `None`: all.
    pub bounds: Option<Bounds>,
    /// Since when the caller waits: the message's time runs from then.
    pub since: Instant,
    /// What the message holds until it is sent: its place among those in flight.
    pub place: P,
    /// For how long an accepted message is followed, if at all.
    pub wait: Option<Duration>,
    /// True once the process is asked to end: then no message is followed any longer.
    pub stopping: watch::Receiver<bool>,
}

/// Reads a document.
///
/// # Errors
///
/// It is no right request.
pub fn read(json: &[u8]) -> Result<Request, Unread> {
    Request::parse(json).map_err(|failure| (Request::id_of(json), failure))
}

/// Answers the news that a code was typed in: `accepted`, or why it can't be noted.
pub async fn answer_used(id: MessageId, dispatch: Result<Arc<Dispatch>, Failure>) -> Response {
    let noted = match dispatch {
        Ok(dispatch) => dispatch.note_used(&id).await,
        Err(failure) => Err(failure),
    };
    match noted {
        Ok(()) => Response::for_id(&id),
        Err(failure) => Response::failed(Some(id), &failure),
    }
}

/// Answers a request. A panic on its way is not the others' end.
pub async fn answer<P>(
    request: Result<Request, Unread>,
    dispatch: Result<Arc<Dispatch>, Failure>,
    asked: Asked<P>,
) -> Response {
    let request = match request {
        Ok(request) => request,
        Err((id, failure)) => {
            let response = Response::failed(id.clone(), &failure);
            if let Ok(dispatch) = dispatch {
                let caller = asked.caller.unwrap_or_else(|| dispatch.caller());
                dispatch.note_invalid(id.as_ref(), &response, caller).await;
            }
            return response;
        }
    };
    let dispatch = match dispatch {
        Ok(dispatch) => dispatch,
        Err(failure) => return Response::failed(Some(request.id), &failure),
    };
    let handed_over = Arc::new(AtomicBool::new(false));
    let sending = HANDED_OVER.scope(Arc::clone(&handed_over), send(&dispatch, &request, asked));
    let sent = AssertUnwindSafe(sending).catch_unwind().await;
    sent.unwrap_or_else(|_| {
        let code = match handed_over.load(Ordering::Relaxed) {
            true => ErrorCode::MaybeSent,
            false => ErrorCode::Crashed,
        };
        Response::failed(Some(request.id), &Failure::new(code))
    })
}

async fn send<P>(dispatch: &Dispatch, request: &Request, asked: Asked<P>) -> Response {
    let Asked {
        caller,
        bounds,
        since,
        place,
        wait,
        mut stopping,
    } = asked;
    let caller = caller.unwrap_or_else(|| dispatch.caller());
    let mut response = dispatch.send_for(request, caller, since, bounds).await;
    drop(place);
    if let Some(wait) = wait {
        tokio::select! {
            () = dispatch.follow(&mut response, wait) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
    response
}
