//! Which group policy objects decide for a user, from a snapshot: group policy's own order.
//!
//! 1. An enforced link beats one that is not; of several, the **highest** container wins.
//! 2. Else the container **closest** to the user wins, as far up as the first that blocks inheritance.
//! 3. At one container the lowest order wins.
//!
//! What has no effect is passed over: a link that is off, an object that is gone, whose half for users is off,
//! that is of another functionality version, or whose security filter does not let the user through. What *can't be
//! judged* ends the search: below it no other object is taken in its place.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use textsender_names::{Dn, DnError, GpoEffect, Guid, Sid, lines::GpoLink};

use crate::{
    descriptor,
    gplink::Link,
    snapshot::{Container, Gpo, GpoState, Snapshot},
};

/// The functionality version that Windows applies.
const VERSION: u32 = 2;

/// A snapshot made ready for many users.
#[derive(Debug)]
pub struct Index {
    /// When the snapshot was taken.
    pub taken: Timestamp,
    /// By the normal form of their names.
    containers: HashMap<String, Container>,
    gpos: HashMap<Guid, Gpo>,
    /// Whom the objects' entries name.
    by_name: HashMap<String, Sid>,
    trustees: HashSet<Sid>,
}

/// The snapshot has a name that is none, or one twice: users there could not be told from others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} {what}")]
pub struct BadName {
    name: String,
    what: String,
}

impl BadName {
    fn twice(name: String) -> Self {
        let what = "is there twice".to_owned();
        Self { name, what }
    }
}

fn normal(name: &str) -> Result<String, BadName> {
    let dn = Dn::parse(name).map_err(|error| BadName {
        name: name.chars().take(200).collect(),
        what: format!("is not a distinguished name: {error}"),
    })?;
    Ok(dn.as_str().to_owned())
}

/// A user as group policy sees him.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The entry.
    pub dn: Dn,
    /// The user's own SID, and those of all groups.
    pub token: HashSet<Sid>,
    /// Whether a SID that is not in the token is surely not held: not so where groups are known by name.
    pub is_complete: bool,
}

/// What a binding of a policy to an object says beside its id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// A WMI filter is taken as passed. Else an object with one can't be judged.
    pub ignore_wmi_filter: bool,
}

impl Index {
    /// Looks up containers and objects by name. A container whose name can't be read is an error of who wrote the
    /// snapshot: users below it could not be told from others.
    ///
    /// # Errors
    ///
    /// A name is no distinguished name, or there twice.
    pub fn new(snapshot: Snapshot) -> Result<Self, BadName> {
        let trustees = snapshot.gpos.iter().flat_map(|gpo| &gpo.entries);
        let trustees = trustees.map(|entry| entry.trustee).collect();
        let mut containers: HashMap<String, Container> = HashMap::new();
        for container in snapshot.containers {
            let twin = containers.insert(normal(&container.dn)?, container);
            if let Some(twin) = twin {
                return Err(BadName::twice(twin.dn));
            }
        }
        let names = snapshot.trustees.into_iter();
        let names = names.map(|(sid, dn)| Ok((normal(&dn)?, sid)));
        Ok(Self {
            taken: snapshot.taken,
            containers,
            gpos: snapshot
                .gpos
                .into_iter()
                .map(|gpo| (gpo.id.clone(), gpo))
                .collect(),
            by_name: names.collect::<Result<_, _>>()?,
            trustees,
        })
    }

    /// A user from what a caller knows: a name, and groups by SID, by distinguished name, or `Domain Users`.
    ///
    /// # Errors
    ///
    /// The user's name is no distinguished name.
    pub fn subject(&self, dn: &str, groups: &[String]) -> Result<Subject, DnError> {
        let dn = Dn::parse(dn)?;
        let mut token: HashSet<Sid> = Sid::HELD_BY_ALL.into();
        token.extend(self.by_name.get(dn.as_str()));
        let mut is_complete = !groups.is_empty();
        for group in groups {
            if let Ok(sid) = group.parse() {
                token.insert(sid);
                continue;
            }
            is_complete = false;
            if group.trim().eq_ignore_ascii_case("Domain Users") {
                token.extend(self.trustees.iter().filter(|sid| sid.is_domain_users()));
            }
            let named = Dn::parse(group).ok();
            token.extend(named.and_then(|dn| self.by_name.get(dn.as_str())));
        }
        Ok(Subject {
            dn,
            token,
            is_complete,
        })
    }

