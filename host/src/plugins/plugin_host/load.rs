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

/// Says what the linker would say in its own words: no library, or another machine's. And what it
/// would not say: one that a broken copy cut short is mapped all the same, and kills at a touch.
fn judge_elf(file: &mut File) -> Result<(), Refusal> {
    // ELF header: magic, class at 4, byte order at 5, type at 16, machine at 18; then the section
    // headers, which linkers put last: their offset, size and number (System V gABI).
    const IS_64: bool = cfg!(target_pointer_width = "64");
    const CLASS: u8 = if IS_64 { 2 } else { 1 };
    const ORDER: u8 = if cfg!(target_endian = "little") { 1 } else { 2 };
    const LENGTH: usize = if IS_64 { 64 } else { 52 };

    let refused = |why: &str| Err(Refusal::NotALibrary(why.into()));
    let mut header = [0; LENGTH];
    let whole = file.read_exact(&mut header).is_ok();
    if !header.starts_with(b"\x7fELF") {
        return refused("it is not a shared library");
    }
    let own = os::own_machine();
    if header[4] != CLASS || header[5] != ORDER || own.is_some_and(|own| header[18..20] != own) {
        return refused("it is built for another kind of machine");
    }
    let half = |at: usize| u64::from(u16::from_ne_bytes([header[at], header[at + 1]]));
    let sections = match IS_64 {
        true => header[40..48].try_into().map(u64::from_ne_bytes).ok(),
        false => header[32..36]
            .try_into()
            .map(u32::from_ne_bytes)
            .ok()
            .map(u64::from),
    };
    let table = half(LENGTH - 6) * half(LENGTH - 4);
    let end = sections.unwrap_or_default().saturating_add(table);
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    match whole && end <= length {
        true => Ok(()),
        false => refused("it is cut short: copy it again"),
    }
}
