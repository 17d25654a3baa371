//! The seal of a host process: what is asked for, and what the kernel gave.
//!
//! | | Linux | elsewhere |
//! |---|---|---|
//! | [`Image`] | a sealed copy in memory | the file's path: *what is loaded may differ from what was checked* |
//! | [`apply`] | Landlock, seccomp, no capabilities, limits | nothing, and [`Sealed`] says so |

use std::{fmt, io};

use serde::{Deserialize, Serialize};

pub use super::system::{Image, missing_libraries, seal as apply};

/// How a host process is to be sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct SealPlan {
    /// What happens where a part of the seal can't be had.
    pub demand: Demand,
    /// TCP ports to which the plugin itself may connect: the grant `network`.
    pub ports: Vec<u16>,
}

/// What happens where a part of the seal can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Demand {
    /// The sender is `misconfigured`.
    Required,
    /// What there is, is used; what is lacking is a warning.
    #[default]
    Best,
    /// The same, and what is lacking is a line at level `info`: the administrator chose it.
    Any,
}

impl SealPlan {
    /// Whether the plugin may connect by itself.
    pub fn grants_network(&self) -> bool {
        !self.ports.is_empty()
    }
}

/// What came of a seal. Told by the host process before a plugin's code runs in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The version of Landlock that restricts files, ports and signals.
    pub landlock: Result<u32, Absent>,
    /// Whether seccomp restricts the calls.
    pub seccomp: Result<(), Absent>,
}

/// Why a part of the seal can't be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Absent {
    /// The kernel says that it does not have it, or this system is not Linux.
    Kernel,
    /// Something around this process forbids the call: a filter of its service or container.
    Forbidden,
    /// The call does not exist, and nothing says why: an old kernel, or a machine that only looks like
    /// one, such as gVisor, qemu or valgrind.
    Undecided,
}

/// Why a process can't be sealed at all: a step that every kernel has was refused.
#[derive(Debug)]
pub struct SealError {
    /// The system call.
    pub call: &'static str,
    /// Its answer.
    pub error: io::Error,
    /// Whether a filter around this process seems to forbid it.
    pub is_forbidden: bool,
}

/// Something that a plugin can do although the plan does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    what: &'static str,
    part: &'static str,
    /// Why the part that forbids it can't be had.
    pub why: Absent,
}

/// The calls that seal a process, as a unit's `SystemCallFilter=` has to allow them.
pub const CALLS: &str = "landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp";

/// The version of Landlock that first restricted TCP ports (Linux 6.7).
const LANDLOCK_PORTS: u32 = 4;

impl Sealed {
    /// Nothing is restricted.
    pub const NOT: Self = Self {
        landlock: Err(Absent::Kernel),
        seccomp: Err(Absent::Kernel),
    };

    /// What a plugin can do that the plan does not allow.
    ///
    /// Each part is held by Landlock, by seccomp, or by both: one that is held is not lacking. So
    /// ports matter only with a grant, as without one no socket can be made at all.
    pub fn lacks(&self, plan: &SealPlan) -> Vec<Lack> {
        let mut lacks = Vec::new();
        let mut lack = |what, part, why| lacks.push(Lack { what, part, why });
        if let Err(why) = self.landlock {
            lack("it can read files", "Landlock", why);
        }
        if let Err(why) = self.seccomp {
            lack("it can make any system call", "seccomp", why);
        }
        let why = match self.landlock {
            Ok(version) if version < LANDLOCK_PORTS => Some(Absent::Kernel),
            Ok(_) => None,
            Err(why) => Some(why),
        };
        if let Some(why) = why.filter(|_| plan.grants_network()) {
            lack("it can connect to any port", "Landlock of Linux 6.7", why);
        }
        lacks
    }
}

impl Lack {
    /// Whether the plan's word refuses a plugin for it. What is undecided is a warning, whatever the
    /// word: on such machines nothing could be sent at all.
    pub fn is_refused(self, plan: &SealPlan) -> bool {
        plan.demand == Demand::Required && self.why != Absent::Undecided
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, part, why } = self;
        match why {
            Absent::Kernel => write!(f, "{what}: the kernel has no {part}"),
            Absent::Forbidden => write!(
                f,
                "{what}: {part} is forbidden here, by a filter around textsender; in its systemd unit \
                 this allows it: SystemCallFilter={CALLS}"
            ),
            Absent::Undecided => write!(
                f,
                "{what}: the calls of {part} do not exist here; the kernel is too old, or something \
                 stands between it and textsender"
            ),
        }
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, error, .. } = self;
        write!(f, "the system call {call} is refused: {error}")
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.landlock {
            Ok(version) => write!(f, "Landlock version {version}, ")?,
            Err(_) => f.write_str("no Landlock, ")?,
        }
        f.write_str(match self.seccomp {
            Ok(()) => "seccomp",
            Err(_) => "no seccomp",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(demand: Demand, ports: &[u16]) -> SealPlan {
        SealPlan {
            demand,
            ports: ports.to_vec(),
        }
    }

    #[test]
    fn what_is_lacking_depends_on_what_is_asked_for() {
        let sealed = |landlock: Option<u32>, seccomp: bool| Sealed {
            landlock: landlock.ok_or(Absent::Kernel),
            seccomp: seccomp.then_some(()).ok_or(Absent::Kernel),
        };
        let cases = [
            (sealed(Some(7), true), vec![25], 0),
            (sealed(Some(1), true), vec![], 0),
            (sealed(Some(3), true), vec![25], 1),
            (sealed(None, true), vec![], 1),
            (sealed(Some(7), false), vec![], 1),
            (Sealed::NOT, vec![25], 3),
        ];
        for (sealed, ports, lacking) in cases {
            let lacks = sealed.lacks(&plan(Demand::Best, &ports));
            assert_eq!(lacks.len(), lacking, "{sealed}, {ports:?}: {lacks:?}");
        }
    }

    #[test]
    fn only_what_is_required_and_decided_refuses_a_plugin() {
        use Demand::{Any, Best, Required};
        for (demand, why, refused) in [
            (Required, Absent::Kernel, true),
            (Required, Absent::Forbidden, true),
            (Required, Absent::Undecided, false),
            (Best, Absent::Forbidden, false),
            (Any, Absent::Forbidden, false),
        ] {
            let sealed = Sealed {
                landlock: Err(why),
                seccomp: Ok(()),
            };
            let plan = plan(demand, &[]);
            let [lack] = sealed.lacks(&plan)[..] else {
                panic!("one part is lacking");
            };
            assert_eq!(lack.is_refused(&plan), refused, "{demand:?}, {why:?}");
        }
    }
}
