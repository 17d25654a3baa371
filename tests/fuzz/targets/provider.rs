//! A definition of a provider, and an answer to it: read without a panic, and judged by one verdict that
//! accepts nothing without a rule.

#![no_main]

use libfuzzer_sys::fuzz_target;
use textsender_http::{answer, check};

#[path = "../../../plugins/http/src/tests/invariants.rs"]
mod invariants;

fuzz_target!(|given: (&str, u16, &[u8])| {
    let (definition, status, body) = given;
    invariants::hold(definition, status, body);
});
