//! The hosts that a sender's settings name: a plugin may talk to those in settings that its schema
//! marks, and to no other.
//!
//! | in the schema | means |
//! |---|---|
//! | `"x-textsender-host": true` | the setting is a host name, an address, `HOST:PORT` or a URL |
//! | `"x-textsender-port": true` | the setting is the port of the host beside it |
//!
//! A URL has its own port. That of any other host is the marked setting beside it, else, as for plugins
//! of ABI 1.0, an integer beside it with the name `port`, else the one in `HOST:PORT`, else those of
//! HTTPS and of mail.

use serde_json::Value;
use textsender_plugin_api::SECRET_KEY;
use url::Url;

use crate::transport::NamedHost;

/// The ports of a host for which nothing names one: HTTPS, and mail's relay and submission.
const USUAL_PORTS: &[u16] = &[443, 25, 465, 587];

/// How deep settings and references may nest.
const MAX_DEPTH: usize = 32;

/// The most steps through a schema, which a plugin may have made to have no end.
const MAX_STEPS: usize = 10_000;

/// The hosts in the marked settings.
pub(super) fn marked(schema: &Value, settings: &Value) -> Vec<NamedHost> {
    let mut marked = Marked::new(schema);
    marked.object(schema, settings, 0);
    marked.hosts
}

/// Whether a setting is marked as a host.
pub fn is_marked(schema: &Value, key: &str) -> bool {
    let mut marked = Marked::new(schema);
    marked.is_marked(&schema["properties"][key], "x-textsender-host", 0)
}

/// Every setting that names a host, or could, whether it is marked or not: its path, and the host.
pub fn all(settings: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    each_text(settings, "", &mut |path, text| {
        found.extend(target(text).map(|(host, _)| (path.to_owned(), host)));
    });
    found
}

struct Marked<'s> {
    root: &'s Value,
    steps: usize,
    hosts: Vec<NamedHost>,
}

impl<'s> Marked<'s> {
    fn new(schema: &'s Value) -> Self {
        Self {
            root: schema,
            steps: MAX_STEPS,
            hosts: Vec::new(),
        }
    }

    /// Looks at the members of an object.
    fn object(&mut self, schema: &'s Value, value: &Value, depth: usize) {
        for schema in self.branches(schema, depth) {
            let members = value.as_object().into_iter().flatten();
            for (key, member) in members {
                let property = match &schema["properties"][key] {
                    Value::Null => &schema["additionalProperties"],
                    property => property,
                };
                self.member(schema, property, value, member, depth + 1);
            }
        }
    }

    /// One member of `beside`, which `object` describes.
    fn member(
        &mut self,
        object: &'s Value,
        property: &'s Value,
        beside: &Value,
        value: &Value,
        depth: usize,
    ) {
        match value {
            Value::String(text) => {
                if !self.is_marked(property, "x-textsender-host", depth) {
                    return;
                }
                let Some((host, port)) = target(text) else {
                    return;
                };
                let port = match url_port(text) {
                    Some(port) => Some(port),
                    None => self.port_beside(object, beside).or(port),
                };
                self.hosts.push(NamedHost {
                    host,
                    ports: port.map_or_else(|| USUAL_PORTS.to_vec(), |port| vec![port]),
                });
            }
            Value::Array(values) => {
                for schema in self.branches(property, depth) {
                    for value in values {
                        self.member(object, &schema["items"], beside, value, depth + 1);
                    }
                }
            }
            Value::Object(_) => self.object(property, value, depth),
            _ => {}
        }
    }

    /// The port of the hosts in an object.
    fn port_beside(&mut self, object: &'s Value, values: &Value) -> Option<u16> {
        let properties = object["properties"].as_object()?;
        let marked = properties
            .iter()
            .find(|(_, property)| self.is_marked(property, "x-textsender-port", 0));
        let (key, property) = match marked {
            Some((key, property)) => (key.as_str(), property),
            None => ("port", properties.get("port")?),
        };
        let port = values.get(key).or_else(|| property.get("default"))?;
        u16::try_from(port.as_u64()?).ok()
    }

    fn is_marked(&mut self, schema: &'s Value, mark: &str, depth: usize) -> bool {
        let branches = self.branches(schema, depth);
        branches.iter().any(|schema| schema[mark] == true)
    }

    /// A schema and all that apply beside it or in its place, references followed.
    fn branches(&mut self, schema: &'s Value, depth: usize) -> Vec<&'s Value> {
        let mut found: Vec<&'s Value> = Vec::new();
        let mut open = vec![(schema, depth)];
        while let Some((schema, depth)) = open.pop() {
            let is_new = || {
                !found
                    .iter()
                    .any(|seen| std::ptr::eq::<Value>(*seen, schema))
            };
            if depth > MAX_DEPTH || self.steps == 0 || !schema.is_object() || !is_new() {
                continue;
            }
            self.steps -= 1;
            let reference = schema["$ref"].as_str();
            let target = reference.and_then(|at| self.root.pointer(at.strip_prefix('#')?));
            open.extend(target.map(|target| (target, depth + 1)));
            for key in ["anyOf", "oneOf", "allOf"] {
                let branches = schema[key].as_array().into_iter().flatten();
                open.extend(branches.map(|branch| (branch, depth + 1)));
            }
            found.push(schema);
        }
        found
    }
}

/// The port of a URL that names a host.
fn url_port(text: &str) -> Option<u16> {
    let url = Url::parse(text).ok().filter(Url::has_host)?;
    url.port_or_known_default()
}

/// The host that a text names, in a URL or by itself, and the port with it.
fn target(text: &str) -> Option<(String, Option<u16>)> {
    if let Ok(url) = Url::parse(text)
        && let Some(host) = url.host_str()
    {
        let host = host.trim_matches(['[', ']']).to_owned();
        return Some((host, url.port_or_known_default()));
    }
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !is_address => (host.trim_matches(['[', ']']), port.parse().ok()),
        _ => (text.trim_matches(['[', ']']), None),
    };
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    let is_host = (1..=253).contains(&host.len()) && host.bytes().all(fits);
    is_host.then(|| (host.to_owned(), port))
}

