//! Root acts as the account that sends: what a command leaves behind in the state folder is that
//! account's own, and no plugin ever runs as root.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use rustix::{
    process::{Gid, Uid, geteuid},
    thread::{set_thread_gid, set_thread_groups, set_thread_uid},
};

use crate::plugins;

/// Lets host processes run as the owner of the state folder, where root runs this: for commands that
/// have to stay root to change the configuration.
pub fn lend(state: &Path) {
    if let Some((user, group)) = owner(state) {
        plugins::run_as(user, group);
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
    let Some((user, group)) = owner(state) else {
        return Ok(());
    };
    set_thread_groups(&[])?;
    set_thread_gid(Gid::from_raw(group))?;
    set_thread_uid(Uid::from_raw(user))?;
    Ok(())
}

/// The owner of the state folder, where that is not root, and root runs this.
fn owner(state: &Path) -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let folder = fs::metadata(state).ok()?;
    (folder.uid() != 0).then(|| (folder.uid(), folder.gid()))
}
