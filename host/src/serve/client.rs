//! How `send` hands its message to the hub.
//!
//! | what happens | what it comes to |
//! |---|---|
//! | the hub answers | its response |
//! | no hub runs | it is sent without, and warned of; with `[serve] hub = "required"`: `unavailable` |
//! | the hub does not read the message in the time that it has | `unavailable`, `hub_unreachable` |
//! | this account may not use the socket, or another account listens there | `misconfigured`, `hub_forbidden` |
//! | the hub has another configuration | `misconfigured`, `hub_other_config` |
//! | the hub took the message whole, and ends or does not answer in time | `unknown` |
//!
//! A document that was not written to its last byte was not taken: the hub begins with a whole one only.

use std::{
    io::{self, ErrorKind, Read, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use super::access::CONFIG;
use crate::{
    config::{Environment, Hub, Reading, Sources},
    dispatch,
    os::{
        accounts,
        socket::{self, Blocking},
    },
    privilege,
    protocol::{ErrorCode, Failure, MAX_RESPONSE, MessageId, Request, Response},
};

/// What the hub may take beyond a message's time: its outcome is written down, and it is read.
const GRACE: Duration = Duration::from_secs(5);

/// The most headers of an answer: the hub's own has five.
const HEADERS: usize = 32;

/// The hub that a configuration names.
pub struct Client {
    socket: PathBuf,
    is_required: bool,
    /// The configuration's file, without links.
    file: PathBuf,
    /// How long a message may take.
    timeout: Duration,
    /// The account that sends, where it is known.
    owner: Option<u32>,
}

/// Why there is no response.
enum Unanswered {
    /// The hub has nothing of the message: it is sent without.
    NotRunning(io::Error),
    /// It is the response.
    Failed(Failure),
}

impl Client {
    /// The hub that `[serve] socket` names in `textsender.toml`, as far as that is to be believed; of the
    /// rest of the file only what a message may take.
    pub fn of(main: &Sources) -> Option<Self> {
        if !main.mentions("serve") || main.first_unsafe(&[]).is_some() {
            return None;
        }
        let file = main.main.canonicalize().unwrap_or(main.main.clone());
        let config = Reading::of(main.clone()).config;
        let state = Environment::current().state_folder(config.state.folder.as_deref());
        let owner = privilege::sending_account(&config.state, &state.path);
        Some(Self {
            socket: config.serve.socket?,
            is_required: config.serve.hub == Hub::Required,
            file,
            timeout: config.sending.timeout,
            owner: owner.ok().flatten().map(|account| account.user),
        })
    }

    /// Hands a document over, and waits for the response, which tells what became of it for as long as
    /// `wait`. `None`: no hub runs, and it may be sent without.
    pub fn send(&self, json: &[u8], wait: Option<Duration>) -> Option<Response> {
        let id = match Request::parse(json) {
            Ok(request) => Some(request.id),
            // The hub says what is wrong, and keeps it in the audit.
            Err(_) => None,
        };
        let until = Instant::now() + self.timeout + wait.unwrap_or_default() + GRACE;
        let failure = match self.ask(json, id.as_ref(), wait, until) {
            Ok(response) => return Some(response),
            Err(Unanswered::Failed(failure)) => failure,
            Err(Unanswered::NotRunning(error)) if self.is_required => {
                let detail = format!("{}: {error}", self.socket.display());
                Failure::with_detail(ErrorCode::HubUnreachable, detail)
            }
            Err(Unanswered::NotRunning(error)) => {
                let socket = self.socket.display();
                tracing::warn!(%socket, %error, "the hub is not running; the message is sent without it");
                return None;
            }
        };
        let id = id.or_else(|| Request::id_of(json));
        Some(Response::failed(id, &failure))
    }

    fn ask(
        &self,
        json: &[u8],
        id: Option<&MessageId>,
        wait: Option<Duration>,
        until: Instant,
    ) -> Result<Response, Unanswered> {
        let mut stream = self.connect(until)?;
        // From here on a fault of ours leaves open what became of it.
        dispatch::handed_over();
        let written = write(&mut stream, &self.document(json, id, wait), until);
        let answer = read(&mut stream, until);
        match (written, answer) {
            (_, Ok(answer)) => of_answer(&answer),
            // Its last byte was not taken, and there is no time left to send it without.
            (Err(error), Err(_)) if is_timeout(&error) => {
                let words = "it does not read what it is sent";
                Err(self.failed(ErrorCode::HubUnreachable, words))
            }
            // Its last byte was not taken.
            (Err(error), Err(_)) => Err(Unanswered::NotRunning(error)),
            (Ok(()), Err(error)) => {
                let why = match is_timeout(&error) {
                    true => "the hub took it, and did not answer in time".to_owned(),
                    false => format!("the hub took it, and ended: {error}"),
                };
                let failure = Failure::with_detail(ErrorCode::MaybeSent, why);
                Err(Unanswered::Failed(failure))
            }
        }
    }

    fn failed(&self, code: ErrorCode, why: &str) -> Unanswered {
        let detail = format!("{}: {why}", self.socket.display());
        Unanswered::Failed(Failure::with_detail(code, detail))
    }

    fn connect(&self, until: Instant) -> Result<Blocking, Unanswered> {
        let connected = socket::connect(&self.socket, left(until));
        let stream = connected.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Unanswered::NotRunning(error),
            ErrorKind::PermissionDenied => self.failed(ErrorCode::HubForbidden, &error.to_string()),
            _ if is_timeout(&error) => {
                self.failed(ErrorCode::HubUnreachable, "too many wait for it already")
            }
            _ => self.failed(ErrorCode::HubUnreachable, &error.to_string()),
        })?;
        // A code is told to no one but the account that sends, and root, which holds sockets for it.
        let peer = socket::peer(&stream).map_err(Unanswered::NotRunning)?;
        let known = [Some(0), Some(accounts::own()), self.owner];
        if known.contains(&Some(peer)) {
            return Ok(stream);
        }
        let account = accounts::name_of(peer);
        let words = format!("{account} listens there, which is not the account that sends");
        Err(self.failed(ErrorCode::HubForbidden, &words))
    }

    /// The whole request, as one piece: the hub wakes once.
    fn document(&self, json: &[u8], id: Option<&MessageId>, wait: Option<Duration>) -> Vec<u8> {
        let length = json.len();
        let mut head = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n"
        );
        if let Some(id) = id {
            head.push_str(&format!("Idempotency-Key: {id}\r\n"));
        }
        if let Some(wait) = wait {
            head.push_str(&format!("Prefer: wait={}\r\n", wait.as_secs()));
        }
        head.push_str(CONFIG);
        head.push_str(": ");
        let mut document = head.into_bytes();
        document.extend_from_slice(self.file.as_os_str().as_encoded_bytes());
        document.extend_from_slice(b"\r\n\r\n");
        document.extend_from_slice(json);
        document
    }
}

