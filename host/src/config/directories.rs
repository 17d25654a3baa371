//! `[directories.NAME]`: a domain of Active Directory that is asked who a user is.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    is_name,
    place::{Located, Place},
    setting::{SecretRef, Setting, read_setting},
    table::{Node, Table},
};

/// The most that one server may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How old a snapshot may be before that is said, and before nothing is decided by it.
const WARN_AFTER: Duration = Duration::from_secs(3600);
const STALE_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// `[directories.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Directory {
    /// Domain controllers, in the order in which they are asked.
    pub servers: Vec<String>,
    /// PEM file with the certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The account that logs in.
    pub bind: String,
    /// Where its password is, other than among the stored secrets.
    pub password: Option<SecretRef>,
    /// Where the domain begins, if not where the server says.
    pub base: Option<String>,
    /// Attributes with a number; the first that has a value counts.
    pub phone: Vec<String>,
    /// The attribute with the language.
    pub locale: String,
    /// The most that one server may take.
    pub timeout: Duration,
    /// How old a snapshot may be before `check` and `doctor` warn of it.
    pub warn_after: Duration,
    /// How old it may be to decide anything.
    pub stale_after: Duration,
    /// How long a number that was changed is not texted.
    pub hold_after_change: Option<Duration>,
    /// Where its section starts.
    pub place: Place,
}

/// Reads one of them.
pub(super) fn read(
    name: &Located<String>,
    node: &Node,
    directories: &mut BTreeMap<String, Directory>,
) {
    if !is_name(name) {
        node.fault(
            "is not a directory's name",
            "use 1 to 64 letters, digits, hyphens and underscores",
        );
    }
    if let Some(directory) = node.table(Directory::read) {
        directories.insert(name.value.clone(), directory);
    }
}

impl Directory {
    fn read(t: &Table) -> Self {
        let servers = t.require("servers", "add servers = [\"ldaps://dc1.example.org\"]");
        let server = |node: &Node| {
            let remedy = "write ldaps://HOST, or ldap://HOST for StartTLS, with a port if it is not the usual one";
            node.shaped(is_server, remedy).map(|server| server.value)
        };
        let bind = t.require("bind", "add bind = \"ACCOUNT@DOMAIN\"");
        let words = |node: Node| node.some(|item| item.word().map(|word| word.value));
        Self {
            servers: servers.map_or(Vec::new(), |node| node.some(server)),
            ca_file: t.path("ca_file"),
            bind: bind
                .and_then(|node| node.word())
                .map_or(String::new(), |word| word.value),
            password: t.get("password").and_then(|node| password(&node)),
            base: t.word("base").map(|word| word.value),
            phone: t
                .get("phone")
                .map_or_else(|| vec!["mobile".to_owned()], words),
            locale: t
                .word("locale")
                .map_or_else(|| "preferredLanguage".to_owned(), |word| word.value),
            timeout: t.duration("timeout").unwrap_or(TIMEOUT),
            warn_after: t.duration("warn_after").unwrap_or(WARN_AFTER),
            stale_after: t.duration("stale_after").unwrap_or(STALE_AFTER),
            hold_after_change: t.duration("hold_after_change"),
            place: t.place(),
        }
    }
}

/// A password does not stand in the configuration.
fn password(node: &Node) -> Option<SecretRef> {
    node.hide();
    match read_setting(node)? {
        Setting::Secret(reference) => Some(reference),
        Setting::Value(_) => {
            node.fault(
                "a password may not stand in the configuration",
                "store it: textsender secret set directories.NAME.password; or write { file = \"...\" }, \
                 { env = \"...\" } or { credential = \"...\" }",
            );
            None
        }
    }
}

fn is_server(text: &str) -> bool {
    let place = text
        .strip_prefix("ldaps://")
        .or_else(|| text.strip_prefix("ldap://"));
    let Some(place) = place else { return false };
    let place = place.strip_suffix('/').unwrap_or(place);
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (place, "1"),
    };
    let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    !host.is_empty() && host.chars().all(is_host) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    const GOOD: &str = "[directories.example]\nservers = [\"ldaps://dc1.example.org\", \"ldap://[::1]:3389\"]\n\
                        bind = \"svc@example.org\"\n";

    fn faults(text: &str) -> Vec<String> {
        let text = format!("{GOOD}{text}");
        let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
        let faults = reading.faults.iter().map(|fault| {
            assert!(fault.line > 0);
            format!("{}: {}", fault.key, fault.message)
        });
        faults.collect()
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", GOOD));
        let directory = &reading.into_config().unwrap().directories["example"];
        assert_eq!(directory.phone, ["mobile"]);
        assert_eq!(directory.locale, "preferredLanguage");
        assert_eq!(directory.stale_after, STALE_AFTER);
        assert_eq!((directory.timeout, &directory.password), (TIMEOUT, &None));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_key() {
        let one = "servers = [\"ldaps://dc\"]\nbind = \"a\"\n";
        for (text, expected) in [
            (
                "surplus = 1".to_owned(),
                "directories.example.surplus: unknown key",
            ),
            (
                "timeout = \"fast\"".to_owned(),
                "directories.example.timeout: \"fast\" is not a length of time",
            ),
            (
                "phone = []".to_owned(),
                "directories.example.phone: is an empty list",
            ),
            (
                "password = \"hunter2\"".to_owned(),
                "directories.example.password: a password may not stand in the configuration",
            ),
            (
                format!("[directories.\"a b\"]\n{one}"),
                "directories.a b: is not a directory's name",
            ),
            (
                format!("[directories.b]\n{}", one.replace("ldaps:", "http:")),
                "directories.b.servers[0]: \"http://dc\" is not of the right form",
            ),
            (
                format!("[directories.b]\n{}", one.replace("dc", "dc:0")),
                "directories.b.servers[0]: \"ldaps://dc:0\" is not of the right form",
            ),
            (
                "[directories.b]\nservers = [\"ldaps://dc\"]".to_owned(),
                "directories.b.bind: is missing",
            ),
        ] {
            let found = faults(&text);
            // Keys of other characters stand in quotes.
            let found: Vec<_> = found.iter().map(|fault| fault.replace('"', "")).collect();
            assert_eq!(found, [expected.replace('"', "")], "{text}");
        }
    }
}
