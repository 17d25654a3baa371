//! The file: what it takes in memory.

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use super::bench::Bench;

/// What a library without a client, TLS or a runtime stays below, unoptimised too.
const MOST: u64 = 8 * 1024 * 1024;

pub(super) fn size(bench: &mut Bench) {
    let Some(bytes) = loaded_size(bench.library()) else {
        return;
    };
    bench.report.bytes_loaded = Some(bytes);
    let mebibytes = bytes / (1024 * 1024);
    bench
        .report
        .expect("F1", bytes <= MOST, format!("it takes {mebibytes} MiB"));
}

/// What the linker maps: the loadable segments (System V gABI, 64-bit, this machine's byte order).
/// Symbols and debugging information, which are most of an unstripped file, are not among them.
fn loaded_size(library: &Path) -> Option<u64> {
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
