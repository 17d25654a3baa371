//! The configuration: `textsender.toml` and the policies beside it, read into plain types.
//!
//! | to | use |
//! |---|---|
//! | find the file and the state folder | [`Environment`] |
//! | send | [`Config::load`]: a configuration without a fault, or the first fault on one line |
//! | check, explain, edit | [`Reading::of`]: what could be read, and *all* faults |
//! | show faults with line and caret | [`render`] |
//!
//! A send and `check` take the same walk over the document (`table`), so they cannot disagree.
//! Faults of *shape* (syntax, unknown keys, wrong types) are found here and stop every send; faults
//! in how parts *refer* to each other ([`relations`]) are `check`'s, and stop only the users they
//! touch. Owner and mode of the files are checked elsewhere: [`Sources::paths`] lists them.

mod alerts;
mod callers;
mod directories;
mod fault;
mod limits;
mod location;
mod log;
mod look_alikes;
mod place;
mod policies;
mod prices;
mod relations;
pub mod render;
mod sections;
mod sender;
mod serve;
mod setting;
mod shared;
mod source;
mod table;
mod units;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use toml::de::{DeTable, DeValue};

pub use alerts::Alerts;
pub use callers::{Caller, Field, Fields, Ids, Proof, Shape};
pub use directories::Directory;
pub use fault::{Fault, Faults, nearest, sorted};
pub use limits::{Daily, Exempt, InvalidLimit, Limit, Limits, Mode, Rule, Shares};
pub use location::{Environment, Reason, ResolvedPath, SYSTEM_CONFIG, SYSTEM_STATE};
pub use log::LogTarget;
pub use place::{Located, Place};
pub use policies::{
    Binding, Block, Filter, Helpdesk, Link, OnUnknown, Policy, Reach, Regions, SendOptions, Text,
    WithoutPlus,
};
pub use prices::{Price, Prices, Spend};
pub use relations::relations;
pub use sections::{
    DEFAULT_PLUGINS_FOLDER, Defaults, Http, Ledger, Plugins, Proxy, Sending, State, Trust, Trusted,
};
pub use sender::{Network, Sender, is_name};
pub use serve::{DEFAULT_SOCKET, Hub, Serve, Tls, http_address};
pub use setting::{SecretRef, Setting};
pub use shared::{Replication, Shared, WhenUnreachable};
pub use source::{Fingerprint, MAX_FILE_BYTES, POLICIES_FOLDER, Source, Sources};
pub use units::duration;

use crate::trust::{self, Unsafe};
use look_alikes::LookAlike;
use table::{Node, Table, Walk};

/// Most syntax errors that are reported of one file.
const MAX_SYNTAX_FAULTS: usize = 100;

/// The whole configuration.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// `[plugins]`.
    pub plugins: Plugins,
    /// `[state]`.
    pub state: State,
    /// `[trust]`.
    pub trusted: Trusted,
    /// `[defaults]`.
    pub defaults: Defaults,
    /// `[send]`.
    pub sending: Sending,
    /// `[alerts]`.
    pub alerts: Alerts,
    /// `[http]`.
    pub http: Http,
    /// `[limits]`.
    pub limits: Limits,
    /// `[prices]`, by region.
    pub prices: Prices,
    /// `[log]`.
    pub log: LogTarget,
    /// `[serve]`.
    pub serve: Serve,
    /// `[callers.NAME]`, by name.
    pub callers: BTreeMap<String, Caller>,
    /// `[directories.NAME]`, by name.
    pub directories: BTreeMap<String, Directory>,
    /// `[helpdesk]`, if it is there.
    pub helpdesk: Option<Helpdesk>,
    /// `[senders.NAME]`, by name.
    pub senders: BTreeMap<String, Sender>,
    /// `[containers."DN"]`.
    pub containers: Vec<Container>,
    /// `[[policies]]` and the drop-ins.
    pub policies: Vec<Policy>,
    /// Faults in one policy's own file that cost its users only: see [`Reading::for_sending`].
    pub of_one_policy: Vec<Fault>,
    /// Faults that keep no message from being sent that does not need what is wrong: see [`relations`].
    pub for_check: Vec<Fault>,
    /// The files that it was read from.
    pub sources: Sources,
}

/// `[containers."DN"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The distinguished name, as written.
    pub dn: Located<String>,
    /// Whether it stops unenforced links above it.
    pub block_inheritance: bool,
}

/// What could be read of a configuration, and every fault of its shape.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Parts with a fault are left out or have their default.
    pub config: Config,
    /// In the order of the files.
    pub faults: Vec<Fault>,
}

impl Reading {
    /// The same, if only root and the running user can change what was read. What its `[trust]` says is
    /// believed from now on.
    ///
    /// # Errors
    ///
    /// Others can change it.
    pub fn believed(self) -> Result<Self, Unsafe> {
        let groups = &self.config.trusted.groups;
        trust::accept_groups(groups.clone());
        match self.config.sources.first_unsafe(groups) {
            Some(found) => Err(found.clone()),
            None => Ok(self),
        }
    }
}

