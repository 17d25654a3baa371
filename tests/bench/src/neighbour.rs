//! Part i: what a plugin that misbehaves costs the messages of another sender in the same stream.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use textsender_tests::{
    harness::Test,
    sandbox::{Fault, When},
};

use crate::{
    figures::{Figure, Figures},
    subject::percentile,
    wiring::Wiring,
};

/// What the plugin does, or what its provider does to it: each uses up what senders share.
const BEHAVIOURS: &[(&str, &str)] = &[
    ("deliver", "delivers"),
    ("flood_log", "logs 12,800 lines a message"),
    ("forge_logs", "sends log frames that it should hold back"),
    ("huge_log", "logs megabytes"),
    ("huge_error", "fails in megabytes"),
    ("huge_request", "sends requests of 3 MB"),
    ("hoard_exchanges", "keeps ten exchanges waiting a message"),
    ("hoard_threads", "starts a hundred threads"),
    ("spin", "computes without end"),
    ("spin_afterwards", "computes without end after its answer"),
    (
        "spin_in_configure",
        "computes without end when it is configured",
    ),
    ("exit", "exits"),
    (INTERIM, "is sent interim answers without end"),
    (ENDLESS, "is sent an answer without end"),
];

const INTERIM: &str = "interim answers";
const ENDLESS: &str = "an endless answer";

/// Messages of the honest sender, of which the 99th of a hundred is told.
const MESSAGES: usize = 1000;

/// How long one of them may take before this gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many of the plugin's messages are in flight.
const IN_FLIGHT: usize = 16;

/// Sends through both senders in one stream, and tells how long the honest one's messages take.
///
/// # Errors
/// textsender can't be run, or a message of the honest sender is not accepted.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    for (word, what) in BEHAVIOURS {
        let p99 = ninety_ninth(wiring, word).with_context(|| format!("beside {word}"))?;
        figures.add(
            Figure::new(
                format!("99th of 100 beside a plugin that {what}"),
                p99,
                "ms",
            )
            .at_most(20.0),
        );
    }
    Ok(())
}

fn ninety_ninth(wiring: &Wiring, word: &str) -> anyhow::Result<f64> {
    let test = match word {
        INTERIM => Test::new()
            .misbehaving("deliver")
            .fault(When::always().to(BAD_NUMBER), Fault::interim()),
        ENDLESS => Test::new()
            .misbehaving("deliver")
            .fault(When::always().to(BAD_NUMBER), Fault::endless_body()),
        does => Test::new().misbehaving(does),
    };
    // The honest sender's messages are test sends, which alone may name a sender.
    let test = test.config("[limits.test_send]\nlimits = [\"1000/10m\"]\n");
    let mut child = Command::new(&wiring.program)
        .args(["send", "--stream"])
        .env("TEXTSENDER_CONFIG", test.site().config_file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let stdout = BufReader::new(child.stdout.take().context("no standard output")?);
    let (tell, answers) = mpsc::channel();
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            // The caller has given up.
            let _ = tell.send((Instant::now(), line));
        }
    });
    let mut answers = Answers {
        answers,
        known: HashMap::new(),
        bad_in_flight: 0,
    };
    let mut bad = 0;
    let mut times = Vec::with_capacity(MESSAGES);
    for number in 0..MESSAGES {
        while answers.bad_in_flight < IN_FLIGHT {
            bad += 1;
            answers.bad_in_flight += 1;
            write(
                &mut stdin,
                &request(&format!("bad-{bad}"), BAD_NUMBER, "verification_code"),
            )?;
        }
        let id = format!("good-{number}");
        let begun = Instant::now();
        write(&mut stdin, &request(&id, "+447700900123", "test"))?;
        times.push((answers.wait_for(&id)? - begun).as_secs_f64() * 1e3);
    }
    // What is in flight is of no interest.
    child.kill()?;
    child.wait()?;
    // The first starts a process.
    Ok(percentile(times.split_off(1), 0.99))
}

const BAD_NUMBER: &str = "+447700900666";

fn request(id: &str, phone: &str, purpose: &str) -> Value {
    let mut request = json!({
        "id": id,
        "purpose": purpose,
        "user": { "phone": phone },
        "code": "beK989vc",
    });
    match purpose {
        "test" => request["sender"] = "twilio".into(),
        _ => request["event"] = "reset".into(),
    }
    request
}

fn write(stdin: &mut ChildStdin, request: &Value) -> anyhow::Result<()> {
    Ok(stdin.write_all(format!("{request}\n").as_bytes())?)
}

/// The answers so far, with the time of each.
struct Answers {
    answers: Receiver<(Instant, String)>,
    known: HashMap<String, Instant>,
    bad_in_flight: usize,
}

impl Answers {
    /// When the message of this id was answered, which must be accepted.
    fn wait_for(&mut self, id: &str) -> anyhow::Result<Instant> {
        loop {
            if let Some(at) = self.known.remove(id) {
                return Ok(at);
            }
            let (at, line) = self.answers.recv_timeout(PATIENCE)?;
            let answer: Value = serde_json::from_str(&line)?;
            let of = answer["id"].as_str().unwrap_or_default();
            if of.starts_with("bad") {
                self.bad_in_flight -= 1;
                continue;
            }
            ensure!(answer["outcome"] == "accepted", "not accepted: {line}");
            self.known.insert(of.to_owned(), at);
        }
    }
}
