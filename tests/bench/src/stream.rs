//! Part b: a stream, in bulk for messages a second, and in step for latency; against a bare `reqwest`
//! loop and `wrk`.

pub mod in_step;
mod reqwest_loop;
mod wrk;

use std::{
    fs::{self, File},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};
use textsender_tests::sandbox::site::Site;

use crate::{
    figures::{Figure, Figures},
    load_server::REFUSED_ACCOUNT,
    subject::median,
    wiring::{Scheme, Wiring, lines_file},
};

/// How many times each takes its turn.
const ROUNDS: usize = 3;

/// How many messages are in flight.
const IN_FLIGHT: [usize; 3] = [1, 16, 64];

/// The names of what takes turns.
const NAMES: [&str; 4] = ["ledger off", "ledger on", "reqwest loop", "wrk"];

/// What one turn came to.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Messages a second.
    rate: f64,
    /// The median latency, in microseconds.
    p50: f64,
    /// The latency that one in a hundred exceeds, in microseconds.
    p99: f64,
}

/// Measures 1, 16 and 64 messages in flight.
///
/// # Errors
/// Something that is there can't be run.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    let off = wiring.site(Scheme::Http, false)?;
    let on = wiring.site(Scheme::Http, true)?;
    let has_wrk = wrk::is_installed();
    if !has_wrk {
        figures.skip("wrk", "which is not installed");
    }
    for in_flight in IN_FLIGHT {
        let mut turns: [Vec<Pace>; 4] = Default::default();
        for _ in 0..ROUNDS {
            turns[0].push(ours(wiring, &off, in_flight)?);
            turns[1].push(ours(wiring, &on, in_flight)?);
            turns[2].push(reqwest_loop::run(&wiring.server, in_flight)?);
            if has_wrk {
                turns[3].push(wrk::run(&wiring.server, in_flight)?);
            }
        }
        tell(figures, in_flight, &turns);
    }
    refusals(wiring, figures)
}

/// How fast messages go that the provider refuses, beside those that it takes.
fn refusals(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    if !wiring.server.refuses() {
        figures.skip("refusals", "as nginx is not installed");
        return Ok(());
    }
    let taken = wiring.site(Scheme::Http, false)?;
    let mut refused = wiring.site(Scheme::Http, false)?;
    refused.set("senders.twilio.settings.account_sid", REFUSED_ACCOUNT)?;
    for in_flight in [64, 1024] {
        let (mut refusals, mut accepted) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let count = count(in_flight);
            refusals.push(rate(wiring, &refused, in_flight, count, "rejected")?);
            accepted.push(rate(wiring, &taken, in_flight, count, "accepted")?);
        }
        let what = format!("{in_flight} in flight, ledger off: refused");
        let figure = Figure::new(what, median(refusals), "a second");
        let figure = figure.against("accepted", median(accepted));
        figures.add(figure.ratio_at_least(0.5));
    }
    Ok(())
}

fn tell(figures: &mut Figures, in_flight: usize, turns: &[Vec<Pace>; 4]) {
    let of = |which: usize, what: fn(&Pace) -> f64| median(turns[which].iter().map(what).collect());
    let peers = || (2..4).filter(|peer| !turns[*peer].is_empty());
    for ours in [0, 1] {
        let what = format!("{in_flight} in flight, {}: accepted", NAMES[ours]);
        let figure = Figure::new(what, of(ours, |pace| pace.rate), "a second");
        let figure = match (in_flight, ours) {
            (64, 0) => figure.at_least(20_000.0),
            (64, 1) => figure.at_least(10_000.0),
            _ => figure,
        };
        for peer in peers() {
            let figure = figure.clone();
            let figure = figure.against(NAMES[peer], of(peer, |pace| pace.rate));
            figures.add(match (in_flight, ours, peer) {
                (64, 0, 2) => figure.ratio_at_least(0.5),
                (64, 1, 2) => figure.ratio_at_least(0.25),
                _ => figure,
            });
        }
    }
    for ours in [0, 1] {
        let added = |what: fn(&Pace) -> f64| of(ours, what) - of(2, what);
        let what = |share| {
            format!(
                "{in_flight} in flight, {}: added to reqwest's {share}",
                NAMES[ours]
            )
        };
        let p50 = Figure::new(what("p50"), added(|pace| pace.p50), "µs");
        figures.add(match (in_flight, ours) {
            (1, 0) => p50.at_most(150.0),
            _ => p50,
        });
        let p99 = Figure::new(what("p99"), added(|pace| pace.p99), "µs");
        figures.add(match (in_flight, ours) {
            (16, 1) => p99.at_most(5_000.0),
            _ => p99,
        });
    }
    for peer in peers() {
        let what = |share| format!("{in_flight} in flight, {}: {share}", NAMES[peer]);
        figures.add(Figure::new(what("p50"), of(peer, |pace| pace.p50), "µs"));
        figures.add(Figure::new(what("p99"), of(peer, |pace| pace.p99), "µs"));
    }
}

/// One turn of ours: in bulk for the rate, in step for the latencies.
fn ours(wiring: &Wiring, site: &Site, in_flight: usize) -> anyhow::Result<Pace> {
    let rate = in_bulk(wiring, site, in_flight, count(in_flight))?;
    let (p50, p99) = in_step::run(wiring, site, in_flight, count(in_flight) / 2)?;
    Ok(Pace { rate, p50, p99 })
}

/// As many messages as take about a second.
fn count(in_flight: usize) -> u64 {
    match in_flight {
        1 => 3_000,
        16 => 12_000,
        _ => 20_000,
    }
}

/// A file of requests through one process; how many were accepted a second, its start included.
pub fn in_bulk(wiring: &Wiring, site: &Site, in_flight: usize, count: u64) -> anyhow::Result<f64> {
    rate(wiring, site, in_flight, count, "accepted")
}

/// The same, of messages that all come to this outcome.
fn rate(
    wiring: &Wiring,
    site: &Site,
    in_flight: usize,
    count: u64,
    outcome: &str,
) -> anyhow::Result<f64> {
    let input = lines_file(site.folder(), count)?;
    let output = site.folder().join("answers.jsonl");
    let mut command = Command::new(&wiring.program);
    command
        .args(["send", "--stream", "--concurrency", &in_flight.to_string()])
        .env("TEXTSENDER_CONFIG", site.config_file())
        .stdin(File::open(&input)?)
        .stdout(File::create(&output)?)
        .stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    let took = begun.elapsed();
    ensure!(status.success(), "the stream failed: {status}");
    let answers = fs::read_to_string(&output)?;
    let expected = format!(r#""outcome":"{outcome}""#);
    if let Some(other) = answers.lines().find(|answer| !answer.contains(&expected)) {
        anyhow::bail!("not every message was {outcome}: {other}");
    }
    let answered = answers.lines().count() as u64;
    ensure!(answered == count, "{answered} of {count} were answered");
    fs::remove_file(&output).context("can't remove the answers")?;
    Ok(count as f64 / took.as_secs_f64())
}
