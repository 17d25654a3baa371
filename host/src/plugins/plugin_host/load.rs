//! From a file to a checked plugin: the file that is judged is the file that is loaded.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use textsender_plugin_api::abi::{ConfigureError, ENTRY_SYMBOL, Instance, Module};

use super::serve::Offered;
use crate::{
    plugins::{Refusal, os},
    trust,
};

/// Verifies, opens and checks a plugin's library.
pub(super) fn load(path: &Path) -> Result<Module, Refusal> {
    let mut file = trust::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Refusal::Missing,
        ErrorKind::Other => Refusal::NotTrusted(error.to_string()),
        _ => Refusal::NotTrusted(format!("{}: {error}", path.display())),
    })?;
    judge_elf(&mut file)?;

    // SAFETY: loading runs the library's constructors. That is what a host process is for: it is
    // restrained, and nothing in it is worth more than the library's own secrets.
    let library = unsafe { Library::open(Some(os::path_of(&file)), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| Refusal::NotLoaded(error.to_string()))?;

    // SAFETY: the symbol is only taken as an address.
    let symbol = unsafe { library.get::<*const std::ffi::c_void>(ENTRY_SYMBOL.as_bytes()) };
    let header = symbol.map_err(|_| Refusal::NoEntry)?.into_raw();
    // The library stays loaded until the process ends: threads of its own may still run.
    std::mem::forget(library);
    // SAFETY: the symbol's address in a library that stays loaded.
    let module = unsafe { Module::check(header.cast_const().cast()) };
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

/// Says what the linker would say in its own words: no library, or another machine's.
fn judge_elf(file: &mut File) -> Result<(), Refusal> {
    // ELF header: magic, class at 4, byte order at 5, type at 16, machine at 18 (System V gABI).
    const CLASS: u8 = if cfg!(target_pointer_width = "64") {
        2
    } else {
        1
    };
    const ORDER: u8 = if cfg!(target_endian = "little") { 1 } else { 2 };

    let mut header = [0; 20];
    let whole = file.read_exact(&mut header).is_ok();
    if !whole || !header.starts_with(b"\x7fELF") {
        return Err(Refusal::NotALibrary("it is not a shared library".into()));
    }
    let own = os::own_machine();
    if header[4] != CLASS || header[5] != ORDER || own.is_some_and(|own| header[18..20] != own) {
        return Err(Refusal::NotALibrary(
            "it is built for another kind of machine".into(),
        ));
    }
    Ok(())
}
