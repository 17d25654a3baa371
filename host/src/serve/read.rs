//! `POST /v1/read`, on a socket of its own: who may look and change nothing asks `log`, `stats`, `status`, `explain` and
//! `health` here.
//!
//! The hub runs the command, as the account that may read the ledger, and hands on what it wrote. Only options that look
//! are passed; whatever writes a file, asks a provider or goes on for ever is none of them.

use std::{
    io::{self, Read, Write},
    process::{ChildStdin, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use axum::{extract::Request, response::Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{Shared, body, reply};
use crate::os::{process, socket::Blocking};

/// The path, which only such a socket has.
pub(super) const PATH: &str = "/v1/read";

/// The commands, and the options of each that look.
pub const COMMANDS: [(&str, &[&str]); 5] = [
    (
        "log",
        &[
            "--since",
            "--last",
            "--outcome",
            "--phone",
            "--user",
            "--sender",
            "--policy",
            "--actor",
            "--id",
            "--changes",
            "--json",
            "--csv",
        ],
    ),
    ("stats", &["--since", "--used-by", "--json", "--plot"]),
    ("status", &["--json"]),
    (
        "explain",
        &[
            "--id",
            "--json",
            "--user-dn",
            "--group",
            "--phone",
            "--locale",
            "--user",
            "--display-name",
            "--purpose",
            "--event",
            "--sender",
            "--expires-in",
        ],
    ),
    ("health", &["--json"]),
];

/// How many run at a time.
static RUNNING: Semaphore = Semaphore::const_new(4);

/// The most that a command may write.
const MOST: u64 = 32 * 1024 * 1024;

/// How long the one who asks waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The command and its options.
    pub words: Vec<String>,
    /// What it reads on standard input.
    #[serde(default)]
    pub stdin: String,
}

/// What the command came to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    /// Its exit code.
    pub exit: u8,
    /// What it wrote.
    pub stdout: String,
    /// What it had to say besides.
    pub stderr: String,
}

/// Answers what is asked.
pub(super) async fn answer(shared: &Arc<Shared>, request: Request) -> Response {
    let read = match body::read(request.into_body()).await {
        Ok(read) => read,
        Err(failure) => return reply::failed(&failure),
    };
    let question: Question = match serde_json::from_slice(&read.bytes) {
        Ok(question) => question,
        Err(_) => return reply::text(StatusCode::BAD_REQUEST, "write {\"words\": [\"log\"]}"),
    };
    if let Err(words) = judge(&question.words) {
        return reply::text(StatusCode::FORBIDDEN, &words);
    }
    // It is never closed.
    let _running = RUNNING.acquire().await;
    let file = shared.file.clone();
    let told = spawn_blocking(move || {
        let mut own = process::own_command()?;
        own.arg("--config").arg(file).args(&question.words);
        run(own, question.stdin)
    });
    match told.await.unwrap_or_else(|error| Err(error.into())) {
        Ok(told) => match serde_json::to_vec(&told) {
            Ok(json) => reply::answer(StatusCode::OK, "application/json", json),
            Err(error) => reply::text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        },
        Err(error) => {
            tracing::error!(%error, "a reader could not be answered");
            reply::text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string())
        }
    }
}

/// Whether such words only look.
fn judge(words: &[String]) -> Result<(), String> {
    let command = words.first().map(String::as_str).unwrap_or_default();
    let known = COMMANDS.iter().find(|(name, _)| *name == command);
    let Some((_, options)) = known else {
        let names = COMMANDS.map(|(name, _)| name).join(", ");
        return Err(format!("through the hub only these may be asked: {names}"));
    };
    let mut takes_value = false;
    for word in &words[1..] {
        let option = word.split('=').next().unwrap_or_default();
        match word.strip_prefix('-') {
            // A word of its own is the value of the option before it.
            None | Some("") if takes_value => takes_value = false,
            Some(_) if options.contains(&option) => takes_value = !word.contains('='),
            _ => {
                return Err(format!(
                    "{word} may not be asked through the hub: run textsender {command} as the account that sends"
                ));
            }
        }
    }
    Ok(())
}

fn run(mut command: Command, stdin: String) -> io::Result<Told> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let feed = |mut into: ChildStdin| move || drop(into.write_all(stdin.as_bytes()));
    let fed = child
        .stdin
        .take()
        .map(|into| std::thread::spawn(feed(into)));
    let errors = child
        .stderr
        .take()
        .map(|from| std::thread::spawn(|| bounded(from)));
    let written = child
        .stdout
        .take()
        .map(bounded)
        .transpose()?
        .unwrap_or_default();
    if written.len() as u64 > MOST {
        child.kill()?;
        child.wait()?;
        return Err(io::Error::other(
            "more than 32 MiB: ask for less, such as with --since",
        ));
    }
    let status = child.wait()?;
    if let Some(fed) = fed {
        let _ = fed.join();
    }
    let errors = errors.and_then(|errors| errors.join().ok()).transpose()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Told {
        exit: status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
        stdout: text(written),
        stderr: text(errors.unwrap_or_default()),
    })
}

fn bounded(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Asks the hub that is connected.
///
/// # Errors
///
/// It does not answer, or refuses: with its words.
pub fn ask(mut hub: Blocking, question: &Question) -> io::Result<Told> {
    hub.set_read_timeout(Some(PATIENCE))?;
    hub.set_write_timeout(Some(PATIENCE))?;
    let body = serde_json::to_vec(question)?;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    hub.write_all(head.as_bytes())?;
    hub.write_all(&body)?;
    let mut answer = Vec::new();
    hub.take(MOST * 4).read_to_end(&mut answer)?;
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(&answer).map_err(io::Error::other)?;
    let httparse::Status::Complete(length) = parsed else {
        return Err(io::ErrorKind::UnexpectedEof.into());
    };
    match head.code {
        Some(200) => Ok(serde_json::from_slice(&answer[length..])?),
        _ => Err(io::Error::other(
            String::from_utf8_lossy(&answer[length..]).trim().to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_is_asked() {
        let asks = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            judge(&words).is_ok()
        };
        for line in [
            "log",
            "log --since 1d --json",
            "log --phone -",
            "log --since=1d",
            "stats --used-by prefix",
            "status --json",
            "explain --id a-1",
            "explain --user-dn CN=a --display-name A --expires-in 600",
            "health",
        ] {
            assert!(asks(line), "{line}");
        }
        for line in [
            "",
            "send",
            "pause --all --reason x",
            "--config /etc/passwd log",
            "log --config /etc/passwd",
            "log --config=/etc/passwd",
            "log --since --config",
            "log --follow",
            "log x",
            "stats --prometheus /tmp/x",
            "stats --used-by prefix x",
            "status --sender twilio SM1",
            "status SM1",
            "health --alert",
            "health -h x",
        ] {
            assert!(!asks(line), "{line}");
        }
    }
}
