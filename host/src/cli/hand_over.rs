//! Where several machines share the ledger, another program goes on: `textsender-postgres`, which has the store
//! that this one does without (see [`ledger::share`](crate::ledger::share)). It gets the same arguments and
//! streams, in the same process.
//!
//! Where it is not installed, this program goes on, and the ledger says what is missing.

use std::{
    env::{self, consts::EXE_SUFFIX},
    path::Path,
};

use crate::{
    config::{Reading, Sources},
    ledger::can_share,
    os::process,
};

/// Hands the command over if the configuration there has a shared ledger.
pub(super) fn where_shared(config: &Path) {
    if !can_share() {
        hand_over(&Sources::read(config), None);
    }
}

/// Hands one message over if the configuration has a shared ledger. `input`: what was read of standard input.
pub(super) fn message_where_shared(sources: &Sources, input: &[u8]) {
    if !can_share() {
        hand_over(sources, Some(input));
    }
}

fn hand_over(sources: &Sources, input: Option<&[u8]>) {
    if !sources.mentions("shared") || Reading::of(sources.clone()).config.state.shared.is_none() {
        return;
    }
    let own = env::current_exe().unwrap_or_default();
    let program = own.with_file_name(format!("textsender-postgres{EXE_SUFFIX}"));
    let error = process::replace(&program, input);
    tracing::error!(program = %program.display(), %error, "can't be started");
}
