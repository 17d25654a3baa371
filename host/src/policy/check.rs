//! Faults in how policies stand to each other: links that clash, policies that can never win. Only
//! `check` looks for them.

use std::collections::{BTreeSet, HashMap};

use textsender_names::Dn;

use super::index::{Level, Linked, Policies};
use crate::config::{Fault, Link, Policy};

/// All of them.
pub fn check(policies: &Policies) -> Vec<Fault> {
    let mut faults = Vec::new();
    for level in policies.levels.values() {
        equal_orders(policies, level, &mut faults);
    }
    for (number, policy) in policies.config.policies.iter().enumerate() {
        if let Some((message, remedy)) = why_never(policies, number, policy) {
            let place = policy.name.place;
            let message = format!("policy {:?} can never win: {message}", policy.name.value);
            let fault = policies
                .config
                .sources
                .fault(place, "name", message, remedy);
            faults.push(fault);
        }
    }
    faults
}

/// Links at a domain below which the configuration names another: they do not reach its users.
pub fn warnings(policies: &Policies) -> Vec<Fault> {
    let config = &policies.config;
    let domains = domains(policies);
    let links = config.policies.iter().flat_map(|policy| &policy.links);
    let below = links.filter(|link| link.enabled).filter_map(|link| {
        let container = Dn::parse(&link.container).ok()?;
        let is_domain = container.as_str() == container.domain();
        let is_below = |domain: &&String| domain.ends_with(&format!(",{container}"));
        let below = domains.iter().find(is_below).filter(|_| is_domain)?;
        Some(config.sources.fault(
            link.place,
            "link.container",
            format!("the link does not reach the users of {below}, which is a domain of its own"),
            format!("link the policy to {below} too, if it is for them"),
        ))
    });
    below.collect()
}

/// Every domain in which the configuration names a container, a group or a user.
fn domains(policies: &Policies) -> BTreeSet<String> {
    let config = &policies.config;
    let containers = config.containers.iter().map(|container| &container.dn);
    let links = config.policies.iter().flat_map(|policy| &policy.links);
    let filters = config.policies.iter().map(|policy| &policy.filter);
    let named = filters.flat_map(|filter| {
        let lists = [&filter.groups, &filter.deny_groups, &filter.users];
        lists.into_iter().flatten()
    });
    let names = containers
        .chain(links.map(|link| &link.container))
        .chain(named);
    let names = names.filter_map(|name| Dn::parse(name).ok());
    names.map(|dn| dn.domain().to_owned()).collect()
}

/// Orders are unique at a container, enforced or not, as in group policy.
fn equal_orders(policies: &Policies, level: &Level, faults: &mut Vec<Fault>) {
    let mut links: Vec<&Linked> = level.enforced.iter().chain(&level.plain).collect();
    links.sort_by_key(|linked| (linked.order, link_of(policies, linked).place));
    let mut first_of: HashMap<u32, &Linked> = HashMap::new();
    for linked in links {
        let first = *first_of.entry(linked.order).or_insert(linked);
        if first == linked {
            continue;
        }
        let sources = &policies.config.sources;
        let earlier = sources.fault(link_of(policies, first).place, "", "", "");
        faults.push(sources.fault(
            link_of(policies, linked).place,
            "link.order",
            format!(
                "order {} at {} is already that of policy {:?} ({}:{})",
                linked.order,
                level.name,
                policies.policy(*first).name.value,
                earlier.file,
                earlier.line
            ),
            "give each link at a container an order of its own",
        ));
    }
}

/// Why no user can ever fall under the policy, and what to do. A policy whose links are all
/// disabled is switched off on purpose.
fn why_never(policies: &Policies, number: usize, policy: &Policy) -> Option<(String, String)> {
    if policies.rules[number].is_closed(&policies.principals) {
        return Some((
            "deny_groups names everyone whom the filter lets through".to_owned(),
            "take the group out of deny_groups".to_owned(),
        ));
    }
    if policies.default == Some(number) || policy.binding.is_some() {
        return None;
    }
    if policy.links.is_empty() {
        return Some((
            "it has no [[link]] and is not [defaults] policy".to_owned(),
            "link it to a container, or remove it".to_owned(),
        ));
    }
    let enabled = || policy.links.iter().filter(|link| link.enabled);
    let shadows: Option<Vec<&Policy>> = enabled()
        .map(|link| shadow_of(policies, number as u32, link))
        .collect();
    let by = *shadows?.first()?;
    Some((
        format!(
            "policy {:?} applies to everyone it is linked to, and comes before it",
            by.name.value
        ),
        "change the order or the filter of one, or remove it".to_owned(),
    ))
}

/// A policy without a filter that wins wherever `link` applies: at the same container with a lower
/// order and as enforced, or enforced above.
fn shadow_of<'p>(policies: &'p Policies, own: u32, link: &Link) -> Option<&'p Policy> {
    let container = Dn::parse(&link.container).ok()?;
    let here = policies.levels.get(container.as_str());
    let above = policies.levels_above(&container).into_iter();
    let above = above.filter(|level| here.is_none_or(|here| !std::ptr::eq(*level, here)));
    let comes_before = |linked: &&Linked| linked.order < link.order;
    let enforced_here = here.into_iter().flat_map(|level| &level.enforced);
    let plain_here = here.into_iter().flat_map(|level| &level.plain);
    let mut candidates = above
        .flat_map(|level| &level.enforced)
        .chain(enforced_here.filter(|linked| !link.enforced || comes_before(linked)))
        .chain(plain_here.filter(|linked| !link.enforced && comes_before(linked)));
    let shadow = candidates.find(|linked| {
        let rule = &policies.rules[linked.policy as usize];
        linked.policy != own && rule.is_open(&policies.principals)
    })?;
    Some(policies.policy(*shadow))
}

fn link_of<'p>(policies: &'p Policies, linked: &Linked) -> &'p Link {
    &policies.policy(*linked).links[linked.link as usize]
}
