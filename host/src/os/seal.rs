//! The seal of a host process: what is asked for, and what the kernel gave.
//!
//! | | Linux | elsewhere |
//! |---|---|---|
//! | [`Image`] | a sealed copy in memory | the file's path: *what is loaded may differ from what was checked* |
//! | [`apply`] | Landlock, seccomp, no capabilities, limits | nothing, and [`Sealed`] says so |

use std::fmt;

use serde::{Deserialize, Serialize};

pub use super::system::{Image, missing_libraries, seal as apply};

/// How a host process is to be sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Plan {
    /// Whether the plugin is refused where the kernel lacks a part.
    pub required: bool,
    /// TCP ports to which the plugin itself may connect: the grant `network`.
    pub ports: Vec<u16>,
}

impl Plan {
    /// Whether the plugin may connect by itself.
    pub fn grants_network(&self) -> bool {
        !self.ports.is_empty()
    }
}

/// What the kernel gave of a seal. Told by the host process before a plugin's code runs in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The version of Landlock that restricts files, ports and signals.
    pub landlock: Option<u32>,
    /// Whether seccomp restricts the calls.
    pub seccomp: bool,
}

/// The version of Landlock that first restricted TCP ports (Linux 6.7).
const LANDLOCK_PORTS: u32 = 4;

impl Sealed {
    /// What a plugin can do that the plan does not allow, in a few words each.
    ///
    /// Each part is held by Landlock, by seccomp, or by both: one that is held is not lacking. So
    /// ports matter only with a grant, as without one no socket can be made at all.
    pub fn lacks(&self, plan: &Plan) -> Vec<&'static str> {
        let parts = [
            (
                self.landlock.is_none(),
                "it can read files: the kernel has no Landlock",
            ),
            (
                !self.seccomp,
                "it can make any system call: no seccomp filter for this kernel",
            ),
            (
                plan.grants_network() && self.landlock.is_none_or(|abi| abi < LANDLOCK_PORTS),
                "it can connect to any port: Landlock restricts them since Linux 6.7",
            ),
        ];
        let lacking = parts.into_iter().filter(|(lacks, _)| *lacks);
        lacking.map(|(_, what)| what).collect()
    }
}

impl fmt::Display for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.landlock {
            Some(abi) => write!(f, "Landlock version {abi}, ")?,
            None => f.write_str("no Landlock, ")?,
        }
        f.write_str(if self.seccomp {
            "seccomp"
        } else {
            "no seccomp"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_depends_on_what_is_asked_for() {
        let plan = |ports: &[u16]| Plan {
            required: false,
            ports: ports.to_vec(),
        };
        let sealed = |landlock, seccomp| Sealed { landlock, seccomp };
        let cases = [
            (sealed(Some(7), true), vec![25], 0),
            (sealed(Some(1), true), vec![], 0),
            (sealed(Some(3), true), vec![25], 1),
            (sealed(None, true), vec![], 1),
            (sealed(Some(7), false), vec![], 1),
            (Sealed::default(), vec![25], 3),
        ];
        for (sealed, ports, lacking) in cases {
            let lacks = sealed.lacks(&plan(&ports));
            assert_eq!(lacks.len(), lacking, "{sealed}, {ports:?}: {lacks:?}");
        }
    }
}
