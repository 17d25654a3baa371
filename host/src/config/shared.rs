//! `[state.shared]`: the ledger that several machines share.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use super::place::Located;
use super::table::{Node, Table};
use crate::os::socket;

/// `[state.shared]`. Where it is absent, the ledger is this machine's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Where the database is, without a password.
    pub url: Located<String>,
    /// PEM file with the certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The most that one step may take, connecting included.
    pub timeout: Duration,
    /// Whether a claim must have reached a standby.
    pub replication: Replication,
    /// What is done while no server can be reached.
    pub when_unreachable: WhenUnreachable,
    /// How many machines share it: each holds its part of the limits while it goes by its own ledger.
    pub machines: NonZeroU32,
}

/// What is done while no server can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnreachable {
    /// Nothing is sent.
    Refuse,
    /// Codes go by each machine's own ledger; new passwords wait.
    OwnLedger,
}

/// Whether a claim must have reached a standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// It must: the loss of one server loses no claim.
    Required,
    /// The server's own disk is enough.
    None,
}

const REPLICATION: &str =
    "write \"required\" (a standby has every claim; two servers at least) or \"none\"";

const UNREACHABLE: &str = "write \"refuse\" (nothing is sent while no server can be reached) or \"own_ledger\" \
     (codes go by each machine's own ledger then, and may come twice)";

impl Shared {
    pub(super) fn read(t: &Table) -> Option<Self> {
        let replication = [
            ("required", Replication::Required),
            ("none", Replication::None),
        ];
        let engine = t.require("engine", "write engine = \"postgresql\"");
        let engine = engine.and_then(|node| node.choice(&[("postgresql", ())]));
        let url = t.require("url", "write url = \"postgresql://USER@HOST/DATABASE\"");
        let url = url.and_then(|node| address(&node));
        let required = t.require("replication", REPLICATION);
        let required = required.and_then(|node| node.choice(&replication));
        let unreachable = [
            ("refuse", WhenUnreachable::Refuse),
            ("own_ledger", WhenUnreachable::OwnLedger),
        ];
        let when_unreachable = t.require("when_unreachable", UNREACHABLE);
        let when_unreachable = when_unreachable.and_then(|node| node.choice(&unreachable));
        let machines = t.integer("machines", 1..=MOST_MACHINES);
        let machines = machines.and_then(|machines| u32::try_from(machines).ok());
        let shared = Shared {
            ca_file: t.path("ca_file"),
            timeout: t.duration("timeout").unwrap_or(DEFAULT_TIMEOUT),
            url: url?,
            replication: required?,
            when_unreachable: when_unreachable?,
            machines: machines
                .and_then(NonZeroU32::new)
                .unwrap_or(NonZeroU32::MIN),
        };
        engine.map(|()| shared)
    }

    /// The address for the database's library: without what is done here, which is TLS and the search for a
    /// server that can be written to.
    #[must_use]
    pub fn address(&self) -> String {
        let (url, parameters) = split(&self.url);
        let left = parameters.filter(|(name, _)| !OURS.contains(name));
        let left: Vec<_> = left
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match left.is_empty() {
            true => url.to_owned(),
            false => format!("{url}?{}", left.join("&")),
        }
    }
}

fn address(node: &Node) -> Option<Located<String>> {
    let url = node.word()?;
    match check(&url) {
        Ok(()) => {
            // PostgreSQL's socket is in the folder that stands in place of a host.
            let too_long = folders(&url).find_map(|folder| {
                let socket = PathBuf::from(folder).join(".s.PGSQL.5432");
                socket::fits(&socket).err()
            });
            if let Some(what) = too_long {
                let what = format!("the socket in its folder {what}");
                node.fault_for_check(what, "name a shorter folder");
            }
            Some(url)
        }
        Err(what) => {
            // A password may stand in it.
            node.hide();
            node.fault(
                format!("is not the address of a database: {what}"),
                "write url = \"postgresql://USER@HOST/DATABASE\"; `textsender secret set ledger.password` keeps the password",
            );
            None
        }
    }
}

