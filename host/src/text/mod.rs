//! What a user reads: the policy's text in their language, with the code and their name put in, counted as carriers count.
//!
//! ```
//! use std::collections::BTreeMap;
//! use textsender::text::{TextSource, TextValues, Texts};
//! use textsender_plugin_api::message::Purpose;
//!
//! let translations = BTreeMap::from([("cy".to_owned(), "Rhowch y cod hwn: %code%".to_owned())]);
//! let texts = Texts::compile(&TextSource {
//!     origin: Some("reset.example.com"),
//!     max_segments: Some(1),
//!     ..TextSource::new(Purpose::VerificationCode, "Please enter this verification code: %code%", &translations)
//! }).map_err(|faults| faults[0].to_string())?;
//! assert_eq!(texts.check(), []);
//!
//! let values = TextValues { code: Some("beK989vc"), ..TextValues::default() };
//! let rendered = texts.render(Some("cy-GB"), &values)?;
//! assert_eq!(rendered.text, "Rhowch y cod hwn: beK989vc\n@reset.example.com #beK989vc");
//! assert_eq!(rendered.locale.as_deref(), Some("cy"));
//! assert_eq!(rendered.segments.count, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Texts::compile`] finds what is wrong with templates, [`Texts::check`] what is too long or can't be seen,
//! [`Texts::render`] writes.

pub mod fold;
pub mod locale;
pub mod segments;

mod characters;
mod compile;
mod fault;
mod longest;
mod origin;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use textsender_plugin_api::message::{NameInText, Purpose};
use textsender_plugin_api::template::{Placeholder, Placeholders, Rules, Template, Values as _};

use fold::Change;
use locale::LocaleReason;
use segments::{Encoding, Segments};
use values::Prepared;

pub use fault::{Key, RenderError, TextFault};
pub use longest::LongestText;
pub use values::{Names, TextValues, USER_VALUE_LENGTH, user_value};

/// Characters of a code that `check` reckons with where the configuration says nothing.
pub const DEFAULT_CODE_LENGTH: usize = 8;

/// The texts of one purpose as the configuration has them.
#[derive(Clone, Copy, Debug)]
pub struct TextSource<'a> {
    /// What the texts are for.
    pub purpose: Purpose,
    /// The policy's own text.
    pub text: &'a str,
    /// Texts for other languages, by language tag.
    pub translations: &'a BTreeMap<String, String>,
    /// The host name of the web site that a code is for.
    pub origin: Option<&'a str>,
    /// Segments that a text may take.
    pub max_segments: Option<usize>,
    /// Characters of the longest code or password, for [`Texts::check`].
    pub code_length: usize,
    /// Whether to replace look-alike characters where that makes a text cost less.
    pub fold: bool,
}

impl<'a> TextSource<'a> {
    /// Texts with nothing else configured.
    pub fn new(
        purpose: Purpose,
        text: &'a str,
        translations: &'a BTreeMap<String, String>,
    ) -> Self {
        Self {
            purpose,
            text,
            translations,
            origin: None,
            max_segments: None,
            code_length: DEFAULT_CODE_LENGTH,
            fold: false,
        }
    }
}

/// The texts of one purpose, parsed and found right.
#[derive(Clone, Debug)]
pub struct Texts {
    own: CompiledText,
    translations: Vec<(String, CompiledText)>,
    origin: Option<String>,
    max_segments: Option<usize>,
    code_length: usize,
}

/// One template, and what folding makes of it if that is of use.
#[derive(Clone, Debug)]
struct CompiledText {
    template: Template,
    folded: Option<(Template, Vec<Change>)>,
    /// Whether it is written from right to left, so that a code of several groups would be shown in the other
    /// order.
    is_right_to_left: bool,
}

/// A text for one user. Its `Debug` leaves the text out: it holds a code or a password.
pub struct Rendered {
    /// What to send.
    pub text: String,
    /// The tag of the translation; `None` for the policy's own text.
    pub locale: Option<String>,
    /// Why it is that one.
    pub reason: LocaleReason,
    /// What a carrier makes of it. The costly characters may be a code's or password's.
    pub segments: Segments,
    /// Which characters were replaced by look-alikes, in the template and then in the names.
    pub folded: Vec<Change>,
    /// How the user's names were written.
    pub names: Names,
    /// Where they stand.
    pub names_in_text: Vec<NameInText>,
    /// Whether it ends in the line that binds the code to the origin. With an `origin` configured, `false` means
    /// that the code has a character that the line cannot carry.
    pub origin_bound: bool,
}

/// What a text for this purpose may and must hold.
pub fn rules(purpose: Purpose) -> Rules {
    if purpose == Purpose::Information {
        let optional = Placeholders::OPTIONAL | Placeholders::of(&[Placeholder::Message]);
        return Rules {
            offered: optional,
            optional,
            mandatory: Placeholders::NONE,
        };
    }
    let secret = Placeholders::of(&[secret(purpose)]);
    Rules {
        offered: secret | Placeholders::OPTIONAL,
        optional: Placeholders::OPTIONAL,
        mandatory: secret,
    }
}

