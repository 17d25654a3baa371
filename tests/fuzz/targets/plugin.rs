//! See `textsender::fuzz::plugin`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender::fuzz::plugin(bytes));
