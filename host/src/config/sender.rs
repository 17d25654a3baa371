//! `[senders.NAME]`: one configured account with a provider.

use std::collections::BTreeMap;
use std::time::Duration;

use super::place::{Located, Place};
use super::sections::Http;
use super::setting::{Setting, read_setting};
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
    /// Whether its provider keeps texts, where that is said: it may be a setting of the account.
    pub keeps_texts: Option<bool>,
    /// Where its section starts.
    pub place: Place,
}

/// A grant of connections of its own, for plugins that bring their own protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The ports; at least one.
    pub ports: Vec<u16>,
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
            keeps_texts: t.boolean("keeps_texts"),
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

/// Whether this may be the name of a sender, of a caller, or of a setting in a stored secret's name.
pub fn is_name(name: &str) -> bool {
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
