//! The peer that does the least: `reqwest` as textsender sets it up, one thread, the same form.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use reqwest::{Client, header};
use rustls::{ClientConfig, RootCertStore};
use textsender_tests::sandbox::twilio;
use tokio::task::JoinSet;

use super::Pace;
use crate::{load_server::LoadServer, peers, subject::percentile};

/// How long it runs after its warm-up.
const RUN: Duration = Duration::from_secs(1);

/// How long it warms up.
const WARM_UP: Duration = Duration::from_millis(100);

/// Posts the form in as many loops at once.
pub fn run(server: &LoadServer, in_flight: usize) -> anyhow::Result<Pace> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let latencies = runtime.block_on(async {
        let client = client()?;
        let url = server.http.clone() + &LoadServer::path();
        let from = Instant::now() + WARM_UP;
        let mut loops = JoinSet::new();
        for _ in 0..in_flight {
            loops.spawn(post(client.clone(), url.clone(), from));
        }
        let mut latencies = Vec::new();
        while let Some(done) = loops.join_next().await {
            latencies.extend(done??);
        }
        anyhow::Ok(latencies)
    })?;
    ensure!(!latencies.is_empty(), "the loop was not answered");
    Ok(Pace {
        rate: latencies.len() as f64 / RUN.as_secs_f64(),
        p50: percentile(latencies.clone(), 0.5),
        p99: percentile(latencies, 0.99),
    })
}

/// One loop's latencies from then on, in microseconds.
async fn post(client: Client, url: String, from: Instant) -> reqwest::Result<Vec<f64>> {
    let mut latencies = Vec::new();
    loop {
        let begun = Instant::now();
        if begun > from + RUN {
            return Ok(latencies);
        }
        let request = client
            .post(&url)
            .basic_auth(twilio::ACCOUNT_SID, Some(twilio::AUTH_TOKEN))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(peers::form());
        request.send().await?.error_for_status()?.bytes().await?;
        if begun > from {
            latencies.push(begun.elapsed().as_secs_f64() * 1e6);
        }
    }
}

/// A client for plain HTTP, with the one crypto provider there is.
fn client() -> anyhow::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .tcp_nodelay(true);
    client.build().context("no client can be made")
}
