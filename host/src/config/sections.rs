//! The small sections of `textsender.toml` that the host itself uses, with their defaults.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::place::Located;
use super::policies::WithoutPlus;
use super::setting::{SecretRef, Setting, read_setting};
use super::shared::Shared;
use super::table::{Node, Table};
use crate::os::{accounts, seal::Demand};

/// Where plugins are looked for if `[plugins] folder` does not say.
pub const DEFAULT_PLUGINS_FOLDER: &str = "/usr/lib/textsender/plugins";

/// `[plugins]`: where the shared libraries are and what is asked of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugins {
    /// The folder of `libtextsender_NAME.so`; where several are named, the first, into which plugins are
    /// installed.
    pub folder: PathBuf,
    /// The others, where a plugin is looked for that is not in the first.
    pub further_folders: Vec<PathBuf>,
    /// What makes a library trusted.
    pub trust: Trust,
    /// What happens where a host process can't be sealed wholly.
    pub seal: Demand,
}

/// What makes a plugin's library trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Owner and mode of the file and the folders above it.
    #[default]
    Owner,
    /// Its checksum and hosts in `plugins.lock` too.
    Pinned,
}

impl Default for Plugins {
    fn default() -> Self {
        Plugins {
            folder: DEFAULT_PLUGINS_FOLDER.into(),
            further_folders: Vec::new(),
            trust: Trust::default(),
            seal: Demand::default(),
        }
    }
}

impl Plugins {
    pub(super) fn read(t: &Table) -> Self {
        let trust = [("owner", Trust::Owner), ("pinned", Trust::Pinned)];
        let seal = [
            ("best", Demand::Best),
            ("required", Demand::Required),
            ("any", Demand::Any),
        ];
        let folders = t.get("folder").map(|node| node.paths());
        let mut folders = folders.unwrap_or_default().into_iter();
        Plugins {
            folder: folders.next().unwrap_or(DEFAULT_PLUGINS_FOLDER.into()),
            further_folders: folders.collect(),
            trust: pick(t, "trust", &trust),
            seal: pick(t, "seal", &seal),
        }
    }
}

/// `[state]`: what is kept between requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The folder of ledger and secrets; [`Environment::state_folder`](super::Environment::state_folder) says where it is
    /// if this does not.
    pub folder: Option<PathBuf>,
    /// The account that sends, by name or number; `None`: the owner of the folder.
    pub owner: Option<Located<String>>,
    /// Whether a message may be sent that can't be recorded.
    pub ledger: Ledger,
    /// How long settled requests and audit rows are kept.
    pub retention: Duration,
    /// The ledger that several machines share, if there is one.
    pub shared: Option<Shared>,
}

/// Whether a message may be sent that the ledger can't record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ledger {
    /// No: a repeat could send twice.
    #[default]
    Required,
    /// Yes, with a warning.
    BestEffort,
    /// There is no ledger: no limits, no replay.
    Off,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Default for State {
    fn default() -> Self {
        State {
            folder: None,
            owner: None,
            ledger: Ledger::default(),
            retention: 90 * DAY,
            shared: None,
        }
    }
}

impl State {
    pub(super) fn read(t: &Table) -> Self {
        let ledger = [
            ("required", Ledger::Required),
            ("best_effort", Ledger::BestEffort),
            ("off", Ledger::Off),
        ];
        let days = t.integer("retention_days", 1..=3650).unwrap_or(90);
        let ledger = pick(t, "ledger", &ledger);
        let shared = t.table("shared", Shared::read).flatten();
        // One that is not required was named.
        if let (Some(_), Some(node), false) = (&shared, t.get("ledger"), ledger == Ledger::Required)
        {
            let what = "contradicts [state.shared]: what other machines can't see is sent twice";
            node.fault(what, "remove the key, or [state.shared]");
        }
        State {
            folder: t.path("folder"),
            owner: t.word("owner"),
            ledger,
            retention: DAY * days as u32,
            shared,
        }
    }
}

/// `[trust]`: who else may change files that are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted {
    /// Groups whose members may write to drop-ins, secrets, libraries and the like, by number. They may
    /// not write to the main file: it would vouch for itself.
    pub groups: Vec<u32>,
}

impl Trusted {
    pub(super) fn read(t: &Table) -> Self {
        Trusted {
            groups: t
                .get("groups")
                .map_or_else(Vec::new, |node| node.list(group)),
        }
    }
}

