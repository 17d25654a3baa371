//! The plugin on the fake host.

mod faults;
mod properties;
mod providers;
