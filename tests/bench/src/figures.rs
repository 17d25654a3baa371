//! What comes out: a table for people, and the same as JSON.

use std::{
    fs,
    io::{self, Write},
    process::Command,
    thread::available_parallelism,
};

use rustix::fs::statfs;
use serde::Serialize;

/// All figures of one run.
#[derive(Serialize)]
pub struct Figures {
    /// Where and when they were taken.
    pub machine: Machine,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    letter: char,
    title: String,
    figures: Vec<Figure>,
    /// Peers that are not installed, and what else a reader should know.
    notes: Vec<String>,
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<Peer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
}

/// The same, done by another program.
#[derive(Clone, Debug, Serialize)]
struct Peer {
    name: String,
    value: f64,
    /// Ours divided by the peer's.
    ratio: f64,
}

/// What the figure, or its ratio to the peer's where there is one, should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Target {
    AtMost(f64),
    AtLeast(f64),
    RatioAtMost(f64),
    RatioAtLeast(f64),
    RatioWithin(f64, f64),
}

impl Figure {
    /// A figure in this unit.
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            peer: None,
            target: None,
        }
    }

    /// Beside a peer's, in the same unit.
    pub fn against(mut self, name: impl Into<String>, value: f64) -> Self {
        self.peer = Some(Peer {
            name: name.into(),
            value,
            ratio: self.value / value,
        });
        self
    }

    /// It should be no more than this.
    pub fn at_most(mut self, value: f64) -> Self {
        self.target = Some(Target::AtMost(value));
        self
    }

    /// It should be no less than this.
    pub fn at_least(mut self, value: f64) -> Self {
        self.target = Some(Target::AtLeast(value));
        self
    }

    /// It should be no more than this many times the peer's.
    pub fn ratio_at_most(mut self, ratio: f64) -> Self {
        self.target = Some(Target::RatioAtMost(ratio));
        self
    }

    /// It should be no less than this many times the peer's.
    pub fn ratio_at_least(mut self, ratio: f64) -> Self {
        self.target = Some(Target::RatioAtLeast(ratio));
        self
    }

    /// It should be between so many times the peer's.
    pub fn ratio_within(mut self, least: f64, most: f64) -> Self {
        self.target = Some(Target::RatioWithin(least, most));
        self
    }

    fn row(&self) -> [String; 6] {
        let (peer, other, ratio) = match &self.peer {
            Some(peer) => (
                peer.name.clone(),
                number(peer.value),
                format!("{:.2}", peer.ratio),
            ),
            None => Default::default(),
        };
        let target = match self.target {
            None => String::new(),
            Some(target) => {
                let (wanted, is_met) = match target {
                    Target::AtMost(most) => (format!("≤ {}", number(most)), self.value <= most),
                    Target::AtLeast(least) => (format!("≥ {}", number(least)), self.value >= least),
                    Target::RatioAtMost(most) => {
                        let ratio = self.peer.as_ref().map(|peer| peer.ratio);
                        let is_met = ratio.is_some_and(|ratio| ratio <= most);
                        (format!("ratio ≤ {most}"), is_met)
                    }
                    Target::RatioAtLeast(least) => {
                        let ratio = self.peer.as_ref().map(|peer| peer.ratio);
                        let is_met = ratio.is_some_and(|ratio| ratio >= least);
                        (format!("ratio ≥ {least}"), is_met)
                    }
                    Target::RatioWithin(least, most) => {
                        let ratio = self.peer.as_ref().map(|peer| peer.ratio);
                        let is_met = ratio.is_some_and(|ratio| (least..=most).contains(&ratio));
                        (format!("ratio {least} to {most}"), is_met)
                    }
                };
                let verdict = if is_met { "met" } else { "MISSED" };
                format!("{wanted}: {verdict}")
            }
        };
        let value = format!("{} {}", number(self.value), self.unit);
        [self.what.clone(), value, peer, other, ratio, target]
    }
}

impl Figures {
    /// None yet.
    pub fn new(machine: Machine) -> Self {
        Self {
            machine,
            parts: Vec::new(),
        }
    }

    /// What is added from now on belongs to this part.
    pub fn begin(&mut self, letter: char, title: &str) {
        self.parts.push(Part {
            letter,
            title: title.to_owned(),
            figures: Vec::new(),
            notes: Vec::new(),
        });
    }

    /// Adds a figure to the part.
    pub fn add(&mut self, figure: Figure) {
        if let Some(part) = self.parts.last_mut() {
            part.figures.push(figure);
        }
    }

