//! The plugin on the fake host.

mod faults;
mod invariants;
mod properties;
mod providers;

use crate::{answer, check};
