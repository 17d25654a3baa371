//! A definition of a provider, and an answer to it: read without a panic, and judged by one verdict that
//! accepts nothing without a rule.

#![no_main]

use libfuzzer_sys::fuzz_target;
use textsender_http::{answer, check};
use textsender_plugin_api::HttpResponse;

fuzz_target!(|given: (&str, u16, &[u8])| {
    let (definition, status, body) = given;
    let response = HttpResponse {
        status,
        headers: Vec::new(),
        body: body.to_vec(),
    };
    assert!(answer::judge(&[], &response).is_err());
    match check::read(definition) {
        Ok(definition) => {
            let rules = definition.answer.iter();
            let rules: Result<Vec<_>, _> = rules
                .map(|rule| answer::Compiled::new(rule.as_ref()))
                .collect();
            let rules = rules.expect("a definition without faults has rules that compile");
            let judged = answer::judge(&rules, &response);
            assert!(judged.is_err() || (200..300).contains(&status));
        }
        Err(faults) => assert!(faults
            .iter()
            .all(|(_, span)| span.start <= span.end && span.end <= definition.len())),
    }
});
