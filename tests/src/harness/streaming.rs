//! A running `send --stream`: lines in, answers out, and what it costs.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use super::run::Run;
use super::running::Running;
use super::test::Test;

impl Test {
    /// Keeps it open: requests come and go while it runs.
    #[must_use]
    pub fn stream(self) -> Self {
        self.stdin("").args(["--stream"])
    }

    /// Connects standard input to something else, to which a case writes by itself.
    #[must_use]
    pub fn stdin_from(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }
}

impl Running {
    /// Writes requests to its standard input, each on a line.
    pub fn ask<'a>(&mut self, requests: impl IntoIterator<Item = &'a Value>) {
        let mut lines = String::new();
        for request in requests {
            lines.push_str(&request.to_string());
            lines.push('\n');
        }
        self.write(lines.as_bytes());
    }

    /// Waits until it has given so many answers, and gives them in the order in which they came.
    #[track_caller]
    pub fn wait_for_answers(&self, count: usize) -> Vec<Value> {
        parsed(&self.stdout().wait_for_lines(count))
    }

    /// How many answers it has given.
    #[track_caller]
    pub fn answer_count(&self) -> usize {
        self.stdout().line_count()
    }

    /// The most memory that it has held so far, in KiB (`VmHWM` of proc(5)).
    #[track_caller]
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.unwrap_or_else(|| panic!("no VmHWM in {status}"));
        peak.trim_end_matches("kB").trim().parse().unwrap()
    }

    /// How many descriptors it holds now. A folder's size tells, since Linux 6.2, without a right to look into it.
    #[track_caller]
    pub fn descriptors(&self) -> u64 {
        let folder = format!("/proc/{}/fd", self.id());
        match fs::metadata(&folder).unwrap().len() {
            0 => fs::read_dir(&folder).unwrap().count() as u64,
            count => count,
        }
    }
}

impl Run {
    /// The answers of a stream, in the order in which they came.
    #[track_caller]
    pub fn answers(&self) -> Vec<Value> {
        parsed(self.stdout.as_deref().unwrap_or_default())
    }
}

/// Each line, which is one JSON object: nothing else may be on standard output.
#[track_caller]
fn parsed(stdout: &str) -> Vec<Value> {
    let parse = |line: &str| {
        let value = serde_json::from_str(line).ok().filter(Value::is_object);
        value.unwrap_or_else(|| panic!("on standard output is no answer: {line}"))
    };
    stdout.lines().map(parse).collect()
}
