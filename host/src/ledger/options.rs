//! How a ledger is opened.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{Shared, State};
use crate::failpoint::Failpoints;
use crate::os;

/// How the ledger behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long decisions are kept. An id is not forgotten before it expires.
    pub retention: Duration,
    /// How long to wait for other processes.
    pub lock_timeout: Duration,
    /// The time of day, and what tests make happen at each step.
    pub failpoints: Failpoints,
    /// The ledger that several machines share; `None`: it is this machine's own.
    pub shared: Option<Shared>,
    /// This machine's name, for the audit of a ledger that several share.
    pub node: String,
    /// A test's time of day in place of a server's.
    pub clock: Option<fn() -> Timestamp>,
    /// Whether a decision keeps its places in the limits when it has ended, so that they can be brought over to a
    /// shared ledger.
    pub keeps_places: bool,
    /// `textsender.toml`, where how this machine is set up is to be compared with others.
    pub config: Option<PathBuf>,
}

impl Default for Options {
    /// 90 days, 10 seconds, the system's clock, no failpoint.
    fn default() -> Options {
        Options {
            retention: Duration::from_secs(90 * 24 * 60 * 60),
            lock_timeout: Duration::from_secs(10),
            failpoints: Failpoints::default(),
            shared: None,
            node: String::new(),
            clock: None,
            keeps_places: false,
            config: None,
        }
    }
}

impl Options {
    /// As `[state]` wants it.
    pub fn of(state: &State) -> Options {
        let node = match state.shared {
            Some(_) => os::process::host_name(),
            None => String::new(),
        };
        Options {
            retention: state.retention,
            shared: state.shared.clone(),
            node,
            ..Options::default()
        }
    }
}