impl Config {
    /// Reads the configuration at `path` for sending. Any fault of shape is an error.
    pub fn load(path: &Path) -> Result<Config, Faults> {
        Reading::of(Sources::read(path)).into_config()
    }
}

impl Config {
    /// Whether a fault concerns only the users for whom one policy decides.
    pub fn costs_one_policy(&self, fault: &Fault) -> bool {
        // Any other key may be a `link` that is misspelt.
        const OTHERS: [&str; 7] = [
            "verification_code",
            "information",
            "filter",
            "region",
            "regions",
            "kinds",
            "events",
        ];
        let end = fault.key.find(['.', '[']).unwrap_or(fault.key.len());
        let is_other = OTHERS.contains(&&fault.key[..end]);
        is_other
            && fault
                .place
                .is_some_and(|place| self.policy_in(place.file).is_some())
    }

    /// The number of the policy that has this file to itself.
    pub fn policy_in(&self, file: u32) -> Option<usize> {
        let source = self.sources.files.get(file as usize)?;
        let is_drop_in = source.path != self.sources.main;
        let mut policies = self.policies.iter();
        policies.position(|policy| is_drop_in && policy.name.place.file == file)
    }
}

impl Reading {
    /// Reads what is in `sources`.
    pub fn of(sources: Sources) -> Reading {
        let mut config = Config::default();
        let walk = Walk {
            sources: &sources,
            faults: RefCell::new(sources.faults.clone()),
            for_check: RefCell::default(),
            hidden: RefCell::default(),
        };
        for index in 0..sources.files.len() {
            read_file(&walk, index as u32, &mut config);
        }
        report_repeated_names(&walk, &config.policies);

        let (faults, hidden) = (walk.faults.into_inner(), walk.hidden.into_inner());
        config.for_check = walk.for_check.into_inner();
        config.sources = sources;
        for place in hidden {
            let file = &mut config.sources.files[place.file as usize];
            // A quote that was read as a plain one may be wider than that.
            let (start, end) = (place.start as usize, place.end as usize);
            let whole = file.text.floor_char_boundary(start)..file.text.ceil_char_boundary(end);
            file.hidden.push(whole);
        }
        Reading {
            config,
            faults: sorted(faults),
        }
    }

    /// The configuration for sending. What is wrong with a policy in a file of its own costs those users
    /// for whom it would decide, and no others, as long as it can be read whose these are: its name and
    /// every `[[link]]`. Any other fault is an error.
    pub fn for_sending(self) -> Result<Config, Faults> {
        let Self { mut config, faults } = self;
        let (of_one_policy, others) = faults
            .into_iter()
            .partition(|fault| config.costs_one_policy(fault));
        Faults::none_of(others)?;
        config.of_one_policy = of_one_policy;
        Ok(config)
    }

    /// The configuration, if it has no fault.
    pub fn into_config(self) -> Result<Config, Faults> {
        Faults::none_of(self.faults)?;
        Ok(self.config)
    }
}

/// Reads one file. After a syntax error the rest is still read, so that one missing quote does not
/// hide the other faults; what else seems wrong on *its* line is left out as a mere consequence.
fn read_file(walk: &Walk, index: u32, config: &mut Config) {
    let source = &walk.sources.files[index as usize];
    let is_drop_in = source.path != walk.sources.main;
    let mut pasted = None;
    let (mut document, mut errors) = DeTable::parse_recoverable(&source.text);
    let mut look_alikes = Vec::new();
    if !errors.is_empty() {
        (pasted, look_alikes) = read_look_alikes(&source.text);
    }
    if let Some(text) = &pasted {
        (document, errors) = DeTable::parse_recoverable(text);
    }
    let before = walk.faults.borrow().len();
    let document = DeValue::Table(document.into_inner());
    let node = Node::root(walk, index, &document);
    match is_drop_in {
        true => config.policies.extend(node.table(Policy::read).flatten()),
        false => {
            node.table(|t| read_main(t, config));
        }
    }

    let syntax = syntax_faults(walk, index, &look_alikes, errors);
    let unsound: BTreeSet<usize> = syntax.iter().map(|fault| fault.line).collect();
    let mut faults = walk.faults.borrow_mut();
    let of_this_file = faults.split_off(before);
    let sound = of_this_file.into_iter();
    faults.extend(sound.filter(|fault| !unsound.contains(&fault.line)));
    faults.extend(syntax);
}

