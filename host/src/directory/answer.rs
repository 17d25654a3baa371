//! What `textsender-directory` answers.

use serde::Deserialize;

use crate::protocol::{ErrorCode, Failure, GpoLink};

/// One line.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Who a user is, and which links reach him.
    Decided(Decided),
    /// The group policy objects of a name.
    Gpos(Vec<Object>),
    /// What is to be said of a snapshot.
    Findings(Vec<Finding>),
    /// What a sync would come to.
    Sync(Synced),
    /// It went wrong.
    Error(DirectoryError),
}

/// A group policy object.
#[derive(Debug, Deserialize)]
pub struct Object {
    /// Its id.
    pub id: String,
    /// Its name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// `readable`, or why not.
    pub state: String,
    /// Whether it has a WMI filter.
    #[serde(default)]
    pub wmi_filter: bool,
}

/// What is to be said of a bound object, or of the whole.
#[derive(Debug, Deserialize)]
pub struct Finding {
    /// The policy, the object or the container; empty: the snapshot.
    pub of: String,
    /// What is wrong, and what to do.
    pub what: String,
    /// Whether users may be hit.
    pub is_fault: bool,
}

#[derive(Deserialize)]
pub(super) struct Synced {
    pub findings: Vec<Finding>,
}

#[derive(Deserialize)]
pub(super) struct Decided {
    /// `None`: the caller has described the user.
    #[serde(default)]
    pub user: Option<Found>,
    /// The links that reach the user, the strongest first.
    pub considered: Vec<GpoLink>,
}

/// A user of the directory. The number is in no message and no log.
#[derive(Deserialize)]
pub(super) struct Found {
    pub dn: String,
    pub sid: String,
    /// As SIDs.
    pub groups: Vec<String>,
    /// Those that filters name by distinguished name.
    #[serde(default)]
    pub group_names: Vec<String>,
    pub account: String,
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub locale: Option<String>,
    #[serde(default)]
    pub phone: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct DirectoryError {
    code: String,
    /// The program's own words.
    message: String,
}

impl Answer {
    /// Whether the account was not let in.
    pub fn is_about_the_login(&self) -> bool {
        matches!(self, Self::Error(error) if error.code == ErrorCode::DirectoryLoginFailed.as_str())
    }
}

impl DirectoryError {
    pub fn failure(self) -> Failure {
        let code = ErrorCode::parse(&self.code).unwrap_or(ErrorCode::DirectoryUnreadable);
        Failure::with_detail(code, self.message)
    }
}
