//! What `textsender` asks of this process, and what it gets: a line of JSON each. The first line says which
//! directory; it holds the password, which is in no argument and no variable.
//!
//! | order | answer |
//! |---|---|
//! | `{"check":{"bound":[...]}}` | `{"sync":{...}}`, as a sync would say it; nothing is written |
//! | `{"sync":{"bound":[...],"snapshot":PATH,"accept":false}}` | `{"sync":{"server","taken","containers","links","gpos","findings"}}` |
//! | `{"gpo":{"name":"Textsender Staff"}}` | `{"gpos":[...]}` |
//! | `{"decide":{"user":{...},"bound":[...],"snapshot":PATH,"stale_after_s":604800}}` | `{"decided":{"user","taken","considered"}}` |
//!
//! `user` is `{"name":"ada"}`, which is looked up, or `{"dn":"CN=Ada,...","groups":["S-1-...",...]}`, for which no
//! server is asked. Anything that goes wrong is `{"error":{"code":...,"message":...}}`.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    directory::Directory,
    error::{Code, DirectoryError},
    guid::Guid,
    ldap::{Roots, Servers},
    resolve::{Binding, Considered, Index, Subject},
    snapshot::{Gpo, Snapshot},
    sync::{Finding, keep_last_good},
    user::{Attributes, FoundUser},
};

/// Which directory.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// In order.
    pub servers: Vec<String>,
    /// PEM text of the certificates to trust, instead of the system's.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// The account.
    pub bind: String,
    /// Its password.
    pub password: String,
    /// Where the domain begins, if not where the server says.
    #[serde(default)]
    pub base: Option<String>,
    /// The attributes with the number.
    pub phone: Vec<String>,
    /// The attribute with the language.
    pub locale: String,
    /// The most that one server may take.
    pub timeout_ms: u64,
}

/// A policy's object.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Its id.
    pub id: Guid,
    /// Whether its WMI filter is taken as passed.
    #[serde(default)]
    pub ignore_wmi_filter: bool,
}

/// What is asked.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// What a sync would find.
    Check {
        /// The policies' objects.
        bound: Vec<Bound>,
    },
    /// Write the snapshot.
    Sync {
        /// The policies' objects.
        bound: Vec<Bound>,
        /// Where.
        snapshot: PathBuf,
        /// Whether edits that make an object unusable count at once.
        #[serde(default)]
        accept: bool,
    },
    /// Which objects have this name.
    Gpo {
        /// The name for people.
        name: String,
    },
    /// Which objects decide for a user.
    Decide {
        /// Who.
        user: AskedUser,
        /// The policies' objects.
        bound: Vec<Bound>,
        /// The snapshot to go by.
        snapshot: PathBuf,
        /// How old it may be, in seconds.
        stale_after_s: u64,
    },
}

/// A user as a request has him.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum AskedUser {
    /// Looked up.
    Named {
        /// `ada`, `EXAMPLE\ada`, `ada@example.org` or a SID.
        name: String,
    },
    /// Given by the caller.
    Given {
        /// The entry's name.
        dn: String,
        /// All groups.
        groups: Vec<String>,
    },
}

/// What comes back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What was read and written.
    Sync(Synced),
    /// The objects of a name.
    Gpos(Vec<Gpo>),
    /// Who the user is, and which links reach him, the strongest first.
    Decided(Decided),
    /// It went wrong.
    Error(DirectoryError),
}

/// What a sync comes to.
#[derive(Debug, Serialize)]
pub struct Synced {
    /// Which server said so.
    pub server: String,
    /// When.
    pub taken: Timestamp,
    /// The domain.
    pub base: String,
    /// How many containers have a link to a bound object, or block inheritance.
    pub containers: usize,
    /// How many links there are to bound objects.
    pub links: usize,
    /// The bound objects, as they are now.
    pub gpos: Vec<Gpo>,
    /// What is to be said of them.
    pub findings: Vec<Finding>,
}

/// A decision.
#[derive(Debug, Serialize)]
pub struct Decided {
    /// Who it is, where the directory was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<FoundUser>,
    /// When the links were read; absent where no policy is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Timestamp>,
    /// The links that reach the user, the strongest first.
    pub considered: Vec<Considered>,
}

