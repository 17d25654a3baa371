//! What a directory's program says of the group policy objects that are linked above a user.

use serde::Deserialize;

/// A link of a group policy object that reaches a user.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GpoLink {
    /// The id of the object.
    pub gpo: String,
    /// Where it is linked.
    pub container: String,
    /// How many steps above the user's entry that is.
    pub height: usize,
    /// Its place there, the lowest first.
    pub order: u32,
    /// Whether links below do not beat it.
    pub enforced: bool,
    /// What comes of it.
    pub result: GpoEffect,
}

/// What comes of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
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
    pub fn is_undecidable(self) -> bool {
        matches!(self, Self::Unreadable | Self::WmiFilter)
    }

    /// What is said of it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applies => "it applies",
            Self::LinkDisabled => "the link is disabled",
            Self::Blocked => "a container below blocks inheritance, and the link is not enforced",
            Self::Gone => "the group policy object is gone",
            Self::UserHalfOff => "the group policy object's half for users is off",
            Self::OtherVersion => "the group policy object's functionality version is not 2",
            Self::Filtered => "the security filter does not let the user through",
            Self::Unreadable => "the group policy object or the container's links can't be read",
            Self::WmiFilter => {
                "the group policy object has a WMI filter, which needs a machine: take it away, or set [gpo] \
                 wmi_filter = \"treat_as_passed\""
            }
        }
    }
}
