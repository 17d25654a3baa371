//! `textsender policy link`, `unlink`, `enable` and `disable`.

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use toml_edit::{Array, Table, TableLike};

use super::place::table_of;
use crate::{
    cli::{
        Common,
        edit::{Edit, tables},
        output::{Output, Usage},
        site::policy,
    },
    config::Config,
    policy::Dn,
};

/// Links a policy to a container of the directory: it is then for the users in it
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender policy link Staff OU=Staff,DC=example,DC=org --enforced"
)]
pub(super) struct Link {
    /// The policy
    name: String,
    /// The container
    #[arg(value_name = "DN")]
    container: String,
    /// Its place among the links of this container, the lowest first [default: the last]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    order: Option<u32>,
    /// Links below can't override it
    #[arg(long)]
    enforced: bool,
}

/// Takes a link away
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy unlink Staff OU=Staff,DC=example,DC=org")]
pub(super) struct Unlink {
    /// The policy
    name: String,
    /// The container
    #[arg(value_name = "DN")]
    container: String,
}

/// Switches a policy's links on again, or an event for which it sends
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender policy enable Staff                    # every link\n  \
    textsender policy enable Everyone --event enroll  # a code may be sent to enrol a phone")]
pub(super) struct Enable {
    #[command(flatten)]
    what: What,
}

/// Switches a policy's links off, or an event for which it sends
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender policy disable Staff --link OU=Staff,DC=example,DC=org"
)]
pub(super) struct Disable {
    #[command(flatten)]
    what: What,
}

