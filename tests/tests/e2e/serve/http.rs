//! A hub that runs, and a client that sends exactly what a case names.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::Value;
use textsender_tests::harness::{PATIENCE, Run, Running, Test};

/// A token of 24 characters, as nothing contains it by chance.
pub const TOKEN: &str = "Vq7mZ2xT9kLr4sWb8nYd3fGh";

/// A hub on a socket of its own.
pub struct Hub {
    pub running: Running,
    pub socket: PathBuf,
    /// The same installation, for other processes.
    other: Test,
}

/// An answer, taken apart.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// A connection that can carry several requests.
pub struct Connection {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
}

pub trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

impl Hub {
    /// Starts it, and waits until it listens.
    #[track_caller]
    pub fn start(test: Test) -> Self {
        Self::start_with(test, &[])
    }

    #[track_caller]
    fn start_with(test: Test, args: &[&str]) -> Self {
        let socket = test.site().folder().join("hub.sock");
        let other = test.beside();
        let test = test.command(["serve"]).stdin("").hide("a token", TOKEN);
        let test = test.args(["--socket".into(), socket.clone().into_os_string()]);
        let running = test.args(args).start();
        running.wait_for_log("listening");
        Self {
            running,
            socket,
            other,
        }
    }

    /// Another process in the same installation.
    pub fn other(&self) -> Test {
        self.other.in_company()
    }

    /// Starts it with HTTP on loopback, for a caller `portal`; gives its address, too.
    #[track_caller]
    pub fn with_http(test: Test) -> (Self, SocketAddr) {
        let test = test.secret("serve.portal", TOKEN);
        let hub = Self::start_with(test, &["--http", "127.0.0.1:0"]);
        let log = hub.running.wait_for_log("address=127.0.0.1:");
        let address = log.split("address=").nth(1).unwrap();
        let address = address.split_whitespace().next().unwrap();
        (hub, address.parse().unwrap())
    }

    #[track_caller]
    pub fn connect(&self) -> Connection {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Connection::over(stream)
    }

    #[track_caller]
    pub fn post(&self, request: &Value) -> Answer {
        self.ask("POST /v1/messages", &[], &request.to_string())
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[], "")
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut connection = self.connect();
        connection.write(&request(line, headers, body));
        connection.answer().unwrap()
    }

    /// Asks it to end, and waits for that.
    #[track_caller]
    pub fn end(self) -> Run {
        self.running.terminate();
        self.running.wait_for_end()
    }
}

/// A request on a connection of its own, over TCP.
#[track_caller]
pub fn ask_over_tcp(
    address: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut connection = over_tcp(address);
    connection.write(&request(line, headers, body));
    connection.answer().unwrap()
}

#[track_caller]
pub fn over_tcp(address: SocketAddr) -> Connection {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Connection::over(stream)
}

/// A request as it is on the wire; `Host` is there unless the case names one.
pub fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{line} HTTP/1.1\r\n");
    let has = |name: &str| headers.iter().any(|(known, _)| *known == name);
    if !has("Host") {
        text.push_str("Host: localhost\r\n");
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !has("Transfer-Encoding") && !has("Content-Length") && !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    format!("{text}\r\n{body}").into_bytes()
}

impl Connection {
    pub fn over(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            input: Vec::new(),
        }
    }

    /// Writes. One that the hub has closed already takes nothing.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// The next answer; `None` if the connection ends without one.
    pub fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more() {
                return None;
            }
        };
        let head = String::from_utf8(self.input[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers["content-length"].parse().unwrap();
        while self.input.len() < end + length {
            assert!(self.more(), "the answer was cut: {head}");
        }
        let rest = self.input.split_off(end + length);
        let body = std::mem::replace(&mut self.input, rest).split_off(end);
        Some(Answer {
            status: status.parse().unwrap(),
            headers,
            body: String::from_utf8(body).unwrap(),
        })
    }

    /// Whether the hub has closed it, and sends nothing more.
    #[track_caller]
    pub fn is_closed(&mut self) -> bool {
        !self.more()
    }

    #[track_caller]
    fn more(&mut self) -> bool {
        let mut block = [0; 4096];
        match self.stream.read(&mut block) {
            Ok(0) => false,
            Ok(count) => {
                self.input.extend_from_slice(&block[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("waited for an answer: {error}"),
        }
    }
}

impl Answer {
    /// Its body, which is one line of JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.body);
        parsed.unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Wants this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Wants this outcome.
    #[track_caller]
    pub fn outcome(self, outcome: &str) -> Self {
        assert_eq!(self.json()["outcome"], outcome, "{self:?}");
        self
    }

    /// Wants this error code.
    #[track_caller]
    pub fn error(self, code: &str) -> Self {
        assert_eq!(self.json()["error"]["code"], code, "{self:?}");
        self
    }
}
