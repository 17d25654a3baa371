//! Whom this process believes, and why a file or folder is not to be believed.

use std::{
    fs::{File, Metadata},
    path::Path,
    sync::{PoisonError, RwLock},
};

use super::unsafe_file::Unsafe;
use crate::os::{accounts, acl, rights::Rights};

/// Whom this process believes beside root and its own user.
struct Accepted {
    owner: Option<u32>,
    groups: Vec<u32>,
}

static ACCEPTED: RwLock<Accepted> = RwLock::new(Accepted {
    owner: None,
    groups: Vec::new(),
});

/// Believes files of the account that sends: for commands that root runs on its behalf.
pub fn accept_owner(user: u32) {
    let mut accepted = ACCEPTED.write().unwrap_or_else(PoisonError::into_inner);
    accepted.owner = Some(user);
}

/// Believes files that these groups can write to, in place of those that were named before.
pub fn accept_groups(groups: Vec<u32>) {
    let mut accepted = ACCEPTED.write().unwrap_or_else(PoisonError::into_inner);
    accepted.groups = groups;
}

/// Why a file or folder is not to be believed. Who `asked` is believed, too.
pub(super) fn fault(
    path: &Path,
    file: &File,
    metadata: &Metadata,
    asked: Option<u32>,
) -> Option<Unsafe> {
    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    let Rights { user, group, mode } = Rights::of(metadata);
    if !is_owner(user, asked) {
        return Some(Unsafe::owner(path, user));
    }
    // In a sticky folder only its owner can replace a file, and what is in it is judged itself.
    if metadata.is_dir() && mode & STICKY != 0 {
        return None;
    }
    if mode & OTHERS_WRITE != 0 {
        let path = path.into();
        return Some(Unsafe::Mode { path, mode });
    }
    if mode & GROUP_WRITES == 0 {
        // Then no access list lets anyone write either: these bits are its mask.
        return None;
    }
    let writers = acl::writers(file, group).unwrap_or(acl::Writers {
        users: Vec::new(),
        groups: vec![group],
    });
    let mut users = writers.users.into_iter();
    if let Some(user) = users.find(|user| !is_owner(*user, asked)) {
        let path = path.into();
        return Some(Unsafe::List { path, user });
    }
    let mut groups = writers.groups.into_iter();
    let stranger = groups.find(|group| !is_group(*group, asked))?;
    Some(Unsafe::Group {
        path: path.into(),
        mode,
        group: stranger,
    })
}

pub(super) fn is_owner(user: u32, asked: Option<u32>) -> bool {
    let accepted = ACCEPTED.read().unwrap_or_else(PoisonError::into_inner);
    user == 0 || user == accounts::own() || [accepted.owner, asked].contains(&Some(user))
}

/// Whether all of a group may write: each member is an owner that is believed, or the administrator
/// says so.
fn is_group(group: u32, asked: Option<u32>) -> bool {
    let accepted = ACCEPTED.read().unwrap_or_else(PoisonError::into_inner);
    let is_accepted = accepted.groups.contains(&group);
    drop(accepted);
    let is_believed = |member: u32| is_owner(member, asked);
    is_accepted
        || accounts::members(group).is_some_and(|members| members.into_iter().all(is_believed))
}
