//! Does what [`textsender_names::lines`] describes, and keeps between orders what can be kept.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use textsender_names::{
    Dn, Guid,
    lines::{
        Answer, AskedUser, Bound, Code, Decided, DirectoryError, Finding, GroupName, Order,
        Settings,
    },
};

use crate::{
    directory::Directory,
    group_names::GroupNames,
    ldap::{Roots, Servers},
    resolve::{Binding, Index, Subject},
    snapshot::{Gpo, Snapshot},
    sync::keep_last_good,
    user::{self, Attributes},
};

/// What a sync comes to.
#[derive(Debug, Serialize)]
pub struct Synced {
    /// Which server said so.
    pub server: String,
    /// When.
    pub taken: Timestamp,
    /// The domain.
    pub base: String,
    /// How many containers have a link, or block inheritance.
    pub containers: usize,
    /// How many links there are to bound objects.
    pub links: usize,
    /// The bound objects, as they are now.
    pub gpos: Vec<Gpo>,
    /// What is to be said of them.
    pub findings: Vec<Finding>,
}

/// One directory, and what is kept of it between orders.
pub struct Desk {
    directory: Directory,
    attributes: Attributes,
    /// The snapshot that was read last: its file, when that was written, and what is in it.
    index: Option<(PathBuf, SystemTime, Index)>,
    names: GroupNames,
}

impl Desk {
    /// Takes the settings; nothing is connected to yet.
    ///
    /// # Errors
    ///
    /// A server's address is none, or there is nothing to trust.
    pub fn open(settings: &Settings) -> Result<Self, DirectoryError> {
        let wrong =
            |error: &dyn std::fmt::Display| DirectoryError::new(Code::DirectoryCertificate, error);
        let servers = settings.servers.iter().map(|server| server.parse());
        let servers: Result<Vec<_>, _> = servers.collect();
        let servers = Servers::new(
            servers.map_err(|error| wrong(&error))?,
            &settings.ca_pem.clone().map_or(Roots::System, Roots::Pem),
            settings.bind.clone(),
            settings.password.clone(),
            Duration::from_millis(settings.timeout_ms),
        );
        let mut servers = servers.map_err(|error| wrong(&error))?;
        if let Some(name) = &settings.refusals {
            servers.keep_refusals(name);
        }
        Ok(Self {
            directory: Directory::new(servers, settings.base.clone()),
            attributes: Attributes {
                phone: settings.phone.clone(),
                locale: settings.locale.clone(),
                hold_after_change: settings.hold_after_change_s.map(span),
            },
            index: None,
            names: GroupNames::default(),
        })
    }

    /// Lets an account be tried that was refused lately.
    pub fn try_anyway(&mut self) {
        self.directory.try_anyway();
    }

    /// Does what is asked.
    pub async fn answer(&mut self, order: Order) -> Answer {
        let answered = match order {
            Order::Check { bound } => {
                let synced = self.check(&bound).await;
                synced.map(|synced| Answer::Findings(synced.findings))
            }
            Order::Gpo { name } => {
                let found = self.directory.named(&name).await;
                found.map(|found| Answer::Gpos(found.into_iter().map(Gpo::object).collect()))
            }
            Order::Accounts {} => self.directory.accounts().await.map(Answer::Accounts),
            Order::Look { seen } => Ok(Answer::Looked(self.directory.look(&seen).await)),
            Order::Snapshot {
                bound,
                snapshot,
                warn_after_s,
                stale_after_s,
            } => {
                let (warn_after, stale_after) = (span(warn_after_s), span(stale_after_s));
                let found = judge(&bound, &snapshot, warn_after, stale_after);
                Ok(Answer::Findings(found))
            }
            Order::Decide {
                user,
                groups,
                bound,
                snapshot,
                stale_after_s,
            } => {
                let decided = self.decide(&user, &groups, &bound, &snapshot, stale_after_s);
                decided.await.map(Box::new).map(Answer::Decided)
            }
        };
        answered.unwrap_or_else(Answer::Error)
    }

    /// What a sync would find; nothing is written.
    ///
    /// # Errors
    ///
    /// The domain can't be read as a whole.
    pub async fn check(&mut self, bound: &[Bound]) -> Result<Synced, DirectoryError> {
        let bound = bindings(bound);
        let (mut snapshot, mut findings) = self.directory.links(&bound).await?;
        let as_found = snapshot.gpos.clone();
        findings.extend(keep_last_good(&mut snapshot, None, &bound));
        findings.extend(self.directory.own_rights(&self.attributes).await?);
        Ok(synced(&snapshot, as_found, findings))
    }

    /// Writes the snapshot. With `accept` edits that make an object unusable count at once.
    ///
    /// # Errors
    ///
    /// The domain can't be read as a whole, or the snapshot can't be written.
    pub async fn sync(
        &mut self,
        bound: &[Bound],
        path: &Path,
        accept: bool,
    ) -> Result<Synced, DirectoryError> {
        let bound = bindings(bound);
        let (mut snapshot, mut findings) = self.directory.links(&bound).await?;
        let as_found = snapshot.gpos.clone();
        // A file that can't be read keeps nothing back.
        let last = Snapshot::read(path).ok().filter(|_| !accept);
        findings.extend(keep_last_good(&mut snapshot, last.as_ref(), &bound));
        snapshot.write(path).map_err(|error| {
            let what = format!("{}: the snapshot can't be written: {error}", path.display());
            DirectoryError::new(Code::DirectoryStale, what)
        })?;
        Ok(synced(&snapshot, as_found, findings))
    }

