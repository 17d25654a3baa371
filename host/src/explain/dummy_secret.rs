//! Dummies for codes and passwords: they look like none, and cost what the real ones cost.

use textsender_plugin_api::alphabet::septets;

use crate::protocol::Draft;

/// The draft with a dummy for the secret that it carries.
pub(super) fn without_secret(mut draft: Draft) -> Draft {
    let dummy: String = draft.request.carried().chars().map(alike).collect();
    draft.replace_secret(&dummy);
    draft
}

/// The dummy for a code that was not given.
pub(super) fn of_length(characters: usize) -> String {
    "x".repeat(characters)
}

/// A character that takes as much room, and is carried by an origin-bound line exactly if this one is.
fn alike(character: char) -> char {
    let breaks_line = character.is_whitespace() || character == '#';
    match (septets(character), breaks_line) {
        (Some(1), false) => 'x',
        (Some(1), true) => ' ',
        (Some(_), _) => '^',
        (None, true) => '\u{a0}',
        (None, false) if character.len_utf16() == 1 => '□',
        (None, false) => '🔒',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::segments::Segments;

    proptest! {
        #[test]
        fn a_dummy_costs_the_same(secret in "[a-z0-9#^€ é漢😀\u{a0}]{0,200}") {
            let dummy: String = secret.chars().map(alike).collect();
            let (real, shown) = (Segments::of(&secret), Segments::of(&dummy));
            prop_assert_eq!((real.count, real.encoding, real.units), (shown.count, shown.encoding, shown.units));
            let carried = |text: &str| !text.contains(|c: char| c.is_whitespace() || c == '#');
            prop_assert_eq!(carried(&secret), carried(&dummy));
        }
    }
}
