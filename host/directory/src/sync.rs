//! Reads a domain's links and the bound objects into a [`Snapshot`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use textsender_names::{Dn, Guid, Sid, lines::Finding};

use crate::{
    descriptor,
    directory::Directory,
    error::{Code, DirectoryError},
    gplink,
    ldap::{Entry, Scope, Search, any, equal, present},
    resolve::Binding,
    snapshot::{Container, FORMAT, Gpo, GpoState, Snapshot},
};

/// How long what worked is kept after an edit that made it unusable.
pub const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// Most SIDs that one search asks for.
const MOST_AT_ONCE: usize = 100;

/// Bit of a GPO's `flags`: its half for users is off.
const USER_HALF_OFF: i64 = 1;
/// Bit of `gPOptions`: inheritance is blocked.
const BLOCK_INHERITANCE: i64 = 1;

impl Directory {
    /// Reads all containers with links or a block, and the objects that policies are bound to.
    ///
    /// # Errors
    ///
    /// The domain can't be read as a whole.
    pub async fn links(
        &mut self,
        bound: &HashMap<Guid, Binding>,
    ) -> Result<(Snapshot, Vec<Finding>), DirectoryError> {
        let base = self.base().await?;
        let domain = Dn::parse(&base)
            .map_err(|error| DirectoryError::new(Code::DirectoryLoginFailed, error))?;
        let search = Search {
            base: &base,
            scope: Scope::Subtree,
            filter: any(vec![present("gPLink"), equal("gPOptions", b"1")]),
            attributes: &["gPLink", "gPOptions"],
            access_lists: false,
            most: None,
        };
        let found = self.search(&search).await?;
        let found = found.ok_or_else(|| self.no_such_base(&base))?;
        let mut findings = Vec::new();
        let containers = found.iter();
        let containers = containers.map(|entry| container(entry, &domain, &mut findings));
        let containers: Vec<_> = containers.flatten().collect();
        let ids: BTreeSet<&Guid> = bound.keys().collect();
        let mut gpos = Vec::new();
        for id in ids {
            gpos.push(self.gpo(id, &base).await?);
        }
        findings.extend(self.site_links(bound).await?);
        let trustees = self.names_of(&gpos, &base).await?;
        let snapshot = Snapshot {
            format: FORMAT,
            server: self.server().to_owned(),
            taken: Timestamp::now(),
            base,
            containers,
            gpos,
            trustees,
        };
        Ok((snapshot, findings))
    }

    /// The names of those whom the objects' entries name.
    async fn names_of(
        &mut self,
        gpos: &[Gpo],
        base: &str,
    ) -> Result<BTreeMap<Sid, String>, DirectoryError> {
        let trustees = gpos
            .iter()
            .flat_map(|gpo| &gpo.entries)
            .map(|entry| entry.trustee);
        let trustees: BTreeSet<Sid> = trustees.filter(Sid::is_of_a_domain).collect();
        let trustees: Vec<Sid> = trustees.into_iter().collect();
        let mut names = BTreeMap::new();
        for some in trustees.chunks(MOST_AT_ONCE) {
            let sids = some.iter().map(|sid| equal("objectSid", &sid.to_bytes()));
            let search = Search {
                base,
                scope: Scope::Subtree,
                filter: any(sids.collect()),
                attributes: &["objectSid"],
                access_lists: false,
                most: None,
            };
            for entry in self.search(&search).await?.unwrap_or_default() {
                if let Some(Ok(sid)) = entry.bytes("objectSid").map(Sid::from_bytes) {
                    names.insert(sid, entry.dn);
                }
            }
        }
        Ok(names)
    }

    /// The objects of this name, or with this id: a policy is bound by id, and people know names.
    ///
    /// # Errors
    ///
    /// The domain can't be asked.
    pub async fn named(&mut self, name: &str) -> Result<Vec<Gpo>, DirectoryError> {
        let base = self.base().await?;
        if let Ok(id) = name.parse() {
            let gpo = self.gpo(&id, &base).await?;
            let is_there = gpo.state != GpoState::Gone;
            return Ok(is_there.then_some(gpo).into_iter().collect());
        }
        let policies = format!("CN=Policies,CN=System,{base}");
        let search = Search {
            base: &policies,
            scope: Scope::Subtree,
            filter: equal("displayName", name.as_bytes()),
            attributes: GPO_ATTRIBUTES,
            access_lists: true,
            most: None,
        };
        let found = self.search(&search).await?.unwrap_or_default();
        let found = found.into_iter().filter_map(|entry| {
            let id = Dn::parse(&entry.dn).ok()?.name().parse().ok()?;
            Some(read_gpo(&id, &entry))
        });
        Ok(found.collect())
    }

