//! See `textsender::fuzz::request`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender::fuzz::request(bytes));
