//! See `textsender::fuzz::library`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender::fuzz::library(bytes));
