//! Part c: what it takes of the machine: processor time and memory, of one send and of a stream.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, ensure};
use textsender_tests::sandbox::site::Site;

use crate::{
    figures::{Figure, Figures},
    peers,
    subject::{Subject, children_of, held_by, median},
    wiring::{Scheme, Wiring, lines},
};

/// How often each takes its turn.
const ROUNDS: usize = 3;

/// How often it is run then.
const RUNS: u32 = 40;

/// How often the memory of each is looked at.
const LOOKS: usize = 9;

/// Messages after which a stream's memory is looked at first.
const EARLY: u64 = 10_000;

/// Measures one send beside curl, and how a stream's memory grows.
///
/// # Errors
/// Something that is there can't be run.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    for scheme in [Scheme::Http, Scheme::PrivateAuthority] {
        let site = wiring.site(scheme, true)?;
        let mut subjects = vec![wiring.one_send("textsender", &site)?];
        subjects.extend(peers::curl(wiring, scheme));
        one_send(figures, scheme, &subjects)?;
    }
    let late = if wiring.long { 1_000_000 } else { 50_000 };
    for (ledger, name) in [(false, "ledger off"), (true, "ledger on")] {
        let site = wiring.site(Scheme::Http, ledger)?;
        let (before, after) = stream(wiring, &site, late)?;
        let what = |count: u64| format!("stream, {name}: memory after {count} messages");
        figures.add(Figure::new(what(EARLY), mib(before), "MiB"));
        figures.add(Figure::new(what(late), mib(after), "MiB").at_most(mib(before) + 4.0));
    }
    if !wiring.long {
        figures.note("--long follows the stream for 1,000,000 messages.");
    }
    Ok(())
}

fn one_send(figures: &mut Figures, scheme: Scheme, subjects: &[Subject]) -> anyhow::Result<()> {
    let mut processor = vec![Vec::new(); subjects.len()];
    for _ in 0..ROUNDS {
        for (subject, processor) in subjects.iter().zip(&mut processor) {
            processor.push(subject.processor_ms(RUNS)?);
        }
    }
    let what = format!("one send, {}: processor time", scheme.name());
    let figure = Figure::new(what, median(processor[0].clone()), "ms");
    figures.add(match processor.get(1) {
        Some(curl) => figure.against("curl", median(curl.clone())),
        None => figure,
    });

    let mut peaks = Vec::new();
    for subject in subjects {
        let looks = (0..LOOKS).map(|_| subject.peak());
        peaks.push(looks.collect::<anyhow::Result<Vec<_>>>()?);
    }
    let of = |what: fn(&crate::subject::Peak) -> u64, which: usize| {
        median(peaks[which].iter().map(|peak| mib(what(peak))).collect())
    };
    let what = |process| format!("one send, {}: peak memory of the {process}", scheme.name());
    let front = Figure::new(what("front"), of(|peak| peak.own, 0), "MiB");
    figures.add(match subjects.len() {
        2 => front.against("curl", of(|peak| peak.own, 1)),
        _ => front,
    });
    figures.add(Figure::new(
        what("host process"),
        of(|peak| peak.child, 0),
        "MiB",
    ));
    Ok(())
}

/// Sends so many messages through one stream. What front and host process hold after
/// [`EARLY`] of them, and after the last, in KiB.
fn stream(wiring: &Wiring, site: &Site, count: u64) -> anyhow::Result<(u64, u64)> {
    /// Lines that are made at a time.
    const BATCH: u64 = 10_000;

    let mut child = Command::new(&wiring.program)
        .args(["send", "--stream", "--concurrency", "64"])
        .env("TEXTSENDER_CONFIG", site.config_file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let stdout = BufReader::new(child.stdout.take().context("no standard output")?);
    let held = |process: u32| {
        let children = children_of(process).into_iter().filter_map(held_by);
        held_by(process).map(|own| own + children.sum::<u64>())
    };
    thread::scope(|scope| {
        // It is open until the last look at the memory.
        let writing = scope.spawn(move || {
            let mut batches = (0..count / BATCH).map(|_| lines(BATCH));
            let written = batches.try_for_each(|lines| stdin.write_all(lines.as_bytes()));
            written.map(|()| stdin)
        });
        let (mut early, mut late) = (None, None);
        for (number, answer) in (1..=count).zip(stdout.lines()) {
            let answer = answer?;
            ensure!(
                answer.contains(r#""outcome":"accepted""#),
                "not accepted: {answer}"
            );
            if number == EARLY {
                early = held(child.id());
            }
            if number == count {
                late = held(child.id());
            }
        }
        let stdin = writing.join();
        drop(stdin);
        let status = child.wait()?;
        ensure!(status.success(), "the stream failed: {status}");
        early.zip(late).context("the stream's memory can't be read")
    })
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
