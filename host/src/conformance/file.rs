//! The file: what it takes in memory.

use super::bench::Bench;
use crate::os;

/// What a library without a client, TLS or a runtime stays below, unoptimised too.
const MOST: u64 = 8 * 1024 * 1024;

pub(super) fn size(bench: &mut Bench) {
    let Some(bytes) = os::library::mapped_size(bench.library()) else {
        return;
    };
    bench.report.bytes_loaded = Some(bytes);
    let mebibytes = bytes / (1024 * 1024);
    bench
        .report
        .expect("F1", bytes <= MOST, format!("it takes {mebibytes} MiB"));
}
