//! `[senders.NAME]`: one configured account with a provider.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::place::{Located, Place};
use super::sections::Http;
use super::table::{Node, Table};

/// One sender.
#[derive(Debug, Clone, PartialEq)]
pub struct Sender {
    /// The plugin's name: `"govuk-notify"` is `libtextsender_govuk_notify.so`.
    pub plugin: Located<String>,
    /// The most that one attempt may take.
    pub timeout: Duration,
    /// TCP ports to which the plugin itself may connect; `None`: sealed off.
    pub network: Option<Network>,
    /// What differs from `[http]`.
    pub http: Http,
    /// The plugin's settings. Only its own schema can say which are missing or wrong.
    pub settings: BTreeMap<String, Located<Setting>>,
    /// Where its section starts.
    pub place: Place,
}

/// A grant of connections of its own, for plugins that bring their own protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The ports; at least one.
    pub ports: Vec<u16>,
}

/// One setting of a sender.
#[derive(Clone, PartialEq)]
pub enum Setting {
    /// A value in the open.
    Value(toml::Value),
    /// A reference to a secret.
    Secret(SecretRef),
}

/// Values are not shown: a secret may stand there in the open.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Value(value) => write!(f, "Value({})", value.type_str()),
            Setting::Secret(secret) => secret.fmt(f),
        }
    }
}

/// Where a secret is, other than among the stored ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `{ file = "PATH" }`.
    File(PathBuf),
    /// `{ env = "NAME" }`: an environment variable of the front.
    Env(String),
    /// `{ credential = "NAME" }`: a systemd credential.
    Credential(String),
}

/// The most that an attempt takes if the sender does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

impl Sender {
    pub(super) fn read(t: &Table) -> Self {
        let plugin = t.require("plugin", r#"add plugin = "NAME""#);
        let plugin = plugin.and_then(|node| {
            let remedy = "write small letters, digits and hyphens, such as \"govuk-notify\"";
            node.shaped(is_plugin_name, remedy)
        });
        let timeout = t.duration("timeout").unwrap_or(DEFAULT_TIMEOUT);
        let network = t.table("network", Network::read);
        let http = t.table("http", Http::read_of_sender).unwrap_or_default();
        let settings = t.get("settings").map(|node| read_settings(&node));
        Sender {
            plugin: plugin.unwrap_or_default(),
            timeout,
            network,
            http,
            settings: settings.unwrap_or_default(),
            place: t.place(),
        }
    }
}

impl Network {
    fn read(t: &Table) -> Self {
        let ports = t.require("ports", "add ports = [PORT]");
        let port = |node: &Node| node.integer(1..=65535).map(|port| port as u16);
        Network {
            ports: ports.map_or(Vec::new(), |node| node.some(port)),
        }
    }
}

/// A sender's name is part of the names of its stored secrets.
pub(super) fn is_sender_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

fn is_plugin_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    name.len() <= 64 && name.bytes().all(fits)
}

fn read_settings(node: &Node) -> BTreeMap<String, Located<Setting>> {
    let mut settings = BTreeMap::new();
    node.each(|name, node| {
        node.hide();
        let Some(value) = read_setting(node) else {
            return;
        };
        let place = node.place;
        settings.insert(name.value.clone(), Located { value, place });
    });
    settings
}

/// A table with nothing but one of the three words is a reference; any other value is the plugin's.
fn read_setting(node: &Node) -> Option<Setting> {
    let kind = match node.value {
        DeValue::Table(entries) if entries.len() == 1 => entries.keys().next(),
        _ => None,
    };
    let secret = match kind.map(|key| key.get_ref().as_ref()) {
        Some("file") => node.table(|t| t.path("file").map(SecretRef::File)),
        Some("env") => node.table(|t| t.word("env").map(|w| SecretRef::Env(w.value))),
        Some("credential") => {
            node.table(|t| t.word("credential").map(|w| SecretRef::Credential(w.value)))
        }
        _ => return owned(node.value).map(Setting::Value),
    };
    secret.flatten().map(Setting::Secret)
}

/// The value without its places. `None` for a number that TOML allows and 64 bits don't hold, which
/// the parser has already reported.
fn owned(value: &DeValue) -> Option<toml::Value> {
    Some(match value {
        DeValue::String(text) => toml::Value::String(text.clone().into_owned()),
        DeValue::Integer(n) => {
            toml::Value::Integer(i64::from_str_radix(n.as_str(), n.radix()).ok()?)
        }
        DeValue::Float(n) => toml::Value::Float(n.as_str().parse().ok()?),
        DeValue::Boolean(value) => toml::Value::Boolean(*value),
        DeValue::Datetime(value) => toml::Value::Datetime(*value),
        DeValue::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(|item| owned(item.get_ref())).collect();
            toml::Value::Array(items?)
        }
        DeValue::Table(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), owned(value.get_ref())?)));
            toml::Value::Table(entries.collect::<Option<toml::Table>>()?)
        }
    })
}
