//! With a shared ledger, this program replaces itself by `textsender-postgres`, which has the store that this one does
//! without (see [`ledger::share`](crate::ledger::share)): in the same process, with the same arguments and streams.
//!
//! If it is not installed, this program goes on, and the ledger says what is missing.

use std::{env, path::Path};

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
    let program = process::companion("textsender-postgres");
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let error = process::replace(&program, &arguments, input);
    tracing::error!(program = %program.display(), %error, "can't be started");
}