impl Texts {
    /// The placeholders that any of the texts uses, for a sender that cannot carry all.
    pub fn uses(&self) -> Placeholders {
        self.all()
            .map(|(_, text)| text.template.uses())
            .fold(Placeholders::NONE, |all, some| all | some)
    }

    /// Whether the text of a key is written from right to left.
    pub fn is_right_to_left(&self, key: &Key) -> bool {
        let text = self.all().find(|(tag, _)| match (key, tag) {
            (Key::Text, None) => true,
            (Key::Translation(wanted), Some(tag)) => wanted == tag,
            _ => false,
        });
        text.is_some_and(|(_, text)| text.is_right_to_left)
    }

    /// Writes the text for one user, whose `locales` are language tags, the one that is liked best first.
    ///
    /// If it takes more than `max_segments`, the user's names give way: they are written in the GSM alphabet, and
    /// if that does not help, left out.
    ///
    /// # Errors
    /// A mandatory value is absent, or the text is too long even so.
    pub fn render<'l>(
        &self,
        locales: impl IntoIterator<Item = &'l str>,
        values: &TextValues<'_>,
    ) -> Result<Rendered, RenderError> {
        let tags = self.translations.iter().map(|(tag, _)| tag.as_str());
        let (place, reason) = locale::choose(locales, tags);
        let (tag, text) = match place.and_then(|place| self.translations.get(place)) {
            Some((tag, text)) => (Some(tag.as_str()), text),
            None => (None, &self.own),
        };
        let max = self.max_segments.unwrap_or(usize::MAX);
        let mut shortest = usize::MAX;
        for names in [Names::Given, Names::Gsm, Names::LeftOut] {
            let written = self.write(text, values, names)?;
            if written.segments.count <= max {
                return Ok(written.rendered(tag, reason, names));
            }
            shortest = shortest.min(written.segments.count);
        }
        Err(RenderError::TooLong {
            segments: shortest,
            max,
        })
    }

    /// Every text, the policy's own first, with its language tag.
    fn all(&self) -> impl Iterator<Item = (Option<&str>, &CompiledText)> {
        let translations = self.translations.iter();
        let tagged = translations.map(|(tag, text)| (Some(tag.as_str()), text));
        std::iter::once((None, &self.own)).chain(tagged)
    }

    /// Writes a text, folded if that brings it into the GSM alphabet: otherwise folding spoils it for nothing.
    fn write(
        &self,
        text: &CompiledText,
        values: &TextValues<'_>,
        names: Names,
    ) -> Result<Composed, RenderError> {
        let mut prepared = Prepared::new(values, text.template.uses(), names);
        if text.is_right_to_left || prepared.has_name_from_right_to_left() {
            prepared.isolate_secrets();
        }
        let plain = self.compose(&text.template, &prepared, values.code)?;
        let Some((template, changes)) = &text.folded else {
            return Ok(plain);
        };
        if plain.segments.encoding == Encoding::Gsm {
            return Ok(plain);
        }
        let mut changes = changes.clone();
        prepared.fold_names(&mut changes);
        let folded = self.compose(template, &prepared, values.code)?;
        let helps = folded.segments.encoding == Encoding::Gsm;
        Ok(if helps {
            Composed { changes, ..folded }
        } else {
            plain
        })
    }

    fn compose(
        &self,
        template: &Template,
        values: &Prepared<'_>,
        code: Option<&str>,
    ) -> Result<Composed, RenderError> {
        let mut names_in_text = Vec::new();
        let mut text = template.render_with(values, |slot, range| {
            let is_name = matches!(
                slot.placeholder(),
                Placeholder::User | Placeholder::Name | Placeholder::Message
            );
            let value = values.value(slot.placeholder());
            if is_name && value.is_some_and(|value| !value.is_empty()) {
                let default = template.default_of(slot).unwrap_or_default();
                names_in_text.push(NameInText::new(range, default));
            }
        })?;
        let line = self
            .origin
            .as_deref()
            .zip(code)
            .and_then(|(host, code)| origin::line(host, code));
        if let Some(line) = &line {
            text.push('\n');
            text.push_str(line);
        }
        Ok(Composed {
            segments: Segments::of(&text),
            changes: Vec::new(),
            names_in_text,
            origin_bound: line.is_some(),
            text,
        })
    }
}

/// A text that was written, before it is known to be short enough.
struct Composed {
    text: String,
    segments: Segments,
    changes: Vec<Change>,
    names_in_text: Vec<NameInText>,
    origin_bound: bool,
}

impl Composed {
    fn rendered(self, locale: Option<&str>, reason: LocaleReason, names: Names) -> Rendered {
        Rendered {
            text: self.text,
            locale: locale.map(str::to_owned),
            reason,
            segments: self.segments,
            folded: self.changes,
            names,
            names_in_text: self.names_in_text,
            origin_bound: self.origin_bound,
        }
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered")
            .field("locale", &self.locale)
            .field("reason", &self.reason)
            .field("segments", &self.segments.count)
            .field("names", &self.names)
            .field("origin_bound", &self.origin_bound)
            .finish_non_exhaustive()
    }
}

/// The placeholder for what a message of this purpose is all about.
fn secret(purpose: Purpose) -> Placeholder {
    match purpose {
        Purpose::NewPassword => Placeholder::Password,
        _ => Placeholder::Code,
    }
}
