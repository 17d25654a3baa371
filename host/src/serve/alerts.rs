//! Alerts of the hub: twice a minute it has itself looked at as `health --alert` does, so that no timer is needed where
//! a hub runs.
//!
//! A process of its own looks, as at `GET /metrics`: what it looks at is not only what this process has in use. Where a
//! timer looks as well, the two alert once: what was alerted stands in the state folder, under a lock.

use std::{
    process::{Output, Stdio},
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::Shared;
use crate::os::process;

/// How often it looks: what goes wrong is alerted within a minute.
const EVERY: Duration = Duration::from_secs(30);

/// The exit code of `health` where no alert could go out.
const NOT_SENT: i32 = 3;

/// Looks until the hub ends.
pub(super) async fn look(shared: Arc<Shared>) {
    let mut rounds = interval(shared.failpoints.alerts_every.unwrap_or(EVERY));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopping = shared.stopping.subscribe();
    let mut said = String::new();
    loop {
        tokio::select! {
            _ = stopping.wait_for(|is_stopping| *is_stopping) => return,
            _ = rounds.tick() => {}
        }
        // The last good configuration says whether anyone is to be alerted: a broken one is what is alerted.
        if shared
            .dispatch()
            .is_ok_and(|dispatch| dispatch.has_alerts())
        {
            look_once(&shared, &mut said).await;
        }
    }
}

/// Looks, and logs what is said of ways that failed, unless the look before said the same.
async fn look_once(shared: &Shared, before: &mut String) {
    let file = shared.file.clone();
    let looked = spawn_blocking(move || {
        let mut own = process::own_command()?;
        own.arg("--config").arg(file).args(["health", "--alert"]);
        own.stdin(Stdio::null()).output()
    });
    let output = match looked.await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return tracing::error!(%error, "the installation can't be looked at"),
        Err(error) => return tracing::error!(%error, "the installation can't be looked at"),
    };
    let said = said(&output);
    match output.status.code() {
        _ if said == *before => {}
        Some(code) if code < NOT_SENT && said.is_empty() => {}
        Some(code) if code < NOT_SENT => {
            tracing::warn!(error = said, "not every way took an alert")
        }
        _ => tracing::error!(error = said, "no alert could be sent"),
    }
    *before = said;
}

/// The last line of what it said.
fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    match (last.is_empty(), output.status.code()) {
        (true, Some(..NOT_SENT)) => String::new(),
        (true, _) => output.status.to_string(),
        (false, _) => last.to_owned(),
    }
}