/// Every text in the settings that is no secret, with the path of its setting.
fn each_text(value: &Value, path: &str, seen: &mut impl FnMut(&str, &str)) {
    let join = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::String(text) => seen(path, text),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, path, seen)),
        Value::Object(members) if !members.contains_key(SECRET_KEY) => {
            for (key, member) in members {
                each_text(member, &join(key), seen);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hosts(properties: Value, settings: Value) -> Vec<(String, Vec<u16>)> {
        let schema = json!({
            "properties": properties,
            "$defs": {
                "Url": { "type": "string", "x-textsender-host": true },
                "Endless": { "anyOf": [{ "$ref": "#/$defs/Endless" }, { "$ref": "#/$defs/Endless" }] },
            },
        });
        let mut hosts: Vec<_> = marked(&schema, &settings)
            .into_iter()
            .map(|named| (named.host, named.ports))
            .collect();
        hosts.sort();
        hosts
    }

    #[test]
    fn only_marked_settings_name_hosts() {
        let host = || json!({ "type": "string", "x-textsender-host": true });
        let properties = json!({
            "base_url": { "anyOf": [{ "$ref": "#/$defs/Url" }, { "type": "null" }] },
            "from": { "type": "string" },
            "status_callback": { "type": "string", "format": "uri" },
            "account_sid": { "type": "string" },
            "more": { "type": "array", "items": host() },
            "deep": { "properties": { "server": host(), "port": { "type": "integer", "default": 2525 } } },
            "endless": { "$ref": "#/$defs/Endless" },
        });
        let settings = json!({
            "base_url": "https://api.acme.example:8443/v1",
            "from": "others.example",
            "status_callback": "https://callback.example",
            "account_sid": "AC0123",
            "more": ["http://[::1]:81", "a.example", "b.example:99", "::1"],
            "deep": { "server": "smtp.example.org" },
            "endless": "endless.example",
        });
        let usual = USUAL_PORTS.to_vec();
        let expected = [
            ("::1", vec![81]),
            ("::1", usual.clone()),
            ("a.example", usual),
            ("api.acme.example", vec![8443]),
            ("b.example", vec![99]),
            ("smtp.example.org", vec![2525]),
        ];
        let expected = expected.map(|(host, ports)| (host.to_owned(), ports));
        assert_eq!(hosts(properties, settings), expected);
    }

    /// A mail server's port is not that of the token server beside it.
    #[test]
    fn a_url_has_its_own_port() {
        let host = json!({ "x-textsender-host": true });
        let properties = json!({
            "server": host, "token_url": host,
            "port": { "type": "integer", "x-textsender-port": true },
        });
        for (url, port) in [
            ("https://token.example/t", 443),
            ("http://token.example:81", 81),
        ] {
            let settings = json!({ "server": "mail.example", "port": 587, "token_url": url });
            let expected = [
                ("mail.example".to_owned(), vec![587]),
                ("token.example".to_owned(), vec![port]),
            ];
            assert_eq!(hosts(properties.clone(), settings), expected);
        }
    }

    #[test]
    fn a_port_is_the_marked_one_then_the_one_of_that_name_then_the_urls() {
        let host = json!({ "x-textsender-host": true });
        let marked = json!({
            "server": host, "port": { "type": "integer" },
            "submission": { "type": "integer", "x-textsender-port": true },
        });
        let settings = json!({ "server": "a.example", "port": 1, "submission": 2 });
        assert_eq!(
            hosts(marked, settings.clone()),
            [("a.example".into(), vec![2])]
        );
        let named = json!({ "server": host, "port": { "type": "integer" } });
        assert_eq!(hosts(named, settings), [("a.example".into(), vec![1])]);
        let url = json!({ "server": host });
        for (server, port) in [("https://a.example", 443), ("http://a.example", 80)] {
            let found = hosts(url.clone(), json!({ "server": server }));
            assert_eq!(found, [("a.example".into(), vec![port])]);
        }
    }

    #[test]
    fn a_setting_is_named_by_its_path() {
        let settings = json!({
            "more": { "server": "Others.example" },
            "token": { SECRET_KEY: "others.example" },
            "from": "https://others.example/x",
        });
        let expected = [
            ("from", "others.example"),
            ("more.server", "Others.example"),
        ];
        let expected = expected.map(|(path, host)| (path.to_owned(), host.to_owned()));
        assert_eq!(all(&settings), expected);
    }
}
