//! Root acts as the account that sends: what a command leaves behind in the state folder is that
//! account's own, and no plugin ever runs as root.

use std::{fs, io, path::Path};

use crate::os::{
    accounts::{is_root, switch_to},
    process,
    rights::Rights,
};

/// Lets host processes run as the owner of the state folder, where root runs this: for commands that
/// have to stay root to change the configuration.
pub fn lend(state: &Path) {
    if let Some((user, group)) = owner(state) {
        process::run_as(user, group);
    }
}

/// Becomes the owner of the state folder, for good, where root runs this and another owns it.
///
/// To be called before there is a second thread: each thread has an account of its own.
///
/// # Errors
///
/// The system does not allow it, as in some containers.
pub fn become_owner(state: &Path) -> io::Result<()> {
    match owner(state) {
        Some((user, group)) => switch_to(user, group, &[]),
        None => Ok(()),
    }
}

/// The owner of the state folder, where that is not root, and root runs this.
fn owner(state: &Path) -> Option<(u32, u32)> {
    if !is_root() {
        return None;
    }
    let Rights { user, group, .. } = Rights::of(&fs::metadata(state).ok()?);
    (user != 0).then_some((user, group))
}
