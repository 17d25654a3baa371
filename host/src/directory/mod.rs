//! Who a user is, asked of a directory: a request may name a user and leave the rest to it.
//!
//! | a request has | what happens |
//! |---|---|
//! | DN, groups and number | nothing is looked up. Where policies are bound to group policy objects, their links are taken from the snapshot; no server is asked |
//! | a name or SID, and not all of these | DN and groups come from the directory, and so does the number. A given DN must be the entry's; a given number counts for enrolling alone |
//! | neither | as without a directory |
//!
//! LDAP, access lists and the snapshot are the business of `textsender-directory`, a program beside this one
//! (`process`): it is started for the first look-up, and kept as long as this process lives.

mod process;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use textsender_names::lines::{
    Answer, AskedUser, Bound, Code, Decided, DirectoryError, FoundUser, GroupName, Order, Settings,
    Site,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};
use zeroize::Zeroizing;

use crate::{
    config::{Config, Directory},
    policy::Dn,
    protocol::{ErrorCode, Event, Failure, Purpose, Request, User, languages_of},
    secrets, trust,
};
use process::Process;

pub use process::{PROGRAM, hand_over};
pub use textsender_names::lines::{Finding, Looked, Object};

/// What is to be said of a directory, or why it can't be asked.
pub type Findings = Result<Vec<Finding>, Failure>;

/// How the servers of each directory are, by its name, or why it can't be asked.
pub type AllLooked = Vec<(String, Result<Looked, Failure>)>;

/// The folder of snapshots, in the state folder.
pub const SNAPSHOTS: &str = "directories";

/// The directories of a configuration.
pub struct Directories {
    all: Vec<Domain>,
}

/// One of them, and the process that asks it.
struct Domain {
    name: String,
    settings: Directory,
    state: PathBuf,
    /// Objects that policies are bound to, and groups that filters name, as an order has them.
    bound: Vec<Bound>,
    groups: Vec<GroupName>,
    /// Taken out while it is asked: one whose answer was not read to its end is never asked again.
    process: Mutex<Option<Process>>,
}

impl Directories {
    /// Those of a configuration, if there are any. No process is started yet.
    #[must_use]
    pub fn of(config: &Config, state: &Path) -> Option<Self> {
        let all = config.directories.iter().map(|(name, settings)| Domain {
            name: name.clone(),
            settings: settings.clone(),
            state: state.to_owned(),
            bound: bound(config, name),
            groups: groups(config),
            process: Mutex::default(),
        });
        let all: Vec<_> = all.collect();
        (!all.is_empty()).then_some(Self { all })
    }

    /// The request with what the directory knows of its user; `None`: nothing was asked. `needs_phone`: without a
    /// number, and one that may be texted now, it is of no use.
    ///
    /// # Errors
    ///
    /// The directory could not be asked, or what it says does not allow the message.
    pub async fn complete(
        &self,
        request: &Request,
        needs_phone: bool,
        deadline: Instant,
    ) -> Result<Option<Request>, Failure> {
        let user = &request.user;
        let is_whole =
            user.dn.is_some() && !user.groups.is_empty() && !(needs_phone && user.phone.is_empty());
        match user.sid.as_ref().or(user.name.as_ref()) {
            Some(name) if !is_whole => {
                let found = self.look_up(request, name, needs_phone, deadline).await;
                found.map(Some)
            }
            _ => self.linked(request, deadline).await,
        }
    }

    /// The directory of this name, or the only one.
    fn named(&self, name: Option<&str>) -> Result<&Domain, Failure> {
        let wrong = |what: String| Failure::with_detail(ErrorCode::BadConfiguration, what);
        let names = || {
            let names = self.all.iter().map(|domain| domain.name.as_str());
            names.collect::<Vec<_>>().join(", ")
        };
        match (name, self.all.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(wrong(format!("name one of the directories: {}", names()))),
            (Some(name), all) => all
                .iter()
                .find(|domain| domain.name == name)
                .ok_or_else(|| {
                    wrong(format!(
                        "there is no directory {name}; there are: {}",
                        names()
                    ))
                }),
        }
    }

