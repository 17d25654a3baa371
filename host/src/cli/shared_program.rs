//! With a shared ledger, this program replaces itself by `textsender-postgres`, which has the store that this one does
//! without (see [`ledger::share`](crate::ledger::share)): in the same process, with the same arguments and streams.
//!
//! If it is not installed, this program goes on, and the ledger says what is missing.

use std::{
    env::{self, consts::EXE_SUFFIX},
    path::Path,
};

use crate::{
    config::{Reading, Sources},
    ledger::can_share,
    os::process,
};

/// Replaces this process by that program if the configuration in this file has a shared ledger.
pub(super) fn replace(config: &Path) {
    if !can_share() {
        go_on_there(&Sources::read(config), None);
    }
}

/// The same for one message. `input`: what was read of standard input.
pub(super) fn replace_for_message(sources: &Sources, input: &[u8]) {
    if !can_share() {
        go_on_there(sources, Some(input));
    }
}

fn go_on_there(sources: &Sources, input: Option<&[u8]>) {
    if !sources.mentions("shared") || Reading::of(sources.clone()).config.state.shared.is_none() {
        return;
    }
    let own = env::current_exe().unwrap_or_default();
    let program = own.with_file_name(format!("textsender-postgres{EXE_SUFFIX}"));
    let error = process::replace(&program, input);
    tracing::error!(program = %program.display(), %error, "can't be started");
}
