//! To whom a sender may talk.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The hosts that one sender may reach: those that its plugin declares and those that its settings
/// name.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    declared: Vec<String>,
    named: Vec<String>,
}

impl Egress {
    /// `declared` by the plugin, where `*` stands for one label; `named` in the settings.
    pub fn new(
        declared: impl IntoIterator<Item = String>,
        named: impl IntoIterator<Item = String>,
    ) -> Self {
        let lower = |host: String| host.to_ascii_lowercase();
        Self {
            declared: declared.into_iter().map(lower).collect(),
            named: named.into_iter().map(lower).collect(),
        }
    }

    /// Whether the sender may reach this host, a name or an address without brackets. A plugin
    /// declares names of the outside: neither this machine nor an address on its link.
    pub fn allows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let declared = || self.declared.iter().any(|pattern| covers(pattern, &host));
        self.named.contains(&host) || (declared() && !is_here(&host))
    }

    /// Whether a name may resolve to this address. A name that a plugin declares may not lead to
    /// this machine or its link: that is how a plugin would reach what only the host can. A name
    /// in the settings is the administrator's choice.
    pub fn allows_address(&self, name: &str, address: IpAddr) -> bool {
        let named = self
            .named
            .iter()
            .any(|host| host.eq_ignore_ascii_case(name));
        named || !is_local(address)
    }
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
        || host.parse().is_ok_and(|address: IpAddr| is_local(address))
}

/// Loopback, link-local or unspecified.
fn is_local(address: IpAddr) -> bool {
    let v4 = |v4: Ipv4Addr| v4.is_loopback() || v4.is_link_local() || v4.is_unspecified();
    let v6 = |v6: Ipv6Addr| v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified();
    match address.to_canonical() {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

/// Whether a host, as it stands in a URL, is this machine whatever the resolver says.
pub fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_declared_and_named_hosts() {
        let hosts = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let egress = Egress::new(
            hosts(&[
                "api.acme.example",
                "*.edge.acme.example",
                "localhost",
                "169.254.169.254",
                "::1",
            ]),
            hosts(&["Gateway.example"]),
        );
        let cases = [
            ("api.acme.example", true),
            ("API.acme.example", true),
            ("gateway.example", true),
            ("a.edge.acme.example", true),
            (".edge.acme.example", false),
            ("edge.acme.example", false),
            ("a.b.edge.acme.example", false),
            ("api.acme.example.evil.example", false),
            ("169.254.169.254", false),
            ("::1", false),
            ("localhost", false),
            ("LOCALHOST", false),
        ];
        for (host, allowed) in cases {
            assert_eq!(egress.allows(host), allowed, "{host}");
        }
    }

    #[test]
    fn declared_names_stay_off_this_machine() {
        let egress = Egress::new(["api.acme.example".into()], ["intern.example".into()]);
        for address in [
            "127.0.0.1",
            "169.254.1.1",
            "::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
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
}
