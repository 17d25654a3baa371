//! `GET /metrics`: what `stats --prometheus` writes, and this process's own counts.
//!
//! How the installation stands is looked at by a process of its own, as `check` is one: what it looks at is not only
//! what this process has in use. That costs a process for each sender, so that it is not done at every call.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{Shared, reply};
use crate::{
    ledger::{Exposition, History, LedgerError},
    os::process,
    protocol::Outcome,
    site::Recorded,
};

/// How far back the ledger's counts go.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// The type of a page of counts.
const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long one look at the installation is good for, at least.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// How often the time that a look took: looking takes a tenth of a processor's time, at the most.
const SPARING: u32 = 10;

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

/// The last look at the installation.
#[derive(Default)]
pub(super) struct Looked(Mutex<Option<Look>>);

struct Look {
    page: String,
    good_until: Instant,
}

impl Looked {
    /// How the installation stands. Those who ask meanwhile wait for the same look.
    async fn page(&self, shared: &Shared) -> String {
        let mut last = self.0.lock().await;
        if let Some(look) = &*last
            && Instant::now() < look.good_until
        {
            return look.page.clone();
        }
        let begun = Instant::now();
        let file = shared.file.clone();
        let looked = spawn_blocking(move || {
            let mut own = process::own_command()?;
            own.arg("--config").arg(file);
            let output = own.args(["stats", "--installation"]).output()?;
            match output.status.success() {
                true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
                false => Err(io::Error::other(output.status.to_string())),
            }
        });
        let looked = looked.await.unwrap_or_else(|error| Err(error.into()));
        let page = looked.unwrap_or_else(|error| {
            tracing::error!(%error, "the installation can't be looked at");
            String::new()
        });
        let good_for = (begun.elapsed() * SPARING).max(GOOD_FOR);
        let look = last.insert(Look {
            page,
            good_until: Instant::now() + good_for,
        });
        look.page.clone()
    }
}

/// A ledger that can't be read leaves its counts out, and says so in the log.
pub(super) async fn answer(shared: &Shared) -> Response {
    let mut page = Exposition::default();
    page.append(&shared.looked.page(shared).await);
    let dispatch = shared.dispatch();
    let is_ready = dispatch.is_ok();
    if let Ok(dispatch) = dispatch {
        let state = dispatch.state().to_owned();
        let options = dispatch.ledger_options();
        let read = spawn_blocking(move || {
            let history = History::open(&state, &options)?;
            let now = Timestamp::now();
            Recorded::read(&history, now.saturating_sub(WINDOW).unwrap_or(now), now)
        });
        match read.await {
            Ok(Ok(recorded)) => recorded.write(WINDOW, &mut page),
            // Nothing was sent yet, or nothing is recorded.
            Ok(Err(LedgerError::Absent { .. })) => Recorded::default().write(WINDOW, &mut page),
            Ok(Err(error)) => tracing::error!(%error, "the ledger can't be counted"),
            Err(_) => tracing::error!("the ledger can't be counted"),
        }
    }
    own(&mut page, shared, is_ready);
    reply::answer(StatusCode::OK, TYPE, page.into_text())
}

fn own(page: &mut Exposition, shared: &Shared, is_ready: bool) {
    let one = |count: usize| [(Vec::new(), count as u64)];
    page.gauge(
        "textsender_hub_ready",
        "Whether the hub has a configuration that it can send by.",
        &one(usize::from(is_ready)),
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
