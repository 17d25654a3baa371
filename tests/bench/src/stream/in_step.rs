//! A stream in step: a new line for each answer, so that just as many are in flight as are meant to be.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};
use textsender_tests::sandbox::site::Site;

use crate::{
    subject::percentile,
    wiring::{Wiring, lines},
};

/// The share of the messages that warms up.
const WARM_UP: f64 = 0.1;

/// The latency of the median and of the ninety-ninth of a hundred, in microseconds: from the writing of
/// a line to the reading of its answer.
pub fn run(
    wiring: &Wiring,
    site: &Site,
    in_flight: usize,
    count: u64,
) -> anyhow::Result<(f64, f64)> {
    let mut child = Command::new(&wiring.program)
        .args(["send", "--stream", "--concurrency", &in_flight.to_string()])
        .env("TEXTSENDER_CONFIG", site.config_file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let mut stdout = BufReader::new(child.stdout.take().context("no standard output")?);
    let lines = lines(count);
    let mut lines = lines.split_inclusive('\n');
    let mut written: Vec<Instant> = Vec::with_capacity(count as usize);
    let mut write = |written: &mut Vec<Instant>| -> anyhow::Result<()> {
        if let Some(line) = lines.next() {
            written.push(Instant::now());
            stdin.write_all(line.as_bytes())?;
        }
        Ok(())
    };
    for _ in 0..in_flight {
        write(&mut written)?;
    }
    let mut latencies = Vec::with_capacity(count as usize);
    let mut answer = String::new();
    for _ in 0..count {
        answer.clear();
        stdout.read_line(&mut answer)?;
        let now = Instant::now();
        ensure!(
            answer.contains(r#""outcome":"accepted""#),
            "not accepted: {answer}"
        );
        let line = line_of(&answer).context("an answer without its line")?;
        latencies.push((now - written[line - 1]).as_secs_f64() * 1e6);
        write(&mut written)?;
    }
    drop(stdin);
    let status = child.wait()?;
    ensure!(status.success(), "the stream failed: {status}");
    latencies.drain(..(count as f64 * WARM_UP) as usize);
    Ok((
        percentile(latencies.clone(), 0.5),
        percentile(latencies, 0.99),
    ))
}

/// The number of the line that an answer is for, from 1.
fn line_of(answer: &str) -> Option<usize> {
    let (_, rest) = answer.split_once(r#""line":"#)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok()
}