/// `[defaults]`: what counts where a policy or a request does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defaults {
    /// The sender of policies that name none.
    pub sender: Option<Located<String>>,
    /// The policy of users whom no policy's link reaches.
    pub policy: Option<Located<String>>,
    /// How digits are meant that can be two numbers, where a policy does not say.
    pub numbers_without_plus: Option<WithoutPlus>,
}

impl Defaults {
    pub(super) fn read(t: &Table) -> Self {
        Defaults {
            sender: t.word("sender"),
            policy: t.word("policy"),
            numbers_without_plus: WithoutPlus::read(t),
        }
    }
}

/// `[send]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// The most that one message may take, all attempts together.
    pub timeout: Duration,
    /// How many messages of a stream may be in flight.
    pub concurrency: usize,
}

impl Default for Sending {
    fn default() -> Self {
        Sending {
            timeout: Duration::from_secs(30),
            concurrency: 64,
        }
    }
}

impl Sending {
    pub(super) fn read(t: &Table) -> Self {
        let default = Sending::default();
        let concurrency = t.integer("concurrency", 1..=4096);
        Sending {
            timeout: t.duration("timeout").unwrap_or(default.timeout),
            concurrency: concurrency.map_or(default.concurrency, |n| n as usize),
        }
    }
}

/// `[http]`, and `[senders.NAME.http]`, which overrides it key by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Http {
    /// The proxy for everything but loopback.
    pub proxy: Option<Proxy>,
    /// Where the password for the proxy is, whose address then names the user alone.
    pub proxy_password: Option<SecretRef>,
    /// PEM file with the certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// `HOST:PORT` to connect to, whatever the address says. Only a sender may set it.
    pub connect_to: Option<String>,
}

impl Http {
    pub(super) fn read(t: &Table) -> Self {
        Http {
            proxy: t.get("proxy").and_then(|node| Proxy::read(&node)),
            proxy_password: t.get("proxy_password").and_then(|node| secret(&node)),
            ca_file: t.path("ca_file"),
            connect_to: None,
        }
    }

    pub(super) fn read_of_sender(t: &Table) -> Self {
        let is_address = |text: &str| {
            text.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0)
            })
        };
        let connect_to = t.get("connect_to").and_then(|node| {
            node.shaped(is_address, r#"write HOST:PORT, such as "127.0.0.1:8443""#)
        });
        Http {
            connect_to: connect_to.map(|c| c.value),
            ..Http::read(t)
        }
    }

    /// These settings, with those of `host` where a key is not set.
    pub fn over(&self, host: &Http) -> Http {
        let own = self.clone();
        Http {
            // A password belongs to the address beside it.
            proxy_password: match own.proxy {
                Some(_) => own.proxy_password,
                None => own.proxy_password.or_else(|| host.proxy_password.clone()),
            },
            proxy: own.proxy.or_else(|| host.proxy.clone()),
            ca_file: own.ca_file.or_else(|| host.ca_file.clone()),
            connect_to: own.connect_to,
        }
    }
}

/// A secret, which may only be referred to.
fn secret(node: &Node) -> Option<SecretRef> {
    node.hide();
    match read_setting(node)? {
        Setting::Secret(reference) => Some(reference),
        Setting::Value(_) => {
            node.fault(
                "is a secret, and may not stand in the configuration",
                "refer to it with { file = }, { env = } or { credential = }",
            );
            None
        }
    }
}

/// Address of a proxy. It may hold a password, so it shows only what follows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(String);

impl Proxy {
    /// The address in full.
    pub fn as_url(&self) -> &str {
        &self.0
    }

    fn read(node: &Node) -> Option<Self> {
        node.hide();
        let word = node.word()?;
        let known = ["http://", "https://"];
        let is_known = known.iter().any(|scheme| word.starts_with(scheme));
        if !is_known || word.value.parse::<url::Url>().is_err() {
            let remedy = r#"write it like "http://proxy.example.org:3128""#;
            node.fault("is not the address of an HTTP proxy", remedy);
            return None;
        }
        Some(Proxy(word.value))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.rsplit(['@', '/']).find(|part| !part.is_empty());
        f.write_str(host.unwrap_or_default())
    }
}

/// A group of this machine, by its number.
pub(super) fn group(node: &Node) -> Option<u32> {
    let name = node.word()?;
    let number = accounts::group_named(&name);
    if number.is_none() {
        node.fault(
            "is not a group of this machine",
            "use a name of /etc/group, or a number",
        );
    }
    number
}

pub(super) fn pick<T: Copy + Default>(t: &Table, key: &'static str, choices: &[(&str, T)]) -> T {
    let node = t.get(key);
    node.and_then(|n| n.choice(choices)).unwrap_or_default()
}
