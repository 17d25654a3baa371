//! Processes that are timed, in turns.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

/// A program that is run again and again.
#[derive(Clone)]
pub struct Subject {
    /// How it is called in the table.
    pub name: String,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    input: Option<PathBuf>,
    /// What is written there before each run, in place of what stood there.
    renewed: Option<fn() -> String>,
    /// How many of the rounds it takes part in: slow ones need not in all.
    rounds: usize,
}

/// The most memory that a program and its processes held.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peak {
    /// Its own, in KiB.
    pub own: u64,
    /// That of its largest child, in KiB.
    pub child: u64,
}

impl Subject {
    /// A program that takes part in all rounds.
    pub fn new(name: impl Into<String>, program: impl Into<OsString>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            input: None,
            renewed: None,
            rounds: usize::MAX,
        }
    }

    /// Another program in its place.
    pub fn run_by(self, program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            ..self
        }
    }

    /// Adds arguments.
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Reads this file.
    pub fn input(mut self, file: &Path) -> Self {
        self.input = Some(file.to_owned());
        self
    }

    /// Reads this file, which is written anew before each run.
    pub fn renewed_input(self, file: &Path, text: fn() -> String) -> Self {
        Self {
            renewed: Some(text),
            ..self.input(file)
        }
    }

    /// Takes part in so many rounds only.
    pub fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    fn command(&self) -> anyhow::Result<Command> {
        if let (Some(file), Some(text)) = (&self.input, self.renewed) {
            fs::write(file, text())?;
        }
        let mut command = Command::new(&self.program);
        let environment = self.environment.iter();
        command
            .args(&self.arguments)
            .envs(environment.map(|(name, value)| (name, value)))
            .stdin(match &self.input {
                Some(file) => Stdio::from(File::open(file)?),
                None => Stdio::null(),
            })
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(command)
    }

    /// Runs it once to see that it does what it should, and what it says.
    ///
    /// # Errors
    /// It can't be run, or fails; with its own words.
    pub fn output(&self) -> anyhow::Result<Output> {
        let mut command = self.command()?;
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = command.output();
        let output = output.with_context(|| format!("{} can't be run", self.name))?;
        let said = || [&*output.stdout, &*output.stderr].concat();
        let said = || String::from_utf8_lossy(&said()).into_owned();
        ensure!(output.status.success(), "{} failed: {}", self.name, said());
        Ok(output)
    }

    /// Runs it once: the time from before its start until it was waited for.
    ///
    /// # Errors
    /// It can't be run, or fails.
    pub fn run(&self) -> anyhow::Result<Duration> {
        let mut command = self.command()?;
        let begun = Instant::now();
        let status = command.status()?;
        let wall = begun.elapsed();
        ensure!(status.success(), "{} failed", self.name);
        Ok(wall)
    }

    /// The processor time of one run of so many, in milliseconds: its own and that of the processes
    /// that it waited for. The system tells it in hundredths of a second, so it takes many.
    ///
    /// # Errors
    /// It can't be run, or fails.
    pub fn processor_ms(&self, runs: u32) -> anyhow::Result<f64> {
        let before = processor_time()?;
        for _ in 0..runs {
            self.run()?;
        }
        Ok((processor_time()? - before) * 1e3 / f64::from(runs))
    }

    /// Runs it once and looks at its memory all the while.
    ///
    /// # Errors
    /// It can't be run, or fails.
    pub fn peak(&self) -> anyhow::Result<Peak> {
        let mut child = self.command()?.spawn()?;
        let mut peak = Peak::default();
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            // The last look at each counts: a process shows its parent's memory until it is itself.
            peak.own = peak_of(child.id()).unwrap_or(peak.own);
            let children = children_of(child.id()).into_iter().filter_map(peak_of);
            peak.child = children.max().unwrap_or(peak.child);
        };
        ensure!(status.success(), "{} failed", self.name);
        Ok(peak)
    }
}

/// Runs all in turns, and tells what each run of each took.
///
/// # Errors
/// One can't be run, or fails.
pub fn in_turns(rounds: usize, subjects: &[Subject]) -> anyhow::Result<Vec<Vec<Duration>>> {
    for subject in subjects {
        subject.output()?;
    }
    let mut taken = vec![Vec::new(); subjects.len()];
    for round in 0..rounds {
        for (subject, taken) in subjects.iter().zip(&mut taken) {
            if round < subject.rounds {
                taken.push(subject.run()?);
            }
        }
    }
    Ok(taken)
}

/// The median of times, in milliseconds.
pub fn median_ms(times: impl IntoIterator<Item = Duration>) -> f64 {
    let times = times.into_iter();
    median(times.map(|time| time.as_secs_f64() * 1e3).collect())
}

/// The median; NaN of nothing.
pub fn median(values: Vec<f64>) -> f64 {
    percentile(values, 0.5)
}

/// The value below which this share lies; NaN of nothing.
pub fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values
        .get((last * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// Ticks of proc(5) in a second: Linux tells all programs so, whatever it counts by itself.
const TICKS: f64 = 100.0;

/// Seconds of processor time of all processes that were waited for, and of those that they waited for
/// (`cutime` and `cstime` of proc(5)).
fn processor_time() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // Behind the name, which is in parentheses, the third field follows; these are the 16th and 17th.
    let (_, fields) = stat.rsplit_once(')').context("/proc/self/stat is odd")?;
    let fields = fields.split_whitespace().skip(13).take(2);
    let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks as f64 / TICKS)
}

/// The most memory that a process has held so far, in KiB (`VmHWM` of proc(5)).
pub fn peak_of(process: u32) -> Option<u64> {
    memory(process, "VmHWM:")
}

/// The memory that a process holds now, in KiB (`VmRSS` of proc(5)).
pub fn held_by(process: u32) -> Option<u64> {
    memory(process, "VmRSS:")
}

fn memory(process: u32, line: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix(line))?;
    line.trim_end_matches("kB").trim().parse().ok()
}

/// The processes that a process has started, and not waited for.
pub fn children_of(process: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let children = children.unwrap_or_default();
    children
        .split_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect()
}