    /// What the program that [takes over](hand_over) reads of a directory: it has the password in it.
    ///
    /// # Errors
    ///
    /// There is no such directory, or its password or certificates can't be read.
    pub fn described(&self, name: Option<&str>) -> Result<Zeroizing<String>, Failure> {
        let domain = self.named(name)?;
        line(&Site {
            settings: domain.entry()?,
            bound: domain.bound.clone(),
            snapshot: judged(domain.snapshot())?,
            stale_after_s: domain.settings.stale_after.as_secs(),
        })
    }

    /// The group policy objects of this name or id.
    ///
    /// # Errors
    ///
    /// The directory could not be asked.
    pub async fn objects(
        &self,
        directory: Option<&str>,
        name: &str,
        deadline: Instant,
    ) -> Result<Vec<Object>, Failure> {
        let name = name.to_owned();
        let order = Order::Gpo { name };
        match self.named(directory)?.ask(&order, deadline).await? {
            Answer::Gpos(objects) => Ok(objects),
            _ => Err(process::no_answer()),
        }
    }

    /// The SIDs of all users of a directory.
    ///
    /// # Errors
    ///
    /// It could not be asked.
    pub async fn accounts(
        &self,
        directory: &str,
        deadline: Instant,
    ) -> Result<Vec<String>, Failure> {
        let domain = self.named(Some(directory))?;
        match domain.ask(&Order::Accounts {}, deadline).await? {
            Answer::Accounts(accounts) => Ok(accounts.iter().map(ToString::to_string).collect()),
            _ => Err(process::no_answer()),
        }
    }

    /// How the servers of each directory are, and what of them runs out.
    pub async fn look(&self) -> AllLooked {
        let mut all = Vec::new();
        for domain in &self.all {
            all.push((domain.name.clone(), domain.look().await));
        }
        all
    }

    /// What is to be said of each directory: of its snapshot, or, where its servers are to be asked, of all.
    pub async fn findings(&self, online: bool, within: Duration) -> Vec<(&str, Findings)> {
        let mut all = Vec::new();
        for domain in &self.all {
            let deadline = Instant::now() + within;
            all.push((
                domain.name.as_str(),
                domain.findings(online, deadline).await,
            ));
        }
        all
    }

    async fn look_up(
        &self,
        request: &Request,
        name: &str,
        needs_phone: bool,
        deadline: Instant,
    ) -> Result<Request, Failure> {
        let given = &request.user;
        if !given.phone.is_empty() && request.event != Some(Event::Enroll) {
            return Err(Failure::new(ErrorCode::PhoneNotAllowed));
        }
        let asked = AskedUser::Named {
            name: name.to_owned(),
            needs_phone: needs_phone && given.phone.is_empty(),
        };
        let mut found = None;
        for domain in &self.all {
            let decided = domain.decide(&asked, request.purpose, deadline).await;
            match decided {
                Ok(decided) if found.is_none() => found = Some(decided),
                Ok(_) => return Err(Failure::new(ErrorCode::UserAmbiguous)),
                // Another domain may have the user.
                Err(failure) if failure.code == ErrorCode::UserUnknown => {}
                Err(failure) => return Err(failure),
            }
        }
        let Decided {
            user, considered, ..
        } = found.ok_or_else(|| Failure::new(ErrorCode::UserUnknown))?;
        let found = user.ok_or_else(process::no_answer)?;
        Ok(Request {
            user: User {
                links: Some(considered),
                ..merged(given, found)?
            },
            ..request.clone()
        })
    }

    /// The links of bound objects that reach a user whom the caller has described.
    async fn linked(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<Option<Request>, Failure> {
        let Some(dn) = &request.user.dn else {
            return Ok(None);
        };
        let asked = AskedUser::Given {
            dn: dn.clone(),
            groups: request.user.groups.clone(),
        };
        let mut links = None;
        for domain in self.all.iter().filter(|domain| domain.is_bound()) {
            if !is_by_policy(request.purpose) {
                break;
            }
            let decided = domain.decide(&asked, request.purpose, deadline).await?;
            links
                .get_or_insert_with(Vec::new)
                .extend(decided.considered);
        }
        Ok(links.map(|links| Request {
            user: User {
                links: Some(links),
                ..request.user.clone()
            },
            ..request.clone()
        }))
    }
}

impl Domain {
    fn is_bound(&self) -> bool {
        !self.bound.is_empty()
    }

