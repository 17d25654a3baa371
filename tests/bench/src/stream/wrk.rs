//! `wrk`: what the server can answer at most, on as many connections.

use std::{fs, process::Command};

use anyhow::{Context, ensure};

use super::Pace;
use crate::{figures::first_line, load_server::LoadServer, peers};

/// Whether it is there.
pub fn is_installed() -> bool {
    first_line("wrk", "-v").is_some()
}

/// Posts the form on as many connections for a second.
pub fn run(server: &LoadServer, in_flight: usize) -> anyhow::Result<Pace> {
    let script = tempfile::Builder::new().suffix(".lua").tempfile()?;
    let form = peers::form();
    fs::write(
        script.path(),
        format!(
            "wrk.method = 'POST'\nwrk.body = '{form}'\n\
             wrk.headers['Content-Type'] = 'application/x-www-form-urlencoded'\n"
        ),
    )?;
    let output = Command::new("wrk")
        .args(["--threads", "1", "--duration", "1s", "--latency"])
        .args(["--connections", &in_flight.to_string()])
        .arg("--script")
        .arg(script.path())
        .arg(server.http.clone() + &LoadServer::path())
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {said}");
    ensure!(!said.contains("Non-2xx"), "wrk was refused: {said}");
    let after = |label: &str| told(&said, label);
    let latency = |label| after(label).and_then(micros);
    Ok(Pace {
        rate: after("Requests/sec:")
            .and_then(|word| word.parse().ok())
            .context("wrk tells no rate")?,
        p50: latency("50%").context("wrk tells no median")?,
        p99: latency("99%").context("wrk tells no 99%")?,
    })
}

/// What a line says behind its label.
fn told<'s>(said: &'s str, label: &str) -> Option<&'s str> {
    let mut lines = said.lines().map(str::split_whitespace);
    lines.find_map(|mut words| (words.next() == Some(label)).then(|| words.next())?)
}

/// `61.00us`, `1.20ms` or `1.00s` in microseconds.
fn micros(word: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((word.strip_suffix(suffix)?, unit)))?;
    Some(number.parse::<f64>().ok()? * unit)
}
