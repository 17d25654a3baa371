//! What an ELF library says of itself (System V gABI): for which machine it is, what it exports and
//! needs. The bytes are a stranger's: the parser allocates nothing and never trusts a length.

use std::env::consts::ARCH;

use object::{
    Endianness, FileKind, elf,
    read::elf::{FileHeader, ProgramHeader, Sym},
};
use textsender_plugin_api::abi::ENTRY_SYMBOL;

use super::FileFault;

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
pub(super) struct Contents {
    pub needed: Vec<String>,
    /// What it lacks to be a plugin.
    pub fault: Option<FileFault>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Contents, FileFault> {
    // Elsewhere libraries have another form, which the linker alone judges.
    if cfg!(target_vendor = "apple") {
        return Ok(Contents {
            needed: Vec::new(),
            fault: None,
        });
    }
    match FileKind::parse(bytes) {
        Ok(kind) if kind == OWN_KIND => {}
        Ok(FileKind::Elf32 | FileKind::Elf64) => return Err(FileFault::OtherMachine),
        // Too short to say more.
        Err(_) if bytes.starts_with(&elf::ELFMAG) => return Err(FileFault::CutShort),
        _ => return Err(FileFault::NotALibrary),
    }
    let header = Header::parse(bytes).map_err(|_| FileFault::CutShort)?;
    let other_order = header.is_little_endian() != cfg!(target_endian = "little");
    let order = header.endian().map_err(|_| FileFault::NotALibrary)?;
    if other_order || own_machine().is_some_and(|own| header.e_machine(order) != own) {
        return Err(FileFault::OtherMachine);
    }
    if header.e_type(order) != elf::ET_DYN {
        return Err(FileFault::NotALibrary);
    }
    if end(header, order, bytes).is_none_or(|end| end > bytes.len() as u64) {
        return Err(FileFault::CutShort);
    }
    tables(header, order, bytes).map_err(|_| FileFault::NotALibrary)
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
fn tables(header: &Header, order: Endianness, bytes: &[u8]) -> object::Result<Contents> {
    let sections = header.sections(order, bytes)?;
    let table = sections.dynamic_table(order, bytes)?;
    let needed = table.iter().filter(|entry| entry.tag == elf::DT_NEEDED);
    let needed = needed.map(|entry| Ok(String::from_utf8_lossy(table.string(entry)?).into_owned()));
    let needed = needed.collect::<object::Result<_>>()?;

    let symbols = sections.symbols(order, bytes, elf::SHT_DYNSYM)?;
    let is_entry = |symbol: &<Header as FileHeader>::Sym| {
        let name = symbols.symbol_name(order, symbol);
        name == Ok(ENTRY_SYMBOL.as_bytes()) && !symbol.is_undefined(order)
    };
    let has_entry = symbols.is_empty() || symbols.iter().any(is_entry);
    Ok(Contents {
        needed,
        fault: (!has_entry).then_some(FileFault::NoEntry),
    })
}
