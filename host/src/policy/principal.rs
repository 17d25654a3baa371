//! Whom filters name. Every group or user that any filter names gets a small number when the
//! configuration is loaded; a request's groups become flags by that number. Whether a filter passes
//! is then a matter of looking at a few flags, however long the names are.

use std::collections::HashMap;

use textsender_names::{Dn, DnError, Sid, SidError};

use super::User;
use crate::config::Filter;

/// Why a text names no user or group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// It starts like a SID.
    #[error(transparent)]
    Sid(#[from] SidError),
    /// Bytes in some writing, and none that is read: a SID cut off or without its padding, an objectGUID.
    #[error(
        "it looks like Base64 or hexadecimal, and is no SID: write S-1-5-21-... or a distinguished name"
    )]
    Bytes,
    /// It was read as a distinguished name.
    #[error("it is no SID, and as a distinguished name: {0}")]
    Dn(#[from] DnError),
}

/// An item of `user.groups` names no group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("user.groups[{index}] names no group: {error}")]
pub struct BadGroup {
    /// Which, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub error: PrincipalError,
}

/// A user or group by any of its names.
enum Principal {
    Dn(Dn),
    Sid(Sid),
    /// `Domain Users` of any domain, by the well-known last part of its SID.
    DomainUsers,
}

/// The users and groups that filters name, by number.
#[derive(Debug, Default)]
pub(super) struct Principals {
    groups: HashMap<String, u32>,
    users: HashMap<String, u32>,
    sids: HashMap<Sid, u32>,
    domain_users: Option<u32>,
    count: u32,
}

/// What a request holds of them.
pub(super) struct Held {
    flags: Vec<bool>,
}

/// A filter by numbers.
#[derive(Debug, Default)]
pub(super) struct Rule {
    allow: Vec<u32>,
    deny: Vec<u32>,
    /// No `groups` and no `users`: everyone who is not denied.
    everyone: bool,
}

impl Rule {
    /// Everyone.
    pub fn everyone() -> Self {
        Self {
            everyone: true,
            ..Self::default()
        }
    }

    /// Whether the filter lets through one who holds `held`.
    pub fn passes(&self, held: &Held) -> bool {
        let holds = |number: &u32| held.flags[*number as usize];
        !self.deny.iter().any(holds) && (self.everyone || self.allow.iter().any(holds))
    }

    /// Whether it lets through any user.
    pub fn is_open(&self, principals: &Principals) -> bool {
        let all = principals.sids.get(&Sid::AUTHENTICATED_USERS);
        let allows_all = self.everyone || all.is_some_and(|all| self.allow.contains(all));
        self.deny.is_empty() && allows_all
    }

    /// Whether it lets no one through.
    pub fn is_closed(&self, principals: &Principals) -> bool {
        let all = principals.sids.get(&Sid::AUTHENTICATED_USERS);
        all.is_some_and(|all| self.deny.contains(all))
            || (!self.allow.is_empty() && self.allow.iter().all(|n| self.deny.contains(n)))
    }
}

