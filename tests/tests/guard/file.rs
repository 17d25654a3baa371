//! What the file of `textsender` costs at each of a send's two starts: bytes to map, addresses to bind.

use std::fs;

use object::Endianness;
use object::elf::{FileHeader64, SHF_ALLOC, SHT_NOBITS, SHT_RELA, SHT_RELR, SectionHeader64};
use object::read::elf::{FileHeader, SectionHeader};
use textsender_tests::harness::artifacts;

/// What of the file is mapped, in bytes: names for debuggers, which packages leave out, do not count.
pub fn size() -> u64 {
    sum(|section, endian| {
        let is_mapped = section.sh_flags(endian).contains(SHF_ALLOC);
        match is_mapped && section.sh_type(endian) != SHT_NOBITS {
            true => section.sh_size(endian),
            false => 0,
        }
    })
}

/// The entries of the tables of addresses that are bound when the program starts. A packed entry is for up
/// to 63 of them.
pub fn relocations() -> u64 {
    sum(|section, endian| match section.sh_type(endian) {
        SHT_RELA | SHT_RELR => section.sh_size(endian) / section.sh_entsize(endian),
        _ => 0,
    })
}

fn sum(of: impl Fn(&SectionHeader64<Endianness>, Endianness) -> u64) -> u64 {
    let file = fs::read(&artifacts().textsender).unwrap();
    let data = file.as_slice();
    let header = FileHeader64::<Endianness>::parse(data).unwrap();
    let endian = header.endian().unwrap();
    let sections = header.sections(endian, data).unwrap();
    sections.iter().map(|section| of(section, endian)).sum()
}
