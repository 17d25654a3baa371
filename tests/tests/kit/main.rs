//! The integrator's kit: what is promised to people who write plugins, and to those who wrote one long ago.
//!
//! | module | what it tries |
//! |---|---|
//! | `abi` | plugins built by another compiler, at other levels, against the first API; and those that can't be loaded |
//! | `conformance` | that our plugins keep the contract, and that each carelessness breaks just what it should |
//! | `new_plugin` | the way from `textsender plugin new` to a text, as README and guide tell it |
//!
//! What this machine lacks (a second compiler) is *ignored by name*, and never passed.

#![allow(clippy::unwrap_used)]

mod abi;
mod conformance;
mod new_plugin;
mod tools;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = [abi::trials(), conformance::trials(), new_plugin::trials()];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit_code()
}
