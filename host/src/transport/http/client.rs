//! The client: hyper-util's, which keeps connections, with what a request says of its connection.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::{Frame, SizeHint};
use hyper::{body::Incoming, ext::on_informational};
use hyper_util::{
    client::legacy::{self, connect::capture_connection},
    rt::{TokioExecutor, TokioTimer},
};
use textsender_plugin_api::Stage;

use super::connector::{Connector, Cutter};
use crate::{
    budget::{HEAD_BYTES, INTERIM_ANSWERS, Limit},
    transport::Progress,
};

/// Kept connections are given up before a provider's usual 60 s, so that none is closed by the
/// provider in the moment of its use: that would leave a message in doubt.
const IDLE: Duration = Duration::from_secs(15);

/// A client that keeps its connections.
pub(super) struct Client(legacy::Client<Connector, Tracked>);

/// Why a request has no answer.
pub(super) enum Unanswered {
    Failed(legacy::Error),
    /// Its connection was cut off, as it used this up.
    UsedUp(Limit),
}

impl Client {
    pub(super) fn new(connector: Connector) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_max_buf_size(HEAD_BYTES as usize)
            .build(connector);
        Self(client)
    }

    /// Sends a request, and waits for the head of its answer.
    ///
    /// Interim answers are counted as they are read: a peer that sends nothing else would keep this thread
    /// from all other messages.
    pub(super) async fn send(
        &self,
        mut request: Request<Tracked>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let connection = capture_connection(&mut request);
        let interim = Arc::new(AtomicU64::new(0));
        let count = interim.clone();
        on_informational(&mut request, move |_| {
            if count.fetch_add(1, Ordering::Relaxed) < INTERIM_ANSWERS {
                return;
            }
            let mut extras = Extensions::new();
            if let Some(connected) = connection.connection_metadata().as_ref() {
                connected.get_extras(&mut extras);
            }
            if let Some(cutter) = extras.get::<Cutter>() {
                cutter.cut();
            }
        });
        let answer = self.0.request(request).await;
        answer.map_err(|error| match interim.load(Ordering::Relaxed) {
            0..=INTERIM_ANSWERS => Unanswered::Failed(error),
            _ => Unanswered::UsedUp(Limit::Interim),
        })
    }
}

/// A request's body that tells when it is first asked for: from then on bytes may have left.
pub(super) struct Tracked {
    bytes: Option<Bytes>,
    progress: Progress,
}

impl Tracked {
    /// A body of these bytes; without any the request has none.
    pub(super) fn new(body: Vec<u8>, progress: &Progress) -> Self {
        Self {
            bytes: (!body.is_empty()).then(|| body.into()),
            progress: progress.clone(),
        }
    }
}

impl http_body::Body for Tracked {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.progress.reach(Stage::Written);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
