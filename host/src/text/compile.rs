//! From the configuration's strings to [`Texts`]: everything that is wrong with them, all at once.

use std::collections::BTreeMap;

use icu_properties::{CodePointMapData, props::BidiClass};

use crate::protocol::is_language_tag;
use textsender_plugin_api::{
    Purpose,
    template::{Placeholder, Template, TemplateError},
};

use super::{CompiledText, Key, TextFault, TextSource, Texts, fold, locale, origin, rules, secret};

impl Texts {
    /// Parses the texts of a purpose.
    ///
    /// # Errors
    /// Everything that is wrong with templates, language tags and origin, all at once.
    pub fn compile(source: &TextSource<'_>) -> Result<Self, Vec<TextFault>> {
        let mut faults = origin_faults(source);
        faults.extend(tag_faults(source.translations));
        let mut text = |key: &Key, written: &str| match CompiledText::compile(written, source) {
            Ok(text) => Some(text),
            Err(errors) => {
                let fault = |error| TextFault::Template {
                    key: key.clone(),
                    error,
                };
                faults.extend(errors.into_iter().map(fault));
                None
            }
        };
        let own = text(&Key::Text, source.text);
        let mut translations = Vec::with_capacity(source.translations.len());
        for (tag, written) in source.translations {
            let text = text(&Key::Translation(tag.clone()), written);
            translations.extend(text.map(|text| (tag.clone(), text)));
        }
        match own {
            Some(own) if faults.is_empty() => Ok(Self {
                own,
                translations,
                origin: source.origin.map(str::to_ascii_lowercase),
                max_segments: source.max_segments,
                code_length: source.code_length,
            }),
            _ => Err(faults),
        }
    }
}

impl CompiledText {
    fn compile(source: &str, texts: &TextSource<'_>) -> Result<Self, Vec<TemplateError>> {
        let template = Template::parse(source).map_err(|error| vec![error])?;
        let faults = template.check(&rules(texts.purpose));
        if !faults.is_empty() {
            return Err(faults);
        }
        let folded = texts.fold.then(|| fold::look_alikes(source));
        let folded = folded.and_then(|folded| {
            // Folding leaves percent signs and names alone, so that it parses; if not, the text goes unfolded.
            let template = Template::parse(&folded.text).ok()?;
            Some((template, folded.changes))
        });
        Ok(Self {
            template,
            folded,
            is_right_to_left: is_right_to_left(source),
        })
    }
}

/// Whether letters of it are written from right to left, as in Arabic and Hebrew (UAX #9, classes R and AL).
pub(super) fn is_right_to_left(source: &str) -> bool {
    let classes = CodePointMapData::<BidiClass>::new();
    let is_of = |class| matches!(class, BidiClass::RightToLeft | BidiClass::ArabicLetter);
    !source.is_ascii()
        && source
            .chars()
            .any(|character| is_of(classes.get(character)))
}

fn origin_faults(source: &TextSource<'_>) -> Vec<TextFault> {
    let Some(origin) = source.origin else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    if source.purpose == Purpose::Information || secret(source.purpose) != Placeholder::Code {
        faults.push(TextFault::OriginWithoutCode);
    }
    if let Some(remedy) = origin::fault(origin) {
        let origin = origin.to_owned();
        faults.push(TextFault::Origin { origin, remedy });
    }
    faults
}

fn tag_faults(translations: &BTreeMap<String, String>) -> Vec<TextFault> {
    let mut faults = Vec::new();
    for (place, tag) in translations.keys().enumerate() {
        if !is_language_tag(tag) {
            faults.push(TextFault::Tag { tag: tag.clone() });
        }
        let mut earlier = translations.keys().take(place);
        if let Some(other) = earlier.find(|other| locale::same(other, tag)) {
            let (tag, other) = (tag.clone(), other.clone());
            faults.push(TextFault::SameTag { tag, other });
        }
    }
    faults
}
