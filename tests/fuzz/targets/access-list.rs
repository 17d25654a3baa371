//! See `textsender_directory::fuzz::access_list`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender_directory::fuzz::access_list(bytes));
