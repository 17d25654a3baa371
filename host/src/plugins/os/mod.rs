//! What the host process asks of the operating system, behind one seam. A port writes one file.
//!
//! | | Linux | elsewhere |
//! |---|---|---|
//! | [`spawn`] | this executable, by `/proc/self/exe` | this executable, by its path |
//! | [`Image`] | a sealed copy in memory | the file's path: *what is loaded may differ from what was checked* |
//! | [`seal`] | Landlock, seccomp, no capabilities, limits | nothing, and [`Sealed`](super::Sealed) says so |

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(super) use linux::*;
#[cfg(not(target_os = "linux"))]
pub(super) use other::*;

mod pipes;

pub(super) use pipes::{end_of, take_pipes};

/// The hidden subcommand of a host process.
pub const SUBCOMMAND: &str = "plugin-host";
