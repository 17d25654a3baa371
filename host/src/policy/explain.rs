//! Why a policy won, and why each other one lost. A second pass over all policies, which sending
//! never pays for.

use std::borrow::Cow;

use textsender_names::Dn;

use super::Query;
use super::considered::{Beat, Considered, LinkResult, LinkView, Lost, Won};
use super::error::PolicyError;
use super::index::{Level, Linked, Policies};
use super::principal::Held;
use super::resolve::Resolution;
use crate::config::{Filter, Link, Located, Policy};
use crate::protocol::Purpose;

/// A decision and how it came about.
#[derive(Debug)]
pub struct Explanation<'p> {
    /// Every link of every policy: the winner, then those it beat in the order in which they would
    /// have won, then those that do not apply. Empty for helpdesk messages, which no policy decides.
    pub considered: Vec<Considered<'p>>,
    /// What [`Policies::resolve`] gives.
    pub result: Result<Resolution<'p>, PolicyError>,
}

impl Policies {
    /// Decides, and says why.
    pub fn explain(&self, query: &Query) -> Explanation<'_> {
        let by_policy = matches!(query.purpose, Purpose::VerificationCode | Purpose::Test);
        let considered = match (by_policy, self.identify(&query.user)) {
            (true, Ok((dn, held))) => self.consider(query, dn, held),
            _ => Vec::new(),
        };
        Explanation {
            considered,
            result: self.resolve(query),
        }
    }

    fn consider(&self, query: &Query, dn: Option<Dn>, held: Held) -> Vec<Considered<'_>> {
        let user = dn.clone().filter(|_| !self.bound.is_empty());
        let case = Case {
            policies: self,
            levels: dn.as_ref().map_or(Vec::new(), |dn| self.levels_above(dn)),
            dn,
            held,
            groups: query.user.groups.len(),
        };
        let own = case.all();
        match user {
            Some(user) => self.considered_beside_objects(&user, own, query.user.links),
            None => own,
        }
    }
}

/// One user, while every policy is looked at.
struct Case<'p> {
    policies: &'p Policies,
    dn: Option<Dn>,
    /// Those that hold the user, the closest first.
    levels: Vec<&'p Level>,
    held: Held,
    groups: usize,
}

/// A link that applies: where its level stands among those above the user.
#[derive(Clone, Copy)]
struct Applying<'p> {
    policy: &'p Policy,
    link: &'p Link,
    level: usize,
}

impl<'p> Case<'p> {
    fn all(&self) -> Vec<Considered<'p>> {
        let applying = self.applying();
        let mut considered = self.ranked(&applying);
        let winner = applying.first().map(|first| first.policy);

