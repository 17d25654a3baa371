//! Orders about where policies are linked, and when they send.

use std::path::PathBuf;

use toml_edit::{Array, Table, TableLike};

use super::{
    draft::Draft,
    error::EditError,
    names::{self, policy},
    order::Order,
    place::table_of,
    tables,
};
use crate::{
    config::{self, Config},
    policy::Dn,
    protocol::Event,
};

/// Links a policy to a container of the directory.
#[derive(Debug, Clone)]
pub struct LinkPolicy {
    /// The policy.
    pub policy: String,
    /// The container's distinguished name.
    pub container: String,
    /// Its place among the links of the container; `None`: the last.
    pub order: Option<u32>,
    /// Whether links below can't override it.
    pub enforced: bool,
}

/// What linking came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The file.
    pub file: PathBuf,
    /// The link's order.
    pub order: u32,
}

/// Takes a link of a policy away.
#[derive(Debug, Clone)]
pub struct UnlinkPolicy {
    /// The policy.
    pub policy: String,
    /// The container.
    pub container: String,
}

/// Changes a link: its order, and whether it is enforced. What is not named stays.
#[derive(Debug, Clone)]
pub struct SetLink {
    /// The policy.
    pub policy: String,
    /// The container.
    pub container: String,
    /// Its place among the links of the container.
    pub order: Option<u32>,
    /// Whether links below can't override it.
    pub enforced: Option<bool>,
}

/// Has a container take no unenforced link from above, or take them again.
#[derive(Debug, Clone)]
pub struct BlockInheritance {
    /// The container.
    pub container: String,
    /// Whether it blocks.
    pub on: bool,
}

/// Switches links of a policy on or off.
#[derive(Debug, Clone)]
pub struct SwitchLinks {
    /// The policy.
    pub policy: String,
    /// The container; `None`: all links.
    pub container: Option<String>,
    /// Whether they count.
    pub on: bool,
}

/// The links that were switched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched {
    /// The file.
    pub file: PathBuf,
    /// Their containers, or the events for which the policy sends now.
    pub what: Vec<String>,
}

/// Switches an event on or off, for which a policy sends.
#[derive(Debug, Clone)]
pub struct SwitchEvent {
    /// The policy.
    pub policy: String,
    /// The event.
    pub event: Event,
    /// Whether a code is sent for it.
    pub on: bool,
}

impl Order for LinkPolicy {
    type Done = Linked;

    fn make(&self, draft: &mut Draft) -> Result<Linked, EditError> {
        let (name, written) = (&self.policy, &self.container);
        let (file, place) = table_of(draft.config(), name)?;
        let container = parse(written)?;
        let links = &policy(draft.config(), name)?.links;
        if links.iter().any(|link| is_at(link, &container)) {
            return Err(EditError::refused(format!(
                "policy {name} is linked to {written} already"
            )));
        }
        let next = next_order(draft.config(), written)?;
        let order = self.order.unwrap_or(next);
        order_is_free(draft.config(), written, order)?;
        draft.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            tables::push_item(policy, "link", table(written, order, self.enforced))
        })?;
        Ok(Linked { file, order })
    }

    fn summary(&self) -> String {
        format!("link policy {} to {}", self.policy, self.container)
    }
}

impl Order for UnlinkPolicy {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let (file, place) = table_of(draft.config(), &self.policy)?;
        let is_it = is_linked_to(&self.container)?;
        let mut removed = 0;
        draft.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            removed = tables::remove_items(policy, "link", is_it);
            Ok(())
        })?;
        match removed {
            0 => Err(not_linked(draft.config(), &self.policy, &self.container)),
            _ => Ok(file),
        }
    }

    fn summary(&self) -> String {
        format!("unlink policy {} from {}", self.policy, self.container)
    }
}

