//! `connect_to`: a sender's exchanges go to another address, and otherwise stay what they are.
//!
//! For a test against a provider that is played on this machine, or a gateway that takes a
//! provider's place. The plugin sees nothing of it: the request is as it was composed, its `Host`
//! included. On loopback it goes without TLS, because what is played there has no certificate for
//! the provider's name; to any other machine TLS stays, for the provider's name.

use http::header::{HOST, HeaderMap, HeaderValue};
use textsender_plugin_api::FailureKind;
use url::Url;

use crate::transport::egress::is_loopback;

/// An address that takes the place of every host.
pub(super) struct ConnectTo {
    host: String,
    port: u16,
}

impl ConnectTo {
    /// Reads `HOST:PORT`, as the configuration has checked it.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        Some(Self {
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }

    /// Leads a request there.
    pub(super) fn redirect(
        &self,
        url: &mut Url,
        headers: &mut HeaderMap,
    ) -> Result<(), FailureKind> {
        let name = url.host_str().ok_or(FailureKind::Malformed)?;
        let port = url.port().map(|port| format!(":{port}"));
        let authority = format!("{name}{}", port.unwrap_or_default());
        let host = HeaderValue::try_from(authority).map_err(|_| FailureKind::Malformed)?;
        headers.entry(HOST).or_insert(host);
        let led = match is_loopback(self.host()) {
            true => url.set_scheme("http").is_ok() && self.take_place_of(url),
            // The name is the provider's, for TLS; the connection is made to the address.
            false => url.set_port(None).is_ok(),
        };
        led.then_some(()).ok_or(FailureKind::Malformed)
    }

    /// The host, without brackets.
    pub(super) fn host(&self) -> &str {
        self.host.trim_matches(['[', ']'])
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    fn take_place_of(&self, url: &mut Url) -> bool {
        url.set_host(Some(&self.host)).is_ok() && url.set_port(Some(self.port)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_away_and_keeps_the_name() {
        let cases = [
            // On this machine without TLS, to any other with it.
            (
                "127.0.0.1:8080",
                "https://api.acme.example/sms?x=1",
                "http://127.0.0.1:8080/sms?x=1",
                "api.acme.example",
            ),
            (
                "[::1]:8080",
                "https://api.acme.example:8443/",
                "http://[::1]:8080/",
                "api.acme.example:8443",
            ),
            (
                "gateway.example:9443",
                "https://api.acme.example:8443/sms",
                "https://api.acme.example/sms",
                "api.acme.example:8443",
            ),
        ];
        for (to, from, expected, name) in cases {
            let mut url: Url = from.parse().unwrap();
            let mut headers = HeaderMap::new();
            let connect_to = ConnectTo::parse(to).unwrap();
            connect_to.redirect(&mut url, &mut headers).unwrap();
            assert_eq!(url.as_str(), expected, "{to}");
            assert_eq!(headers[HOST], name, "{to}");
        }
    }
}
