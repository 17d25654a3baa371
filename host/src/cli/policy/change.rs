//! `textsender policy add`, `set-sender` and `remove`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::bail;
use toml_edit::{Array, DocumentMut, Value};

use super::{link, place::table_of};
use crate::{
    cli::{
        Common,
        edit::{Edit, tables},
        files,
        output::{Output, Usage},
        site::{known_sender, policy},
    },
    config::{Config, POLICIES_FOLDER},
    recipient::Region,
};

/// Adds a policy, in a file of its own
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender policy add Staff --link OU=Staff,DC=example,DC=org --group CN=VPN,OU=Groups,DC=example,DC=org")]
pub(super) struct Add {
    /// Its name
    name: String,
    /// The country whose users are texted [default: that of the default policy]
    #[arg(long)]
    region: Option<String>,
    /// A container whose users it is for; may be given several times
    #[arg(long, value_name = "DN")]
    link: Vec<String>,
    /// Only for members of this group, a DN or SID; may be given several times
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Its sender; without one the default sender's
    #[arg(long)]
    sender: Option<String>,
    /// What it says
    #[arg(long, default_value = "Please enter this verification code: %code%")]
    text: String,
}

/// Selects the sender of a policy, and those that are tried after it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender policy set-sender Staff twilio --fallback gateway\n  \
    textsender policy set-sender Staff twilio --no-fallback\n  \
    textsender policy set-sender Staff --default")]
pub(super) struct SetSender {
    /// The policy
    name: String,
    /// The sender
    #[arg(required_unless_present = "default")]
    sender: Option<String>,
    /// A sender to try when that one can't; may be given several times, and replaces those there are
    #[arg(long, value_name = "SENDER")]
    fallback: Vec<String>,
    /// Tries no other sender any more
    #[arg(long, conflicts_with = "fallback")]
    no_fallback: bool,
    /// Uses the server-wide default sender again
    #[arg(long, conflicts_with_all = ["sender", "fallback"])]
    default: bool,
}

/// Removes a policy
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy remove Staff")]
pub(super) struct Remove {
    /// The policy
    name: String,
}

impl Add {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        let config = edit.config();
        if config
            .policies
            .iter()
            .any(|policy| policy.name.value == self.name)
        {
            bail!("there is a policy {} already", self.name);
        }
        if let Some(sender) = &self.sender {
            known_sender(config, sender)?;
        }
        let file = file_for(config, &self.name);
        let text = self.document(config)?;
        edit.add(&file, text)?;
        edit.save()?;
        out.line(format_args!(
            "added policy {} in {}",
            self.name,
            file.display()
        ));
        if self.link.is_empty() {
            out.line(format_args!(
                "it applies to no user yet: link it with `textsender policy link {} DN`",
                self.name
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn document(&self, config: &Config) -> anyhow::Result<String> {
        let mut document = DocumentMut::new();
        let root = document.as_table_mut();
        tables::set(root, "name", self.name.as_str());
        if let Some(region) = self.region(config)? {
            tables::set(root, "region", region.as_str());
        }
        tables::set(
            root,
            "events",
            ["enroll", "reset"].into_iter().collect::<Array>(),
        );
        for container in &self.link {
            let order = link::next_order(config, container)?;
            tables::push_item(root, "link", link::table(container, order, false))?;
        }
        if !self.group.is_empty() {
            let groups: Array = self.group.iter().map(String::as_str).collect();
            tables::set(tables::table(root, &["filter"])?, "groups", groups);
        }
        let block = tables::table(root, &["verification_code"])?;
        if let Some(sender) = &self.sender {
            tables::set(block, "sender", sender.as_str());
        }
        tables::set(block, "text", self.text.as_str());
        Ok(document.to_string())
    }

    fn region(&self, config: &Config) -> anyhow::Result<Option<Region>> {
        let default = config.defaults.policy.as_ref();
        let default = default.and_then(|name| policy(config, name).ok());
        let default = default.and_then(|policy| policy.reach.region.as_ref());
        let region = self
            .region
            .as_deref()
            .or(default.map(|region| region.as_str()));
        let region = region.map(Region::parse).transpose();
        region.map_err(|error| Usage(error.to_string()).into())
    }
}

impl SetSender {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        let config = edit.config();
        for sender in self.sender.iter().chain(&self.fallback) {
            known_sender(config, sender)?;
        }
        if policy(config, &self.name)?.verification_code.is_none() {
            bail!(
                "policy {0} has no text yet: set one with `textsender text set --policy {0}`",
                self.name
            );
        }
        let (file, place) = table_of(config, &self.name)?;
        edit.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            let block = tables::table(policy, &["verification_code"])?;
            match &self.sender {
                Some(sender) => tables::set(block, "sender", sender.as_str()),
                None => drop(block.remove("sender")),
            }
            if self.no_fallback {
                block.remove("fallback");
            }
            if !self.fallback.is_empty() {
                let fallback: Array = self.fallback.iter().map(String::as_str).collect();
                tables::set(block, "fallback", Value::Array(fallback));
            }
            Ok(())
        })?;
        edit.save()?;
        let sender = self.sender.as_deref().unwrap_or("the default sender");
        out.line(format_args!(
            "policy {} sends through {sender}, by {}",
            self.name,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        let config = edit.config();
        let (file, place) = table_of(config, &self.name)?;
        let default = config.defaults.policy.as_ref();
        if default.is_some_and(|default| default.value == self.name) {
            bail!(
                "policy {} is the default: name another as [defaults] policy in {} first",
                self.name,
                common.config_file().path.display()
            );
        }
        if place.is_drop_in() {
            files::remove(&file)?;
        } else {
            edit.main(|document| {
                tables::remove_items(document.as_table_mut(), "policies", |table| {
                    place.is_it(table)
                });
                Ok(())
            })?;
            edit.save()?;
        }
        out.line(format_args!(
            "removed policy {} ({})",
            self.name,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// A free name in the folder of policies.
fn file_for(config: &Config, name: &str) -> PathBuf {
    let folder = config.sources.main.with_file_name(POLICIES_FOLDER);
    let stem: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let stem = match stem.trim_matches('-') {
        "" => "policy",
        stem => stem,
    };
    let named = |suffix: String| folder.join(format!("{stem}{suffix}.toml"));
    let numbered = (2..).map(|n| named(format!("-{n}")));
    let mut free = std::iter::once(named(String::new())).chain(numbered);
    free.find(|path| !path.exists())
        .unwrap_or_else(|| named(String::new()))
}
