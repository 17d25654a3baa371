//! The body of a request, within its bounds.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::protocol::{ErrorCode, Failure, MAX_REQUEST};

/// How long it may take.
const WITHIN: Duration = Duration::from_secs(10);

/// What every request may hold, in bytes. A larger one needs one of [`LARGE`].
const SMALL: usize = 16 * 1024;

/// How many may be larger at a time: together they hold 64 MiB at the most.
static LARGE: Semaphore = Semaphore::const_new(64);

/// A body that was read.
pub(super) struct Read {
    pub(super) bytes: Bytes,
    _large: Option<SemaphorePermit<'static>>,
}

/// Reads it to its end.
///
/// # Errors
///
/// It is too long, too slow, or was cut; or too many large ones are being read.
pub(super) async fn read(body: Body) -> Result<Read, Failure> {
    let read = timeout(WITHIN, to_end(body)).await;
    read.unwrap_or_else(|_| {
        let waited = format!("its end did not come in {WITHIN:?}");
        Err(Failure::with_detail(ErrorCode::InputTimeout, waited))
    })
}

async fn to_end(mut body: Body) -> Result<Read, Failure> {
    let (mut bytes, mut large) = (BytesMut::new(), None);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            Failure::with_detail(ErrorCode::BadJson, "the request's body was cut off")
        })?;
        // Trailers say nothing to us.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let length = bytes.len() + data.len();
        if length > MAX_REQUEST {
            return Err(Failure::with_detail(ErrorCode::TooLarge, "more than 1 MiB"));
        }
        if length > SMALL && large.is_none() {
            let permit = LARGE.try_acquire();
            large = Some(permit.map_err(|_| {
                Failure::with_detail(ErrorCode::Busy, "too many large requests at a time")
            })?);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Read {
        bytes: bytes.freeze(),
        _large: large,
    })
}
