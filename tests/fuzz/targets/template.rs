//! See `textsender::fuzz::template`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender::fuzz::template(bytes));
