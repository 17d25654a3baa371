//! An installation as a command or the console looks at it, read once: the configuration, the state folder, what
//! plugins say of themselves, and what a sender's provider says of it.

pub mod alerts;
pub mod csv;
pub mod health;
mod installation;
pub mod limits;
pub mod pauses;
pub mod plots;
pub mod plugins;
mod provider;
mod recorded;
pub mod runtime;

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::{Map, Value};
use textsender_plugin_api::Level;
use tokio::time::Instant;

use crate::{
    check::{self, Standing},
    config::{Config, Environment, Policy, Reading, Sender, Sources},
    directory::Directories,
    edit::names,
    os::{accounts, rights},
    plugins::{
        Description, HostProcess, Launch, SealPlan, Sealed, StartupError, With, describe,
        describe_with, folder, in_the_open, plan,
    },
    privilege,
};

pub use installation::{Installation, Servers};
pub use provider::{Asked, ask, ask_unsaved};
pub use recorded::Recorded;

/// How long a plugin may take to say what it is, or to be loaded and configured. A cold disk takes tenths of a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// An installation of textsender, read once.
pub struct Site {
    /// What is at fault in it is left out.
    pub config: Config,
    /// The state folder.
    pub state: PathBuf,
}

/// The directories of a configuration that commands ask, if it has any. Root asks as the account that sends.
pub fn directories(config: &Config) -> Option<Directories> {
    let state = Environment::current().state_folder(config.state.folder.as_deref());
    if !config.directories.is_empty() {
        privilege::lend(&config.state, &state.path);
    }
    Directories::of(config, &state.path)
}

impl Site {
    /// Reads the configuration at `main`, the path of `textsender.toml`.
    ///
    /// # Errors
    ///
    /// There is none, or others can change it.
    pub fn at(main: &Path) -> anyhow::Result<Self> {
        names::is_there(main)?;
        Ok(Self::of(Reading::of(Sources::read(main)).believed()?))
    }

