//! From a verified library to a checked plugin.

use textsender_plugin_api::abi::{ConfigureError, ENTRY_SYMBOL, Instance, Module};

use super::serve::Offered;
use crate::{
    os::library::{self, NotLoaded},
    plugins::{
        Refusal,
        verify::{FileFault, Verified},
    },
};

/// Loads a library and checks the plugin in it.
pub(super) fn load(verified: &Verified) -> Result<Module, Refusal> {
    // SAFETY: loading runs the library's constructors. That is what a host process is for: it is
    // sealed, and nothing in it is worth more than the library's own secrets.
    let header = unsafe { library::load(&verified.image.path(), ENTRY_SYMBOL.as_bytes()) };
    let header = header.map_err(|reason| match (reason, verified.missing()) {
        (NotLoaded::NoEntry, _) => Refusal::File(FileFault::NoEntry),
        (NotLoaded::Linker(_), Some(fault)) => Refusal::File(fault),
        (NotLoaded::Linker(words), None) => Refusal::NotLoaded(words),
    })?;
    // SAFETY: the symbol's address in a library that stays loaded.
    let module = unsafe { Module::check(header.cast()) };
    module.map_err(|error| Refusal::OtherAbi(error.to_string()))
}

/// Makes the sender.
pub(super) fn configure(
    module: &Module,
    settings: &str,
    services: Offered,
) -> Result<Instance, Refusal> {
    module
        .configure(settings, services)
        .map_err(|error| match error {
            ConfigureError::Settings(words) => Refusal::Settings(words),
            ConfigureError::Panicked => Refusal::Panicked,
        })
}
