//! Policies for which a directory's group policy objects say whom they are for, beside those with links of their own.
//!
//! Which objects reach a user, in which order, the directory's program says; here the strongest of them stands against
//! the strongest link of our own, by the same rules. One that can't be judged is not passed over: where it stands
//! before any that applies, no policy is chosen.

use std::borrow::Cow;

use textsender_names::{Dn, Guid};

use super::considered::{Beat, Considered, LinkResult, LinkView, Lost, Won};
use super::error::PolicyError;
use super::index::{Linked, Policies};
use crate::protocol::{GpoEffect, GpoLink, words_of_effect};

/// Where a link stands among all that apply, the strongest first: enforced ones from the top, then the others from
/// the user up, at one container by order.
type Rank = (bool, usize, u32);

fn rank(enforced: bool, height: usize, order: u32) -> Rank {
    match enforced {
        true => (false, usize::MAX - height, order),
        false => (true, height, order),
    }
}

fn rank_of(link: &GpoLink) -> Rank {
    rank(link.enforced, link.height, link.order)
}

/// Whether it decides, if only that nothing can be decided.
fn decides(link: &GpoLink) -> bool {
    link.result == GpoEffect::Applies || link.result.is_undecidable()
}

/// How many steps above the user a container is.
fn height(user: &Dn, container: &str) -> usize {
    let container = Dn::parse(container).ok();
    let is_it = |name: &str| container.as_ref().is_some_and(|dn| dn.as_str() == name);
    user.containers().position(is_it).unwrap_or(usize::MAX)
}

impl Policies {
    /// The policy that decides, where some are bound to objects: by number.
    pub(super) fn beside_objects(
        &self,
        user: &Dn,
        own: Option<Linked>,
        links: Option<&[GpoLink]>,
    ) -> Result<Option<usize>, PolicyError> {
        let links = links.ok_or(PolicyError::LinksUnknown)?;
        let own = own.map(|linked| {
            let link = &self.policy(linked).links[linked.link as usize];
            let rank = rank(link.enforced, height(user, &link.container), link.order);
            (rank, linked.policy as usize)
        });
        let mut deciding = links.iter().filter(|link| decides(link));
        let object = deciding.find_map(|link| Some((self.bound_to(&link.gpo)?, link)));
        let Some((number, link)) = object else {
            return Ok(own.map(|(_, number)| number));
        };
        let name = |number: usize| self.config.policies[number].name.value.clone();
        match own {
            Some((own, number)) if own < rank_of(link) => return Ok(Some(number)),
            Some((own, other)) if own == rank_of(link) => {
                return Err(PolicyError::EqualOrder {
                    container: link.container.clone(),
                    order: link.order,
                    policies: [other, number].map(name),
                });
            }
            _ => {}
        }
        match link.result.is_undecidable() {
            false => Ok(Some(number)),
            true => Err(PolicyError::Undecidable {
                policy: name(number),
                container: link.container.clone(),
                why: words_of_effect(link.result),
            }),
        }
    }

    fn bound_to(&self, gpo: &Guid) -> Option<usize> {
        self.bound.get(gpo.as_str()).copied()
    }

    /// What became of links of our own, and of each object's: those that apply come first, as they would win.
    pub(super) fn considered_beside_objects<'p>(
        &'p self,
        user: &Dn,
        own: Vec<Considered<'p>>,
        links: Option<&[GpoLink]>,
    ) -> Vec<Considered<'p>> {
        let links = links.unwrap_or_default();
        let mut rows: Vec<Row> = links.iter().filter_map(|link| self.row(link)).collect();
        let unlinked = self.unlinked(&rows);
        rows.extend(
            own.into_iter()
                .map(|considered| Row::of_own(user, considered)),
        );
        rows.sort_by_key(|row| (row.rank.is_none(), row.rank));
        if let Some((first, others)) = rows.split_first_mut()
            && first.rank.is_some()
        {
            first.wins();
            for other in others {
                other.loses_to(first, user);
            }
        }
        let considered = rows.into_iter().map(|row| row.considered);
        considered.chain(unlinked).collect()
    }

    fn row(&self, link: &GpoLink) -> Option<Row<'_>> {
        let policy = &self.config.policies[self.bound_to(&link.gpo)?];
        let effect = link.result;
        let view = LinkView {
            container: Cow::Owned(link.container.clone()),
            order: link.order,
            enforced: link.enforced,
        };
        Some(Row {
            rank: decides(link).then(|| rank_of(link)),
            applies: effect == GpoEffect::Applies,
            considered: Considered {
                policy: &policy.name,
                link: Some(view),
                result: LinkResult::Lost(Lost::Object { effect }),
            },
        })
    }

    /// Policies none of whose objects' links reaches the user.
    fn unlinked<'p>(&'p self, rows: &[Row<'p>]) -> Vec<Considered<'p>> {
        let policies = self.config.policies.iter();
        let unlinked = policies.filter(|policy| {
            let is_it = |row: &Row| row.considered.policy == policy.name.as_str();
            policy.binding.is_some() && !rows.iter().any(is_it)
        });
        let unlinked = unlinked.map(|policy| Considered {
            policy: &policy.name,
            link: None,
            result: LinkResult::Lost(Lost::NoObject),
        });
        unlinked.collect()
    }
}

/// A link, while it is compared with the others.
struct Row<'p> {
    /// Its place among those that may decide; `None`: it does not.
    rank: Option<Rank>,
    /// Whether it applies, if nothing comes before it.
    applies: bool,
    considered: Considered<'p>,
}

impl<'p> Row<'p> {
    fn of_own(user: &Dn, considered: Considered<'p>) -> Self {
        let in_force = matches!(
            considered.result,
            LinkResult::Won(_) | LinkResult::Lost(Lost::Beaten { .. } | Lost::EqualOrder { .. })
        );
        let link = considered.link.as_ref().filter(|_| in_force);
        let rank = link.map(|link| rank(link.enforced, height(user, &link.container), link.order));
        Self {
            rank,
            // The default too, which has no link.
            applies: in_force,
            considered,
        }
    }

    /// Nothing comes before it. Two of our own that clash stay as they are, and so does what can't be judged.
    fn wins(&mut self) {
        let is_clash = matches!(
            self.considered.result,
            LinkResult::Lost(Lost::EqualOrder { .. })
        );
        if let Some(link) = &self.considered.link
            && self.applies
            && !is_clash
        {
            self.considered.result = LinkResult::Won(match link.enforced {
                true => Won::Enforced,
                false => Won::Closest,
            });
        }
    }

    fn loses_to(&mut self, first: &Row<'p>, user: &Dn) {
        let by = first.considered.policy;
        if !self.applies || self.rank.is_some() && self.rank == first.rank {
            return;
        }
        let links = first.considered.link.as_ref();
        let links = links.zip(self.considered.link.as_ref());
        self.considered.result = LinkResult::Lost(match links {
            _ if !first.applies => Lost::Undecided { by },
            Some((first, own)) => Lost::Beaten {
                by,
                why: beat(user, first, own),
            },
            None => Lost::NotNeeded { by },
        });
    }
}

fn beat<'p>(user: &Dn, first: &LinkView<'p>, other: &LinkView<'p>) -> Beat<'p> {
    let container = first.container.clone();
    let at_one = height(user, &first.container) == height(user, &other.container);
    match (first.enforced, other.enforced) {
        (true, false) => Beat::Enforced,
        _ if at_one => Beat::LowerOrder { order: first.order },
        (true, true) => Beat::Higher { container },
        _ => Beat::Closer { container },
    }
}

#[cfg(test)]
mod tests;