/// One directory, and what is kept of it between orders.
pub struct Desk {
    directory: Directory,
    attributes: Attributes,
    /// The snapshot that was read last: its file, when that was written, and what is in it.
    index: Option<(PathBuf, SystemTime, Index)>,
}

impl Desk {
    /// Takes the settings; nothing is connected to yet.
    ///
    /// # Errors
    ///
    /// A server's address is none, or there is nothing to trust.
    pub fn open(settings: Settings) -> Result<Self, DirectoryError> {
        let wrong =
            |error: &dyn std::fmt::Display| DirectoryError::new(Code::DirectoryCertificate, error);
        let servers = settings.servers.iter().map(|server| server.parse());
        let servers: Result<Vec<_>, _> = servers.collect();
        let servers = Servers::new(
            servers.map_err(|error| wrong(&error))?,
            &settings.ca_pem.map_or(Roots::System, Roots::Pem),
            settings.bind,
            settings.password,
            Duration::from_millis(settings.timeout_ms),
        );
        let servers = servers.map_err(|error| wrong(&error))?;
        Ok(Self {
            directory: Directory::new(servers, settings.base),
            attributes: Attributes {
                phone: settings.phone,
                locale: settings.locale,
            },
            index: None,
        })
    }

    /// Does what is asked.
    pub async fn answer(&mut self, order: Order) -> Answer {
        let answered = match order {
            Order::Check { bound } => self.check(&bound).await.map(Answer::Sync),
            Order::Sync {
                bound,
                snapshot,
                accept,
            } => self.sync(&bound, &snapshot, accept).await.map(Answer::Sync),
            Order::Gpo { name } => self.directory.named(&name).await.map(Answer::Gpos),
            Order::Decide {
                user,
                bound,
                snapshot,
                stale_after_s,
            } => {
                let stale_after = SignedDuration::try_from(Duration::from_secs(stale_after_s));
                let stale_after = stale_after.unwrap_or(SignedDuration::MAX);
                let decided = self.decide(&user, &bound, &snapshot, stale_after).await;
                decided.map(Answer::Decided)
            }
        };
        answered.unwrap_or_else(Answer::Error)
    }

    async fn check(&mut self, bound: &[Bound]) -> Result<Synced, DirectoryError> {
        let bound = bindings(bound);
        let (mut snapshot, mut findings) = self.directory.links(&bound).await?;
        let as_found = snapshot.gpos.clone();
        findings.extend(keep_last_good(&mut snapshot, None, &bound));
        Ok(synced(&snapshot, as_found, findings))
    }

    async fn sync(
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

    async fn decide(
        &mut self,
        user: &AskedUser,
        bound: &[Bound],
        snapshot: &Path,
        stale_after: SignedDuration,
    ) -> Result<Decided, DirectoryError> {
        let bound = bindings(bound);
        // The links first: without them it is of no use to ask who the user is.
        let index = match bound.is_empty() {
            true => None,
            false => {
                let index = fresh(&mut self.index, snapshot, stale_after)?;
                Some(index)
            }
        };
        let wrong_dn = |error| DirectoryError::new(Code::DirectoryUnreadable, error);
        let (found, subject) = match user {
            AskedUser::Named { name } => {
                let found = self
                    .directory
                    .user(&name.parse()?, &self.attributes)
                    .await?;
                let subject = Subject {
                    dn: crate::dn::Dn::parse(&found.dn).map_err(wrong_dn)?,
                    token: found.token(),
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

fn bindings(bound: &[Bound]) -> HashMap<Guid, Binding> {
    let bound = bound.iter().map(|bound| {
        let ignore_wmi_filter = bound.ignore_wmi_filter;
        (bound.id.clone(), Binding { ignore_wmi_filter })
    });
    bound.collect()
}

fn synced(snapshot: &Snapshot, gpos: Vec<Gpo>, findings: Vec<Finding>) -> Synced {
    let links = snapshot
        .containers
        .iter()
        .map(|container| container.links.len());
    Synced {
        server: snapshot.server.clone(),
        taken: snapshot.taken,
        base: snapshot.base.clone(),
        containers: snapshot.containers.len(),
        links: links.sum(),
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
