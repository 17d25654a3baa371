//! Orders about policies: who gets which sender and text.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use textsender_plugin_api::Purpose;
use toml_edit::{Array, DocumentMut, TableLike, Value};

use super::{
    draft::Draft,
    error::EditError,
    links,
    names::{self, policy},
    order::Order,
    place::table_of,
    tables,
    texts::can_be_sent,
};
use crate::{
    config::{Config, POLICIES_FOLDER},
    protocol::Event,
    recipient::Region,
};

/// Adds a policy, in a file of its own. [`Done`](Order::Done) is that file.
#[derive(Debug, Clone, Default)]
pub struct AddPolicy {
    /// Its name.
    pub name: String,
    /// The region whose users are texted; `None`: that of the default policy.
    pub region: Option<String>,
    /// The containers that it is linked to.
    pub links: Vec<String>,
    /// The order of these links; `None`: the last at each container.
    pub order: Option<u32>,
    /// The groups whose members it is for; none: for everyone.
    pub groups: Vec<String>,
    /// Its sender; `None`: the default one.
    pub sender: Option<String>,
    /// What it says.
    pub text: String,
}

/// Selects the sender of a policy, and those that are tried after it.
#[derive(Debug, Clone)]
pub struct SetPolicySender {
    /// The policy.
    pub policy: String,
    /// The sender; `None`: the default one.
    pub sender: Option<String>,
    /// Those that are tried after it.
    pub fallback: Fallback,
}

/// What becomes of the senders that are tried after the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fallback {
    /// They stay.
    Keep,
    /// There is none any more.
    None,
    /// These, in this order.
    These(Vec<String>),
}

/// Changes for whom a policy is, and how it sends. What is `None` stays; an empty list is taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetPolicy {
    /// The policy.
    pub policy: String,
    /// Groups whose members it is for.
    pub groups: Option<Vec<String>>,
    /// Groups whose members it is not for.
    pub deny_groups: Option<Vec<String>>,
    /// The region as whose numbers national ones are read.
    pub region: Option<String>,
    /// The regions that may be texted.
    pub regions: Option<Vec<String>>,
    /// The most segments of a text.
    pub max_segments: Option<u8>,
    /// The events for which it sends.
    pub events: Option<Vec<Event>>,
}

/// Removes a policy.
#[derive(Debug, Clone)]
pub struct RemovePolicy {
    /// The policy.
    pub name: String,
}

/// Gives a policy another name. Its file keeps its own.
#[derive(Debug, Clone)]
pub struct RenamePolicy {
    /// The policy.
    pub name: String,
    /// Its new name.
    pub new_name: String,
}

impl Fallback {
    /// The senders that are named.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::These(names) => names,
            Self::Keep | Self::None => &[],
        }
    }

    /// Writes it into the section beside `sender`.
    pub(super) fn write(&self, section: &mut dyn TableLike) {
        match self {
            Self::Keep => {}
            Self::None => drop(section.remove("fallback")),
            Self::These(names) => set_list(section, "fallback", names),
        }
    }
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => Ok(()),
            Self::None => f.write_str(", without fallback"),
            Self::These(names) => write!(f, ", then {}", names.join(", ")),
        }
    }
}

impl Order for AddPolicy {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        is_free(draft.config(), &self.name)?;
        can_be_sent(Purpose::VerificationCode, &self.text, false)?;
        if let Some(sender) = &self.sender {
            names::sender(draft.config(), sender)?;
        }
        let file = file_for(draft.config(), &self.name);
        let text = self.document(draft.config())?;
        draft.write(&file, text);
        Ok(file)
    }

    fn summary(&self) -> String {
        format!("add policy {}", self.name)
    }
}

impl AddPolicy {
    fn document(&self, config: &Config) -> Result<String, EditError> {
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
        for container in &self.links {
            let order = match self.order {
                Some(order) => {
                    links::order_is_free(config, container, order)?;
                    order
                }
                None => links::next_order(config, container)?,
            };
            tables::push_item(root, "link", links::table(container, order, false))?;
        }
        if !self.groups.is_empty() {
            set_list(tables::table(root, &["filter"])?, "groups", &self.groups);
        }
        let block = tables::table(root, &["verification_code"])?;
        if let Some(sender) = &self.sender {
            tables::set(block, "sender", sender.as_str());
        }
        tables::set(block, "text", self.text.as_str());
        Ok(document.to_string())
    }

    fn region(&self, config: &Config) -> Result<Option<Region>, EditError> {
        let default = config.defaults.policy.as_ref();
        let default = default.and_then(|name| policy(config, name).ok());
        let default = default.and_then(|policy| policy.reach.region.as_ref());
        let region = self.region.as_deref();
        let region = region.or(default.map(|region| region.as_str()));
        region.map(parse_region).transpose()
    }
}

