//! What textsender is tested with. The [`sandbox`] stands in for the providers, on loopback; the [`harness`] runs the
//! real binary against it.
//!
//! | module | what it is |
//! |---|---|
//! | [`sandbox`] | the providers, with faults on demand and a view of the phones |
//! | [`sandbox::site`] | a ready configuration in a temporary folder: settings, policies, secrets, plugins |
//! | [`harness`] | cases through the real binary: a request in, a response and an exit code out |
//! | [`peers`] | real mail servers |
//! | [`sandbox::run`] | `sandbox run -- COMMAND`: both of them around any command |

#![deny(missing_docs)]

pub mod harness;
pub mod peers;
pub mod sandbox;
