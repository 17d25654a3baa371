//! Plugins: where they are, whether they may run, and the process that each runs in.
//!
//! ```text
//!   front                                    host process, one for each sender
//!   launch   what a sender needs to start      plugin_host/load    verify, load, configure
//!   process  calls, exchanges, its end  <===>  plugin_host/serve   frames in, frames out
//!   pool     one process for each sender     frames: what crosses
//!   describe what a plugin says of itself
//!   verify, lock: what a library's file is, and which were approved
//!   seal, os: what a host process may no longer do, and how the system is told
//! ```
//!
//! The host process is this same executable with a hidden subcommand. It runs a stranger's machine
//! code, so the front believes nothing that it says: a frame that does not fit ends it.

#![allow(unsafe_code)]

mod account;
mod describe;
pub mod folder;
mod frames;
mod launch;
pub mod lock;
mod os;
pub mod plugin_host;
mod pool;
mod process;
mod refusal;
mod seal;
mod startup_error;
pub mod verify;

pub use account::run_as;
pub use describe::{Description, describe};
pub use frames::{Reply, Work};
pub use launch::Launch;
pub(crate) use launch::to_json;
pub use pool::Pool;
pub use process::{CallEnd, CallResult, HostProcess, StartupError, Trace};
pub use refusal::Refusal;
pub use seal::{Plan, Sealed};

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

/// Keeps this process's memory from other processes and from the disk. Called once, at the start.
pub fn protect() {
    if let Err(error) = os::protect() {
        tracing::debug!(%error, "this process can be dumped");
    }
}

/// Starts a host process for the first sender that will need one. One send knows that
/// there will be one before the configuration is read: by then it waits for its first frame.
pub fn start_early() {
    os::start_early();
}

/// Ends that process, if it was not needed.
pub fn end_early() {
    os::end_early();
}
