//! What a directory's program says of the group policy objects that are linked above a user.

pub use textsender_names::{GpoEffect, lines::GpoLink};

/// What is said of an effect.
pub fn words(effect: GpoEffect) -> &'static str {
    match effect {
        GpoEffect::Applies => "it applies",
        GpoEffect::LinkDisabled => "the link is disabled",
        GpoEffect::Blocked => "a container below blocks inheritance, and the link is not enforced",
        GpoEffect::Gone => "the group policy object is gone",
        GpoEffect::UserHalfOff => "the group policy object's half for users is off",
        GpoEffect::OtherVersion => "the group policy object's functionality version is not 2",
        GpoEffect::Filtered => "the security filter does not let the user through",
        GpoEffect::Unreadable => "the group policy object or the container's links can't be read",
        GpoEffect::WmiFilter => {
            "the group policy object has a WMI filter, which needs a machine: take it away, or set [gpo] \
                 wmi_filter = \"treat_as_passed\""
        }
    }
}