impl Order for SetLink {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let (file, place) = table_of(draft.config(), &self.policy)?;
        let container = parse(&self.container)?;
        let links = &policy(draft.config(), &self.policy)?.links;
        let Some(link) = links.iter().find(|link| is_at(link, &container)) else {
            return Err(not_linked(draft.config(), &self.policy, &self.container));
        };
        if let Some(order) = self.order.filter(|order| *order != link.order) {
            order_is_free(draft.config(), &self.container, order)?;
        }
        let is_it = is_linked_to(&self.container)?;
        draft.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            let link = tables::item(policy, "link", is_it);
            let link = link.ok_or_else(|| is_gone(&self.container))?;
            if let Some(order) = self.order {
                tables::set(link, "order", i64::from(order));
            }
            if let Some(enforced) = self.enforced {
                tables::set(link, "enforced", enforced);
            }
            Ok(())
        })?;
        Ok(file)
    }

    fn summary(&self) -> String {
        format!(
            "change the link of policy {} to {}",
            self.policy, self.container
        )
    }
}

impl Order for BlockInheritance {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let container = parse(&self.container)?;
        let known = draft.config().containers.iter();
        // However it is written there.
        let mut known = known.filter(|known| parse(&known.dn).is_ok_and(|dn| dn == container));
        let name = known.next().map(|known| known.dn.value.clone());
        draft.main(|document| {
            let root = document.as_table_mut();
            match (&name, self.on) {
                (None, false) => {}
                (_, true) => {
                    let name = name.as_deref().unwrap_or(&self.container);
                    let table = tables::table(root, &["containers", name])?;
                    tables::set(table, "block_inheritance", true);
                }
                (Some(name), false) => {
                    let table = tables::existing(root, &["containers", name]);
                    let table = table.ok_or_else(|| is_gone(name))?;
                    table.remove("block_inheritance");
                    if table.is_empty()
                        && let Some(all) = tables::existing(root, &["containers"])
                    {
                        all.remove(name);
                    }
                }
            }
            Ok(())
        })
    }

    fn summary(&self) -> String {
        let verb = if self.on { "block" } else { "take" };
        format!("{verb} inheritance at {}", self.container)
    }
}

impl Order for SwitchLinks {
    type Done = Switched;

    fn make(&self, draft: &mut Draft) -> Result<Switched, EditError> {
        let (file, place) = table_of(draft.config(), &self.policy)?;
        let links = self.links(draft.config())?;
        draft.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            let mut links = links.iter();
            links.try_for_each(|link| set_enabled(policy, link, self.on))
        })?;
        Ok(Switched { file, what: links })
    }

    fn summary(&self) -> String {
        let verb = if self.on { "enable" } else { "disable" };
        match &self.container {
            Some(container) => format!("{verb} the link of policy {} to {container}", self.policy),
            None => format!("{verb} the links of policy {}", self.policy),
        }
    }
}

impl SwitchLinks {
    /// The containers of the links, as they are written.
    fn links(&self, config: &Config) -> Result<Vec<String>, EditError> {
        let links = &policy(config, &self.policy)?.links;
        let all = || links.iter().map(|link| link.container.value.clone());
        let Some(container) = &self.container else {
            return match links.is_empty() {
                true => Err(EditError::refused(format!(
                    "policy {} has no link; link it with `textsender policy link`",
                    self.policy
                ))),
                false => Ok(all().collect()),
            };
        };
        let wanted = parse(container)?;
        let found = all().find(|link| parse(link).is_ok_and(|dn| dn == wanted));
        let found = found.ok_or_else(|| not_linked(config, &self.policy, container))?;
        Ok(vec![found])
    }
}

impl Order for SwitchEvent {
    type Done = Switched;

    fn make(&self, draft: &mut Draft) -> Result<Switched, EditError> {
        let (file, place) = table_of(draft.config(), &self.policy)?;
        let events = self.events(draft.config())?;
        draft.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            tables::set(policy, "events", events.iter().copied().collect::<Array>());
            Ok(())
        })?;
        let what = events.into_iter().map(str::to_owned).collect();
        Ok(Switched { file, what })
    }

    fn summary(&self) -> String {
        let verb = if self.on { "enable" } else { "disable" };
        format!(
            "{verb} the event {} of policy {}",
            self.event.as_str(),
            self.policy
        )
    }
}

