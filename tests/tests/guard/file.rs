//! What the file of `textsender` costs at each of a send's two starts: bytes to map, addresses to bind.

use std::fs;

use object::elf::{FileHeader64, SHF_ALLOC, SHT_NOBITS, SHT_RELA};
use object::read::elf::{FileHeader, SectionHeader};
use object::{Endianness, LittleEndian};
use textsender_tests::harness::artifacts;

/// What of the file is mapped, in bytes: names for debuggers, which packages leave out, do not count.
pub fn size() -> u64 {
    let file = fs::read(&artifacts().textsender).unwrap();
    let data = file.as_slice();
    let header = FileHeader64::<Endianness>::parse(data).unwrap();
    let endian = header.endian().unwrap();
    let sections = header.sections(endian, data).unwrap();
    let is_mapped = |section: &&object::elf::SectionHeader64<Endianness>| {
        section.sh_flags(endian).contains(SHF_ALLOC) && section.sh_type(endian) != SHT_NOBITS
    };
    let mapped = sections.iter().filter(is_mapped);
    mapped.map(|section| section.sh_size(endian)).sum()
}

/// The addresses that the linker binds when the program starts, packed ones included.
pub fn relocations() -> u64 {
    let file = fs::read(&artifacts().textsender).unwrap();
    let data = file.as_slice();
    let header = FileHeader64::<Endianness>::parse(data).unwrap();
    let endian = header.endian().unwrap();
    let sections = header.sections(endian, data).unwrap();
    let count = |section: &object::elf::SectionHeader64<Endianness>| {
        let packed = section
            .relr(endian, data)
            .unwrap()
            .map_or(0, Iterator::count);
        let plain = match section.sh_type(endian) {
            SHT_RELA => section.data_as_array::<object::elf::Rela64<LittleEndian>, _>(endian, data),
            _ => Ok(&[][..]),
        };
        packed + plain.unwrap().len()
    };
    sections.iter().map(count).sum::<usize>() as u64
}
