//! The account that host processes run as, where root starts them: a plugin never runs as root.

use std::{os::unix::process::CommandExt, process::Command, sync::OnceLock};

static ACCOUNT: OnceLock<(u32, u32)> = OnceLock::new();

/// Lets every host process that this process starts from now on run as another account, by the
/// numbers of user and group. Only root may. The first word counts.
pub fn run_as(user: u32, group: u32) {
    let _ = ACCOUNT.set((user, group));
}

/// Whether host processes run as another account.
pub(super) fn is_set() -> bool {
    ACCOUNT.get().is_some()
}

/// Sets the account of a host process to be started.
pub(super) fn set(command: &mut Command) {
    if let Some((user, group)) = ACCOUNT.get() {
        // It leaves root's further groups behind as well.
        command.gid(*group).uid(*user);
    }
}