        let mut rest: Vec<Considered> = Vec::new();
        for number in 0..self.policies.rules.len() {
            rest.extend(self.not_applying(number, winner));
        }
        rest.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        considered.extend(rest);
        considered
    }

    /// The links that apply, in the order in which they win: enforced from the top, then the others
    /// from the user up to the first block.
    fn applying(&self) -> Vec<Applying<'p>> {
        let levels = || self.levels.iter().enumerate();
        let enforced = levels()
            .rev()
            .flat_map(|(n, l)| l.enforced.iter().map(move |k| (n, k)));
        let plain = levels()
            .take(self.reached())
            .flat_map(|(n, l)| l.plain.iter().map(move |k| (n, k)));
        let passing = enforced
            .chain(plain)
            .filter(|(_, linked)| self.policies.rules[linked.policy as usize].passes(&self.held));
        passing
            .map(|(level, linked)| self.applying_link(level, *linked))
            .collect()
    }

    fn applying_link(&self, level: usize, linked: Linked) -> Applying<'p> {
        let policy = self.policies.policy(linked);
        Applying {
            policy,
            link: &policy.links[linked.link as usize],
            level,
        }
    }

    /// How many levels unenforced links reach the user from.
    fn reached(&self) -> usize {
        let block = self.levels.iter().position(|level| level.blocks);
        block.map_or(self.levels.len(), |at| at + 1)
    }

    fn ranked(&self, applying: &[Applying<'p>]) -> Vec<Considered<'p>> {
        let Some(first) = applying.first() else {
            return Vec::new();
        };
        let equals = |a: &Applying| {
            a.level == first.level
                && a.link.order == first.link.order
                && a.link.enforced == first.link.enforced
        };
        let rival = applying
            .iter()
            .find(|a| equals(a) && a.policy.name.value != first.policy.name.value);
        let ranked = applying.iter().enumerate().map(|(rank, link)| {
            let result = match rival {
                Some(rival) if equals(link) => {
                    let same = link.policy.name.value == rival.policy.name.value;
                    let other = if same { first } else { rival };
                    LinkResult::Lost(Lost::EqualOrder {
                        with: &other.policy.name,
                    })
                }
                _ if rank == 0 && first.link.enforced => LinkResult::Won(Won::Enforced),
                _ if rank == 0 => LinkResult::Won(Won::Closest),
                _ => LinkResult::Lost(Lost::Beaten {
                    by: &first.policy.name,
                    why: beat(first, link, &self.levels),
                }),
            };
            considered(link.policy, Some(link.link), result)
        });
        ranked.collect()
    }

    /// The links of one policy that do not apply, and the default.
    fn not_applying(&self, number: usize, winner: Option<&'p Policy>) -> Vec<Considered<'p>> {
        let policy = &self.policies.config.policies[number];
        let mut all: Vec<Considered> = policy
            .links
            .iter()
            .filter_map(|link| {
                let lost = self.why_not(number, link)?;
                Some(considered(policy, Some(link), LinkResult::Lost(lost)))
            })
            .collect();
        let is_default = self.policies.default == Some(number);
        let result = match (is_default, winner) {
            (true, None) => match self.filtered(number) {
                None => Some(LinkResult::Won(Won::Default)),
                Some(lost) => Some(LinkResult::Lost(lost)),
            },
            (true, Some(winner)) if policy.links.is_empty() => {
                let by = &winner.name;
                Some(LinkResult::Lost(Lost::NotNeeded { by }))
            }
            (false, _) if policy.links.is_empty() && policy.binding.is_none() => {
                Some(LinkResult::Lost(Lost::NoLink))
            }
            _ => None,
        };
        all.extend(result.map(|result| considered(policy, None, result)));
        all
    }

    /// `None` if the link applies.
    fn why_not(&self, number: usize, link: &'p Link) -> Option<Lost<'p>> {
        if !link.enabled {
            return Some(Lost::Disabled);
        }
        let Some(dn) = &self.dn else {
            return Some(Lost::NoDn);
        };
        let container = Dn::parse(&link.container).ok()?;
        if !dn.is_within(&container) {
            return Some(Lost::Elsewhere);
        }
        if dn.domain() != container.domain() {
            return Some(Lost::OtherDomain);
        }
        let levels = &self.policies.levels;
        let level = levels.get(container.as_str())?;
        let depth = self.levels.iter().position(|l| std::ptr::eq(*l, level))?;
        if !link.enforced && depth >= self.reached() {
            let at = &self.levels[self.reached() - 1].name;
            return Some(Lost::Blocked { at });
        }
        self.filtered(number)
    }

    /// `None` if the filter passes.
    fn filtered(&self, number: usize) -> Option<Lost<'p>> {
        if self.policies.rules[number].passes(&self.held) {
            return None;
        }
        let Filter {
            groups,
            deny_groups,
            users,
        } = &self.policies.config.policies[number].filter;
        let names = |list: &'p [Located<String>]| list.iter().map(|name| name.as_str());
        let principals = &self.policies.principals;
        if let Some(group) = principals.first_held(names(deny_groups), &self.held) {
            return Some(Lost::Denied { group });
        }
        Some(Lost::NotHeld {
            names: names(groups).chain(names(users)).collect(),
            held: self.groups,
        })
    }
}

fn considered<'p>(
    policy: &'p Policy,
    link: Option<&'p Link>,
    result: LinkResult<'p>,
) -> Considered<'p> {
    Considered {
        policy: &policy.name,
        link: link.map(|link| LinkView {
            container: Cow::Borrowed(link.container.as_str()),
            order: link.order,
            enforced: link.enforced,
        }),
        result,
    }
}

fn beat<'p>(first: &Applying<'p>, other: &Applying<'p>, levels: &[&'p Level]) -> Beat<'p> {
    let container = Cow::Borrowed(levels[first.level].name.as_str());
    match (first.link.enforced, other.link.enforced) {
        (true, false) => Beat::Enforced,
        _ if first.level == other.level => Beat::LowerOrder {
            order: first.link.order,
        },
        (true, true) => Beat::Higher { container },
        _ => Beat::Closer { container },
    }
}

/// Those that nearly applied come first; the order of files never shows.
fn sort_key<'a>(considered: &'a Considered) -> (u8, &'a str, Option<(&'a str, u32)>) {
    let rank = match &considered.result {
        LinkResult::Won(_) => 0,
        LinkResult::Lost(lost) => match lost {
            Lost::Beaten { .. } | Lost::EqualOrder { .. } => 0,
            Lost::Undecided { .. } | Lost::Object { .. } => 0,
            Lost::NotNeeded { .. } => 1,
            Lost::Denied { .. } | Lost::NotHeld { .. } => 2,
            Lost::Blocked { .. } => 3,
            Lost::Disabled => 4,
            Lost::NoDn => 5,
            Lost::OtherDomain => 6,
            Lost::Elsewhere => 7,
            Lost::NoLink | Lost::NoObject => 8,
        },
    };
    let link = considered.link.as_ref();
    let link = link.map(|link| (link.container.as_ref(), link.order));
    (rank, considered.policy, link)
}
