//! Which translation a user gets: the lookup of RFC 4647, section 3.4, by tags as BCP 47 has them.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// Why a text was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocaleReason {
    /// There is a translation for the very tag.
    Exact,
    /// There is one for the language, or for a part of the tag that says more than that.
    Language,
    /// There is none, so that it is the policy's own text.
    NoTranslation,
    /// The request names no locale, so that it is the policy's own text.
    NoLocale,
}

/// As `explain` shows it.
impl fmt::Display for LocaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "the policy has a text for the user's locale",
            Self::Language => "the policy has a text for the user's language",
            Self::NoTranslation => {
                "the policy has no text for the user's language: its own is used"
            }
            Self::NoLocale => "the request names no locale: the policy's own text is used",
        })
    }
}

/// Chooses among the tags of the translations for the locales of a request, the one that is liked best first: the
/// place of the chosen one, and why.
///
/// Case does not matter, and `_` is read as `-`. If a tag itself is not there, its last subtag is taken off
/// until one is: `zh-Hant-TW`, `zh-Hant`, `zh`. A translation for a region is never given to another one.
pub fn choose<'l, 't>(
    locales: impl IntoIterator<Item = &'l str>,
    tags: impl Iterator<Item = &'t str> + Clone,
) -> (Option<usize>, LocaleReason) {
    let mut reason = LocaleReason::NoLocale;
    for locale in locales.into_iter().filter(|locale| !locale.is_empty()) {
        if let Some((place, reason)) = look_up(locale, tags.clone()) {
            return (Some(place), reason);
        }
        reason = LocaleReason::NoTranslation;
    }
    (None, reason)
}

fn look_up<'t>(
    locale: &str,
    tags: impl Iterator<Item = &'t str> + Clone,
) -> Option<(usize, LocaleReason)> {
    let mut reason = LocaleReason::Exact;
    let mut wanted = locale;
    loop {
        if let Some(place) = tags.clone().position(|tag| same(tag, wanted)) {
            return Some((place, reason));
        }
        let cut = wanted.rfind(['-', '_'])?;
        wanted = without_singleton(&wanted[..cut]);
        reason = LocaleReason::Language;
    }
}

/// Whether two tags are the same, whatever their case.
pub fn same(a: &str, b: &str) -> bool {
    let plain = |byte: u8| {
        if byte == b'_' {
            b'-'
        } else {
            byte.to_ascii_lowercase()
        }
    };
    a.bytes().map(plain).eq(b.bytes().map(plain))
}

/// A single letter announces what follows it (`-x-`, `-u-`), so that it goes with it.
fn without_singleton(tag: &str) -> &str {
    match tag.len().checked_sub(2) {
        Some(cut) if matches!(tag.as_bytes()[cut], b'-' | b'_') => &tag[..cut],
        _ => tag,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exact_then_language_then_the_policys_own() {
        use LocaleReason::{Exact, Language, NoLocale, NoTranslation};
        let tags = ["cy", "de", "de-CH", "zh-Hant", "pt-BR"];
        let cases = [
            (Some("cy"), Some("cy"), Exact),
            (Some("CY"), Some("cy"), Exact),
            (Some("cy-GB"), Some("cy"), Language),
            (Some("de-ch"), Some("de-CH"), Exact),
            (Some("de_CH"), Some("de-CH"), Exact),
            (Some("de-AT"), Some("de"), Language),
            (Some("de-CH-1996"), Some("de-CH"), Language),
            (Some("zh-Hant-TW"), Some("zh-Hant"), Language),
            (Some("zh-Hans"), None, NoTranslation),
            (Some("de-AT-x-office"), Some("de"), Language),
            // Brazilian is not for Portugal, nor is `d` short for `de`.
            (Some("pt-PT"), None, NoTranslation),
            (Some("pt"), None, NoTranslation),
            (Some("d"), None, NoTranslation),
            (Some("fr-FR"), None, NoTranslation),
            (Some("-"), None, NoTranslation),
            (Some(""), None, NoLocale),
            (None, None, NoLocale),
        ];
        for (locale, expected, why) in cases {
            let (place, reason) = choose(locale, tags.iter().copied());
            let tag = place.map(|place| tags[place]);
            assert_eq!((tag, reason), (expected, why), "{locale:?}");
        }
    }

    #[test]
    fn of_several_locales_the_first_that_there_is() {
        let tags = ["cy", "de"];
        let cases: [(&[&str], _, _); 4] = [
            (&["cy", "de"], Some("cy"), LocaleReason::Exact),
            (&["fr", "de-AT"], Some("de"), LocaleReason::Language),
            (&["fr", "en"], None, LocaleReason::NoTranslation),
            (&[], None, LocaleReason::NoLocale),
        ];
        for (locales, expected, why) in cases {
            let (place, reason) = choose(locales.iter().copied(), tags.iter().copied());
            assert_eq!((place.map(|place| tags[place]), reason), (expected, why));
        }
    }

    proptest! {
        #[test]
        fn never_panics(locale in any::<String>(), tags in prop::collection::vec(any::<String>(), 0..3)) {
            let (place, _) = choose(Some(locale.as_str()), tags.iter().map(String::as_str));
            prop_assert!(place.is_none_or(|place| place < tags.len()));
        }
    }
}
