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
            look_once(&shared).await;
        }
    }
}

async fn look_once(shared: &Shared) {
    let file = shared.file.clone();
    let looked = spawn_blocking(move || {
        let mut own = process::own_command()?;
        own.arg("--config").arg(file).args(["health", "--alert"]);
        own.stdin(Stdio::null()).output()
    });
    match looked.await {
        Ok(Ok(output)) if output.status.code().is_some_and(|code| code < NOT_SENT) => {}
        Ok(Ok(output)) => tracing::error!(error = said(&output), "no alert could be sent"),
        Ok(Err(error)) => tracing::error!(%error, "the installation can't be looked at"),
        Err(error) => tracing::error!(%error, "the installation can't be looked at"),
    }
}

/// The last line of what it said.
fn said(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    match last.is_empty() {
        true => output.status.to_string(),
        false => last.to_owned(),
    }
}