    /// The same, also where others can change the configuration: to show what is wrong with it.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn unjudged_at(main: &Path) -> anyhow::Result<Self> {
        names::is_there(main)?;
        Ok(Self::of(Reading::of(Sources::read(main))))
    }

    /// Of a configuration that was read.
    pub fn of(reading: Reading) -> Self {
        let Reading { config, .. } = reading;
        let state = Environment::current()
            .state_folder(config.state.folder.as_deref())
            .path;
        privilege::lend(&config.state, &state);
        Self { config, state }
    }

    /// Asks the plugin of this id what it is.
    ///
    /// # Errors
    ///
    /// It can't be used, and why.
    pub fn describe(&self, plugin: &str) -> Result<Description, StartupError> {
        self.describe_file(&folder::find(&self.config.plugins, plugin), plugin)
    }

    /// Asks a sender's plugin what it is with the sender's settings.
    ///
    /// # Errors
    ///
    /// It can't be used, and why.
    pub fn describe_sender(&self, sender: &Sender) -> Result<Description, StartupError> {
        let plugin = sender.plugin.as_str();
        self.describe_with(plugin, &in_the_open(sender))
    }

    /// Asks the plugin of this id what it is with these settings.
    ///
    /// # Errors
    ///
    /// It can't be used, and why.
    pub fn describe_with(
        &self,
        plugin: &str,
        settings: &Map<String, Value>,
    ) -> Result<Description, StartupError> {
        let file = folder::find(&self.config.plugins, plugin);
        let seal = plan(&self.config.plugins, None);
        let folder = self.folder();
        let with = With {
            settings,
            folder: &folder,
        };
        let by = Instant::now() + PATIENCE;
        let asked = async { describe_with(&file, plugin, seal, by, Some(with)).await };
        block_on(asked).unwrap_or(Err(StartupError::Ended))
    }

    /// Asks the library in a file what it is, as a plugin of this id.
    ///
    /// # Errors
    ///
    /// It can't be used, and why.
    pub fn describe_file(&self, file: &Path, plugin: &str) -> Result<Description, StartupError> {
        let seal = plan(&self.config.plugins, None);
        let asked = async { describe(file, plugin, seal, Instant::now() + PATIENCE).await };
        block_on(asked).unwrap_or(Err(StartupError::Ended))
    }

    /// The folder of the configuration, whose lock every change takes.
    pub fn folder(&self) -> PathBuf {
        names::folder_of(&self.config.sources.main)
    }

    /// How a configured sender stands, as the account that sends.
    ///
    /// # Errors
    ///
    /// It is not configured, or this can't be seen as that account.
    pub fn standing(&self, name: &str) -> anyhow::Result<Standing> {
        let standings = self.standings(Some(name))?;
        standings.into_iter().next().context("the sender is gone")
    }

    /// How the senders stand: all, or the one of a name.
    ///
    /// # Errors
    ///
    /// This can't be seen as that account.
    pub fn standings(&self, only: Option<&str>) -> anyhow::Result<Vec<Standing>> {
        self.become_owner()?;
        block_on(check::standings(&self.config, &self.state, only))
    }

    /// What a sender's process is sealed with, and what it should be; `None` where it can't be started.
    ///
    /// # Errors
    ///
    /// The system has no descriptor or thread left for it.
    pub fn seal_of(&self, standing: &Standing) -> anyhow::Result<Option<(Sealed, SealPlan)>> {
        let launch = Launch::of(&self.config, &self.state, &standing.sender, Level::Error);
        let (true, Ok(launch)) = (standing.is_ready(), launch) else {
            return Ok(None);
        };
        let plan = launch.seal.clone();
        let sealed = block_on(async {
            let process = HostProcess::start(launch).ok()?;
            process.ready(Instant::now() + PATIENCE).await.ok()?;
            process.sealed()
        })?;
        Ok(sealed.map(|sealed| (sealed, plan)))
    }

    /// Leaves root's rights behind, where root runs this: what follows is seen and done as the account
    /// that sends.
    ///
    /// # Errors
    ///
    /// Neither root nor that account runs this: what it would tell were not how things stand.
    pub fn become_owner(&self) -> anyhow::Result<()> {
        self.is_for_caller()?;
        privilege::become_owner(&self.config.state, &self.state)
            .context("can't act as the account that sends")
    }

    /// The same for what no state is needed for: another account looks as itself.
    ///
    /// # Errors
    ///
    /// Root can't act as the account that sends.
    pub fn leave_root(&self) -> anyhow::Result<()> {
        match accounts::is_root() {
            true => self.become_owner(),
            false => Ok(()),
        }
    }

    /// An error where what this caller can see says nothing about the account that sends.
    ///
    /// # Errors
    ///
    /// It is another account that sends.
    pub fn is_for_caller(&self) -> anyhow::Result<()> {
        if accounts::is_root() {
            return Ok(());
        }
        // An account that is not there is a fault of the configuration, which `check` points at.
        let account = privilege::sending_account(&self.config.state, &self.state);
        let Some(account) = account
            .unwrap_or(None)
            .filter(|account| account.user != accounts::own())
        else {
            return Ok(());
        };
        // A group may have been given the folder.
        if rights::may_use_folder(&self.state).is_ok() {
            return Ok(());
        }
        bail!(NotTheSender {
            account: account.name,
        })
    }

    /// An error unless this sender is configured.
    ///
    /// # Errors
    ///
    /// There is none, and what was probably meant.
    pub fn known_sender(&self, name: &str) -> anyhow::Result<()> {
        names::sender(&self.config, name)?;
        Ok(())
    }

    /// The policy of this name.
    ///
    /// # Errors
    ///
    /// There is none, and what was probably meant.
    pub fn policy(&self, name: &str) -> anyhow::Result<&Policy> {
        Ok(names::policy(&self.config, name)?)
    }
}

/// Neither root nor the account that sends runs this.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} can't see this, as {account} is the account that sends: {}",
    accounts::own_name(),
    as_sender(account)
)]
pub struct NotTheSender {
    /// The account that sends.
    pub account: String,
}

/// The command line of this process, as it is typed to be run by that account: with sudo, which makes
/// root act as it.
fn as_sender(account: &str) -> String {
    let words = std::env::args().skip(1);
    let words: Vec<String> = words.map(|word| quoted(&word)).collect();
    let command = privilege::command_as(account, &words.join(" "));
    // sudo takes no variables along.
    match std::env::var("TEXTSENDER_CONFIG") {
        Ok(config) if !words.iter().any(|word| word.starts_with("--config")) => {
            format!("{command} --config {}", quoted(&config))
        }
        _ => command,
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Runs a future to its end.
///
/// # Errors
///
/// The system has no descriptor or thread left for it.
pub fn block_on<F: Future>(future: F) -> anyhow::Result<F::Output> {
    runtime::block_on(future).context("no event loop can be started")
}
