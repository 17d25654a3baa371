//! What `textsender` asks of `textsender-directory`, and what it is answered: a line of JSON each, on standard input and
//! output. The first line says [which directory](Settings); it holds the password, which is in no argument and no
//! variable.
//!
//! | [`Order`] | [`Answer`] |
//! |---|---|
//! | `check` | `findings`: what a sync would find; nothing is written |
//! | `gpo` | `gpos`: the objects of a name; an id is a name too |
//! | `accounts` | `accounts`: all users, each of whom can then be decided for |
//! | `look` | `looked`: how the servers are |
//! | `snapshot` | `findings`: what is to be said of the snapshot; no server is asked |
//! | `decide` | `decided`: who a user is, and which links reach him |
//!
//! Anything that goes wrong is `error`. Both programs are of one version: there is nothing to be compatible with.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{GpoEffect, Guid, Sid};

/// Which directory.
#[derive(Serialize, Deserialize)]
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
    /// How long a number that was changed is not texted, in seconds.
    #[serde(default)]
    pub hold_after_change_s: Option<u64>,
    /// The most that one server may take.
    pub timeout_ms: u64,
    /// Where it is kept that the account was refused, for other processes: how the files' names begin.
    #[serde(default)]
    pub refusals: Option<PathBuf>,
}

/// A policy's object.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Its id.
    pub id: Guid,
    /// The policy's name, to be shown.
    #[serde(default)]
    pub policy: String,
    /// Whether its WMI filter is taken as passed.
    #[serde(default)]
    pub ignore_wmi_filter: bool,
}

/// A group that a filter names.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupName {
    /// As it is written there.
    pub name: String,
    /// Whether the filter denies it.
    #[serde(default)]
    pub denied: bool,
}

/// A command's directory, and the policies that its objects decide for: what the program reads that takes over.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// How it is entered.
    pub settings: Settings,
    /// The policies that are bound to its objects.
    pub bound: Vec<Bound>,
    /// Where the snapshot is.
    pub snapshot: PathBuf,
    /// How old it may be, in seconds.
    pub stale_after_s: u64,
}

/// What is asked.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Order {
    /// What a sync would find.
    Check {
        /// The policies' objects.
        bound: Vec<Bound>,
    },
    /// Which objects have this name.
    Gpo {
        /// The name for people.
        name: String,
    },
    /// Who all the users are.
    Accounts {},
    /// How the servers are.
    Look {
        /// The file for what was seen.
        seen: PathBuf,
    },
    /// What is to be said of the snapshot that is there.
    Snapshot {
        /// The policies' objects.
        bound: Vec<Bound>,
        /// Where it is.
        snapshot: PathBuf,
        /// How old it may be before that is said, in seconds.
        warn_after_s: u64,
        /// How old it may be to decide anything, in seconds.
        stale_after_s: u64,
    },
    /// Which objects decide for a user.
    Decide {
        /// Who.
        user: AskedUser,
        /// Groups that filters name; those that a user who is looked up is in are named in the answer.
        #[serde(default)]
        groups: Vec<GroupName>,
        /// The policies' objects.
        bound: Vec<Bound>,
        /// The snapshot to go by.
        snapshot: PathBuf,
        /// How old it may be, in seconds.
        stale_after_s: u64,
    },
}

/// A user as a request has him.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum AskedUser {
    /// Looked up.
    Named {
        /// `ada`, `EXAMPLE\ada`, `ada@example.org` or a SID.
        name: String,
        /// Whether the message goes to the directory's number: there must be one, which may be texted now.
        #[serde(default = "yes")]
        needs_phone: bool,
    },
    /// Given by the caller: no server is asked.
    Given {
        /// The entry's name.
        dn: String,
        /// All groups.
        groups: Vec<String>,
    },
}

fn yes() -> bool {
    true
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What is to be said of a snapshot, or of a sync.
    Findings(Vec<Finding>),
    /// The objects of a name.
    Gpos(Vec<Object>),
    /// All users.
    Accounts(Vec<Sid>),
    /// How the servers are.
    Looked(Looked),
    /// Who the user is, and which links reach him, the strongest first.
    Decided(Box<Decided>),
    /// It went wrong.
    Error(DirectoryError),
}

/// What is to be said of a bound object, a container, an attribute, or the whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The policy, the object or the container; empty: the snapshot.
    pub of: String,
    /// What is wrong with it, and what follows.
    pub what: String,
    /// Whether users may be hit: `sync`, `check` and `doctor` exit with 78.
    pub is_fault: bool,
}

