//! What holds of every definition and every answer: tried by the properties here, and by the fuzzer
//! (`tests/fuzz/targets/provider.rs`), which includes this file.

use textsender_plugin_api::HttpResponse;

use super::{answer, check};

/// Reads a definition, and judges an answer by it.
///
/// # Panics
///
/// A fault lies outside the definition, one without faults can't be used, or something is accepted that
/// no rule accepts.
pub fn hold(definition: &str, status: u16, body: &[u8]) {
    let response = HttpResponse {
        status,
        headers: Vec::new(),
        body: body.to_vec(),
    };
    assert!(answer::judge(&[], &response).is_err());
    match check::read(definition) {
        Ok(definition) => {
            let rules = definition.answer.iter();
            let rules = rules.map(|rule| answer::Compiled::new(rule.as_ref()));
            let rules: Result<Vec<_>, _> = rules.collect();
            let rules = rules.expect("a definition without faults has rules that compile");
            let judged = answer::judge(&rules, &response);
            assert!(judged.is_err() || (200..300).contains(&status));
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a fault");
            for (message, span) in faults {
                assert!(
                    !message.is_empty() && definition.get(span.clone()).is_some(),
                    "{message}: {span:?}"
                );
            }
        }
    }
}