#[derive(clap::Args)]
struct What {
    /// The policy
    name: String,
    /// Only this link
    #[arg(long, value_name = "DN", conflicts_with = "event")]
    link: Option<String>,
    /// Instead of links: what the user is doing
    #[arg(long)]
    event: Option<Event>,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Event {
    /// Enrolling a phone
    Enroll,
    /// Resetting a password
    Reset,
}

impl Link {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        let (file, place) = table_of(edit.config(), &self.name)?;
        let container = parse(&self.container)?;
        let links = &policy(edit.config(), &self.name)?.links;
        if links
            .iter()
            .any(|link| parse(&link.container).is_ok_and(|dn| dn == container))
        {
            bail!(
                "policy {} is linked to {} already",
                self.name,
                self.container
            );
        }
        let next = next_order(edit.config(), &self.container)?;
        let order = self.order.unwrap_or(next);
        let taken = others_at(edit.config(), &container)
            .find(|(_, link)| link.order == order)
            .map(|(name, _)| name.to_owned());
        if let Some(name) = taken {
            bail!(
                "order {order} at {} is policy {name}'s: give another with --order, such as {next}",
                self.container
            );
        }
        edit.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            tables::push_item(policy, "link", table(&self.container, order, self.enforced))
        })?;
        edit.save()?;
        out.line(format_args!(
            "linked policy {} to {} with order {order}, in {}",
            self.name,
            self.container,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Unlink {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        let (file, place) = table_of(edit.config(), &self.name)?;
        let is_it = is_linked_to(&self.container)?;
        let mut removed = 0;
        edit.file(&file, |document| {
            let policy = place.find(document.as_table_mut())?;
            removed = tables::remove_items(policy, "link", is_it);
            Ok(())
        })?;
        if removed == 0 {
            return Err(not_linked(edit.config(), &self.name, &self.container));
        }
        edit.save()?;
        out.line(format_args!(
            "unlinked policy {} from {}, in {}",
            self.name,
            self.container,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Enable {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        self.what.switch(true, common, out)
    }
}

impl Disable {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        self.what.switch(false, common, out)
    }
}

impl What {
    fn switch(&self, on: bool, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        let (file, place) = table_of(edit.config(), &self.name)?;
        let done = match self.event {
            Some(event) => {
                let events = self.events(edit.config(), event, on)?;
                edit.file(&file, |document| {
                    let policy = place.find(document.as_table_mut())?;
                    tables::set(policy, "events", events.iter().copied().collect::<Array>());
                    Ok(())
                })?;
                format!("sends a code to: {}", events.join(", "))
            }
            None => {
                let links = self.links(edit.config())?;
                edit.file(&file, |document| {
                    let policy = place.find(document.as_table_mut())?;
                    links
                        .iter()
                        .try_for_each(|link| set_enabled(policy, link, on))
                })?;
                let state = if on { "enabled" } else { "disabled" };
                format!("has its link to {} {state}", links.join("; "))
            }
        };
        edit.save()?;
        out.line(format_args!(
            "policy {} {done}, by {}",
            self.name,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }

    /// The events for which the policy sends from now on.
    fn events(&self, config: &Config, event: Event, on: bool) -> anyhow::Result<Vec<&'static str>> {
        let now = policy(config, &self.name)?.events.as_ref();
        let has =
            |name: &str| now.is_none_or(|events| events.iter().any(|event| event.as_str() == name));
        let wanted = [(Event::Enroll, "enroll"), (Event::Reset, "reset")];
        let wanted = wanted
            .into_iter()
            .filter(|(one, name)| match *one == event {
                true => on,
                false => has(name),
            });
        let events: Vec<&str> = wanted.map(|(_, name)| name).collect();
        match events.is_empty() {
            true => bail!(
                "policy {0} would send for nothing: remove or disable it instead",
                self.name
            ),
            false => Ok(events),
        }
    }

    fn links(&self, config: &Config) -> anyhow::Result<Vec<String>> {
        let links = &policy(config, &self.name)?.links;
        let all = || links.iter().map(|link| link.container.value.clone());
        let Some(container) = &self.link else {
            return match links.is_empty() {
                true => bail!(
                    "policy {} has no link; link it with `textsender policy link`",
                    self.name
                ),
                false => Ok(all().collect()),
            };
        };
        let wanted = parse(container)?;
        let found = all().find(|link| parse(link).is_ok_and(|dn| dn == wanted));
        let found = found.ok_or_else(|| not_linked(config, &self.name, container))?;
        Ok(vec![found])
    }
}

/// The order that comes last at a container.
pub(super) fn next_order(config: &Config, container: &str) -> anyhow::Result<u32> {
    let container = parse(container)?;
    let orders = others_at(config, &container).map(|(_, link)| link.order);
    Ok(orders.max().unwrap_or(0).saturating_add(1))
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
) -> impl Iterator<Item = (&'c str, &'c crate::config::Link)> {
    let links = config.policies.iter().flat_map(|policy| {
        let links = policy.links.iter();
        links.map(|link| (policy.name.as_str(), link))
    });
    links.filter(move |(_, link)| parse(&link.container).is_ok_and(|dn| dn == *container))
}

fn set_enabled(policy: &mut dyn TableLike, container: &str, on: bool) -> anyhow::Result<()> {
    let link = tables::item(policy, "link", is_linked_to(container)?);
    let link = link.ok_or_else(|| anyhow!("the link to {container} is no longer there"))?;
    tables::set(link, "enabled", on);
    Ok(())
}

/// Whether a `[[link]]` is to this container, however either is written.
fn is_linked_to(container: &str) -> anyhow::Result<impl Fn(&dyn TableLike) -> bool + use<>> {
    let wanted = parse(container)?;
    Ok(move |link: &dyn TableLike| {
        let container = tables::text(link, "container").unwrap_or_default();
        parse(container).is_ok_and(|dn| dn == wanted)
    })
}

fn parse(container: &str) -> anyhow::Result<Dn> {
    Dn::parse(container).map_err(|error| {
        Usage(format!(
            "{container:?} is no distinguished name such as OU=Staff,DC=example,DC=org: {error}"
        ))
        .into()
    })
}

fn not_linked(config: &Config, name: &str, container: &str) -> anyhow::Error {
    let links = policy(config, name).map(|policy| policy.links.as_slice());
    let links: Vec<&str> = links
        .unwrap_or_default()
        .iter()
        .map(|link| link.container.as_str())
        .collect();
    match links.is_empty() {
        true => anyhow!("policy {name} is linked to nothing"),
        false => anyhow!(
            "policy {name} is not linked to {container}, but to {}",
            links.join("; ")
        ),
    }
}
