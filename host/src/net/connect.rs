//! Addresses become a connection.

use std::{net::IpAddr, time::Duration};

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{Cause, NetError, Resolver, peer};

/// A TCP connection to `host`, within this time, without Nagle's delay.
///
/// An address of the other family is tried beside a first one that is slow, and a dead one takes
/// no more than its share of the time from the next (RFC 8305): this is the connector that HTTP
/// has, too.
///
/// # Errors
///
/// The name does not resolve, or none of its addresses answers.
pub async fn connect(
    host: &str,
    port: u16,
    resolver: &Resolver,
    within: Duration,
) -> Result<TcpStream, NetError> {
    let failed = |cause| NetError::new(peer(host, port), cause);
    let mut connector = HttpConnector::new_with_resolver(resolver.clone());
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(within));
    let uri = uri(host, port).ok_or_else(|| failed(Cause::NotAHost))?;
    match tokio::time::timeout(within, connector.call(uri)).await {
        Ok(Ok(stream)) => Ok(stream.into_inner()),
        Ok(Err(error)) => Err(failed(Cause::of(&error))),
        Err(_) => Err(failed(Cause::TimedOut)),
    }
}

fn uri(host: &str, port: u16) -> Option<Uri> {
    let authority = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]:{port}"),
        _ => format!("{host}:{port}"),
    };
    let uri = Uri::builder().scheme("tcp").authority(authority);
    uri.path_and_query("/").build().ok()
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc};

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;
    use crate::net::Lookups;

    /// An address that never answers, as behind a firewall, for as long as this lives: its queue is full.
    struct Dead {
        address: SocketAddr,
        _listener: TcpListener,
        _queued: Vec<TcpStream>,
    }

    impl Dead {
        /// `None` if this machine has no such address.
        async fn at(ip: &str, port: u16) -> Option<Self> {
            let ip: IpAddr = ip.parse().unwrap();
            let socket = match ip {
                IpAddr::V4(_) => TcpSocket::new_v4(),
                IpAddr::V6(_) => TcpSocket::new_v6(),
            };
            let socket = socket.ok()?;
            socket.bind(SocketAddr::new(ip, port)).ok()?;
            let listener = socket.listen(1).ok()?;
            let address = listener.local_addr().ok()?;
            let mut queued = Vec::new();
            let wait = Duration::from_millis(200);
            while let Ok(stream) = tokio::time::timeout(wait, TcpStream::connect(address)).await {
                queued.push(stream.ok()?);
            }
            Some(Self {
                address,
                _listener: listener,
                _queued: queued,
            })
        }
    }

    /// HTTP and SMTP both connect here. Of the other family the next one is tried beside it; of the same one, after its share of the time.
    #[tokio::test]
    async fn a_dead_first_address_does_not_keep_from_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        let port = alive.port();
        let mut tried = 0;
        for ip in ["127.0.0.2", "::1"] {
            let Some(dead) = Dead::at(ip, port).await else {
                continue;
            };
            let resolver = Resolver::playing(&[dead.address, alive]);
            let within = Duration::from_secs(4);
            let stream = connect("mail.example.org", port, &resolver, within).await;
            assert_eq!(stream.unwrap().peer_addr().unwrap(), alive, "{ip}");
            tried += 1;
        }
        assert!(tried > 0);

        let dead = Dead::at("127.0.0.3", port).await.unwrap();
        let resolver = Resolver::playing(&[dead.address]);
        let within = Duration::from_millis(300);
        let error = connect("mail.example.org", port, &resolver, within).await;
        assert_eq!(error.unwrap_err().cause(), &Cause::TimedOut);
    }

    fn open() -> Resolver {
        Resolver::new(Arc::new(|_, _| true), &Lookups::default())
    }

    #[tokio::test]
    async fn connects_to_names_and_addresses() {
        for bound in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(bound).await else {
                continue;
            };
            let address = listener.local_addr().unwrap();
            let by_name = address.is_ipv4().then(|| "localhost".to_owned());
            for host in by_name.into_iter().chain([address.ip().to_string()]) {
                let stream = connect(&host, address.port(), &open(), Duration::from_secs(5)).await;
                assert!(stream.unwrap().nodelay().unwrap(), "{host}");
            }
        }
    }

    #[tokio::test]
    async fn an_error_names_host_port_and_cause() {
        let refused = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let SocketAddr::V4(address) = refused.local_addr().unwrap() else {
            unreachable!()
        };
        drop(refused);
        let error = connect("localhost", address.port(), &open(), Duration::from_secs(5)).await;
        let error = error.unwrap_err();
        assert_eq!(error.cause(), &Cause::Refused);
        assert_eq!(
            error.to_string(),
            format!("localhost:{}: the connection was refused", address.port())
        );

        let error = connect("no.such.name.invalid", 25, &open(), Duration::from_secs(20)).await;
        let words = error.unwrap_err().to_string();
        assert!(
            words.starts_with("no.such.name.invalid:25: the name does not resolve ("),
            "{words}"
        );
    }
}