/// The response in an answer. One without was given before the message was looked at.
fn of_answer(answer: &[u8]) -> Result<Response, Unanswered> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let parsed = head.parse(answer);
    let status = head.code.unwrap_or_default();
    if let Ok(httparse::Status::Complete(length)) = parsed
        && let Ok(response) = serde_json::from_slice(&answer[length..])
    {
        return Ok(response);
    }
    let detail = format!("it refuses the request with the status {status}");
    let failure = Failure::with_detail(ErrorCode::HubUnreachable, detail);
    Err(Unanswered::Failed(failure))
}

fn write(stream: &mut Blocking, mut bytes: &[u8], until: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left(until)))?;
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads a whole answer: its end is that of the connection, or where its head says.
fn read(stream: &mut Blocking, until: Instant) -> io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    let mut block = [0; 4096];
    while !is_whole(&answer) {
        stream.set_read_timeout(Some(left(until)))?;
        match stream.read(&mut block) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => answer.extend_from_slice(&block[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if answer.len() > MAX_RESPONSE {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    Ok(answer)
}

fn is_whole(answer: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = head.parse(answer) else {
        return false;
    };
    let mut headers = head.headers.iter();
    let body = headers.find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = body.and_then(|header| str::from_utf8(header.value).ok()?.parse().ok());
    body.is_some_and(|body: usize| answer.len() - length >= body)
}

/// What is left of the time; never nothing, which would be no bound.
fn left(until: Instant) -> Duration {
    let left = until.saturating_duration_since(Instant::now());
    left.max(Duration::from_millis(1))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
