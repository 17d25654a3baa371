//! What comes of a link of a group policy object: said by the directory's program, and decided by in policy.

use serde::{Deserialize, Serialize};

/// What comes of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GpoEffect {
    /// It applies.
    Applies,
    /// The link is disabled.
    LinkDisabled,
    /// A container between it and the user blocks inheritance.
    Blocked,
    /// The object is gone.
    Gone,
    /// Its half for users is off.
    UserHalfOff,
    /// It is of a version that is not applied.
    OtherVersion,
    /// Its security filter does not let the user through.
    Filtered,
    /// It, or the links of the container, can't be read.
    Unreadable,
    /// It has a WMI filter.
    WmiFilter,
}

impl GpoEffect {
    /// Whether it can't be judged: then nothing weaker decides in its place.
    #[must_use]
    pub fn is_undecidable(self) -> bool {
        matches!(self, Self::Unreadable | Self::WmiFilter)
    }
}