    /// One object, by its name: one that this account may not see is left out of a search.
    async fn gpo(&mut self, id: &Guid, base: &str) -> Result<Gpo, DirectoryError> {
        let dn = format!("CN={id},CN=Policies,CN=System,{base}");
        Ok(match self.entry(&dn, GPO_ATTRIBUTES, true).await? {
            Some(entry) => read_gpo(id, &entry),
            None => Gpo::unknown(id.clone(), GpoState::Gone),
        })
    }

    /// Bound objects that are linked to a site: no request says from which one it comes.
    async fn site_links(
        &mut self,
        bound: &HashMap<Guid, Binding>,
    ) -> Result<Vec<Finding>, DirectoryError> {
        let Some(configuration) = self.configuration().await? else {
            return Ok(Vec::new());
        };
        let sites = format!("CN=Sites,{configuration}");
        let search = Search {
            base: &sites,
            scope: Scope::Subtree,
            filter: present("gPLink"),
            attributes: &["gPLink"],
            access_lists: false,
            most: None,
        };
        let found = self.search(&search).await?.unwrap_or_default();
        let links = found.iter().filter_map(|site| {
            let links = gplink::parse(site.text("gPLink")?).ok()?;
            let link = links
                .into_iter()
                .find(|named| bound.contains_key(&named.link.gpo))?;
            Some(Finding {
                of: link.link.gpo.to_string(),
                what: format!(
                    "its link to the site {} has no effect here: link it to a container",
                    site.dn
                ),
                is_fault: false,
            })
        });
        Ok(links.collect())
    }
}

const GPO_ATTRIBUTES: &[&str] = &[
    "displayName",
    "flags",
    "gPCFunctionalityVersion",
    "gPCWQLFilter",
    "nTSecurityDescriptor",
];

/// A container, unless nothing is linked to it and it blocks nothing. A policy may be bound to any of the links'
/// objects before the next sync, so that all are kept.
fn container(entry: &Entry, domain: &Dn, findings: &mut Vec<Finding>) -> Option<Container> {
    let block_inheritance = entry.number("gPOptions").unwrap_or(0) & BLOCK_INHERITANCE != 0;
    let mut read = Container {
        dn: entry.dn.clone(),
        block_inheritance,
        links: Vec::new(),
        unreadable: false,
        kept_since: None,
    };
    let links = match entry.bytes("gPLink").map(std::str::from_utf8) {
        None => Ok(Vec::new()),
        Some(Ok(text)) => gplink::parse(text).map_err(|error| error.to_string()),
        Some(Err(_)) => Err("gPLink is not text".to_owned()),
    };
    match links {
        Ok(links) => {
            // One of another domain is another object, though its id may be the same.
            let links = links
                .into_iter()
                .filter(|named| named.dn.domain() == domain.domain());
            read.links = links.map(|named| named.link).collect();
        }
        Err(what) => {
            findings.push(Finding {
                of: entry.dn.clone(),
                what,
                is_fault: true,
            });
            read.unreadable = true;
        }
    }
    (read.unreadable || read.block_inheritance || !read.links.is_empty()).then_some(read)
}

/// An object from its entry. One that is there without what decides is one that this account may not read.
fn read_gpo(id: &Guid, entry: &Entry) -> Gpo {
    let name = entry.text("displayName").map(str::to_owned);
    let known = || {
        Some(Gpo {
            id: id.clone(),
            name: name.clone(),
            state: GpoState::Readable,
            user_half: entry.number("flags")? & USER_HALF_OFF == 0,
            version: u32::try_from(entry.number("gPCFunctionalityVersion")?).ok()?,
            wmi_filter: entry
                .text("gPCWQLFilter")
                .is_some_and(|filter| !filter.trim().is_empty()),
            entries: descriptor::parse(entry.bytes("nTSecurityDescriptor")?).ok()?,
            kept_since: None,
        })
    };
    known().unwrap_or_else(|| Gpo {
        name: name.clone(),
        ..Gpo::unknown(id.clone(), GpoState::Unreadable)
    })
}

