//! The policies in the form in which decisions are made: links by container, filters by numbers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use textsender_names::Dn;

use super::error::PolicyError;
use super::principal::{Held, Principals, Rule};
use crate::config::{Config, Fault, Faults, Located, Policy};

/// All policies of a configuration, ready to decide.
#[derive(Debug)]
pub struct Policies {
    pub(super) config: Arc<Config>,
    /// By the normal form of the container's name.
    pub(super) levels: HashMap<String, Level>,
    /// The filter of each policy.
    pub(super) rules: Vec<Rule>,
    pub(super) principals: Principals,
    /// The policies that group policy objects decide for, by the objects' ids.
    pub(super) bound: HashMap<String, usize>,
    /// The number of `[defaults] policy`, if it is there.
    pub(super) default: Option<usize>,
    /// What is wrong with a policy, by its number: for its users nothing can be sent.
    broken: BTreeMap<usize, String>,
}

/// What is set at one container.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// The container as it is written at the first place that names it.
    pub name: String,
    /// Enforced links that are enabled, the lowest order first.
    pub enforced: Vec<Linked>,
    /// The other enabled links, likewise.
    pub plain: Vec<Linked>,
    /// Whether it stops unenforced links above.
    pub blocks: bool,
}

/// A link, by the numbers of its policy and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Linked {
    pub policy: u32,
    pub link: u32,
    pub order: u32,
}

impl Policies {
    /// Indexes the policies of `config`. A container or filter that can't be read is a fault.
    pub fn new(config: Arc<Config>) -> Result<Policies, Faults> {
        let (mut policies, faults) = Policies::with_faults(config);
        let (of_one_policy, others): (Vec<Fault>, Vec<Fault>) = faults
            .into_iter()
            .partition(|fault| policies.config.costs_one_policy(fault));
        Faults::none_of(others)?;
        let config = Arc::clone(&policies.config);
        for fault in config.of_one_policy.iter().chain(&of_one_policy) {
            policies.break_policy(fault);
        }
        Ok(policies)
    }

    /// Notes what is wrong with one policy. It decides nothing from now on, but where it would have
    /// decided no other does; and where its filter can't be read, that is for everyone it is linked to.
    fn break_policy(&mut self, fault: &Fault) {
        let Some(number) = fault
            .place
            .and_then(|place| self.config.policy_in(place.file))
        else {
            return;
        };
        if fault.key.starts_with("filter") {
            self.rules[number] = Rule::everyone();
        }
        self.broken
            .entry(number)
            .or_insert_with(|| fault.to_string());
    }

    /// What is wrong with the first policy that is broken.
    pub fn broken(&self) -> Option<&str> {
        self.broken.values().next().map(String::as_str)
    }

    /// An error if the policy that decides is broken.
    pub(super) fn is_whole(&self, number: usize) -> Result<(), PolicyError> {
        match self.broken.get(&number) {
            None => Ok(()),
            Some(fault) => Err(PolicyError::Broken {
                policy: self.config.policies[number].name.value.clone(),
                fault: fault.clone(),
            }),
        }
    }

    /// The same with all faults, for `check`: what can't be read is left out.
    pub fn with_faults(config: Arc<Config>) -> (Policies, Vec<Fault>) {
        let default = config.defaults.policy.as_ref();
        let mut policies = Policies {
            default: default.and_then(|name| {
                let mut all = config.policies.iter();
                all.position(|policy| policy.name.value == name.value)
            }),
            config: Arc::clone(&config),
            levels: HashMap::with_capacity(config.policies.len()),
            rules: Vec::with_capacity(config.policies.len()),
            principals: Principals::default(),
            bound: HashMap::new(),
            broken: BTreeMap::new(),
        };
        let mut faults = Vec::new();
        policies.add_blocks(&config, &mut faults);
        for (number, policy) in config.policies.iter().enumerate() {
            policies.add_links(number as u32, policy, &mut faults);
            policies.add_rule(policy, &mut faults);
            policies.add_binding(number, policy, &mut faults);
        }
        // Equal orders are ordered by name only to be reported alike, however the files are read.
        let rank = |linked: &Linked| {
            let name = config.policies[linked.policy as usize].name.as_str();
            (linked.order, name, linked.link)
        };
        for level in policies.levels.values_mut() {
            level.enforced.sort_by(|a, b| rank(a).cmp(&rank(b)));
            level.plain.sort_by(|a, b| rank(a).cmp(&rank(b)));
        }
        (policies, faults)
    }

