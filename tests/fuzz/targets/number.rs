//! See `textsender::fuzz::number`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender::fuzz::number(bytes));
