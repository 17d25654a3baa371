//! What commands look at: the configuration, the state folder, and what plugins say of themselves.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::time::Instant;

use super::Common;
use crate::{
    check::{self, Standing},
    config::{Config, Environment, Policy, Reading, Sources, nearest},
    plugins::{self, Description, Refusal, StartupError, folder, verify::FileFault},
    privilege,
};

/// How long a plugin may take to say what it is. A cold disk takes tenths of a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// An installation of textsender, read once.
pub(super) struct Site {
    /// What is at fault in it is left out.
    pub(super) config: Config,
    /// The state folder.
    pub(super) state: PathBuf,
}

impl Site {
    /// Reads the configuration that the command line, the environment or the system names.
    pub(super) fn read(common: &Common) -> anyhow::Result<Self> {
        let main = common.config_file().path;
        is_there(&main)?;
        Ok(Self::of(Reading::of(Sources::read(&main))))
    }

    pub(super) fn of(reading: Reading) -> Self {
        let Reading { config, .. } = reading;
        let state = Environment::current()
            .state_folder(config.state.folder.as_deref())
            .path;
        privilege::lend(&state);
        Self { config, state }
    }

    /// Asks the plugin of this id what it is.
    pub(super) fn describe(&self, plugin: &str) -> Result<Description, StartupError> {
        self.describe_file(
            &folder::file_of(&self.config.plugins.folder, plugin),
            plugin,
        )
    }

    /// Asks the library in a file what it is, as a plugin of this id.
    pub(super) fn describe_file(
        &self,
        file: &Path,
        plugin: &str,
    ) -> Result<Description, StartupError> {
        let seal = plugins::plan(&self.config.plugins, None);
        let asked =
            async { plugins::describe(file, plugin, seal, Instant::now() + PATIENCE).await };
        block_on(asked).unwrap_or(Err(StartupError::Ended))
    }

    /// The folder of the configuration, whose lock every change takes.
    pub(super) fn folder(&self) -> PathBuf {
        folder_of(&self.config.sources.main)
    }

    /// How a configured sender stands, as the account that sends.
    pub(super) fn standing(&self, name: &str) -> anyhow::Result<Standing> {
        let standings = self.standings(Some(name))?;
        standings.into_iter().next().context("the sender is gone")
    }

    /// How the senders stand: all, or the one of a name.
    pub(super) fn standings(&self, only: Option<&str>) -> anyhow::Result<Vec<Standing>> {
        self.become_owner()?;
        block_on(check::standings(&self.config, &self.state, only))
    }

    /// Leaves root's rights behind, where root runs this.
    pub(super) fn become_owner(&self) -> anyhow::Result<()> {
        let become_owner = privilege::become_owner(&self.state);
        become_owner.with_context(|| format!("can't become the owner of {}", self.state.display()))
    }

    /// An error unless this sender is configured.
    pub(super) fn known_sender(&self, name: &str) -> anyhow::Result<()> {
        known_sender(&self.config, name)
    }

    /// The policy of this name.
    pub(super) fn policy(&self, name: &str) -> anyhow::Result<&Policy> {
        policy(&self.config, name)
    }
}

/// The folder that a file is in.
pub(super) fn folder_of(file: &Path) -> PathBuf {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// An error unless there is a configuration.
pub(super) fn is_there(main: &Path) -> anyhow::Result<()> {
    if !main.exists() {
        bail!(
            "there is no configuration at {}: make one with `textsender init`, or name another with --config",
            main.display()
        );
    }
    Ok(())
}

/// An error unless this sender is configured.
pub(super) fn known_sender(config: &Config, name: &str) -> anyhow::Result<()> {
    if config.senders.contains_key(name) {
        return Ok(());
    }
    let names = config.senders.keys().map(String::as_str);
    bail!(
        "there is no sender {name}{}",
        instead(name, names, "add it with `textsender sender add`")
    );
}

/// The policy of this name.
pub(super) fn policy<'c>(config: &'c Config, name: &str) -> anyhow::Result<&'c Policy> {
    let policies = || config.policies.iter();
    if let Some(policy) = policies().find(|policy| policy.name.value == name) {
        return Ok(policy);
    }
    let names = policies().map(|policy| policy.name.as_str());
    bail!(
        "there is no policy {name}{}",
        instead(name, names, "add it with `textsender policy add`")
    );
}

/// How the sentence about an unknown name ends: the near name, the names there are, or how to add one.
pub(super) fn instead<'n>(
    name: &str,
    names: impl Iterator<Item = &'n str>,
    how_to_add: &str,
) -> String {
    let names: Vec<&str> = names.collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("; did you mean {near}?"),
        None if names.is_empty() => format!(": {how_to_add}"),
        None => format!(
            "; there are {}: name one, or {how_to_add}",
            names.join(", ")
        ),
    }
}

/// Everything that names a sender, in words.
pub(super) fn uses_of_sender(config: &Config, name: &str) -> Vec<String> {
    let mut uses = Vec::new();
    let is = |sender: &Option<crate::config::Located<String>>| {
        sender.as_ref().is_some_and(|sender| sender.value == name)
    };
    if is(&config.defaults.sender) {
        uses.push("the default".to_owned());
    }
    let mut add = |options: &crate::config::SendOptions, owner: String| {
        if is(&options.sender) {
            uses.push(owner.clone());
        }
        if options.fallback.iter().any(|sender| sender.value == name) {
            uses.push(format!("{owner} (fallback)"));
        }
    };
    if let Some(helpdesk) = &config.helpdesk {
        add(&helpdesk.options, "helpdesk".to_owned());
    }
    for policy in &config.policies {
        if let Some(block) = &policy.verification_code {
            add(&block.options, format!("policy {}", policy.name.value));
        }
    }
    uses
}

/// Why a plugin's file can't be used, and what to do, on one line.
pub(super) fn why(reason: &StartupError, file: &Path) -> String {
    match reason {
        StartupError::Refused(Refusal::File(FileFault::Missing)) => {
            format!("there is no {}", file.display())
        }
        StartupError::Refused(Refusal::OtherId(id)) => {
            let name = folder::file_of(Path::new(""), id);
            format!("it holds the plugin {id}: name it {}", name.display())
        }
        StartupError::Refused(refusal) => refusal.to_string(),
        StartupError::Ended => "it ends its process when it is loaded; ask its author".to_owned(),
        StartupError::TimedOut => "it does not say what it is in time; ask its author".to_owned(),
    }
}

/// Runs a future to its end.
pub(super) fn block_on<F: Future>(future: F) -> anyhow::Result<F::Output> {
    super::runtime::block_on(future).context("no event loop can be started")
}