impl Principals {
    /// The filter by numbers. `fault` gets which names could not be read: list, index, why.
    pub fn rule(
        &mut self,
        filter: &Filter,
        mut fault: impl FnMut(&'static str, usize, PrincipalError),
    ) -> Rule {
        let mut rule = Rule {
            everyone: filter.groups.is_empty() && filter.users.is_empty(),
            ..Rule::default()
        };
        for (index, name) in filter.groups.iter().enumerate() {
            match parse(name) {
                Ok(group) => rule.allow.push(self.group(group)),
                Err(error) => fault("groups", index, error),
            }
        }
        for (index, name) in filter.deny_groups.iter().enumerate() {
            match parse(name) {
                Ok(group) => rule.deny.push(self.group(group)),
                Err(error) => fault("deny_groups", index, error),
            }
        }
        for (index, name) in filter.users.iter().enumerate() {
            match parse(name) {
                Ok(Principal::Dn(dn)) => {
                    let next = &mut self.count;
                    rule.allow
                        .push(number(&mut self.users, dn.to_string(), next));
                }
                // A user's own SID comes among the groups, as in a Windows token.
                Ok(sid) => rule.allow.push(self.group(sid)),
                Err(error) => fault("users", index, error),
            }
        }
        rule
    }

    /// What the request's user holds.
    pub fn held(&self, user: &User, dn: Option<&Dn>) -> Result<Held, BadGroup> {
        let mut held = Held {
            flags: vec![false; self.count as usize],
        };
        let mut hold = |number: Option<&u32>| {
            if let Some(number) = number {
                held.flags[*number as usize] = true;
            }
        };
        hold(self.sids.get(&Sid::AUTHENTICATED_USERS));
        hold(dn.and_then(|dn| self.users.get(dn.as_str())));
        for (index, group) in user.groups.iter().enumerate() {
            match parse(group).map_err(|error| BadGroup { index, error })? {
                Principal::Dn(dn) => hold(self.groups.get(dn.as_str())),
                Principal::DomainUsers => hold(self.domain_users.as_ref()),
                Principal::Sid(sid) => {
                    hold(self.sids.get(&sid));
                    if sid.is_domain_users() {
                        hold(self.domain_users.as_ref());
                    }
                }
            }
        }
        Ok(held)
    }

    /// Which of `names`, the `groups` or `deny_groups` of a filter, is held first.
    pub fn first_held<'n>(
        &self,
        mut names: impl Iterator<Item = &'n str>,
        held: &Held,
    ) -> Option<&'n str> {
        names.find(|name| {
            let number = match parse(name) {
                Ok(Principal::Dn(dn)) => self.groups.get(dn.as_str()).copied(),
                Ok(Principal::Sid(sid)) => self.sids.get(&sid).copied(),
                Ok(Principal::DomainUsers) => self.domain_users,
                Err(_) => None,
            };
            number.is_some_and(|number| held.flags[number as usize])
        })
    }

    fn group(&mut self, group: Principal) -> u32 {
        let next = &mut self.count;
        match group {
            Principal::Dn(dn) => number(&mut self.groups, dn.to_string(), next),
            Principal::Sid(sid) => number(&mut self.sids, sid, next),
            Principal::DomainUsers => *self.domain_users.get_or_insert_with(|| count_up(next)),
        }
    }
}

fn number<K: std::hash::Hash + Eq>(map: &mut HashMap<K, u32>, key: K, next: &mut u32) -> u32 {
    *map.entry(key).or_insert_with(|| count_up(next))
}

fn count_up(next: &mut u32) -> u32 {
    *next += 1;
    *next - 1
}

/// Two groups may be named as Windows shows them, since their SIDs are well known.
fn parse(name: &str) -> Result<Principal, PrincipalError> {
    if Sid::is_meant(name) {
        return Ok(Principal::Sid(name.parse()?));
    }
    if let Some(sid) = Sid::from_base64(name) {
        return Ok(Principal::Sid(sid));
    }
    match name.trim() {
        word if is_bytes(word) => Err(PrincipalError::Bytes),
        word if word.eq_ignore_ascii_case("Authenticated Users") => {
            Ok(Principal::Sid(Sid::AUTHENTICATED_USERS))
        }
        word if word.eq_ignore_ascii_case("Domain Users") => Ok(Principal::DomainUsers),
        _ => Ok(Principal::Dn(Dn::parse(name)?)),
    }
}

/// Whether a word is Base64 or hexadecimal. What ends with `=` would else be a distinguished name that no filter
/// has: `deny_groups` would not deny.
fn is_bytes(word: &str) -> bool {
    const SHORTEST: usize = 16;
    let bytes = word.trim_end_matches('=').bytes();
    word.len() >= SHORTEST && { bytes }
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}