impl SwitchEvent {
    /// The events for which the policy sends from now on.
    fn events(&self, config: &Config) -> Result<Vec<&'static str>, EditError> {
        let now = policy(config, &self.policy)?.events.as_ref();
        let has = |event: Event| now.is_none_or(|events| events.contains(&event));
        let wanted = [Event::Enroll, Event::Reset].into_iter();
        let wanted = wanted.filter(|event| match *event == self.event {
            true => self.on,
            false => has(*event),
        });
        let events: Vec<&str> = wanted.map(Event::as_str).collect();
        match events.is_empty() {
            true => Err(EditError::refused(format!(
                "policy {0} would send for no event: remove or disable it instead",
                self.policy
            ))),
            false => Ok(events),
        }
    }
}

/// The order that comes last at a container.
pub(super) fn next_order(config: &Config, container: &str) -> Result<u32, EditError> {
    let container = parse(container)?;
    let orders = others_at(config, &container).map(|(_, link)| link.order);
    Ok(orders.max().unwrap_or(0).saturating_add(1))
}

/// An error if a link at this container has this order already.
pub(super) fn order_is_free(config: &Config, container: &str, order: u32) -> Result<(), EditError> {
    let next = next_order(config, container)?;
    let parsed = parse(container)?;
    let mut others = others_at(config, &parsed);
    match others.find(|(_, link)| link.order == order) {
        None => Ok(()),
        Some((name, _)) => Err(EditError::refused(format!(
            "order {order} at {container} is policy {name}'s: give another with --order, such as {next}"
        ))),
    }
}

/// A `[[link]]`.
pub(super) fn table(container: &str, order: u32, enforced: bool) -> Table {
    let mut table = Table::new();
    tables::set(&mut table, "container", container);
    tables::set(&mut table, "order", i64::from(order));
    if enforced {
        tables::set(&mut table, "enforced", true);
    }
    table
}

/// Every link at a container, with its policy.
fn others_at<'c>(
    config: &'c Config,
    container: &'c Dn,
) -> impl Iterator<Item = (&'c str, &'c config::Link)> {
    let links = config.policies.iter().flat_map(|policy| {
        let links = policy.links.iter();
        links.map(|link| (policy.name.as_str(), link))
    });
    links.filter(move |(_, link)| is_at(link, container))
}

fn is_at(link: &config::Link, container: &Dn) -> bool {
    parse(&link.container).is_ok_and(|dn| dn == *container)
}

fn set_enabled(policy: &mut dyn TableLike, container: &str, on: bool) -> Result<(), EditError> {
    let link = tables::item(policy, "link", is_linked_to(container)?);
    let link = link.ok_or_else(|| is_gone(container))?;
    tables::set(link, "enabled", on);
    Ok(())
}

fn is_gone(container: &str) -> EditError {
    EditError::refused(format!("the section of {container} is gone"))
}

/// Whether a `[[link]]` is to this container, however either is written.
fn is_linked_to(container: &str) -> Result<impl Fn(&dyn TableLike) -> bool + use<>, EditError> {
    let wanted = parse(container)?;
    Ok(move |link: &dyn TableLike| {
        let container = tables::text(link, "container").unwrap_or_default();
        parse(container).is_ok_and(|dn| dn == wanted)
    })
}

fn parse(container: &str) -> Result<Dn, EditError> {
    Dn::parse(container).map_err(|error| {
        EditError::Usage(format!(
            "{container:?} is not a distinguished name such as OU=Staff,DC=example,DC=org: {error}"
        ))
    })
}

fn not_linked(config: &Config, name: &str, container: &str) -> EditError {
    let links = names::policy(config, name).map(|policy| policy.links.as_slice());
    let links: Vec<&str> = links
        .unwrap_or_default()
        .iter()
        .map(|link| link.container.as_str())
        .collect();
    EditError::refused(match links.is_empty() {
        true => format!("policy {name} is linked to nothing"),
        false => format!(
            "policy {name} is not linked to {container}, but to {}",
            links.join("; ")
        ),
    })
}
