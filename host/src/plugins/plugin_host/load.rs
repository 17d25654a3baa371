//! From a verified library to a checked plugin.

use std::error::Error;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use textsender_plugin_api::abi::{ConfigureError, ENTRY_SYMBOL, Instance, Module};

use super::serve::Offered;
use crate::plugins::{
    Refusal,
    verify::{FileFault, Verified},
};

/// Loads a library and checks the plugin in it.
pub(super) fn load(verified: &Verified) -> Result<Module, Refusal> {
    // SAFETY: loading runs the library's constructors. That is what a host process is for: it is
    // sealed, and nothing in it is worth more than the library's own secrets.
    let library = unsafe { Library::open(Some(verified.image.path()), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| match verified.missing() {
        Some(fault) => Refusal::File(fault),
        None => Refusal::NotLoaded(words(&error)),
    })?;

    // SAFETY: the symbol is only taken as an address.
    let symbol = unsafe { library.get::<*const std::ffi::c_void>(ENTRY_SYMBOL.as_bytes()) };
    let header = symbol
        .map_err(|_| Refusal::File(FileFault::NoEntry))?
        .into_raw();
    // The library stays loaded until the process ends: threads of its own may still run.
    std::mem::forget(library);
    // SAFETY: the symbol's address in a library that stays loaded.
    let module = unsafe { Module::check(header.cast_const().cast()) };
    module.map_err(|error| Refusal::OtherAbi(error.to_string()))
}

/// The linker's own words, without the name that the library has here.
fn words(error: &libloading::Error) -> String {
    let Some(source) = error.source() else {
        return error.to_string();
    };
    let words = source.to_string();
    match words.split_once(": ") {
        Some((place, rest)) if place.starts_with("/proc/") => rest.to_owned(),
        _ => words,
    }
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
