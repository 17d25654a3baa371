//! Cases through the real binary and the real plugins: a request in, a response and an exit code out.
//!
//! ```no_run
//! use serde_json::json;
//! use textsender_tests::harness::Test;
//! use textsender_tests::sandbox::{Fault, When};
//!
//! Test::new()
//!     .with(json!({ "user": { "phone": "+447700900456" } }))
//!     .fault(When::always(), Fault::status(401))
//!     .run()
//!     .outcome("misconfigured")
//!     .error("unauthorized")
//!     .attempts(["twilio:unauthorized"])
//!     .texts(0);
//! ```
//!
//! A [`Test`] owns a [`Sandbox`](crate::sandbox::Sandbox) and a [`Site`](crate::sandbox::site::Site): every case has
//! providers, ports, configuration and state of its own, so that all cases run at once.
//!
//! # What every case proves besides its own
//! - Nothing secret is shown: logs are written at level `trace`, and standard output and error are searched for the
//!   code, the password, every stored secret and the phone number, by value and in the forms that exchanges give
//!   them ([`secrecy`]).
//! - Standard output is one line of JSON, its outcome goes with the exit code ([`outcomes`]), and an error is there
//!   exactly where it should be.
//! - An outcome that says *certainly not sent* is true: no provider took a text.

#![allow(
    clippy::unwrap_used,
    reason = "what fails here fails the test, and is an error of nothing else"
)]

mod artifacts;
mod cargo;
mod crowd;
mod each;
pub mod outcomes;
mod presets;
mod promtool;
mod run;
mod running;
pub mod secrecy;
mod senders;
mod stream;
mod streaming;
mod test;
mod wait;

pub use artifacts::{Artifacts, artifacts};
pub use cargo::cargo;
pub use crowd::at_once;
pub use each::each;
pub use presets::Preset;
pub use promtool::check_metrics;
pub use run::Run;
pub use running::{HostProcess, Running};
pub use test::{Test, random_code};
pub use wait::{PATIENCE, wait_for};
