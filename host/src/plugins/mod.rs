//! Plugins: where they are, whether they may run, and the process that each runs in.
//!
//! ```text
//!   front                                    host process, one for each sender
//!   launch   what a sender needs to start      plugin_host/load    verify, load, configure
//!   process  calls, exchanges, its end  <===>  plugin_host/serve   frames in, frames out
//!   pool     one process for each sender     frames: what crosses
//!   describe what a plugin says of itself
//! ```
//!
//! The host process is this same executable with a hidden subcommand. It runs a stranger's machine
//! code, so the front believes nothing that it says: a frame that does not fit ends it.

#![allow(unsafe_code)]

mod describe;
pub mod folder;
mod frames;
mod launch;
mod os;
pub mod plugin_host;
mod pool;
mod process;
mod refusal;

pub use describe::{Description, describe};
pub use frames::{Reply, Work};
pub use launch::Launch;
pub(crate) use launch::to_json;
pub use pool::Pool;
pub use process::{CallEnd, CallResult, HostProcess, NotReady, Trace};
pub use refusal::Refusal;
