//! A blocking HTTP client for the sandbox's own tests: it sends exactly the bytes that a test names.
//!
//! Written on sockets so that a fault is seen as it is on the wire, and not as some library tells it.

#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::Sandbox;

/// Patience of every read, so that a test which would hang fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that can carry several requests.
pub(crate) struct Client {
    stream: TcpStream,
    input: Vec<u8>,
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            input: Vec::new(),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads one answer with `Content-Length`.
    pub fn read(&mut self) -> io::Result<Reply> {
        let head_end = loop {
            if let Some(at) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8(self.input[..head_end].to_vec()).unwrap();
        let reply = Reply {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: Vec::new(),
            head,
        };
        let length: usize = reply.header("content-length").unwrap().parse().unwrap();
        while self.input.len() < head_end + length {
            self.more()?;
        }
        let rest = self.input.split_off(head_end + length);
        let body = std::mem::replace(&mut self.input, rest).split_off(head_end);
        Ok(Reply { body, ..reply })
    }

    /// Reads everything up to the end of the connection.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = std::mem::take(&mut self.input);
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads what comes next, at most this many bytes.
    pub fn read_some(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; most];
        let count = self.stream.read(&mut bytes).unwrap();
        bytes.truncate(count);
        bytes
    }

    pub fn ask(&mut self, request: &[u8]) -> io::Result<Reply> {
        self.write(request);
        self.read()
    }

    fn more(&mut self) -> io::Result<()> {
        let mut block = [0; 4096];
        let count = self.stream.read(&mut block)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.input.extend_from_slice(&block[..count]);
        Ok(())
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A request with these header lines and this body.
pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    text.into_bytes()
}

/// A value of the `Authorization` header.
pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The client's side of TLS on this socket, for `localhost`, trusting the sandbox's authority and nobody else.
pub(crate) fn encrypt(
    sandbox: &Sandbox,
    socket: TcpStream,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(sandbox.ca_pem().as_bytes()).unwrap())
        .unwrap();
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    StreamOwned::new(
        ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap(),
        socket,
    )
}
