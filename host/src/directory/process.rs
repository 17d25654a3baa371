//! The program beside this one that asks a directory: a line of JSON for each order, and one for each answer.

use std::{io, process::Child};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use zeroize::Zeroizing;

use textsender_names::lines::{Answer, Order};

use crate::{
    os::{
        pipes::{Receiver, Sender},
        process,
    },
    protocol::{ErrorCode, Failure},
};

/// The program.
pub const PROGRAM: &str = "textsender-directory";

/// The longest answer, in bytes: a user is in at most 4,096 groups, and a domain has at most 100,000 users.
const MAX_ANSWER: u64 = 8 * 1024 * 1024;

/// A process that asks one directory.
pub(super) struct Process {
    child: Child,
    orders: Sender,
    answers: BufReader<Receiver>,
    /// What it reads first.
    settings: Zeroizing<String>,
    was_told: bool,
}

impl Process {
    /// Starts it. It connects to nothing before the first order.
    pub fn start(settings: Zeroizing<String>) -> Result<Self, Failure> {
        let (child, orders, answers) =
            process::spawn_companion(PROGRAM, "orders").map_err(|error| cant_start(&error))?;
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers),
            settings,
            was_told: false,
        })
    }

    /// Whether these are its settings.
    pub fn has(&self, settings: &str) -> bool {
        *self.settings == settings
    }

    pub async fn ask(&mut self, order: &Order) -> Result<Answer, Failure> {
        let order = serde_json::to_string(order).map_err(|_| no_answer())?;
        let line = self.exchange(&order).await.map_err(|_| no_answer())?;
        serde_json::from_slice(&line).map_err(|_| no_answer())
    }

    async fn exchange(&mut self, order: &str) -> io::Result<Vec<u8>> {
        if !self.was_told {
            self.orders.write_all(self.settings.as_bytes()).await?;
            self.orders.write_all(b"\n").await?;
            self.was_told = true;
        }
        self.orders.write_all(order.as_bytes()).await?;
        self.orders.write_all(b"\n").await?;
        let mut line = Vec::new();
        let mut answers = (&mut self.answers).take(MAX_ANSWER);
        answers.read_until(b'\n', &mut line).await?;
        match line.ends_with(b"\n") {
            true => Ok(line),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// What it was still at is of no use to anyone.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Goes on as that program, with this command. Returns if it can't be started.
pub fn hand_over(arguments: &[&str], input: &[u8]) -> Failure {
    let program = process::companion(PROGRAM);
    cant_start(&process::replace(&program, arguments, Some(input)))
}

pub(super) fn no_answer() -> Failure {
    let detail = format!("{PROGRAM} ended without an answer, or is of another version");
    Failure::with_detail(ErrorCode::DirectoryUnreachable, detail)
}

fn cant_start(error: &io::Error) -> Failure {
    let program = process::companion(PROGRAM);
    Failure::with_detail(
        ErrorCode::DirectoryMissing,
        format!("{}: {error}", program.display()),
    )
}
