//! The process that makes one page, or one change: a call on standard input, an answer on standard output.

use std::{
    io::{self, Read, Write},
    process::{Command, ExitCode, Stdio},
};

use anyhow::Context;

use crate::{
    call::{Answer, Call},
    pages,
};

/// Hidden: the front starts it.
pub const SUBCOMMAND: &str = "console-worker";

/// The worker itself.
pub fn run() -> ExitCode {
    textsender::plugins::protect();
    match answer() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer() -> anyhow::Result<()> {
    let mut json = Vec::new();
    io::stdin().lock().read_to_end(&mut json)?;
    let call: Call = serde_json::from_slice(&json)?;
    let answer = serde_json::to_vec(&pages::answer(call))?;
    let mut stdout = io::stdout().lock();
    stdout.write_all(&answer)?;
    Ok(stdout.flush()?)
}

/// Has a worker answer a call. Waits for it.
///
/// # Errors
///
/// It can't be started, or died.
pub fn ask(call: &Call) -> anyhow::Result<Answer> {
    let json = serde_json::to_vec(call)?;
    let mut worker = Command::new("/proc/self/exe")
        .arg(SUBCOMMAND)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("no process can be started for the page")?;
    let mut stdin = worker.stdin.take().context("its input is closed")?;
    // It reads all before it writes anything.
    stdin.write_all(&json)?;
    drop(stdin);
    let output = worker.wait_with_output()?;
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "the process that makes the page ended without an answer: {}",
            output.status
        )
    })
}
