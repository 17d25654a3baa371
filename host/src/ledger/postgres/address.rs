//! Where the database is: `[state.shared] url`, as the library reads it.

use tokio_postgres::config::Host;
use tokio_postgres::{Config, Error};

use crate::config;

/// What the library makes of it.
pub(super) fn address(shared: &config::Shared) -> Result<Config, Error> {
    shared.address().parse()
}

/// The servers across the network, each with its port.
pub(super) fn hosts(shared: &config::Shared) -> Vec<(String, u16)> {
    let Ok(address) = address(shared) else {
        return Vec::new();
    };
    let ports = address.get_ports();
    let hosts = address.get_hosts().iter().enumerate();
    let distant = hosts.filter_map(|(index, host)| match host {
        Host::Tcp(name) => Some((name.clone(), port_of(ports, index))),
        Host::Unix(_) => None,
    });
    distant.collect()
}

/// One port may stand for all hosts.
pub(super) fn port_of(ports: &[u16], index: usize) -> u16 {
    ports.get(index).or(ports.first()).copied().unwrap_or(5432)
}

/// How a database is named in messages: its hosts, without a user.
pub(in crate::ledger) fn server(shared: &config::Shared) -> String {
    let Ok(address) = address(shared) else {
        return "the shared ledger".to_owned();
    };
    let hosts = address.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) => folder.display().to_string(),
    });
    hosts.collect::<Vec<_>>().join(", ")
}