/// The text as it was meant, where characters of a word processor keep it from being TOML, and these.
fn read_look_alikes(text: &str) -> (Option<String>, Vec<LookAlike>) {
    let (mut pasted, mut all) = (None::<String>, Vec::new());
    // What is wrong on one line may hide that another is.
    for _ in 0..MAX_SYNTAX_FAULTS {
        let read = pasted.as_deref().unwrap_or(text);
        let (_, errors) = DeTable::parse_recoverable(read);
        let lines: BTreeSet<(usize, usize)> = errors
            .iter()
            .filter_map(|error| Some(line_at(read, error.span()?.start)))
            .collect();
        let lines = lines.into_iter().map(|(start, end)| start..end);
        let Some((plain, found)) = look_alikes::replaced(read, lines) else {
            break;
        };
        pasted = Some(plain);
        all.extend(found);
    }
    (pasted, all)
}

/// The line in which a byte stands, without its end.
fn line_at(text: &str, at: usize) -> (usize, usize) {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    (start, end)
}

/// The first syntax error of each line. A file with more than [`MAX_SYNTAX_FAULTS`] is no TOML at
/// all, and listing them is no help.
fn syntax_faults(
    walk: &Walk,
    index: u32,
    look_alikes: &[LookAlike],
    errors: Vec<toml::de::Error>,
) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let pasted = look_alikes
        .iter()
        .map(|found| (found.place.clone(), found.message(), found.remedy()));
    let errors = errors.into_iter().map(|error| {
        let remedy = "see https://toml.io for how TOML is written".to_owned();
        let place = error.span().unwrap_or(0..0);
        (place, error.message().to_owned(), remedy)
    });
    for (place, message, remedy) in pasted.chain(errors).take(MAX_SYNTAX_FAULTS) {
        let place = Place::new(index, place);
        let fault = walk.sources.fault(place, "", message, remedy);
        if faults.iter().all(|earlier| earlier.line != fault.line) {
            faults.push(fault);
        }
        let source = &walk.sources.files[index as usize];
        if source.path == walk.sources.main
            && let Some(range) = render::unsafe_to_show(&source.text, place.range())
        {
            walk.hidden.borrow_mut().push(Place::new(index, range));
        }
    }
    faults
}

fn read_main(t: &Table, config: &mut Config) {
    config.plugins = t.table("plugins", Plugins::read).unwrap_or_default();
    config.state = t.table("state", State::read).unwrap_or_default();
    config.trusted = t.table("trust", Trusted::read).unwrap_or_default();
    config.defaults = t.table("defaults", Defaults::read).unwrap_or_default();
    config.sending = t.table("send", Sending::read).unwrap_or_default();
    config.http = t.table("http", Http::read).unwrap_or_default();
    config.limits = t.table("limits", Limits::read).unwrap_or_default();
    config.alerts = t.table("alerts", Alerts::read).unwrap_or_default();
    config.log = t.table("log", LogTarget::read).unwrap_or_default();
    config.serve = t.table("serve", Serve::read).unwrap_or_default();
    config.helpdesk = t.table("helpdesk", Helpdesk::read);
    if let Some(node) = t.get("prices") {
        node.each(|region, node| {
            let price = Price::read(region, node);
            config
                .prices
                .extend(price.map(|price| (region.value.clone(), price)));
        });
    }
    if let Some(node) = t.get("senders") {
        node.each(|name, node| read_sender(name, node, &mut config.senders));
    }
    if let Some(node) = t.get("callers") {
        node.each(|name, node| callers::read(name, node, &mut config.callers));
    }
    if let Some(node) = t.get("directories") {
        node.each(|name, node| directories::read(name, node, &mut config.directories));
    }
    if let Some(node) = t.get("containers") {
        node.each(|dn, node| {
            let block = node.table(|t| t.boolean("block_inheritance")).flatten();
            config.containers.push(Container {
                dn: dn.clone(),
                block_inheritance: block.unwrap_or(false),
            });
        });
    }
    if let Some(node) = t.get("policies") {
        config.policies.extend(node.tables(Policy::read));
    }
}

fn read_sender(name: &Located<String>, node: &Node, senders: &mut BTreeMap<String, Sender>) {
    if !is_name(name) {
        node.fault(
            "is not a sender's name",
            "use 1 to 64 letters, digits, hyphens and underscores",
        );
    }
    if let Some(sender) = node.table(Sender::read) {
        senders.insert(name.value.clone(), sender);
    }
}

/// A policy is referred to by its name, so two of one name would make every message about it a riddle.
fn report_repeated_names(walk: &Walk, policies: &[Policy]) {
    let mut first: HashMap<&str, Place> = HashMap::with_capacity(policies.len());
    for policy in policies {
        let Some(earlier) = first.insert(&policy.name, policy.name.place) else {
            continue;
        };
        let earlier = walk.sources.fault(earlier, "", "", "");
        let fault = walk.sources.fault(
            policy.name.place,
            "name",
            format!(
                "policy {:?} is already at {}:{}",
                policy.name.value, earlier.file, earlier.line
            ),
            "give one of them another name",
        );
        walk.faults.borrow_mut().push(fault);
    }
}

#[cfg(test)]
mod tests;