/// Says what is wrong with an address. What it says of TLS is checked here too: it is always demanded, over a
/// Unix socket never.
fn check(url: &str) -> Result<(), String> {
    let (place, parameters) = split(url);
    let place = place
        .strip_prefix("postgresql://")
        .or_else(|| place.strip_prefix("postgres://"))
        .ok_or("it begins with postgresql://")?;
    let (user, hosts) = place.rsplit_once('@').unwrap_or(("", place));
    let hosts = hosts.split('/').next().unwrap_or_default();
    if user.contains(':') {
        return Err("a password may not stand in the configuration".into());
    }
    let (mut names_user, mut names_host) = (!user.is_empty(), !hosts.is_empty());
    for (name, value) in parameters {
        match (name, value) {
            ("sslmode", "verify-full" | "verify-ca" | "require") => {}
            ("sslmode", _) => return Err("TLS is always required: leave sslmode out".into()),
            ("sslrootcert", _) => return Err("name the certificate in ca_file".into()),
            ("password", _) => return Err("a password may not stand in the configuration".into()),
            ("user", _) => names_user = true,
            ("hostaddr", _) => return Err("an address is written as the host".into()),
            ("port", _) if !hosts.is_empty() => {
                return Err("a port is written behind its host".into());
            }
            ("port", value) if value.split(',').all(is_port) => {}
            ("port", _) => return Err(NO_PORT.into()),
            (name, value) if NUMBERS.contains(&name) => {
                let number = value.parse::<u32>();
                number.map_err(|_| format!("{name} is a whole number"))?;
            }
            ("host", value) => names_host = !value.is_empty(),
            (name, _) if PARAMETERS.contains(&name) => {}
            _ => return Err("it has a parameter that is not known".into()),
        }
    }
    if !names_host {
        return Err("it names no host".into());
    }
    if !names_user {
        return Err("it names no user".into());
    }
    match hosts.split(',').all(has_port_or_none) {
        true => Ok(()),
        false => Err(NO_PORT.into()),
    }
}

/// The address, and the names and values behind its question mark.
fn split(url: &str) -> (&str, impl Iterator<Item = (&str, &str)>) {
    let (url, parameters) = url.split_once('?').unwrap_or((url, ""));
    let parameters = parameters.split('&').filter(|one| !one.is_empty());
    (
        url,
        parameters.map(|one| one.split_once('=').unwrap_or((one, ""))),
    )
}

/// The folders of sockets among the hosts.
fn folders(url: &str) -> impl Iterator<Item = String> {
    let (place, parameters) = split(url);
    let (_, place) = place.split_once("://").unwrap_or_default();
    let (_, hosts) = place.rsplit_once('@').unwrap_or(("", place));
    let named = parameters.filter_map(|(name, value)| (name == "host").then_some(value));
    let hosts = hosts.split('/').take(1).chain(named);
    let hosts = hosts.flat_map(|hosts| hosts.split(','));
    let decoded = hosts.map(|host| host.replace("%2F", "/").replace("%2f", "/"));
    decoded.filter(|host| host.starts_with('/'))
}

fn has_port_or_none(host: &str) -> bool {
    match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            is_port(port) && (!host.contains(':') || host.ends_with(']'))
        }
        _ => true,
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

const NO_PORT: &str = "a port is a number, and an IPv6 address stands in brackets";

/// Parameters that are taken care of here.
const OURS: [&str; 2] = ["sslmode", "target_session_attrs"];

/// Others that the database's library knows, beside those of user, host, port and password.
const PARAMETERS: [&str; 6] = [
    "application_name",
    "channel_binding",
    "dbname",
    "keepalives",
    "options",
    "target_session_attrs",
];

/// The same, whose value is a whole number.
const NUMBERS: [&str; 5] = [
    "connect_timeout",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "tcp_user_timeout",
];

/// More than any installation has.
const MOST_MACHINES: i64 = 1_000;

