//! `bench`: textsender measured side by side with its peers, on this machine, in one run.
//!
//! Every comparison is made in turns (ours, the peer, ours, the peer, ...) against the same server on
//! loopback, and told as medians and their ratio: what else the machine does then strikes both.
//!
//! | part | file | what is measured |
//! |---|---|---|
//! | a | `one_send` | one send, process start to exit, against `curl` and Twilio's own clients |
//! | b | `stream` | messages a second, and latency, against a bare `reqwest` loop and `wrk` |
//! | c | `cost` | processor time and peak memory |
//! | d | `policies` | loading and resolving 10 to 10,000 policies |
//! | e | `texts` | template, segments, number, distinguished name |
//! | f | `calls` | a call across the ABI, a frame's hop, a host process's start |
//! | g | `mail` | the e-mail gateway against a bare lettre loop |
//! | h | `safety` | what the ledger and the seal cost |
//! | i | `neighbour` | what a plugin that misbehaves costs another sender's messages |
//! | j | `hub` | one send through the hub, messages a second, memory |
//! | k | `shared` | the ledger in PostgreSQL beside SQLite; several front processes over one database |
//! | l | `directory` | looking a user up, a sync, a send by name |
//!
//! `wiring` makes installations and their input, `load_server` the server, `subject` runs processes,
//! `figures` is what comes out.

mod calls;
mod cost;
mod directory;
mod figures;
mod hub;
mod load_server;
mod mail;
mod neighbour;
mod one_send;
mod peers;
mod policies;
mod safety;
mod shared;
mod stream;
mod subject;
mod texts;
mod wiring;

use std::{fs, io, path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use textsender::plugins::plugin_host;

use figures::{Figures, Machine};
use wiring::Wiring;

/// Measures textsender side by side with its peers; those that are not installed are skipped by name
#[derive(Parser)]
struct Arguments {
    /// The parts to measure; all unless some are named
    #[arg(value_name = "PART")]
    parts: Vec<char>,
    /// Write the figures as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// In part c, follow the memory of a stream for a million messages: some minutes more
    #[arg(long)]
    long: bool,
    /// In part k, few messages: to see that it runs, not what it takes
    #[arg(long)]
    brief: bool,
}

type Measure = fn(&Wiring, &mut Figures) -> anyhow::Result<()>;

/// The parts: letter, title, and what measures it.
const PARTS: [(char, &str, Measure); 12] = [
    ('a', "One send, process start to exit", one_send::measure),
    ('b', "Stream", stream::measure),
    ('c', "Processor time and memory", cost::measure),
    ('d', "Policies", policies::measure),
    ('e', "Texts, numbers, distinguished names", texts::measure),
    ('f', "Calls and processes", calls::measure),
    ('g', "E-mail gateway", mail::measure),
    ('h', "Ledger and seal", safety::measure),
    ('i', "Beside a plugin that misbehaves", neighbour::measure),
    ('j', "Hub", hub::measure),
    ('k', "A ledger that several machines share", shared::measure),
    ('l', "A directory", directory::measure),
];

fn main() -> ExitCode {
    // Part f starts host processes, which are this executable again.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == plugin_host::SUBCOMMAND)
    {
        return plugin_host::run();
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let is_wanted = |part: char| arguments.parts.is_empty() || arguments.parts.contains(&part);
    if let Some(unknown) = arguments
        .parts
        .iter()
        .find(|part| !PARTS.iter().any(|(letter, ..)| letter == *part))
    {
        anyhow::bail!("there is no part {unknown}: they are a to l");
    }
    let wiring = Wiring::new(arguments.long, arguments.brief)?;
    let mut figures = Figures::new(Machine::look(wiring.server.what()));
    let mut out = io::stdout();
    figures.machine.write(&mut out)?;
    for (letter, title, measure) in PARTS {
        if is_wanted(letter) {
            figures.begin(letter, title);
            measure(&wiring, &mut figures).with_context(|| format!("part {letter}, {title}"))?;
            figures.write_last_part(&mut out)?;
        }
    }
    figures.finish(&mut out)?;
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&figures)?;
        fs::write(file, json).with_context(|| format!("can't write {}", file.display()))?;
    }
    Ok(())
}

#[allow(
    clippy::print_stderr,
    reason = "the program's own errors have nowhere else to go"
)]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("bench: {error:#}");
    ExitCode::FAILURE
}
