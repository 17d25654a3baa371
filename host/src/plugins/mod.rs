//! Plugins: where they are, whether they may run, and the process that each runs in.
//!
//! ```text
//!   front                                    host process, one for each sender
//!   launch   what a sender needs to start      plugin_host/load    verify, load, configure
//!   process  calls, exchanges, its end  <===>  plugin_host/serve   frames in, frames out
//!   pool     one process for each sender     frames: what crosses
//!   describe what a plugin says of itself
//!   declared what hosts it declared when it was to send
//!   verify, lock: what a library's file is, and which were approved
//! ```
//!
//! The host process is this same executable with a hidden subcommand. It runs a stranger's machine
//! code, so the front believes nothing that it says: a frame that does not fit ends it.

mod declared;
mod describe;
pub mod folder;
mod frames;
mod launch;
pub mod lock;
mod named_hosts;
#[allow(unsafe_code)]
pub mod plugin_host;
mod pool;
mod process;
mod refusal;
mod setting_files;
mod startup_error;
pub mod verify;

pub use crate::os::{
    process::{end_early, run_as, start_early},
    seal::{SealPlan, Sealed},
};
pub use declared::{DECLARED_HOSTS, DeclaredHosts};
pub use describe::{Description, With, describe, describe_with};
pub use frames::{Reply, Work};
pub use launch::{Launch, in_the_open, plan, proxy, to_json};
pub use named_hosts::{all as named_hosts, is_marked as is_marked_host};
pub use pool::Pool;
pub use process::{CallEnd, CallResult, HostProcess, StartupError, Trace};
pub use refusal::Refusal;

/// Reads frames of a host process from these bytes: see [`crate::fuzz`].
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz_frames(bytes: &[u8]) {
    let mut reader = frames::FrameReader::new(bytes);
    let next = |reader: &mut frames::FrameReader<_>| crate::fuzz::at_once(reader.next());
    while let Some(Ok(Some(frame))) = next(&mut reader) {
        let frame: frames::Up = frame;
        let mut written = Vec::new();
        frames::encode(&frame, &mut written).expect("it fitted a frame before");
        assert!(written.len() <= frames::MAX_FRAME + 4);
    }
}

/// Reads what a plugin says from these bytes: see [`crate::fuzz`].
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz_plugin(bytes: &[u8]) {
    process::fuzz::words(bytes);
}

/// Keeps this process's memory from other processes and from the disk. Called once, at the start.
pub fn protect() {
    crate::os::limits::survive_file_sizes();
    if let Err(error) = crate::os::process::protect() {
        tracing::debug!(%error, "this process can be dumped");
    }
}
