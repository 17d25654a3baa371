//! The whole configuration, looked at offline: every fault at once, each with its place and its remedy.
//!
//! | looked at by | is |
//! |---|---|
//! | `config`, `policy` | shape, relations, links and filters: their own rooms find these |
//! | `reach` | regions and kinds of number |
//! | `texts` | templates, languages, lengths, and whether the senders can carry them |
//! | `national` | whether `%national%` is one user's only |
//! | `callers` | callers of the hub without a stored secret |
//! | `kept` | new passwords that a provider keeps |
//! | `expiring` | certificates and secrets that run out |
//! | `directories` | whether there is a snapshot that has every group policy object that a policy is bound to |
//! | `files` | owner and mode of everything that is read |
//! | `senders` | plugins, settings against the plugin's own schema, secrets |
//! | `unlinked` | which of all that concerns a policy that is for no one yet: it is only warned of |
//!
//! A plugin is asked in a host process, never loaded here. Nothing is written, and no provider is
//! asked: that is `sender check`.

mod callers;
mod capabilities;
mod directories;
pub mod expiring;
mod fields;
pub mod files;
mod kept;
mod national;
mod plugin;
mod reach;
mod schema;
mod senders;
mod standing;
mod texts;
pub mod unlinked;
mod usage;

use std::{path::Path, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    config::{Config, Environment, Fault, Reading, Sources, relations, sorted},
    policy::{self, Policies},
    privilege::sending_account,
};

pub use capabilities::{
    OfferedPlaceholder, SenderCapabilities, capabilities, capabilities_of, offered,
};
pub use fields::{Field, Kind, ValueFault, field, fields};
pub use senders::Need;
pub use standing::StandingState;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Everything that is wrong, by file and line.
    pub faults: Vec<Fault>,
    /// Those of them that stop every message, for any user.
    #[serde(skip)]
    pub stopping: Vec<Fault>,
    /// What works, and may not be what is meant, by file and line.
    pub warnings: Vec<Fault>,
    /// Those of the warnings that would be faults if their policy were for anyone.
    #[serde(skip)]
    pub of_unlinked: Vec<Fault>,
    /// Senders that can't send yet. One that a policy uses is a fault as well.
    pub incomplete: Vec<Incomplete>,
    /// How many senders there are.
    pub senders: usize,
    /// How many policies there are.
    pub policies: usize,
    /// The configuration, as far as it could be read: for the lines that are shown.
    #[serde(skip)]
    pub config: Arc<Config>,
}

/// A sender that lacks settings.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Its name.
    pub sender: String,
    /// Its plugin.
    pub plugin: String,
    /// What it still needs.
    pub needs: Vec<Need>,
    /// Who sends with it: policies by name, `[helpdesk]`, `[defaults]`.
    pub used_by: Vec<String>,
}

/// How a sender stands, as far as it can be known without its provider.
#[derive(Debug)]
pub struct Standing {
    /// Its name.
    pub sender: String,
    /// Its plugin.
    pub plugin: String,
    /// Whether its plugin can be used.
    pub has_plugin: bool,
    /// What the sender still needs.
    pub needs: Vec<Need>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Who sends with it: policies by name, `[helpdesk]`, `[defaults]`.
    pub used_by: Vec<String>,
}

impl Report {
    /// Of a configuration that can't be read: whatever else seems wrong follows from that.
    fn of_unread(faults: Vec<Fault>, config: Arc<Config>) -> Self {
        Self {
            stopping: faults.clone(),
            faults: sorted(faults),
            warnings: Vec::new(),
            of_unlinked: Vec::new(),
            incomplete: Vec::new(),
            senders: 0,
            policies: 0,
            config,
        }
    }
}

/// The account that sends is one of this machine.
fn account(config: &Config, state: &Path) -> Option<Fault> {
    let owner = config.state.owner.as_ref()?;
    let error = sending_account(&config.state, state).err()?;
    let words = error.to_string();
    let (message, remedy) = words.split_once("; ").unwrap_or((&words, "name another"));
    Some(
        config
            .sources
            .fault(owner.place, "state.owner", message, remedy),
    )
}

/// How the senders of a configuration stand: all, or the one of a name. Needs a tokio runtime.
pub async fn standings(config: &Config, state: &Path, only: Option<&str>) -> Vec<Standing> {
    let usages = usage::all(config);
    let looked = senders::look(config, state, &usages, only).await;
    looked.into_iter().map(senders::Looked::standing).collect()
}

/// The first fault of a text that an edit brings in: a policy with such a text sends nothing.
pub fn text_broken_by_edit(before: &Config, edited: &Config) -> Option<Fault> {
    let faults = |config| texts::faults(config, &usage::all(config), &[]);
    let is_same =
        |a: &Fault, b: &Fault| (&a.file, &a.key, &a.message) == (&b.file, &b.key, &b.message);
    let before = faults(before);
    let mut now = faults(edited).into_iter();
    now.find(|fault| !before.iter().any(|old| is_same(old, fault)))
}

/// Checks the configuration at `path`. Needs a tokio runtime, as plugins are asked.
pub async fn check(path: &Path) -> Report {
    let reading = Reading::of(Sources::read(path));
    let state = Environment::current().state_folder(reading.config.state.folder.as_deref());
    of(reading, &state.path).await
}

/// Checks a configuration that was read, or is still to be written. Needs a tokio runtime.
pub async fn of(reading: Reading, state: &Path) -> Report {
    let Reading { config, faults } = reading;
    let config = Arc::new(config);
    if !config.sources.has_main() {
        return Report::of_unread(faults, config);
    }
    let mut found = faults;

    let (policies, of_policies) = Policies::with_faults(config.clone());
    found.extend(of_policies);
    let stopping = found.clone();
    found.extend(account(&config, state));
    found.extend(relations(&config));
    found.extend(policy::check(&policies));
    found.extend(reach::faults(&config));
    let of_files = files::faults(&config, state);
    found.extend(of_files.clone());
    let expiring = expiring::judge(&config, state, Timestamp::now());
    found.extend(expiring.faults);

    let mut warnings = policy::warnings(&policies);
    let (of_directories, doubtful) = directories::judge(&config, state).await;
    found.extend(of_directories);
    warnings.extend(doubtful);
    warnings.extend(reach::warnings(&config));
    warnings.extend(callers::warnings(&config, state));
    warnings.extend(expiring.warnings);

    let usages = usage::all(&config);
    let senders = senders::look(&config, state, &usages, None).await;
    found.extend(texts::faults(&config, &usages, &senders));
    found.extend(national::faults(&config, &usages, &senders));
    warnings.extend(texts::warnings(&config, &usages, &senders));
    warnings.extend(kept::warnings(&config, &usages));
    let of_senders = senders.iter().flat_map(|sender| sender.faults.clone());
    found.extend(files::without_followers(
        of_senders.collect(),
        &of_files,
        state,
    ));

    // A policy that is for no one yet may be built step by step, as long as it stops no others.
    let (of_unlinked, found): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|fault| !stopping.contains(fault) && unlinked::is_of_one(fault, &config));
    warnings.extend(of_unlinked.clone());

    Report {
        faults: sorted(found),
        stopping,
        warnings: sorted(warnings),
        of_unlinked,
        incomplete: senders
            .into_iter()
            .filter_map(|sender| sender.incomplete())
            .collect(),
        senders: config.senders.len(),
        policies: config.policies.len(),
        config,
    }
}
