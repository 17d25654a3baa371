//! `GET /metrics`: the ledger's counts, in the words of `stats --prometheus`, and this process's own.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use tokio::task::spawn_blocking;

use super::{Shared, reply};
use crate::{
    ledger::{Exposition, History, LedgerError, UsedBy},
    protocol::Outcome,
};

/// How far back the ledger's counts go.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// The type of a page of counts.
const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers since the start of this process, by outcome.
#[derive(Default)]
pub(super) struct Counts([AtomicU64; Outcome::ALL.len()]);

impl Counts {
    pub(super) fn note(&self, outcome: Outcome) {
        let place = Outcome::ALL.iter().position(|one| *one == outcome);
        if let Some(count) = place.and_then(|place| self.0.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A ledger that can't be read leaves its counts out, and says so in the log.
pub(super) async fn answer(shared: &Shared) -> Response {
    let mut page = Exposition::default();
    let dispatch = shared.dispatch();
    let is_good = dispatch.is_ok();
    if let Ok(dispatch) = dispatch {
        let state = dispatch.state().to_owned();
        let options = dispatch.ledger_options();
        let read = spawn_blocking(move || {
            let history = History::open(&state, &options)?;
            let now = Timestamp::now();
            let since = now.checked_sub(WINDOW).ok();
            let mut page = Exposition::default();
            page.ledger(&history.tallies(since)?, &history.senders(now)?, WINDOW);
            page.uses(&history.uses(UsedBy::Sender, since)?);
            page.deliveries(&history.deliveries(since)?);
            page.without_hub(history.sent_without_hub(since)?);
            Ok::<_, LedgerError>(page)
        });
        match read.await {
            Ok(Ok(counted)) => page = counted,
            // Nothing was sent yet, or nothing is recorded.
            Ok(Err(LedgerError::Absent { .. })) => page.ledger(&[], &[], WINDOW),
            Ok(Err(error)) => tracing::error!(%error, "the ledger can't be counted"),
            Err(_) => tracing::error!("the ledger can't be counted"),
        }
    }
    own(&mut page, shared, is_good);
    reply::answer(StatusCode::OK, TYPE, page.into_text())
}

fn own(page: &mut Exposition, shared: &Shared, is_good: bool) {
    let one = |count: usize| [(Vec::new(), count as u64)];
    page.gauge(
        "textsender_config_ok",
        "Whether the hub has a configuration that it can send by.",
        &one(usize::from(is_good)),
    );
    page.gauge(
        "textsender_hub_connections",
        "Connections to the hub.",
        &one(shared.connections.count()),
    );
    page.gauge(
        "textsender_hub_messages_in_flight",
        "Messages that the hub is sending.",
        &one(shared.places.taken()),
    );
    let answers = Outcome::ALL.iter().zip(&shared.counts.0);
    let answers = answers.map(|(outcome, count)| {
        let labels = vec![("outcome", outcome.as_str().to_owned())];
        (labels, count.load(Ordering::Relaxed))
    });
    page.counter(
        "textsender_hub_answers_total",
        "Answers of the hub to messages, replayed ones as well.",
        &answers.collect::<Vec<_>>(),
    );
}