    /// Adds a remark to the part.
    pub fn note(&mut self, note: impl Into<String>) {
        if let Some(part) = self.parts.last_mut() {
            part.notes.push(note.into());
        }
    }

    /// Says that a peer is not installed.
    pub fn skip(&mut self, peer: &str, why: &str) {
        self.note(format!("skipped: {peer}, {why}"));
    }

    /// Writes the part that was measured last as a table in Markdown.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write_last_part(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(part) = self.parts.last() else {
            return Ok(());
        };
        writeln!(out, "\n## {}. {}\n", part.letter, part.title)?;
        let head = ["what", "figure", "peer", "its figure", "ratio", "target"];
        let rows: Vec<[String; 6]> = std::iter::once(head.map(str::to_owned))
            .chain(part.figures.iter().map(Figure::row))
            .collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: [usize; 6] = std::array::from_fn(width);
        for (number, row) in rows.iter().enumerate() {
            let cells = row.iter().zip(widths);
            let cells: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
            if number == 0 {
                let rules = widths.map(|width| "-".repeat(width + 2));
                writeln!(out, "|{}|", rules.join("|"))?;
            }
        }
        for note in &part.notes {
            writeln!(out, "\n{note}")?;
        }
        out.flush()
    }

    /// Notes what the machine did meanwhile, and says so.
    ///
    /// # Errors
    /// Those of writing.
    pub fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.machine.load_after = load();
        let Machine {
            load_before,
            load_after,
            ..
        } = &self.machine;
        writeln!(
            out,
            "\nload of the machine: {load_before} before, {load_after} after"
        )
    }
}

/// Three figures that count.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    let plain = format!("{value:.decimals$}");
    // Thousands apart, as people read them.
    if decimals > 0 || plain.len() < 5 {
        return plain;
    }
    let digits = plain.chars().count();
    plain
        .chars()
        .enumerate()
        .flat_map(|(at, digit)| {
            let comma = at > 0 && (digits - at).is_multiple_of(3);
            comma.then_some(',').into_iter().chain([digit])
        })
        .collect()
}

/// Where and when figures were taken.
#[derive(Serialize)]
pub struct Machine {
    date: String,
    processor: String,
    cores: usize,
    kernel: String,
    compiler: String,
    profile: String,
    server: String,
    /// The file system that ledgers are on.
    ledgers_on: String,
    load_before: String,
    load_after: String,
}

impl Machine {
    /// Looks at this machine; `server` is what answers.
    pub fn look(server: &str) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let profile = std::env::current_exe().ok().and_then(|file| {
            let folder = file.parent()?.file_name()?;
            Some(folder.to_string_lossy().into_owned())
        });
        Self {
            date: jiff::Timestamp::now()
                .strftime("%Y-%m-%d %H:%M UTC")
                .to_string(),
            processor: model
                .map_or("unknown", |model| model.trim_matches([' ', '\t', ':']))
                .to_owned(),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: kernel.trim().to_owned(),
            compiler: first_line("rustc", "--version").unwrap_or_default(),
            profile: profile.unwrap_or_default(),
            server: server.to_owned(),
            ledgers_on: file_system(),
            load_before: load(),
            load_after: String::new(),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self {
            date,
            processor,
            cores,
            kernel,
            compiler,
            profile,
            server,
            ledgers_on,
            ..
        } = self;
        writeln!(out, "{date}; {processor}, {cores} cores; Linux {kernel}")?;
        writeln!(out, "{compiler}, profile {profile}")?;
        writeln!(out, "server: {server}; ledgers on {ledgers_on}")
    }
}

/// The first line that a program says of itself, if it is installed.
pub fn first_line(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    said.lines().next().map(str::to_owned)
}

/// The file system of temporary folders. In memory, a ledger's syncs cost nothing.
fn file_system() -> String {
    /// `TMPFS_MAGIC` of `linux/magic.h`.
    const TMPFS: u64 = 0x0102_1994;
    let folder = std::env::temp_dir();
    let name = folder.display();
    match statfs(&folder) {
        Ok(found) if found.f_type as u64 == TMPFS => {
            format!("{name}, WHICH IS IN MEMORY: set TMPDIR to a folder on a disk")
        }
        Ok(found) => format!("{name} (file system {:#x})", found.f_type),
        Err(_) => name.to_string(),
    }
}

fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}
