//! Until when the servers' certificates are valid.
//!
//! Each server that is reached by TLS is asked for its own, by the beginning of a connection that goes no further: a
//! standby, too, whose day has not come yet. What a server said last stands in a file of the state folder, for while
//! it is away.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime;
use tokio::time::timeout;

use super::address::hosts;
use crate::config;
use crate::ledger::folder::Folder;
use crate::net::{self, Lookups, Resolver};
use crate::trust;

/// The server of each certificate, and its end.
pub(super) fn look(folder: &Path, shared: &config::Shared) -> Vec<(String, Timestamp)> {
    let hosts = hosts(shared);
    let file = folder.join(FILE);
    let kept = trust::read_to_string(&file).unwrap_or_default();
    let known: BTreeMap<&str, i64> = kept.lines().filter_map(read).collect();
    let within = shared.timeout / u32::try_from(hosts.len()).unwrap_or(1).max(1);
    let ends = hosts.iter().filter_map(|(host, port)| {
        let name = net::peer(host, *port);
        let seen = ask(host, *port, shared, within).map(Timestamp::as_second);
        let end = seen.or_else(|| known.get(&*name).copied())?;
        Some((name, end))
    });
    let ends: Vec<(String, i64)> = ends.collect();
    let lines: String = ends
        .iter()
        .map(|(name, end)| format!("{name} {end}\n"))
        .collect();
    if !ends.is_empty()
        && let Err(error) = Folder::prepare(folder).and_then(|folder| folder.keep(FILE, &lines))
    {
        tracing::warn!(%error, "how long the database's certificates last can't be kept");
    }
    let read = |(name, end)| Some((name, Timestamp::from_second(end).ok()?));
    ends.into_iter().filter_map(read).collect()
}

fn read(line: &str) -> Option<(&str, i64)> {
    let (name, end) = line.rsplit_once(' ')?;
    Some((name, end.parse().ok()?))
}

/// `None`: it does not answer, or without TLS.
fn ask(host: &str, port: u16, shared: &config::Shared, within: Duration) -> Option<Timestamp> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let tls = net::client(shared.ca_file.as_deref()).ok()?;
    runtime.ok()?.block_on(async {
        let asked = async {
            let resolver = Resolver::new(Arc::new(|_, _| true), &Lookups::default());
            let mut stream = net::connect(host, port, &resolver, within).await.ok()?;
            stream.write_all(&SSL_REQUEST).await.ok()?;
            let is_willing = stream.read_u8().await.ok()? == b'S';
            let shaken = match is_willing {
                true => net::handshake(stream, host, port, Arc::new(tls)).await,
                false => return None,
            };
            match shaken {
                Ok(stream) => net::valid_until_of(&stream),
                Err(error) => error.cause().expired_at(),
            }
        };
        timeout(within, asked).await.ok().flatten()
    })
}

/// Asks for TLS (PostgreSQL's "Message Formats", SSLRequest).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// The file in the state folder.
const FILE: &str = "ledger.certificates";
