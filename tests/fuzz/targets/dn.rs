//! See `textsender::fuzz::dn`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender::fuzz::dn(bytes));
