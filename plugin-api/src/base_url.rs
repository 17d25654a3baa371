//! Where a provider's API is: a setting that names a host.

use std::{borrow::Cow, net::IpAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// The address of an API: `https:`, or `http:` to this machine, without query, fragment or
/// credentials, and without a slash at its end.
///
/// The JSON Schema marks it with `x-textsender-host`: a plugin may talk to the hosts that it
/// declares and to those in settings with this mark.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The address, to put a path after it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        let scheme_and_rest = url.split_once("://").filter(|(_, rest)| !rest.is_empty());
        let (scheme, rest) = scheme_and_rest.ok_or("expected https://api.example.org or alike")?;
        if !url.bytes().all(|b| b.is_ascii_graphic()) || url.contains(['?', '#', '@', '\\']) {
            return Err("the address may hold no query, fragment, credentials or spaces");
        }
        match scheme {
            "https" => {}
            "http" if is_loopback(rest) => {}
            "http" => return Err("only https://, or http:// to this machine"),
            _ => return Err("the address must begin with https://"),
        }
        Ok(Self(url.trim_end_matches('/').to_owned()))
    }
}

/// Whether the host, with or without a port, is this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        // The colon may be one of an IPv6 address, which stands in brackets.
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl JsonSchema for BaseUrl {
    fn schema_name() -> Cow<'static, str> {
        "BaseUrl".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uri", "x-textsender-host": true })
    }
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;

    #[test]
    fn takes_tls_and_this_machine_only() {
        let cases = [
            ("https://api.example.org", Ok("https://api.example.org")),
            ("https://api.example.org/", Ok("https://api.example.org")),
            ("https://10.0.0.7:8443/sms", Ok("https://10.0.0.7:8443/sms")),
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080")),
            ("http://127.9.9.9", Ok("http://127.9.9.9")),
            ("http://[::1]:8080/", Ok("http://[::1]:8080")),
            ("http://[::1]", Ok("http://[::1]")),
            ("http://localhost:8080", Ok("http://localhost:8080")),
            ("http://api.example.org", Err("only https://")),
            ("http://10.0.0.7", Err("only https://")),
            ("http://127.0.0.1.example.org", Err("only https://")),
            ("http://127.0.0.1@evil.example", Err("credentials")),
            ("https://me:pass@api.example.org", Err("credentials")),
            ("https://api.example.org/?x=1", Err("query")),
            ("https://api.example.org/#x", Err("query")),
            ("https://api.example.org/ x", Err("spaces")),
            ("https://api.exämple.org", Err("may hold no")),
            ("ftp://api.example.org", Err("begin with https://")),
            ("api.example.org", Err("expected https://")),
            ("https://", Err("expected https://")),
            ("", Err("expected https://")),
        ];
        for (given, expected) in cases {
            let url = BaseUrl::try_from(given.to_owned());
            match (url, expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url.as_str(), expected),
                (Err(words), Err(expected)) => {
                    assert!(words.contains(expected), "{given}: {words}")
                }
                (url, _) => panic!("{given}: {:?}", url.map(|url| url.0)),
            }
        }
    }
}