impl Finding {
    /// One that may hit users.
    pub fn fault(of: &str, what: impl ToString) -> Self {
        Self {
            of: of.to_owned(),
            what: what.to_string(),
            is_fault: true,
        }
    }

    /// One that hits no one yet.
    pub fn warning(of: &str, what: impl ToString) -> Self {
        Self {
            is_fault: false,
            ..Self::fault(of, what)
        }
    }
}

/// A group policy object, as far as a policy can be bound to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Object {
    /// Its id.
    pub id: Guid,
    /// Its name for people.
    pub name: Option<String>,
    /// Whether what decides can be read.
    pub is_readable: bool,
    /// Whether it has a WMI filter.
    pub wmi_filter: bool,
}

/// How a directory's servers are.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// Each of them, in order.
    pub servers: Vec<LookedAt>,
    /// Why the account can't ask.
    pub refused: Option<DirectoryError>,
    /// Until when the account's password is good, if it ends and that can be read.
    pub password_until: Option<Timestamp>,
}

/// How one server is.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookedAt {
    /// Which.
    pub server: String,
    /// Until when its certificate is good, or was when it was last seen.
    pub certificate_until: Option<Timestamp>,
    /// Why it can't be used.
    pub error: Option<DirectoryError>,
}

/// A decision.
#[derive(Debug, Serialize, Deserialize)]
pub struct Decided {
    /// Who it is, where the directory was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<FoundUser>,
    /// When the links were read; absent where no policy is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Timestamp>,
    /// The links that reach the user, the strongest first.
    pub considered: Vec<GpoLink>,
}

/// A link that reaches a user, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpoLink {
    /// The object.
    pub gpo: Guid,
    /// Where it is linked.
    pub container: String,
    /// How many steps above the user's entry that is.
    pub height: usize,
    /// Its place there, the lowest first.
    pub order: u32,
    /// Whether links below do not beat it.
    pub enforced: bool,
    /// What comes of it.
    pub result: GpoEffect,
}

/// A user who may be texted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundUser {
    /// The entry's name, as the server writes it.
    pub dn: String,
    /// The user's own SID.
    pub sid: Sid,
    /// All groups that count for access, nested ones too.
    pub groups: Vec<Sid>,
    /// Those of the groups that were asked for by name, as they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_names: Vec<String>,
    /// The account's name.
    pub account: String,
    /// The name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The number, as it is written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Which attribute it is from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_from: Option<String>,
    /// How many numbers that attribute has; the first is taken.
    pub phone_count: usize,
    /// When that attribute was last changed, where it matters and can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_changed: Option<Timestamp>,
}

/// A number is shown to the process that asked, and in no message or log.
impl std::fmt::Debug for FoundUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FoundUser({:?})", self.dn)
    }
}

/// What went wrong, by the error code that callers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No server in time.
    DirectoryUnreachable,
    /// A certificate or a name is wrong.
    DirectoryCertificate,
    /// The login is refused, or the base is wrong.
    DirectoryLoginFailed,
    /// This account may not read what decides.
    DirectoryUnreadable,
    /// There is no snapshot, or it is too old.
    DirectoryStale,
    /// There is no such user.
    UserUnknown,
    /// There are several.
    UserAmbiguous,
    /// The account is switched off, or has expired.
    AccountDisabled,
    /// The user has no number.
    PhoneMissing,
    /// The user's number was changed too recently.
    PhoneChanged,
}

impl Code {
    /// As callers see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Code::DirectoryUnreachable => "directory_unreachable",
            Code::DirectoryCertificate => "directory_certificate",
            Code::DirectoryLoginFailed => "directory_login_failed",
            Code::DirectoryUnreadable => "directory_unreadable",
            Code::DirectoryStale => "directory_stale",
            Code::UserUnknown => "user_unknown",
            Code::UserAmbiguous => "user_ambiguous",
            Code::AccountDisabled => "account_disabled",
            Code::PhoneMissing => "phone_missing",
            Code::PhoneChanged => "phone_changed",
        }
    }
}

/// An error, and what an administrator must know of it. It names no user's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct DirectoryError {
    /// Which.
    pub code: Code,
    /// What is wrong, where, and what to do.
    pub message: String,
}

impl DirectoryError {
    /// An error with its words.
    pub fn new(code: Code, message: impl std::fmt::Display) -> Self {
        let message = message.to_string();
        Self { code, message }
    }
}