impl Order for SetPolicySender {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        for sender in self.sender.iter().chain(self.fallback.names()) {
            names::sender(draft.config(), sender)?;
        }
        if policy(draft.config(), &self.policy)?
            .verification_code
            .is_none()
        {
            return Err(EditError::refused(format!(
                "policy {0} has no text yet: set one with `textsender text set --policy {0}`",
                self.policy
            )));
        }
        let (file, place) = table_of(draft.config(), &self.policy)?;
        draft.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            let block = tables::table(policy, &["verification_code"])?;
            match &self.sender {
                Some(sender) => tables::set(block, "sender", sender.as_str()),
                None => drop(block.remove("sender")),
            }
            self.fallback.write(block);
            Ok(())
        })?;
        Ok(file)
    }

    fn summary(&self) -> String {
        let sender = self.sender.as_deref().unwrap_or("the default");
        format!(
            "select sender {sender} for policy {}{}",
            self.policy, self.fallback
        )
    }
}

impl Order for SetPolicy {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let (file, place) = table_of(draft.config(), &self.policy)?;
        let regions = self.region.iter().chain(self.regions.iter().flatten());
        for region in regions.filter(|region| *region != "*") {
            parse_region(region)?;
        }
        let has_text = policy(draft.config(), &self.policy)?
            .verification_code
            .is_some();
        if self.max_segments.is_some() && !has_text {
            return Err(EditError::refused(format!(
                "policy {0} has no text yet: set one with `textsender text set --policy {0}`",
                self.policy
            )));
        }
        draft.file(&file, |document| {
            self.write(place.find(document.as_table_mut())?)
        })?;
        Ok(file)
    }

    fn summary(&self) -> String {
        let keys = [
            ("groups", self.groups.is_some()),
            ("deny_groups", self.deny_groups.is_some()),
            ("region", self.region.is_some()),
            ("regions", self.regions.is_some()),
            ("max_segments", self.max_segments.is_some()),
            ("events", self.events.is_some()),
        ];
        let keys = keys
            .into_iter()
            .filter_map(|(key, is_set)| is_set.then_some(key));
        let keys: Vec<&str> = keys.collect();
        format!("set {} of policy {}", keys.join(", "), self.policy)
    }
}

impl SetPolicy {
    fn write(&self, policy: &mut dyn TableLike) -> Result<(), EditError> {
        if let Some(region) = &self.region {
            tables::set(policy, "region", region.as_str());
        }
        if let Some(regions) = &self.regions {
            set_or_remove(policy, "regions", regions);
        }
        if let Some(events) = &self.events {
            let events: Array = events.iter().map(|event| event.as_str()).collect();
            tables::set(policy, "events", events);
        }
        let filters = [("groups", &self.groups), ("deny_groups", &self.deny_groups)];
        for (key, groups) in filters {
            if let Some(groups) = groups {
                set_or_remove(tables::table(policy, &["filter"])?, key, groups);
            }
        }
        let is_empty = tables::existing(policy, &["filter"]).is_some_and(|t| t.is_empty());
        if is_empty {
            policy.remove("filter");
        }
        if let Some(segments) = self.max_segments {
            let block = tables::table(policy, &["verification_code"])?;
            tables::set(block, "max_segments", i64::from(segments));
        }
        Ok(())
    }
}

impl Order for RemovePolicy {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let (file, place) = table_of(draft.config(), &self.name)?;
        let default = draft.config().defaults.policy.as_ref();
        if default.is_some_and(|default| default.value == self.name) {
            return Err(EditError::refused(format!(
                "policy {} is the default: select another with `textsender policy set-default` first",
                self.name
            )));
        }
        if place.is_drop_in() {
            draft.remove(&file);
            return Ok(file);
        }
        draft.main(|document| {
            tables::remove_items(document.as_table_mut(), "policies", |table| {
                place.is_it(table)
            });
            Ok(())
        })
    }

    fn summary(&self) -> String {
        format!("remove policy {}", self.name)
    }
}

impl Order for RenamePolicy {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let (old, new) = (self.name.as_str(), self.new_name.as_str());
        let (file, place) = table_of(draft.config(), old)?;
        is_free(draft.config(), new)?;
        draft.file(&file, |document| {
            tables::set(place.find(document.as_table_mut())?, "name", new);
            Ok(())
        })?;
        let default = draft.config().defaults.policy.as_ref();
        if default.is_some_and(|default| default.value == old) {
            draft.main(|document| {
                let defaults = tables::table(document.as_table_mut(), &["defaults"])?;
                tables::set(defaults, "policy", new);
                Ok(())
            })?;
        }
        Ok(file)
    }

    fn summary(&self) -> String {
        format!("rename policy {} to {}", self.name, self.new_name)
    }
}

fn is_free(config: &Config, name: &str) -> Result<(), EditError> {
    let mut policies = config.policies.iter();
    match policies.any(|policy| policy.name.value == name) {
        true => Err(EditError::refused(format!(
            "there is a policy {name} already"
        ))),
        false => Ok(()),
    }
}

fn parse_region(region: &str) -> Result<Region, EditError> {
    Region::parse(region).map_err(|error| EditError::Usage(error.to_string()))
}

fn set_list(table: &mut dyn TableLike, key: &str, items: &[String]) {
    let items: Array = items.iter().map(String::as_str).collect();
    tables::set(table, key, Value::Array(items));
}

fn set_or_remove(table: &mut dyn TableLike, key: &str, items: &[String]) {
    match items.is_empty() {
        true => drop(table.remove(key)),
        false => set_list(table, key, items),
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
    free.find(|path: &PathBuf| !Path::exists(path))
        .unwrap_or_else(|| named(String::new()))
}