    /// Who a user is, and which links reach him.
    async fn decide(
        &self,
        user: &AskedUser,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Decided, Failure> {
        let (bound, groups) = match is_by_policy(purpose) {
            true => (self.bound.clone(), self.groups.clone()),
            false => (Vec::new(), Vec::new()),
        };
        let snapshot = match bound.is_empty() {
            true => self.snapshot(),
            false => judged(self.snapshot())?,
        };
        let order = Order::Decide {
            user: user.clone(),
            groups,
            bound,
            snapshot,
            stale_after_s: self.settings.stale_after.as_secs(),
        };
        match self.ask(&order, deadline).await? {
            Answer::Decided(decided) => Ok(*decided),
            _ => Err(process::no_answer()),
        }
    }

    async fn look(&self) -> Result<Looked, Failure> {
        let seen = judged(self.snapshot().with_extension("seen"))?;
        // Connecting, logging in, and one search.
        let deadline = Instant::now() + self.settings.timeout * 3;
        match self.ask(&Order::Look { seen }, deadline).await? {
            Answer::Looked(looked) => Ok(looked),
            _ => Err(process::no_answer()),
        }
    }

    async fn findings(&self, online: bool, deadline: Instant) -> Findings {
        let Directory {
            warn_after,
            stale_after,
            ..
        } = &self.settings;
        let order = match online {
            true => Order::Check {
                bound: self.bound.clone(),
            },
            // Without a bound object nothing is decided by it.
            false if !self.is_bound() => return Ok(Vec::new()),
            false => Order::Snapshot {
                bound: self.bound.clone(),
                snapshot: judged(self.snapshot())?,
                warn_after_s: warn_after.as_secs(),
                stale_after_s: stale_after.as_secs(),
            },
        };
        match self.ask(&order, deadline).await? {
            Answer::Findings(findings) => Ok(findings),
            _ => Err(process::no_answer()),
        }
    }

    /// What is answered, which is no error.
    async fn ask(&self, order: &Order, deadline: Instant) -> Result<Answer, Failure> {
        let late = |_| {
            let detail = format!(
                "directory {}: it took longer than [send] timeout",
                self.name
            );
            Failure::with_detail(ErrorCode::DirectoryUnreachable, detail)
        };
        let answered = timeout_at(deadline, self.ask_in_turn(order)).await;
        match answered.map_err(late)?? {
            Answer::Error(error) => Err(failure(error)),
            answer => Ok(answer),
        }
    }

    async fn ask_in_turn(&self, order: &Order) -> Result<Answer, Failure> {
        let mut place = self.process.lock().await;
        // With the password, so that it stands in no argument.
        let settings = || line(&self.entry()?);
        let (mut process, was_kept) = match place.take() {
            Some(process) => (process, true),
            None => (Process::start(settings()?)?, false),
        };
        let mut answer = process.ask(order).await?;
        let is_refused =
            matches!(&answer, Answer::Error(error) if error.code == Code::DirectoryLoginFailed);
        if is_refused && was_kept {
            let settings = settings()?;
            // Another password has been stored since.
            if !process.has(&settings) {
                process = Process::start(settings)?;
                answer = process.ask(order).await?;
            }
        }
        *place = Some(process);
        Ok(answer)
    }

    /// How it is entered.
    fn entry(&self) -> Result<Settings, Failure> {
        let Directory {
            servers,
            ca_file,
            bind,
            base,
            phone,
            locale,
            timeout,
            hold_after_change,
            ..
        } = &self.settings;
        let password = match &self.settings.password {
            Some(reference) => secrets::referred(secrets::PASSWORD, reference),
            None => secrets::of_directory(&self.state, &self.name),
        };
        let password = password.map_err(|error| {
            let detail = format!("directory {}: {error}; {}", self.name, error.remedy());
            Failure::with_detail(ErrorCode::DirectoryLoginFailed, detail)
        })?;
        let ca_pem = ca_file.as_ref().map(|path| {
            trust::read_to_string(path).map_err(|error| {
                let detail = format!("directory {}: {}: {error}", self.name, path.display());
                Failure::with_detail(ErrorCode::DirectoryCertificate, detail)
            })
        });
        Ok(Settings {
            servers: servers.clone(),
            ca_pem: ca_pem.transpose()?,
            bind: bind.clone(),
            password: password.expose().to_owned(),
            base: base.clone(),
            phone: phone.clone(),
            locale: locale.clone(),
            hold_after_change_s: hold_after_change.map(|hold| hold.as_secs()),
            timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            refusals: Some(judged(self.snapshot().with_extension("refused"))?),
        })
    }

    /// Where the snapshot of its links is.
    fn snapshot(&self) -> PathBuf {
        self.state
            .join(SNAPSHOTS)
            .join(format!("{}.json", self.name))
    }
}

/// A file that the program reads, once no other account can change it or put another in its place: it decides who gets
/// which texts. One that is not there is for the program to tell.
fn judged(path: PathBuf) -> Result<PathBuf, Failure> {
    let is_absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let judged = match trust::open(&path) {
        // Nor may another account put one there.
        Err(error) if is_absent(&error) => {
            let folder = trust::folder(path.parent().unwrap_or(&path));
            folder.map(drop)
        }
        judged => judged.map(drop),
    };
    match judged {
        Err(error) if !is_absent(&error) => {
            let detail = format!("{}: {error}", path.display());
            Err(Failure::with_detail(ErrorCode::DirectoryStale, detail))
        }
        _ => Ok(path),
    }
}

fn line(value: &impl Serialize) -> Result<Zeroizing<String>, Failure> {
    let line = serde_json::to_string(value).map_err(|_| process::no_answer())?;
    Ok(Zeroizing::new(line))
}

fn failure(error: DirectoryError) -> Failure {
    let code = ErrorCode::parse(error.code.as_str()).unwrap_or(ErrorCode::DirectoryUnreadable);
    Failure::with_detail(code, error.message)
}

/// The objects that policies are bound to and this directory has.
fn bound(config: &Config, directory: &str) -> Vec<Bound> {
    let is_only = config.directories.len() == 1;
    let bindings = config.policies.iter().filter_map(|policy| {
        let binding = policy.binding.as_ref()?;
        let is_its = match &binding.directory {
            Some(named) => named.value == directory,
            None => is_only,
        };
        is_its.then(|| Bound {
            id: binding.id.clone(),
            policy: policy.name.value.clone(),
            ignore_wmi_filter: binding.ignore_wmi_filter,
        })
    });
    bindings.collect()
}

/// The groups that filters name. A directory gives SIDs, and which names they have only if it is asked.
fn groups(config: &Config) -> Vec<GroupName> {
    let filters = config.policies.iter().map(|policy| &policy.filter);
    let groups = filters.flat_map(|filter| {
        let allowed = filter.groups.iter().map(|group| (group, false));
        allowed.chain(filter.deny_groups.iter().map(|group| (group, true)))
    });
    let groups = groups.map(|(group, denied)| GroupName {
        name: group.value.clone(),
        denied,
    });
    groups.collect()
}

/// Whether the user's policy decides about such a message.
fn is_by_policy(purpose: Purpose) -> bool {
    !matches!(purpose, Purpose::HelpdeskCode | Purpose::NewPassword)
}

/// What a request says of its user, and what the directory does.
fn merged(given: &User, found: FoundUser) -> Result<User, Failure> {
    if let Some(dn) = &given.dn {
        let bad =
            |what: String| Failure::with_detail(ErrorCode::BadField, format!("user.dn: {what}"));
        let written = Dn::parse(dn).map_err(|error| bad(error.to_string()))?;
        if Ok(written) != Dn::parse(&found.dn) {
            return Err(bad(
                "the directory has this user at another place".to_owned()
            ));
        }
    }
    let sids = found.groups.iter().chain([&found.sid]);
    let mut groups: Vec<String> = sids.map(ToString::to_string).collect();
    groups.extend(found.group_names);
    Ok(User {
        name: given.name.clone().or(Some(found.account)),
        sid: given.sid.clone(),
        display_name: given.display_name.clone().or(found.display_name),
        dn: Some(found.dn),
        groups,
        locales: match given.locales.is_empty() {
            // What is no language is none.
            true => found
                .locale
                .and_then(|list| languages_of(&list))
                .unwrap_or_default(),
            false => given.locales.clone(),
        },
        phone: match given.phone.is_empty() {
            true => found.phone.unwrap_or_default(),
            false => given.phone.clone(),
        },
        links: None,
    })
}