    /// Every link to a bound object that is at or above the user, the strongest first. The first whose effect is
    /// [`GpoEffect::Applies`] wins, unless one before it [can't be judged](GpoEffect::is_undecidable).
    #[must_use]
    pub fn consider(&self, user: &Subject, bound: &HashMap<Guid, Binding>) -> Vec<GpoLink> {
        let mut considered = Vec::new();
        let mut blocked = false;
        for (height, name) in user.dn.containers().enumerate() {
            let Some(container) = self.containers.get(name) else {
                continue;
            };
            if container.unreadable {
                considered.extend(unreadable(container, height, bound));
                continue;
            }
            for link in container
                .links
                .iter()
                .filter(|link| bound.contains_key(&link.gpo))
            {
                let result = self.effect(link, blocked, user, bound[&link.gpo]);
                considered.push(GpoLink {
                    gpo: link.gpo.clone(),
                    container: container.dn.clone(),
                    height,
                    order: link.order,
                    enforced: link.enforced,
                    result,
                });
            }
            blocked |= container.block_inheritance;
        }
        considered.sort_by_key(|one| match one.enforced {
            true => (0, usize::MAX - one.height, one.order),
            false => (1, one.height, one.order),
        });
        considered
    }

    fn effect(&self, link: &Link, blocked: bool, user: &Subject, binding: Binding) -> GpoEffect {
        if !link.enabled {
            return GpoEffect::LinkDisabled;
        }
        if blocked && !link.enforced {
            return GpoEffect::Blocked;
        }
        // A snapshot without the object is older than the binding.
        let Some(gpo) = self.gpos.get(&link.gpo) else {
            return GpoEffect::Unreadable;
        };
        match gpo.state {
            GpoState::Gone => return GpoEffect::Gone,
            GpoState::Unreadable => return GpoEffect::Unreadable,
            GpoState::Readable => {}
        }
        if !gpo.user_half {
            return GpoEffect::UserHalfOff;
        }
        if gpo.version != VERSION {
            return GpoEffect::OtherVersion;
        }
        if !user.is_complete && self.names_a_stranger(gpo) {
            return GpoEffect::Unreadable;
        }
        if !descriptor::passes(&gpo.entries, &user.token) {
            return GpoEffect::Filtered;
        }
        match gpo.wmi_filter && !binding.ignore_wmi_filter {
            true => GpoEffect::WmiFilter,
            false => GpoEffect::Applies,
        }
    }
}

impl Index {
    /// Whether an entry names a group that has no name in the snapshot: one who is known by the names of groups
    /// alone may be in it.
    fn names_a_stranger(&self, gpo: &Gpo) -> bool {
        let known: HashSet<&Sid> = self.by_name.values().collect();
        let mut trustees = gpo.entries.iter().map(|entry| &entry.trustee);
        trustees.any(|sid| sid.is_of_a_domain() && !sid.is_domain_users() && !known.contains(sid))
    }
}

/// The links of this container are not known: any of the bound objects may be linked, and enforced.
fn unreadable<'c>(
    container: &'c Container,
    height: usize,
    bound: &'c HashMap<Guid, Binding>,
) -> impl Iterator<Item = GpoLink> + 'c {
    bound.keys().map(move |gpo| GpoLink {
        gpo: gpo.clone(),
        container: container.dn.clone(),
        height,
        order: 0,
        enforced: true,
        result: GpoEffect::Unreadable,
    })
}

/// The link that decides.
///
/// # Errors
///
/// The link that can't be judged and stands before any that applies.
pub fn winner(considered: &[GpoLink]) -> Result<Option<&GpoLink>, &GpoLink> {
    for one in considered {
        if one.result.is_undecidable() {
            return Err(one);
        }
        if one.result == GpoEffect::Applies {
            return Ok(Some(one));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