/// The most that one step may take.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    fn read(text: &str) -> (Option<Shared>, Vec<String>) {
        let text = format!("[state.shared]\n{text}");
        let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
        let faults = reading.faults.iter().map(|fault| {
            assert!(fault.line > 0);
            format!("{}: {}", fault.key, fault.message)
        });
        (reading.config.state.shared, faults.collect())
    }

    #[test]
    fn its_keys_are_read() {
        let (shared, faults) = read(
            "engine = \"postgresql\"\nurl = \"postgresql://textsender@db1,db2/textsender?sslmode=verify-full\"\n\
             replication = \"required\"\nca_file = \"/etc/ca.pem\"\ntimeout = \"5s\"\nwhen_unreachable = \"refuse\"",
        );
        assert_eq!(faults, Vec::<String>::new());
        let shared = shared.unwrap();
        assert_eq!(shared.replication, Replication::Required);
        assert_eq!(shared.timeout, Duration::from_secs(5));
        assert_eq!(
            shared.address(),
            "postgresql://textsender@db1,db2/textsender"
        );
    }

    #[test]
    fn whether_claims_are_replicated_must_be_said() {
        let (shared, faults) = read(
            "engine = \"postgresql\"\nwhen_unreachable = \"refuse\"\nurl = \"postgresql://textsender@db1/textsender\"",
        );
        assert_eq!(shared, None);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            faults[0].starts_with("state.shared.replication"),
            "{faults:?}"
        );
    }

    #[test]
    fn what_is_done_while_it_is_away_must_be_said() {
        let with = |line: &str| {
            read(&format!(
                "engine = \"postgresql\"\nreplication = \"none\"\nurl = \"postgresql://textsender@db1/textsender\"\n{line}"
            ))
        };
        for (line, words) in [
            ("", "when_unreachable"),
            ("when_unreachable = \"send\"", "not a choice"),
            ("when_unreachable = 1", "when_unreachable"),
        ] {
            let (shared, faults) = with(line);
            assert_eq!(shared, None, "{line}");
            assert_eq!(faults.len(), 1, "{line}: {faults:?}");
            assert!(faults[0].contains(words), "{line}: {faults:?}");
        }
        let read = |line| with(line).0.unwrap();
        let refuses = read("when_unreachable = \"refuse\"");
        assert_eq!(refuses.when_unreachable, WhenUnreachable::Refuse);
        assert_eq!(refuses.machines.get(), 1);
        let goes_on = read("when_unreachable = \"own_ledger\"\nmachines = 3");
        assert_eq!(goes_on.when_unreachable, WhenUnreachable::OwnLedger);
        assert_eq!(goes_on.machines.get(), 3);
        let (shared, faults) = with("when_unreachable = \"own_ledger\"\nmachines = 0");
        assert!(shared.is_none() || !faults.is_empty());
    }

    #[test]
    fn a_ledger_that_may_be_left_out_can_not_be_shared() {
        for ledger in ["best_effort", "off"] {
            let text = format!(
                "[state]\nledger = {ledger:?}\n[state.shared]\nengine = \"postgresql\"\nreplication = \"none\"\n\
                 when_unreachable = \"refuse\"\nurl = \"postgresql://textsender@db1/textsender\""
            );
            let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
            let keys: Vec<_> = reading
                .faults
                .iter()
                .map(|fault| fault.key.to_string())
                .collect();
            assert_eq!(keys, ["state.ledger"], "{ledger}");
        }
    }

    #[test]
    fn each_form_of_an_address_is_taken() {
        for url in [
            "postgres://textsender@db1:5432,[::1],[::1]:5433/textsender?application_name=reset",
            "postgresql://textsender@%2Frun%2Fpostgresql/textsender",
            "postgresql:///textsender?host=/run/postgresql&user=textsender",
            "postgresql:///textsender?host=db1,db2&port=5432,6432&user=textsender&connect_timeout=2",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
            assert!(url.parse::<tokio_postgres::Config>().is_ok(), "{url}");
        }
    }

    #[test]
    fn a_wrong_address_is_a_fault_that_does_not_show_it() {
        for url in [
            "postgresql://textsender:hunter2@db1/textsender",
            "postgresql://db1/textsender",
            "postgresql://textsender@db1/textsender?sslmode=disable",
            "mysql://textsender@db1/textsender",
            "postgresql://textsender@db1/textsender?nonsense=hunter2",
            "postgresql://textsender@db1/textsender?password=hunter2",
            "postgresql://textsender@db1:hunter2/textsender",
            "postgresql://textsender@/textsender",
            "postgresql:///textsender?hostaddr=10.0.0.5&user=textsender",
            "postgresql://textsender@db1/textsender?hostaddr=10.0.0.5",
            "postgresql://textsender@db1/textsender?port=6432",
            "postgresql:///textsender?host=db1&user=textsender&port=hunter2",
            "postgresql:///textsender?host=&user=textsender",
            "postgresql://textsender@::1/textsender",
            "postgresql://textsender@db1/textsender?connect_timeout=hunter2",
        ] {
            let (shared, faults) = read(&format!(
                "engine = \"postgresql\"\nreplication = \"none\"\nwhen_unreachable = \"refuse\"\nurl = {url:?}"
            ));
            assert_eq!(shared, None, "{url}");
            assert_eq!(faults.len(), 1, "{url}: {faults:?}");
            assert!(!faults[0].contains("hunter2"), "{faults:?}");
        }
    }

    #[test]
    fn the_socket_in_a_folder_is_short_enough() {
        let told = |url: &str| {
            let text = format!(
                "[state.shared]\nengine = \"postgresql\"\nreplication = \"none\"\nwhen_unreachable = \"refuse\"\nurl = {url:?}"
            );
            let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
            assert_eq!(reading.faults, [], "{url}");
            reading.config.for_check.len()
        };
        let long = "/run/".to_owned() + &"p".repeat(100);
        let encoded = long.replace('/', "%2F");
        for (url, faults) in [
            (format!("postgresql://t@{encoded}/t"), 1),
            (format!("postgresql:///t?user=t&host=db1,{long}"), 1),
            ("postgresql://t@%2Frun%2Fpostgresql/t".to_owned(), 0),
            (format!("postgresql://t@{}/t", "h".repeat(120)), 0),
        ] {
            assert_eq!(told(&url), faults, "{url}");
        }
    }
}
