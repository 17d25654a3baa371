//! `[serve]`: where the hub listens, and whether `send` needs it.

use std::{net::SocketAddr, path::PathBuf};

use super::sections::{group, pick};
use super::table::{Node, Table};
use crate::os::socket;

/// Where the hub listens if nothing says.
pub const DEFAULT_SOCKET: &str = "/run/textsender/textsender.sock";

/// `[serve]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serve {
    /// The Unix socket. Where it is named, `send` hands its message to the hub.
    pub socket: Option<PathBuf>,
    /// The group whose members may send through it, by number; `None`: that of the hub's account.
    pub group: Option<u32>,
    /// A second Unix socket, for those who may look and change nothing.
    pub read_socket: Option<PathBuf>,
    /// The group whose members may connect to it, by number; `None`: that of the hub's account.
    pub read_group: Option<u32>,
    /// Where HTTP is served: loopback alone, unless there is `tls`.
    pub http: Option<SocketAddr>,
    /// What it is served with.
    pub tls: Option<Tls>,
    /// Whether `send` needs the hub.
    pub hub: Hub,
}

/// What HTTP is served with, so that it may cross a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM file with the certificate, and those between it and the root.
    pub certificate: PathBuf,
    /// PEM file with its key.
    pub key: PathBuf,
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
        let tls = t.table("tls", Tls::read).flatten();
        // One that is faulty has a fault of its own.
        let has_tls = t.get("tls").is_some();
        let serve = Serve {
            socket: socket_path(t, "socket"),
            group: t.get("group").and_then(|node| group(&node)),
            read_socket: socket_path(t, "read_socket"),
            read_group: t.get("read_group").and_then(|node| group(&node)),
            http: t.get("http").and_then(|node| address(&node, has_tls)),
            tls,
            hub: pick(t, "hub", &hub),
        };
        if let (Hub::Required, None, Some(node)) = (serve.hub, &serve.socket, t.get("hub")) {
            node.fault_for_check(
                "has no effect without `socket`: messages are sent without the hub",
                format!("add socket = {DEFAULT_SOCKET:?}, or where the hub listens"),
            );
        }
        serve
    }
}

/// The path of a socket. What is too long for one can neither be listened on nor connected to.
fn socket_path(t: &Table, key: &'static str) -> Option<PathBuf> {
    let node = t.get(key)?;
    let path = node.path()?;
    if let Err(what) = socket::fits(&path) {
        node.fault_for_check(what, "name a shorter one, such as below /run");
    }
    Some(path)
}

impl Tls {
    fn read(t: &Table) -> Option<Self> {
        t.require("certificate", "add certificate = \"FILE\", in PEM");
        t.require("key", "add key = \"FILE\", in PEM");
        Some(Self {
            certificate: t.path("certificate")?,
            key: t.path("key")?,
        })
    }
}

/// An address with a port to serve HTTP on: without TLS, one of this machine alone.
///
/// # Errors
///
/// What to write instead.
pub fn http_address(address: &str, has_tls: bool) -> Result<SocketAddr, &'static str> {
    let address: SocketAddr = address
        .parse()
        .map_err(|_| "write it as 127.0.0.1:PORT or [::1]:PORT")?;
    match has_tls || address.ip().is_loopback() {
        true => Ok(address),
        false => Err(
            "codes would cross the network in the open: listen on 127.0.0.1 or [::1], or set [serve] tls",
        ),
    }
}

fn address(node: &Node, has_tls: bool) -> Option<SocketAddr> {
    let word = node.word()?;
    match http_address(&word, has_tls) {
        Ok(address) => Some(address),
        Err(remedy) => {
            node.fault(
                format!("{:?} is not an address that it can listen on", word.value),
                remedy,
            );
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
            "[serve]\nsocket = \"/run/t.sock\"\ngroup = \"0\"\nread_socket = \"/run/r.sock\"\nread_group = \"0\"\nhttp = \"[::1]:8025\"\nhub = \"required\"",
        );
        assert_eq!(faults, Vec::<String>::new());
        let wanted = Serve {
            socket: Some("/run/t.sock".into()),
            group: Some(0),
            read_socket: Some("/run/r.sock".into()),
            read_group: Some(0),
            http: Some("[::1]:8025".parse().unwrap()),
            tls: None,
            hub: Hub::Required,
        };
        assert_eq!(serve, wanted);
    }

    #[test]
    fn with_tls_it_may_be_served_to_others() {
        let (serve, faults) = read(
            "[serve]\nhttp = \"0.0.0.0:8443\"\ntls = { certificate = \"/etc/c.pem\", key = \"/etc/k.pem\" }",
        );
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(serve.http, "0.0.0.0:8443".parse().ok());
        assert_eq!(serve.tls.unwrap().key, PathBuf::from("/etc/k.pem"));
        let (serve, faults) = read("[serve]\ntls = { certificate = \"/etc/c.pem\" }");
        assert_eq!((serve.tls, faults.len()), (None, 1));
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

    /// What only `check` tells.
    fn told(text: &str) -> Vec<(usize, String, String)> {
        let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
        assert_eq!(reading.faults, [], "{text}");
        let told = reading.config.for_check.into_iter();
        told.map(|fault| (fault.line, fault.key, fault.message))
            .collect()
    }

    #[test]
    fn a_hub_that_is_required_has_a_socket() {
        let faults = told("[serve]\nhub = \"required\"");
        assert_eq!((faults[0].0, faults[0].1.as_str()), (2, "serve.hub"));
        assert_eq!(told("[serve]\nhub = \"preferred\""), []);
        assert_eq!(told("[serve]\nsocket = \"/run/a\"\nhub = \"required\""), []);
    }

    #[test]
    fn a_sockets_path_is_short_enough() {
        let path = |bytes: usize| format!("/{}", "s".repeat(bytes - 1));
        for key in ["socket", "read_socket"] {
            let faults = told(&format!("[serve]\n{key} = {:?}", path(108)));
            assert_eq!((faults[0].0, &faults[0].1), (2, &format!("serve.{key}")));
            assert!(faults[0].2.contains("108 bytes"), "{faults:?}");
            assert_eq!(told(&format!("[serve]\n{key} = {:?}", path(107))), []);
        }
        // A relative path begins at the configuration's folder.
        let relative = "s".repeat(100);
        assert_eq!(told(&format!("[serve]\nsocket = {relative:?}")).len(), 1);
    }
}
