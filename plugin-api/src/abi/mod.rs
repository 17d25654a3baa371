//! The stable ABI between the host process and a plugin's library.
//!
//! Everything an integrator sees has a private mirror here whose layout the compiler may not
//! change: `values` mirrors the types, `functions` is what each side offers to the other, `plugin`
//! and `host` put the plain Rust of this crate on either side. This folder alone names
//! `abi_stable`, so it could be replaced without touching a plugin.
//!
//! Rules that keep old plugins working are in `CHANGING.md`; a golden dump of the layout holds us to
//! them. Nothing crosses but these values and functions: no runtime handle, no tracing dispatch,
//! no `Box<dyn>`, no panic.

#![allow(unsafe_code)]

mod functions;
#[cfg(feature = "host")]
mod host;
#[cfg(test)]
mod layout;
#[cfg(feature = "host")]
mod load;
pub(crate) mod panics;
mod plugin;
mod values;

#[doc(hidden)]
pub mod export;

#[cfg(feature = "host")]
pub use host::{CallError, ConfigureError, Instance, Module};
#[cfg(feature = "host")]
pub use load::LoadError;

/// The version of the ABI, `1.N.0`: N grows when something is added. It is not the crate's version.
pub const ABI_VERSION: &str = "1.1.0";

/// The symbol that a plugin's library exports.
#[cfg(feature = "host")]
pub const ENTRY_SYMBOL: &str = abi_stable::library::ROOT_MODULE_LOADER_NAME;
