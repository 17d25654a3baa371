//! See `textsender::fuzz::redact`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| textsender::fuzz::redact(bytes));
