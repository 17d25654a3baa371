//! Decides which policy a message falls under, and from it sender, fallback, text and region: group
//! policy as Active Directory's administrators know it.
//!
//! | to | use |
//! |---|---|
//! | decide for one request | [`Policies::resolve`] |
//! | see why | [`Policies::explain`] |
//! | find links that clash or can never win | [`check`] |
//!
//! A policy *applies* if one of its enabled links names a container that holds the user's DN, and
//! its filter passes: no group of `deny_groups` is held, and one of `groups` or `users` is (no
//! such list: everyone). Of those that apply
//!
//! 1. enforced links beat unenforced ones, and of them the *highest* container wins;
//! 2. else the container *closest* to the user wins, as far up as the first that blocks inheritance;
//! 3. at one container, the lowest `order` wins.
//!
//! A link reaches the users of its own domain only, the run of `DC=` parts at its end, however many domains
//! are below it.
//!
//! A policy may be bound to a group policy object of a directory instead (`gpo`).
//!
//! The winner decides alone: what it leaves out is not filled in from the one it beat. What group
//! policy has and this has not: sites, WMI filters, loopback, and merging.
//!
//! Everything that does not depend on the user is worked out when the configuration is loaded
//! (`index`), so that a decision costs a few look-ups: one for each container above the user, one
//! for each of his groups.

mod check;
mod considered;
mod error;
mod explain;
mod gpo;
mod index;
mod principal;
mod resolve;

pub use check::{check, warnings};
pub use considered::{Beat, Considered, LinkResult, LinkView, Lost, Won};
pub use error::PolicyError;
pub use explain::Explanation;
pub use index::Policies;
pub use principal::{BadGroup, PrincipalError};
pub use resolve::{MessageOwner, Resolution, SenderFrom, TEST_TEXT};

pub use textsender_names::{Dn, DnError, Sid, dn};

use crate::protocol::{Event, GpoLink, Purpose};

/// What a request says of its user, as far as policy asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct User<'r> {
    /// The distinguished name; a blank one counts as none.
    pub dn: Option<&'r str>,
    /// Distinguished names or SIDs of all groups, transitive. The user's own SID may be among them.
    pub groups: &'r [String],
    /// The links of group policy objects that reach the user, the strongest first; `None`: no directory was asked.
    pub links: Option<&'r [GpoLink]>,
}

/// What a decision is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'r> {
    /// Whom the message is for.
    pub user: User<'r>,
    /// What the user is doing, if the request says.
    pub event: Option<Event>,
    /// What the message is for.
    pub purpose: Purpose,
    /// The sender that a test names.
    pub sender: Option<&'r str>,
    /// The policy that an administrator's test is for, whatever the user's is.
    pub policy: Option<&'r str>,
}

#[cfg(test)]
mod tests;
