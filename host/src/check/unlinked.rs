//! Policies that are for no one yet: what is wrong with them keeps no message from being sent.

use crate::config::{Config, Fault, Policy};

/// Whether a fault is of a policy that decides for no user, and of nothing else.
pub(super) fn is_of_one(fault: &Fault, config: &Config) -> bool {
    let default = config.defaults.policy.as_ref();
    policy_of(fault, config).is_some_and(|policy| {
        let is_default = default.is_some_and(|default| default.value == policy.name.value);
        let is_linked = policy.links.iter().any(|link| link.enabled);
        !is_default && !is_linked && policy.binding.is_none()
    })
}

/// The policy that a fault is of, as far as its place says: one in a file of its own, or the one whose name it is at.
pub fn policy_of<'c>(fault: &Fault, config: &'c Config) -> Option<&'c Policy> {
    let place = fault.place?;
    let own = config.policy_in(place.file);
    let own = own.and_then(|number| config.policies.get(number));
    own.or_else(|| {
        config
            .policies
            .iter()
            .find(|policy| policy.name.place == place)
    })
}
