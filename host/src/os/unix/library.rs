//! Shared libraries: what an ELF file says of itself (System V gABI), which is for which machine it
//! is, what it exports and needs; and loading one. The bytes are a stranger's: the parser allocates
//! nothing and never trusts a length.

use std::{
    env::consts::ARCH, error::Error, ffi::c_void, fs::File, os::unix::fs::FileExt, path::Path,
};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use object::{
    Endianness, FileKind, elf,
    read::elf::{FileHeader, ProgramHeader, Sym},
};

#[cfg(target_pointer_width = "64")]
type Header = elf::FileHeader64<Endianness>;
#[cfg(target_pointer_width = "64")]
const OWN_KIND: FileKind = FileKind::Elf64;
#[cfg(target_pointer_width = "32")]
type Header = elf::FileHeader32<Endianness>;
#[cfg(target_pointer_width = "32")]
const OWN_KIND: FileKind = FileKind::Elf32;

/// The machine field of this system's libraries; `None` where this list does not know it.
fn own_machine() -> Option<elf::Machine> {
    Some(match ARCH {
        "x86_64" => elf::EM_X86_64,
        "x86" => elf::EM_386,
        "aarch64" => elf::EM_AARCH64,
        "arm" => elf::EM_ARM,
        "riscv32" | "riscv64" => elf::EM_RISCV,
        "loongarch64" => elf::EM_LOONGARCH,
        "powerpc64" => elf::EM_PPC64,
        "s390x" => elf::EM_S390,
        _ => return None,
    })
}

/// A library for this machine.
pub struct Contents {
    /// The libraries that it needs, by the names under which the linker looks for them.
    pub needed: Vec<String>,
    /// Whether it exports the entry point.
    pub has_entry: bool,
}

/// Why bytes are no library that this machine could load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is no shared library, or a damaged one.
    NotALibrary,
    /// Its end is missing.
    CutShort,
    /// It is for another processor.
    OtherMachine,
}

/// What a library's bytes say of it; `entry` is the name of its entry point.
///
/// # Errors
///
/// They are no library for this machine.
pub fn read(bytes: &[u8], entry: &[u8]) -> Result<Contents, Malformed> {
    // Elsewhere libraries have another form, which the linker alone judges.
    if cfg!(target_vendor = "apple") {
        return Ok(Contents {
            needed: Vec::new(),
            has_entry: true,
        });
    }
    match FileKind::parse(bytes) {
        Ok(kind) if kind == OWN_KIND => {}
        Ok(FileKind::Elf32 | FileKind::Elf64) => return Err(Malformed::OtherMachine),
        // Too short to say more.
        Err(_) if bytes.starts_with(&elf::ELFMAG) => return Err(Malformed::CutShort),
        _ => return Err(Malformed::NotALibrary),
    }
    let header = Header::parse(bytes).map_err(|_| Malformed::CutShort)?;
    let other_order = header.is_little_endian() != cfg!(target_endian = "little");
    let order = header.endian().map_err(|_| Malformed::NotALibrary)?;
    if other_order || own_machine().is_some_and(|own| header.e_machine(order) != own) {
        return Err(Malformed::OtherMachine);
    }
    if header.e_type(order) != elf::ET_DYN {
        return Err(Malformed::NotALibrary);
    }
    if end(header, order, bytes).is_none_or(|end| end > bytes.len() as u64) {
        return Err(Malformed::CutShort);
    }
    tables(header, order, bytes, entry).map_err(|_| Malformed::NotALibrary)
}

/// Where the last thing ends that its headers name. Linkers put the table of sections last.
fn end(header: &Header, order: Endianness, bytes: &[u8]) -> Option<u64> {
    let size = u64::from(header.e_shentsize(order)) * u64::from(header.e_shnum(order));
    #[allow(
        clippy::useless_conversion,
        reason = "32-bit headers have 32-bit offsets"
    )]
    let sections = u64::from(header.e_shoff(order)).checked_add(size)?;
    let segments = header.program_headers(order, bytes).ok()?.iter();
    let ends = segments.map(|segment| {
        let (start, size) = segment.file_range(order);
        start.checked_add(size)
    });
    ends.chain([Some(sections)])
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .max()
}

/// The dynamic tables, found by their sections. A library whose section headers were cut off can
/// still be loaded: then its tables are the linker's to read, and nothing is said of them here.
fn tables(
    header: &Header,
    order: Endianness,
    bytes: &[u8],
    entry: &[u8],
) -> object::Result<Contents> {
    let sections = header.sections(order, bytes)?;
    let table = sections.dynamic_table(order, bytes)?;
    let needed = table.iter().filter(|entry| entry.tag == elf::DT_NEEDED);
    let needed = needed.map(|entry| Ok(String::from_utf8_lossy(table.string(entry)?).into_owned()));
    let needed = needed.collect::<object::Result<_>>()?;

    let symbols = sections.symbols(order, bytes, elf::SHT_DYNSYM)?;
    let is_entry = |symbol: &<Header as FileHeader>::Sym| {
        let name = symbols.symbol_name(order, symbol);
        name == Ok(entry) && !symbol.is_undefined(order)
    };
    let has_entry = symbols.is_empty() || symbols.iter().any(is_entry);
    Ok(Contents { needed, has_entry })
}

/// What the linker maps of a library: the loadable segments (64-bit, this machine's byte order).
/// Symbols and debugging information, which are most of an unstripped file, are not among them.
pub fn mapped_size(library: &Path) -> Option<u64> {
    const LOAD: u32 = 1;

    let file = File::open(library).ok()?;
    let read = |at: u64| -> Option<[u8; 8]> {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    };
    let headers = u64::from_ne_bytes(read(0x20)?);
    let [_, _, _, _, _, _, low, high] = read(0x30)?;
    let header_size = u64::from(u16::from_ne_bytes([low, high]));
    let [low, high, ..] = read(0x38)?;
    let count = u64::from(u16::from_ne_bytes([low, high]));
    let mut sum: u64 = 0;
    for n in 0..count {
        let header = headers.checked_add(n * header_size)?;
        let [a, b, c, d, ..] = read(header)?;
        if u32::from_ne_bytes([a, b, c, d]) == LOAD {
            sum = sum.checked_add(u64::from_ne_bytes(read(header.checked_add(0x28)?)?))?;
        }
    }
    Some(sum)
}

/// Why a library was not loaded.
pub enum NotLoaded {
    /// The linker refuses it, in its words.
    Linker(String),
    /// It does not export the entry point.
    NoEntry,
}

/// Loads a library for good, as threads of its own may run until the process ends, and gives the
/// address of its entry point.
///
/// # Errors
///
/// The linker refuses it, or it has no such entry point.
///
/// # Safety
///
/// The library's constructors run: its code must be allowed to do whatever this process can.
pub unsafe fn load(path: &Path, entry: &[u8]) -> Result<*const c_void, NotLoaded> {
    // SAFETY: the caller's to give.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
    let library = library.map_err(|error| NotLoaded::Linker(words(&error)))?;
    // SAFETY: the symbol is only taken as an address.
    let symbol = unsafe { library.get::<*const c_void>(entry) };
    let address = symbol.map_err(|_| NotLoaded::NoEntry)?.into_raw();
    std::mem::forget(library);
    Ok(address.cast_const())
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
