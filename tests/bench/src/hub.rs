//! Part j: the hub. One send through it against one without and against `curl` over HTTPS; messages a
//! second of `POST /v1/messages` on kept connections against a stream's; and its memory.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use anyhow::{Context, ensure};
use textsender_tests::{harness::wait_for, sandbox::site::Site};

use crate::{
    figures::{Figure, Figures},
    peers, stream,
    subject::{children_of, held_by, in_turns, median, median_ms},
    wiring::{Scheme, Wiring, lines},
};

/// How often one send is run, and how many of these warm up.
const SENDS: usize = 60;
const WARM_UP: usize = 3;

/// Messages in flight, each on a connection of its own.
const IN_FLIGHT: usize = 64;

/// How many messages a turn takes, and how many turns there are.
const COUNT: u64 = 20_000;
const ROUNDS: usize = 3;

/// After how many messages the memory is looked at first, and last; with `--long` a million.
const EARLY: u64 = 10_000;
const LATE: u64 = 50_000;
const LONG: u64 = 1_000_000;

/// How much the hub's memory may grow in between.
const GROWTH: f64 = 8.0;

/// A hub that runs, until it is dropped.
pub struct Hub {
    process: Child,
    socket: PathBuf,
}

/// Measures it.
///
/// # Errors
/// Something that is there can't be run.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    one_send(wiring, figures)?;
    messages(wiring, figures)?;
    memory(wiring, figures)
}

fn one_send(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    let scheme = Scheme::PrivateAuthority;
    let (alone, through) = (wiring.site(scheme, true)?, with_hub(wiring, scheme)?);
    let _hub = Hub::start(wiring, &through)?;
    let mut subjects = vec![
        wiring.one_send("through the hub", &through)?,
        wiring.one_send("without", &alone)?,
    ];
    let curl = peers::all(wiring, scheme).into_iter().flatten();
    subjects.extend(curl.filter(|peer| peer.name == "curl"));
    let taken = in_turns(SENDS, &subjects)?;
    let median = |which: usize| median_ms(taken[which].iter().skip(WARM_UP).copied());
    let figure = Figure::new("one send through the hub, HTTPS", median(0), "ms");
    let most = [0.5, 1.0];
    for (peer, most) in (1..subjects.len()).zip(most) {
        let figure = figure.clone().against(&subjects[peer].name, median(peer));
        figures.add(figure.ratio_at_most(most));
    }
    Ok(())
}

fn messages(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    let streamed = wiring.site(Scheme::Http, true)?;
    let posted = with_hub(wiring, Scheme::Http)?;
    let hub = Hub::start(wiring, &posted)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(hub.post(COUNT)?);
        theirs.push(stream::in_bulk(wiring, &streamed, IN_FLIGHT, COUNT)?);
    }
    let what = format!("POST /v1/messages, {IN_FLIGHT} in flight: accepted");
    let figure = Figure::new(what, median(ours), "a second").against("a stream", median(theirs));
    figures.add(figure.ratio_at_least(0.65));
    Ok(())
}

fn memory(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    let site = with_hub(wiring, Scheme::Http)?;
    let hub = Hub::start(wiring, &site)?;
    let count = if wiring.long { LONG } else { LATE };
    hub.post(EARLY)?;
    let early = hub.memory()?;
    hub.post(count - EARLY)?;
    let late = hub.memory()?;
    let what = |count| format!("hub: memory after {count} messages");
    figures.add(Figure::new(what(EARLY), early, "MiB"));
    figures.add(Figure::new(what(count), late, "MiB").at_most(early + GROWTH));
    Ok(())
}

/// An installation whose sends go through a hub.
fn with_hub(wiring: &Wiring, scheme: Scheme) -> anyhow::Result<Site> {
    let mut site = wiring.site(scheme, true)?;
    let socket = site.folder().join("hub.sock").display().to_string();
    site.set("serve.socket", socket)?;
    Ok(site)
}

impl Hub {
    /// Starts one, and waits until it listens.
    pub fn start(wiring: &Wiring, site: &Site) -> anyhow::Result<Self> {
        let process = Command::new(&wiring.program)
            .args(["serve"])
            .env("TEXTSENDER_CONFIG", site.config_file())
            .env("SSL_CERT_FILE", &wiring.server.roots_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let socket = site.folder().join("hub.sock");
        let hub = Self { process, socket };
        wait_for("the hub", || UnixStream::connect(&hub.socket).ok());
        Ok(hub)
    }

    /// So many messages on as many connections as are in flight; how many were accepted a second.
    fn post(&self, count: u64) -> anyhow::Result<f64> {
        let all = lines(count);
        let all: Vec<&str> = all.lines().collect();
        let next = AtomicU64::new(0);
        let begun = Instant::now();
        thread::scope(|scope| {
            let posting =
                (0..IN_FLIGHT).map(|_| scope.spawn(|| post_each(&self.socket, &all, &next)));
            let posting: Vec<_> = posting.collect();
            posting.into_iter().try_for_each(|one| {
                one.join()
                    .map_err(|_| anyhow::anyhow!("a thread panicked"))?
            })
        })?;
        Ok(count as f64 / begun.elapsed().as_secs_f64())
    }

    /// What it and its senders' processes hold, in MiB.
    fn memory(&self) -> anyhow::Result<f64> {
        let own = held_by(self.process.id()).context("the hub's memory can't be read")?;
        let children = children_of(self.process.id())
            .into_iter()
            .filter_map(held_by);
        Ok((own + children.sum::<u64>()) as f64 / 1024.0)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // Both fail where it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Posts the messages whose turn it is, one after the other on one connection.
fn post_each(socket: &Path, messages: &[&str], next: &AtomicU64) -> anyhow::Result<()> {
    let mut connection = UnixStream::connect(socket)?;
    let mut answer = Vec::new();
    while let Some(message) = messages.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
        let length = message.len();
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{message}"
        );
        connection.write_all(request.as_bytes())?;
        answer.clear();
        read_answer(&mut connection, &mut answer)?;
        let text = String::from_utf8_lossy(&answer);
        ensure!(
            text.contains(r#""outcome":"accepted""#),
            "not accepted: {text}"
        );
    }
    Ok(())
}

/// Reads an answer as the hub writes it: a line of JSON ends it.
fn read_answer(connection: &mut UnixStream, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    let mut block = [0; 2048];
    while !answer.ends_with(b"}\n") {
        let count = connection.read(&mut block)?;
        ensure!(count > 0, "the hub closed a connection");
        answer.extend_from_slice(&block[..count]);
    }
    Ok(())
}