    /// Which links reach a user, and who it is.
    ///
    /// # Errors
    ///
    /// No message may go to this user, or that can't be known.
    pub async fn decide(
        &mut self,
        user: &AskedUser,
        names: &[GroupName],
        bound: &[Bound],
        snapshot: &Path,
        stale_after_s: u64,
    ) -> Result<Decided, DirectoryError> {
        let bound = bindings(bound);
        // The links first: without them it is of no use to ask who the user is.
        let index = match bound.is_empty() {
            true => None,
            false => {
                let index = fresh(&mut self.index, snapshot, span(stale_after_s))?;
                Some(index)
            }
        };
        let wrong_dn = |error| DirectoryError::new(Code::DirectoryUnreadable, error);
        let (found, subject) = match user {
            AskedUser::Named { name, needs_phone } => {
                let name = name.parse()?;
                let mut found = self.directory.user(&name, &self.attributes).await?;
                if *needs_phone {
                    user::has_phone(&found, &self.attributes, Timestamp::now())?;
                }
                let token = user::token(&found);
                let names = self.names.held(&mut self.directory, names, &token);
                found.group_names = names.await?;
                let subject = Subject {
                    dn: Dn::parse(&found.dn).map_err(wrong_dn)?,
                    token,
                    is_complete: true,
                };
                (Some(found), Some(subject))
            }
            AskedUser::Given { dn, groups } => {
                let subject = index.map(|index| index.subject(dn, groups));
                (None, subject.transpose().map_err(wrong_dn)?)
            }
        };
        let considered = index
            .zip(subject)
            .map(|(index, subject)| index.consider(&subject, &bound));
        Ok(Decided {
            user: found,
            taken: index.map(|index| index.taken),
            considered: considered.unwrap_or_default(),
        })
    }
}

fn span(seconds: u64) -> SignedDuration {
    SignedDuration::try_from(Duration::from_secs(seconds)).unwrap_or(SignedDuration::MAX)
}

/// What is to be said of a snapshot: its age, and bound objects that it does not have or can't judge.
fn judge(
    bound: &[Bound],
    path: &Path,
    warn_after: SignedDuration,
    stale_after: SignedDuration,
) -> Vec<Finding> {
    let mut kept = None;
    if !path.exists() {
        let what = "there is no snapshot yet, and until there is one no policy is chosen: run textsender directory sync";
        return vec![Finding::warning("", what)];
    }
    if let Err(error) = fresh(&mut kept, path, stale_after) {
        return vec![Finding::fault("", error.message)];
    }
    let snapshot = match Snapshot::read(path) {
        Ok(snapshot) => snapshot,
        Err(error) => return vec![Finding::fault("", error)],
    };
    let mut findings = Vec::new();
    if Timestamp::now().duration_since(snapshot.taken) > warn_after {
        let taken = snapshot.taken;
        let what = format!("the snapshot is of {taken:.0}: does textsender-directory.timer run?");
        findings.push(Finding::warning("", what));
    }
    for one in bound {
        let binding = Binding {
            ignore_wmi_filter: one.ignore_wmi_filter,
        };
        let Some(gpo) = snapshot.gpo(&one.id) else {
            let what = "the snapshot does not have its object yet, and nothing is sent to its users: run \
                        textsender directory sync";
            findings.push(Finding::warning(&one.policy, what));
            continue;
        };
        let problem = crate::sync::problem(gpo, binding);
        findings.extend(problem.map(|what| Finding::fault(&one.policy, what)));
    }
    findings
}

fn bindings(bound: &[Bound]) -> HashMap<Guid, Binding> {
    let bound = bound.iter().map(|bound| {
        let ignore_wmi_filter = bound.ignore_wmi_filter;
        (bound.id.clone(), Binding { ignore_wmi_filter })
    });
    bound.collect()
}

fn synced(snapshot: &Snapshot, gpos: Vec<Gpo>, findings: Vec<Finding>) -> Synced {
    let links = snapshot.containers.iter().flat_map(|one| &one.links);
    let links = links.filter(|link| snapshot.gpo(&link.gpo).is_some());
    Synced {
        server: snapshot.server.clone(),
        taken: snapshot.taken,
        base: snapshot.base.clone(),
        containers: snapshot.containers.len(),
        links: links.count(),
        gpos,
        findings,
    }
}

/// The snapshot of this file, read again where another one is in its place.
fn fresh<'k>(
    kept: &'k mut Option<(PathBuf, SystemTime, Index)>,
    path: &Path,
    stale_after: SignedDuration,
) -> Result<&'k Index, DirectoryError> {
    let stale = |what: String| {
        let what = format!("{}: {what}: run textsender directory sync", path.display());
        DirectoryError::new(Code::DirectoryStale, what)
    };
    let written = fs::metadata(path).and_then(|file| file.modified());
    let written = written.map_err(|error| stale(format!("there is no snapshot ({error})")))?;
    let is_kept = |kept: &(PathBuf, SystemTime, Index)| kept.0 == path && kept.1 == written;
    if !kept.as_ref().is_some_and(is_kept) {
        let snapshot = Snapshot::read(path);
        let snapshot = snapshot.map_err(|error| stale(format!("it can't be read: {error}")))?;
        let index = Index::new(snapshot).map_err(|error| stale(error.to_string()))?;
        *kept = Some((path.to_owned(), written, index));
    }
    // Just put there, or was.
    let (_, _, index) = kept.as_ref().expect("a snapshot");
    let age = Timestamp::now().duration_since(index.taken);
    match age > stale_after {
        true => Err(stale(format!(
            "the snapshot is of {}, which is too old",
            index.taken
        ))),
        false => Ok(index),
    }
}
