//! What became of a policy when a decision was made, in words for administrators.

use std::{borrow::Cow, fmt};

use serde::Serialize;

use crate::protocol::{GpoEffect, words_of_effect};

/// One link of a policy, or a policy without one, and what became of it. Displays as one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Considered<'p> {
    /// The policy's name.
    pub policy: &'p str,
    /// The link; `None` if the policy has none, or was considered as the default.
    pub link: Option<LinkView<'p>>,
    /// Won or lost, and why.
    #[serde(rename = "verdict")]
    pub result: LinkResult<'p>,
}

/// A link as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkView<'p> {
    /// The container, as written.
    pub container: Cow<'p, str>,
    /// Its order there.
    pub order: u32,
    /// Whether it is enforced.
    pub enforced: bool,
}

/// What became of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkResult<'p> {
    /// It decides.
    Won(Won),
    /// It does not.
    Lost(Lost<'p>),
}

/// Why a policy won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Won {
    /// The highest enforced link.
    Enforced,
    /// The closest link.
    Closest,
    /// No link applies, and it is `[defaults] policy`.
    Default,
}

/// Why a policy lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lost<'p> {
    /// It applies, and another does too that comes before it.
    Beaten {
        /// The other policy.
        by: &'p str,
        /// Why that one comes before.
        why: Beat<'p>,
    },
    /// Another of equal order applies at the same container: neither can win.
    EqualOrder {
        /// The other policy.
        with: &'p str,
    },
    /// A container between blocks inheritance, and the link is not enforced.
    Blocked {
        /// That container.
        at: &'p str,
    },
    /// The user holds a group of `deny_groups`.
    Denied {
        /// The group.
        group: &'p str,
    },
    /// The user holds none of `groups` and is none of `users`.
    NotHeld {
        /// `groups` and `users` of the filter.
        names: Vec<&'p str>,
        /// How many groups the request names.
        held: usize,
    },
    /// The link is disabled.
    Disabled,
    /// The link's container does not hold the user.
    Elsewhere,
    /// The link's container is of another domain, above the user's.
    OtherDomain,
    /// It has no link.
    NoLink,
    /// It has no link, being `[defaults] policy`, and a link of another applies.
    NotNeeded {
        /// The other policy.
        by: &'p str,
    },
    /// The request has no `user.dn`.
    NoDn,
    /// Its group policy object is not linked above the user.
    NoObject,
    /// Its group policy object has no effect, or can't be judged.
    Object {
        /// Why.
        effect: GpoEffect,
    },
    /// It applies, and one that comes before it can't be judged.
    Undecided {
        /// The other policy.
        by: &'p str,
    },
}

/// Why one of two links that apply comes before the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Beat<'p> {
    /// Only its link is enforced.
    Enforced,
    /// Both are enforced, and its container is higher.
    Higher {
        /// The container of the winner.
        container: Cow<'p, str>,
    },
    /// Its container is closer to the user.
    Closer {
        /// The container of the winner.
        container: Cow<'p, str>,
    },
    /// Both are linked at one container, and its order is lower.
    LowerOrder {
        /// The order of the winner.
        order: u32,
    },
}

impl fmt::Display for Considered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.policy)?;
        if let Some(link) = &self.link {
            let enforced = if link.enforced { ", enforced" } else { "" };
            write!(
                f,
                " (at {}, order {}{enforced})",
                link.container, link.order
            )?;
        }
        write!(f, " {}", self.result)
    }
}

impl fmt::Display for LinkResult<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkResult::Won(won) => write!(f, "won: {won}"),
            LinkResult::Lost(lost) => write!(f, "lost: {lost}"),
        }
    }
}

impl fmt::Display for Won {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Won::Enforced => "its link is enforced, and no enforced link is higher",
            Won::Closest => "its link is the closest to the user, and none is enforced",
            Won::Default => "no link applies, and it is [defaults] policy",
        })
    }
}

impl fmt::Display for Lost<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Beaten { by, why } => write!(f, "{by} beats it: {why}"),
            Lost::EqualOrder { with } => {
                write!(f, "{with} has the same order at the same container")
            }
            Lost::Blocked { at } => {
                write!(f, "{at} blocks inheritance, and the link is not enforced")
            }
            Lost::Denied { group } => {
                write!(
                    f,
                    "deny_groups names {group}, and the request's groups hold it"
                )
            }
            Lost::NotHeld { names, held } => write_not_held(f, names, *held),
            Lost::Disabled => f.write_str("the link is disabled"),
            Lost::Elsewhere => f.write_str("the container does not hold the user"),
            Lost::OtherDomain => f.write_str(
                "the container is another domain's, and a link does not reach the domains below its own",
            ),
            Lost::NoLink => f.write_str("it has no [[link]]"),
            Lost::NotNeeded { by } => {
                write!(
                    f,
                    "[defaults] policy counts only where no link applies, and {by} does"
                )
            }
            Lost::NoDn => f.write_str("the request has no user.dn"),
            Lost::NoObject => f.write_str("its group policy object is not linked above the user"),
            Lost::Object { effect } => f.write_str(words_of_effect(*effect)),
            Lost::Undecided { by } => write!(f, "{by} comes before it, and can't be judged"),
        }
    }
}

impl fmt::Display for Beat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Beat::Enforced => f.write_str("its link is enforced, and this one is not"),
            Beat::Higher { container } => {
                write!(f, "both are enforced, and it is higher, at {container}")
            }
            Beat::Closer { container } => {
                write!(f, "it is linked closer to the user, at {container}")
            }
            Beat::LowerOrder { order } => {
                write!(f, "it has order {order} at the same container")
            }
        }
    }
}

/// `the filter names X; the request's 3 groups do not hold it`.
fn write_not_held(f: &mut fmt::Formatter<'_>, names: &[&str], held: usize) -> fmt::Result {
    match names {
        [only] => write!(f, "the filter names {only}")?,
        [first, second] => write!(f, "the filter names {first} and {second}")?,
        [first, ..] => write!(f, "the filter names {first} and {} more", names.len() - 1)?,
        [] => {}
    }
    let it = if names.len() == 1 {
        "it"
    } else {
        "any of them"
    };
    match held {
        0 => f.write_str("; the request has no groups"),
        1 => write!(f, "; the request's 1 group does not hold {it}"),
        _ => write!(f, "; the request's {held} groups do not hold {it}"),
    }
}
