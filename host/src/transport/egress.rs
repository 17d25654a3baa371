//! To whom a sender may talk.
//!
//! | host | ports | addresses |
//! |---|---|---|
//! | declared by the plugin, a name of two labels or more | 443 | none of this machine or its link |
//! | in a setting that the plugin marks as a host | the setting's, see [`NamedHost`] | any: the administrator chose it |
//!
//! A host that is both is the setting's: a declaration does not open further ports of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Where a declared host is reached: by HTTPS.
const HTTPS: u16 = 443;

/// The hosts that one sender may reach.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    declared: Vec<String>,
    named: Vec<NamedHost>,
}

/// A host that a setting names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHost {
    /// The name or address, without brackets.
    pub host: String,
    /// The ports at which it may be reached.
    pub ports: Vec<u16>,
}

impl Egress {
    /// `declared` by the plugin, where `*` stands for one label; `named` in marked settings.
    pub fn new(
        declared: impl IntoIterator<Item = String>,
        named: impl IntoIterator<Item = NamedHost>,
    ) -> Self {
        let named = named.into_iter().map(|named| NamedHost {
            host: normal(&named.host),
            ..named
        });
        let declared = declared.into_iter().map(|host| normal(&host));
        Self {
            declared: declared.filter(|host| is_definite(host)).collect(),
            named: named.collect(),
        }
    }

    /// The same with further hosts that settings name.
    pub fn with_named(&self, named: impl IntoIterator<Item = NamedHost>) -> Self {
        let declared = self.declared.iter().cloned();
        Self::new(declared, self.named.iter().cloned().chain(named))
    }

    /// Whether the sender may reach this host, a name or an address without brackets, at this port.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        let host = normal(host);
        let mut named = self.named.iter().filter(|named| named.host == host);
        if let Some(first) = named.next() {
            return first.ports.contains(&port) || named.any(|other| other.ports.contains(&port));
        }
        // A plugin declares names of the outside.
        port == HTTPS
            && self.declared.iter().any(|pattern| covers(pattern, &host))
            && !is_here(&host)
    }

    /// Whether a marked setting names this host.
    pub fn names(&self, host: &str) -> bool {
        let host = normal(host);
        self.named.iter().any(|named| named.host == host)
    }

    /// Whether a name may resolve to this address. A name that a plugin declares may not lead to
    /// this machine or its link: that is how a plugin would reach what only the host can. A name
    /// in the settings is the administrator's choice.
    pub fn allows_address(&self, name: &str, address: IpAddr) -> bool {
        self.names(name) || !is_own(address)
    }
}

/// In lower case, without the dot that ends a name at the root.
fn normal(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.to_ascii_lowercase()
}

/// Whether a declaration means a domain: an address, or a name with two labels that are no `*`.
fn is_definite(pattern: &str) -> bool {
    let labels = pattern.split('.').filter(|label| *label != "*");
    pattern.parse::<IpAddr>().is_ok() || labels.count() >= 2
}

/// Whether a name has the labels of a pattern, of which `*` is any one.
fn covers(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut labels) = (pattern.split('.'), name.split('.'));
    loop {
        match (patterns.next(), labels.next()) {
            (None, None) => return true,
            (Some("*"), Some(label)) if !label.is_empty() => {}
            (Some(pattern), Some(label)) if pattern == label => {}
            _ => return false,
        }
    }
}

/// Whether a host leads to this machine or its link whatever the resolver says.
fn is_here(host: &str) -> bool {
    is_loopback(host)
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|address: IpAddr| is_own(address))
}

/// An address of this machine or its link, or of no one machine.
fn is_own(address: IpAddr) -> bool {
    let v4 = |v4: Ipv4Addr| {
        v4.is_loopback()
            || v4.is_link_local()
            || v4.is_unspecified()
            || v4.is_multicast()
            || v4.is_broadcast()
    };
    let v6 = |v6: Ipv6Addr| {
        v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast()
    };
    let address = address.to_canonical();
    let is_special = match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    };
    // The system binds a socket to the addresses of its own interfaces alone.
    is_special || UdpSocket::bind((address, 0)).is_ok()
}

