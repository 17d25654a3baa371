//! `[serve]`: where the hub listens, and whether `send` needs it.

use std::{net::SocketAddr, path::PathBuf};

use super::sections::{group, pick};
use super::table::{Node, Table};

/// Where the hub listens if nothing says.
pub const DEFAULT_SOCKET: &str = "/run/textsender/textsender.sock";

/// `[serve]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serve {
    /// The Unix socket. Where it is named, `send` hands its message to the hub.
    pub socket: Option<PathBuf>,
    /// The group whose members may send through it, by number; `None`: that of the hub's account.
    pub group: Option<u32>,
    /// Where HTTP is served: loopback alone.
    pub http: Option<SocketAddr>,
    /// Whether `send` needs the hub.
    pub hub: Hub,
}

/// Whether `send` needs the hub that `socket` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hub {
    /// No: without it, it sends by itself, and warns.
    #[default]
    Preferred,
    /// Yes: without it, nothing is sent.
    Required,
}

impl Serve {
    pub(super) fn read(t: &Table) -> Self {
        let hub = [("preferred", Hub::Preferred), ("required", Hub::Required)];
        Serve {
            socket: t.path("socket"),
            group: t.get("group").and_then(|node| group(&node)),
            http: t.get("http").and_then(|node| address(&node)),
            hub: pick(t, "hub", &hub),
        }
    }
}

/// An address of this machine alone, with a port.
///
/// # Errors
///
/// What to write instead.
pub fn loopback(address: &str) -> Result<SocketAddr, &'static str> {
    let address: SocketAddr = address
        .parse()
        .map_err(|_| "write it as 127.0.0.1:PORT or [::1]:PORT")?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err(
            "codes would cross the network in the open: listen on 127.0.0.1 or [::1], and have a \
             web server with TLS in front of it",
        ),
    }
}

fn address(node: &Node) -> Option<SocketAddr> {
    let word = node.word()?;
    match loopback(&word) {
        Ok(address) => Some(address),
        Err(remedy) => {
            node.fault(format!("{:?} is no address for it", word.value), remedy);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    fn read(text: &str) -> (Serve, Vec<String>) {
        let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
        let faults = reading.faults.iter().map(|fault| fault.message.clone());
        (reading.config.serve, faults.collect())
    }

    #[test]
    fn it_is_off_unless_it_is_named() {
        assert_eq!(read(""), (Serve::default(), Vec::new()));
    }

    #[test]
    fn its_keys_are_read() {
        let (serve, faults) = read(
            "[serve]\nsocket = \"/run/t.sock\"\ngroup = \"0\"\nhttp = \"[::1]:8025\"\nhub = \"required\"",
        );
        assert_eq!(faults, Vec::<String>::new());
        let wanted = Serve {
            socket: Some("/run/t.sock".into()),
            group: Some(0),
            http: Some("[::1]:8025".parse().unwrap()),
            hub: Hub::Required,
        };
        assert_eq!(serve, wanted);
    }

    #[test]
    fn http_is_served_to_this_machine_alone() {
        for address in [
            "0.0.0.0:80",
            "192.0.2.1:8025",
            "[::]:80",
            "localhost:80",
            "127.0.0.1",
        ] {
            let (serve, faults) = read(&format!("[serve]\nhttp = {address:?}"));
            assert_eq!(serve.http, None, "{address}");
            assert_eq!(faults.len(), 1, "{address}");
        }
    }
}
