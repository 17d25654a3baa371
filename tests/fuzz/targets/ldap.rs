//! See `textsender_directory::fuzz::messages`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender_directory::fuzz::messages(bytes));