    /// The configuration that it was made from.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    pub(super) fn policy(&self, linked: Linked) -> &Policy {
        &self.config.policies[linked.policy as usize]
    }

    /// What is set at the containers of its domain that hold `dn`, the closest first. As in group policy, a
    /// link at a domain is not one at the domains below it.
    pub(super) fn levels_above(&self, dn: &Dn) -> Vec<&Level> {
        dn.containers()
            .filter_map(|container| self.levels.get(container))
            .collect()
    }

    /// The link that wins for a user at `dn`, if any applies.
    pub(super) fn winner(&self, dn: &Dn, held: &Held) -> Result<Option<Linked>, PolicyError> {
        let levels = self.levels_above(dn);
        for level in levels.iter().rev() {
            if let Some(winner) = self.first_passing(&level.enforced, level, held)? {
                return Ok(Some(winner));
            }
        }
        for level in levels {
            if let Some(winner) = self.first_passing(&level.plain, level, held)? {
                return Ok(Some(winner));
            }
            if level.blocks {
                break;
            }
        }
        Ok(None)
    }

    /// The first of one container's links whose filter passes. Two of equal order cannot
    /// be ranked, and the order of files must not decide.
    fn first_passing(
        &self,
        links: &[Linked],
        level: &Level,
        held: &Held,
    ) -> Result<Option<Linked>, PolicyError> {
        let mut passing = links
            .iter()
            .filter(|linked| self.rules[linked.policy as usize].passes(held));
        let Some(winner) = passing.next() else {
            return Ok(None);
        };
        let rival = passing
            .take_while(|linked| linked.order == winner.order)
            .find(|linked| linked.policy != winner.policy);
        let Some(rival) = rival else {
            return Ok(Some(*winner));
        };
        Err(PolicyError::EqualOrder {
            container: level.name.clone(),
            order: winner.order,
            policies: [*winner, *rival].map(|linked| self.policy(linked).name.value.clone()),
        })
    }

    fn add_blocks(&mut self, config: &Config, faults: &mut Vec<Fault>) {
        for container in &config.containers {
            let Some(level) = self.level(&container.dn, "containers", config, faults) else {
                continue;
            };
            level.blocks |= container.block_inheritance;
        }
    }

    fn add_links(&mut self, number: u32, policy: &Policy, faults: &mut Vec<Fault>) {
        let config = Arc::clone(&self.config);
        for (index, link) in policy.links.iter().enumerate() {
            let key = "link.container";
            let Some(level) = self.level(&link.container, key, &config, faults) else {
                continue;
            };
            let linked = Linked {
                policy: number,
                link: index as u32,
                order: link.order,
            };
            match (link.enabled, link.enforced) {
                (false, _) => {}
                (true, true) => level.enforced.push(linked),
                (true, false) => level.plain.push(linked),
            }
        }
    }

    /// Of two policies that are bound to one object one could never win.
    fn add_binding(&mut self, number: usize, policy: &Policy, faults: &mut Vec<Fault>) {
        let Some(binding) = &policy.binding else {
            return;
        };
        let earlier = self.bound.insert(binding.id.to_string(), number);
        let Some(earlier) = earlier else { return };
        let earlier = &self.config.policies[earlier].name.value;
        faults.push(self.config.sources.fault(
            binding.place,
            "gpo.id",
            format!("policy {earlier:?} is bound to the same group policy object"),
            "bind each policy to an object of its own",
        ));
    }

    fn add_rule(&mut self, policy: &Policy, faults: &mut Vec<Fault>) {
        let filter = &policy.filter;
        let rule = self.principals.rule(filter, |list, index, error| {
            let name = match list {
                "groups" => &filter.groups[index],
                "deny_groups" => &filter.deny_groups[index],
                _ => &filter.users[index],
            };
            faults.push(self.config.sources.fault(
                name.place,
                format!("filter.{list}[{index}]"),
                format!("{:?} is not a DN or SID: {error}", name.value),
                "write a distinguished name or a SID",
            ));
        });
        self.rules.push(rule);
    }

    fn level(
        &mut self,
        name: &Located<String>,
        key: &str,
        config: &Config,
        faults: &mut Vec<Fault>,
    ) -> Option<&mut Level> {
        match Dn::parse(name) {
            Ok(dn) => {
                let level = self.levels.entry(dn.as_str().to_owned()).or_default();
                if level.name.is_empty() {
                    level.name.clone_from(&name.value);
                }
                Some(level)
            }
            Err(error) => {
                faults.push(config.sources.fault(
                    name.place,
                    key,
                    format!("{:?} is not a distinguished name: {error}", name.value),
                    "write it like \"OU=Staff,DC=example,DC=org\"",
                ));
                None
            }
        }
    }
}
