//! Which directory a command is about, as `textsender` says it on standard input: one JSON object. The password stands
//! there, and in no argument or variable.

use std::path::PathBuf;

use serde::Deserialize;
use textsender_names::Guid;

use crate::orders::{Bound, Settings};

/// A directory of a configuration, and the policies that its objects decide for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// How it is entered.
    pub settings: Settings,
    /// The policies that are bound to its objects.
    pub bound: Vec<Bound>,
    /// Where the snapshot is.
    pub snapshot: PathBuf,
    /// How old it may be, in seconds.
    pub stale_after_s: u64,
}

impl Site {
    /// The policy that is bound to an object.
    #[must_use]
    pub fn policy_of(&self, gpo: &Guid) -> &str {
        let found = self.bound.iter().find(|bound| bound.id == *gpo);
        found.map_or("", |bound| &bound.policy)
    }
}
