//! Why no message may be sent under the policies, in words for operators.

use textsender_names::DnError;

use super::principal::BadGroup;
use crate::protocol::{Event, Purpose};

/// Why a request gets no policy, text or sender. Each says which rule it was, and what changes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// `user.dn` is not a distinguished name.
    #[error("user.dn is not a distinguished name: {error}")]
    BadDn {
        /// What is wrong with it.
        error: DnError,
    },
    /// An item of `user.groups` is neither a distinguished name nor a SID.
    #[error(transparent)]
    BadGroup(#[from] BadGroup),
    /// The request names a sender that is not configured.
    #[error("there is no sender {name:?}; see `textsender sender list`")]
    UnknownTestSender {
        /// The name.
        name: String,
    },
    /// A test is for a policy that is not there.
    #[error("there is no policy {name:?}; see `textsender policy list`")]
    UnknownTestPolicy {
        /// The name.
        name: String,
    },
    /// There is nothing to match links with, and no default.
    #[error(
        "the request has no user.dn and no default policy is set; send user.dn, or set [defaults] policy"
    )]
    NoDn,
    /// No link applies, and there is no default.
    #[error(
        "no policy applies to this user and no default policy is set; link one above the user, or set [defaults] policy (`textsender explain` shows why each lost)"
    )]
    NoPolicy,
    /// No link applies, and the default policy's filter does not let the user through.
    #[error(
        "no policy is linked to this user, and the filter of the default policy {policy:?} leaves the user out (`textsender explain` shows why)"
    )]
    DefaultFiltered {
        /// The default policy.
        policy: String,
    },
    /// The winning policy does not allow the event.
    #[error("policy {policy:?} does not allow the event {}; add it to the policy's events", event.as_str())]
    EventOff {
        /// The winner.
        policy: String,
        /// What the request is about.
        event: Event,
    },
    /// The winning policy allows some events only, and the request names none.
    #[error(
        "policy {policy:?} allows some events only, and the request names none; send \"event\""
    )]
    EventMissing {
        /// The winner.
        policy: String,
    },
    /// The winning policy has no text for the purpose.
    #[error("policy {policy:?} does not allow {}; add [{}] with a text to it", purpose.as_str(), purpose.as_str())]
    PurposeOff {
        /// The winner.
        policy: String,
        /// What the message is for.
        purpose: Purpose,
    },
    /// Texting a new password is switched off.
    #[error(
        "texting a new password is switched off; switch it on with: textsender helpdesk enable new_password"
    )]
    NewPasswordOff,
    /// `[helpdesk]` has no text for the purpose.
    #[error("there is no text for {}; add {} = \"...\" to [helpdesk.texts]", purpose.as_str(), purpose.as_str())]
    NoHelpdeskText {
        /// What the message is for.
        purpose: Purpose,
    },
    /// `[defaults] policy` names none.
    #[error(
        "[defaults] policy names {name:?}, and there is no such policy; `textsender check` shows where"
    )]
    UnknownDefault {
        /// The name.
        name: String,
    },
    /// Two policies apply at one container with equal order.
    #[error("policies {:?} and {:?} both have order {order} at {container}; give one another order", policies[0], policies[1])]
    EqualOrder {
        /// The container, as written.
        container: String,
        /// Their order.
        order: u32,
        /// Two of them, by name.
        policies: [String; 2],
    },
    /// Policies are bound to group policy objects, and no directory said which reach the user.
    #[error(
        "policies are bound to group policy objects, and no directory is configured that has them; add [directories.NAME]"
    )]
    LinksUnknown,
    /// A group policy object that may decide can't be judged.
    #[error(
        "policy {policy:?}, linked at {container}, may decide for this user, and can't be judged: {why}"
    )]
    Undecidable {
        /// The policy.
        policy: String,
        /// Where its object is linked.
        container: String,
        /// Why it can't be judged.
        why: &'static str,
    },
    /// `[defaults] policy` names one that an object decides for.
    #[error(
        "[defaults] policy names {policy:?}, whose users a group policy object chooses; name another"
    )]
    DefaultBound {
        /// The policy.
        policy: String,
    },
    /// The policy that decides has a fault.
    #[error("policy {policy:?} decides for this user, and has a fault: {fault}")]
    Broken {
        /// The policy.
        policy: String,
        /// Its first fault, with its place and what to do.
        fault: String,
    },
    /// Neither the policy or `[helpdesk]` nor `[defaults]` names a sender.
    #[error("no sender is set for {}; set one in {owner} or in [defaults]", purpose.as_str())]
    NoSender {
        /// What the message is for.
        purpose: Purpose,
        /// `policy "NAME"` or `[helpdesk]`.
        owner: String,
    },
    /// The sender named by the configuration does not exist.
    #[error(
        "{owner} names the sender {name:?}, and there is no [senders.{name}]; `textsender check` shows where"
    )]
    UnknownSender {
        /// The name.
        name: String,
        /// `policy "NAME"`, `[helpdesk]` or `[defaults]`.
        owner: String,
    },
}

impl PolicyError {
    /// The request itself is wrong (outcome `invalid`).
    pub fn is_invalid(&self) -> bool {
        use PolicyError::*;
        matches!(
            self,
            BadDn { .. } | BadGroup(_) | UnknownTestSender { .. } | UnknownTestPolicy { .. }
        )
    }

    /// The administrator must correct the configuration (outcome `misconfigured`).
    pub fn is_misconfigured(&self) -> bool {
        use PolicyError::*;
        matches!(
            self,
            NoHelpdeskText { .. }
                | UnknownDefault { .. }
                | EqualOrder { .. }
                | LinksUnknown
                | Undecidable { .. }
                | DefaultBound { .. }
                | Broken { .. }
                | NoSender { .. }
                | UnknownSender { .. }
        )
    }

    /// A rule forbids it (outcome `refused`).
    pub fn is_refused(&self) -> bool {
        !self.is_invalid() && !self.is_misconfigured()
    }
}