/// Keeps what worked: an edit that makes a bound object, or a container's links, unusable counts after
/// [`GRACE`] only. What can be read counts at once, be it a new denial or a link that was taken away.
pub fn keep_last_good(
    new: &mut Snapshot,
    last: Option<&Snapshot>,
    bound: &HashMap<Guid, Binding>,
) -> Vec<Finding> {
    let linked = linked_at(new);
    let mut findings = Vec::new();
    for gpo in &mut new.gpos {
        let binding = bound.get(&gpo.id).copied().unwrap_or_default();
        let Some(problem) = problem(gpo, binding) else {
            continue;
        };
        let before = last.and_then(|last| last.gpo(&gpo.id));
        let before = before.filter(|before| self::problem(before, binding).is_none());
        let reached = linked
            .get(&gpo.id)
            .map_or_else(String::new, |at| format!(" (linked at {at})"));
        let name = gpo
            .name
            .clone()
            .map(|name| format!(" {name:?}"))
            .unwrap_or_default();
        let since = before
            .and_then(|before| before.kept_since)
            .unwrap_or(new.taken);
        let is_kept =
            gpo.state != GpoState::Gone && before.is_some() && is_in_grace(since, new.taken);
        let what = match (is_kept, gpo.state) {
            (true, _) => format!(
                "{problem}; what was read before is kept until {}{reached}",
                since + GRACE
            ),
            (false, GpoState::Gone) => format!("{problem}: its links have no effect{reached}"),
            (false, _) => {
                format!("{problem}: nothing is sent to the users whom it reaches{reached}")
            }
        };
        findings.push(Finding {
            of: format!("{}{name}", gpo.id),
            what,
            is_fault: true,
        });
        if let Some(before) = before.filter(|_| is_kept) {
            *gpo = before.clone();
            gpo.kept_since = Some(since);
        }
    }
    for container in new
        .containers
        .iter_mut()
        .filter(|container| container.unreadable)
    {
        let mut before = last.iter().flat_map(|last| &last.containers);
        let before = before.find(|before| before.dn == container.dn && !before.unreadable);
        let since = before
            .and_then(|before| before.kept_since)
            .unwrap_or(new.taken);
        if let Some(before) = before.filter(|_| is_in_grace(since, new.taken)) {
            *container = before.clone();
            container.kept_since = Some(since);
        }
    }
    findings
}

fn is_in_grace(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since) < GRACE
}

/// Why an object can't be used, or has no effect where it should have one.
pub(crate) fn problem(gpo: &Gpo, binding: Binding) -> Option<&'static str> {
    match gpo.state {
        GpoState::Gone => Some("there is no such object in the domain"),
        GpoState::Unreadable => Some(
            "this account may not read it: give it Read on the object, as Authenticated Users have by default",
        ),
        GpoState::Readable if gpo.wmi_filter && !binding.ignore_wmi_filter => Some(
            "it has a WMI filter, which needs a machine: take it away, or set wmi_filter = \"treat_as_passed\"",
        ),
        GpoState::Readable => None,
    }
}

/// Where each object is linked, at most three names of it.
fn linked_at(snapshot: &Snapshot) -> BTreeMap<Guid, String> {
    let mut places: BTreeMap<Guid, Vec<&str>> = BTreeMap::new();
    for container in &snapshot.containers {
        for link in container.links.iter().filter(|link| link.enabled) {
            places
                .entry(link.gpo.clone())
                .or_default()
                .push(&container.dn);
        }
    }
    let written = places.into_iter().map(|(gpo, places)| {
        let first = places[..places.len().min(3)].join("; ");
        match places.len() {
            0..=3 => (gpo, first),
            more => (gpo, format!("{first}; and {} more", more - 3)),
        }
    });
    written.collect()
}

#[cfg(test)]
mod tests;