/// Whether a host, as it stands in a URL, is this machine whatever the resolver says.
pub fn is_loopback(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(hosts: &[&str]) -> Egress {
        Egress::new(hosts.iter().map(ToString::to_string), [])
    }

    fn named(host: &str, ports: &[u16]) -> NamedHost {
        NamedHost {
            host: host.to_owned(),
            ports: ports.to_vec(),
        }
    }

    #[test]
    fn only_declared_and_named_hosts() {
        let egress = declared(&[
            "api.acme.example",
            "*.edge.acme.example",
            "localhost",
            "localhost.",
            "169.254.169.254",
            "203.0.113.7",
            "::1",
        ]);
        let egress = egress.with_named([named("Gateway.example", &[443])]);
        let cases = [
            ("api.acme.example", true),
            ("API.acme.example.", true),
            ("gateway.example", true),
            ("203.0.113.7", true),
            ("a.edge.acme.example", true),
            (".edge.acme.example", false),
            ("edge.acme.example", false),
            ("a.b.edge.acme.example", false),
            ("api.acme.example.evil.example", false),
            ("169.254.169.254", false),
            ("::1", false),
            ("localhost", false),
            ("LOCALHOST", false),
            ("localhost.", false),
        ];
        for (host, allowed) in cases {
            assert_eq!(egress.allows(host, 443), allowed, "{host}");
        }
        assert!(!egress.allows("api.acme.example", 8443));
    }

    #[test]
    fn this_machine_is_told_by_its_name_and_its_addresses() {
        for (host, is_this) in [
            ("localhost", true),
            ("LocalHost.", true),
            ("127.0.0.1", true),
            ("127.0.0.1.", true),
            ("127.8.9.10", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("localhost..", false),
            ("localhost.example", false),
            ("203.0.113.7", false),
        ] {
            assert_eq!(is_loopback(host), is_this, "{host}");
        }
    }

    #[test]
    fn a_named_host_is_reached_at_its_ports_alone() {
        let egress = declared(&["both.acme.example"]).with_named([
            named("127.0.0.1", &[8080]),
            named("127.0.0.1", &[9090]),
            named("both.acme.example", &[8443]),
        ]);
        for (host, port, allowed) in [
            ("127.0.0.1", 8080, true),
            ("127.0.0.1", 9090, true),
            ("127.0.0.1", 443, false),
            ("127.0.0.1", 22, false),
            ("both.acme.example", 8443, true),
            // It may lead to this machine, where nothing but the named port is open.
            ("both.acme.example", 443, false),
        ] {
            assert_eq!(egress.allows(host, port), allowed, "{host}:{port}");
        }
    }

    #[test]
    fn a_pattern_names_a_domain() {
        for (pattern, host) in [
            ("*", "acme"),
            ("*.example", "acme.example"),
            ("*.*", "acme.example"),
            ("intranet", "intranet"),
        ] {
            assert!(!declared(&[pattern]).allows(host, 443), "{pattern}");
        }
        assert!(declared(&["*.acme.example"]).allows("api.acme.example", 443));
    }

    #[test]
    fn declared_names_stay_off_this_machine() {
        let egress = declared(&["api.acme.example"]).with_named([named("intern.example", &[443])]);
        for address in [
            "127.0.0.1",
            "169.254.1.1",
            "::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
        ] {
            let address = address.parse().unwrap();
            assert!(
                !egress.allows_address("api.acme.example", address),
                "{address}"
            );
            assert!(
                egress.allows_address("intern.example", address),
                "{address}"
            );
        }
        assert!(egress.allows_address("api.acme.example", "203.0.113.1".parse().unwrap()));
    }

    /// The address by which this machine would reach the outside. Nothing is sent.
    #[test]
    fn declared_names_stay_off_this_machines_own_addresses() {
        let outside = UdpSocket::bind("0.0.0.0:0").unwrap();
        // Without a route there is no such address, and loopback stands for it.
        let own = match outside.connect("203.0.113.1:9") {
            Ok(()) => outside.local_addr().unwrap().ip(),
            Err(_) => Ipv4Addr::LOCALHOST.into(),
        };
        let egress = declared(&["api.acme.example", &own.to_string()]);
        assert!(!egress.allows_address("api.acme.example", own), "{own}");
        assert!(!egress.allows(&own.to_string(), 443), "{own}");
    }
}
