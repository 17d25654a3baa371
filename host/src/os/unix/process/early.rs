//! A host process that is started before it is known for whom: by the time that policy has named the
//! sender, it waits for its first frame.
//!
//! It knows nothing until that frame, and is an ordinary host process from then on. Only where its
//! surroundings depend on the sender is it of no use, and another one is started.

use std::{
    io,
    process::Child,
    sync::{Mutex, PoisonError},
};

use rustix::process::{Uid, geteuid};

use super::{ACCOUNT, command};
use crate::os::seal::SealPlan;

static EARLY: Mutex<Option<Early>> = Mutex::new(None);

struct Early {
    child: Child,
    /// Who started it.
    user: Uid,
}

/// Starts one. If it can't be started, the caller that needs one tries again and says why not.
pub fn start_early() {
    let Ok(child) = command().and_then(|mut command| command.spawn()) else {
        return;
    };
    let user = geteuid();
    replace(Some(Early { child, user }));
}

/// Ends the one that was started, if it was not needed.
pub fn end_early() {
    if let Some(Early { child, .. }) = replace(None) {
        // It is waited for, so that it leaves no zombie; how it ended is of no interest.
        let _ = end(child);
    }
}

/// The one that was started, for this sender. None where it would run as another account than one
/// that is started now, or in another environment.
pub(super) fn take(plan: &SealPlan) -> Option<Child> {
    let Early { child, user } = replace(None)?;
    if user == geteuid() && ACCOUNT.get().is_none() && !plan.grants_network() {
        return Some(child);
    }
    let _ = end(child);
    None
}

fn replace(early: Option<Early>) -> Option<Early> {
    let mut held = EARLY.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut held, early)
}

fn end(mut child: Child) -> io::Result<()> {
    child.kill()?;
    child.wait().map(|_| ())
}
