//! `textsender-directory`: asks a directory for `textsender`, which starts it where one is configured. The first
//! line on standard input says which directory, each further line is an order; see [`orders`].
//!
//! [`orders`]: textsender_directory::orders

use std::process::ExitCode;

use textsender_directory::{
    error::{Code, DirectoryError},
    orders::{Answer, Desk},
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        // The pipe is gone, and with it who would read an error.
        Err(_) => ExitCode::from(70),
    }
}

async fn run() -> std::io::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let Some(settings) = lines.next_line().await? else {
        return Ok(());
    };
    let opened = serde_json::from_str(&settings).map_err(|error| not_an_order(&error));
    let mut desk = match opened.and_then(Desk::open) {
        Ok(desk) => desk,
        Err(error) => return write(&Answer::Error(error)).await,
    };
    while let Some(line) = lines.next_line().await? {
        let answer = match serde_json::from_str(&line) {
            Ok(order) => desk.answer(order).await,
            Err(error) => Answer::Error(not_an_order(&error)),
        };
        write(&answer).await?;
    }
    Ok(())
}

/// What stands in the line may be secret.
fn not_an_order(error: &serde_json::Error) -> DirectoryError {
    let what = format!("the line is no order: column {}", error.column());
    DirectoryError::new(Code::DirectoryUnreadable, what)
}

async fn write(answer: &Answer) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    let mut output = tokio::io::stdout();
    output.write_all(&line).await?;
    output.flush().await
}
