//! Orders about what users read.

use std::path::PathBuf;

use textsender_plugin_api::Purpose;

use super::{
    draft::Draft,
    error::EditError,
    names::{self, policy},
    order::Order,
    place::table_of,
    tables,
};
use crate::{
    config::{self, Config, Located, Place, SendOptions, Sources, render},
    decision,
    text::Texts,
};

/// Whose text it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The verification text of this policy.
    Policy(String),
    /// The helpdesk's text of this purpose.
    Helpdesk(Purpose),
}

/// Sets a text. [`Done`](Order::Done) is its file.
#[derive(Debug, Clone)]
pub struct SetText {
    /// Whose.
    pub owner: Owner,
    /// The language; `None`: the text of all others.
    pub locale: Option<String>,
    /// What it says.
    pub text: String,
}

/// Takes a translation, or a text of the helpdesk, away.
#[derive(Debug, Clone)]
pub struct UnsetText {
    /// Whose.
    pub owner: Owner,
    /// The language; `None`: the text of all others.
    pub locale: Option<String>,
}

impl Owner {
    /// What such a text is sent for.
    pub fn purpose(&self) -> Purpose {
        match self {
            Self::Policy(_) => Purpose::VerificationCode,
            Self::Helpdesk(purpose) => *purpose,
        }
    }

    /// The text as it is, and what goes with it; none if there is none yet.
    ///
    /// # Errors
    ///
    /// There is no such policy.
    pub fn text<'c>(
        &self,
        config: &'c Config,
    ) -> Result<Option<(&'c config::Text, &'c SendOptions)>, EditError> {
        if let Self::Policy(name) = self {
            let block = policy(config, name)?.verification_code.as_ref();
            return Ok(block.map(|block| (&block.text, &block.options)));
        }
        let helpdesk = config.helpdesk.as_ref();
        Ok(helpdesk.and_then(|helpdesk| {
            let text = match self.purpose() {
                Purpose::NewPassword => &helpdesk.new_password_text,
                _ => &helpdesk.helpdesk_code_text,
            };
            Some((text.as_ref()?, &helpdesk.options))
        }))
    }

    /// Who sends it; none if nothing says so yet.
    ///
    /// # Errors
    ///
    /// There is no such policy.
    pub fn options<'c>(&self, config: &'c Config) -> Result<Option<&'c SendOptions>, EditError> {
        if let Self::Policy(name) = self {
            let block = policy(config, name)?.verification_code.as_ref();
            return Ok(block.map(|block| &block.options));
        }
        let helpdesk = config.helpdesk.as_ref();
        Ok(helpdesk.map(|helpdesk| &helpdesk.options))
    }

    /// In words.
    pub fn name(&self) -> String {
        match self {
            Self::Policy(name) => format!("policy {name}"),
            Self::Helpdesk(purpose) => format!("helpdesk {purpose}"),
        }
    }
}

impl Order for SetText {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let text = self.text.as_str();
        let options = self.owner.options(draft.config())?;
        let is_folded = options.is_some_and(|options| options.fold);
        can_be_sent(self.owner.purpose(), text, is_folded)?;
        let tag = self.locale.as_deref();
        if let (Owner::Policy(name), Some(_)) = (&self.owner, tag)
            && policy(draft.config(), name)?.verification_code.is_none()
        {
            return Err(EditError::refused(format!(
                "policy {name} has no text to translate yet: set it without --locale first"
            )));
        }
        let (path, key) = path_of(&self.owner, tag);
        edit(draft, &self.owner, |root| {
            tables::set(tables::table(root, &path)?, key, text);
            Ok(())
        })
    }

    fn summary(&self) -> String {
        format!(
            "set the text of {}{}",
            self.owner.name(),
            shown(&self.locale)
        )
    }
}

impl Order for UnsetText {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let tag = self.locale.as_deref();
        if let (Owner::Policy(name), None) = (&self.owner, tag) {
            return Err(EditError::Usage(format!(
                "policy {name} can't be without a text: name the language to take away with --locale, or remove the policy"
            )));
        }
        let text = self.owner.text(draft.config())?.map(|(text, _)| text);
        let is_there =
            text.is_some_and(|text| tag.is_none_or(|tag| text.translations.contains_key(tag)));
        if !is_there {
            let tags = text.into_iter().flat_map(|text| text.translations.keys());
            let ending = match tag {
                Some(tag) => names::instead(tag, tags.map(String::as_str), "nothing to do"),
                None => ": nothing to do".to_owned(),
            };
            return Err(EditError::refused(format!(
                "{} has no such text{}{ending}",
                self.owner.name(),
                shown(&self.locale)
            )));
        }
        let (path, key) = path_of(&self.owner, tag);
        edit(draft, &self.owner, |root| {
            if let Some(section) = tables::existing(root, &path) {
                section.remove(key);
            }
            Ok(())
        })
    }

    fn summary(&self) -> String {
        format!(
            "unset the text of {}{}",
            self.owner.name(),
            shown(&self.locale)
        )
    }
}

/// Edits the table that the texts of an owner are in, and returns its file.
fn edit(
    draft: &mut Draft,
    owner: &Owner,
    change: impl FnOnce(&mut dyn toml_edit::TableLike) -> Result<(), EditError>,
) -> Result<PathBuf, EditError> {
    let Owner::Policy(name) = owner else {
        return draft.main(|document| change(document.as_table_mut()));
    };
    let (file, place) = table_of(draft.config(), name)?;
    draft.file(&file, |document| {
        change(place.find(document.as_table_mut())?)
    })?;
    Ok(file)
}

/// The path to the section of a text, and its key there.
fn path_of<'t>(owner: &Owner, tag: Option<&'t str>) -> (Vec<&'static str>, &'t str)
where
    'static: 't,
{
    let purpose = owner.purpose().as_str();
    match (owner, tag) {
        (Owner::Policy(_), Some(tag)) => (vec!["verification_code", "translations"], tag),
        (Owner::Policy(_), None) => (vec!["verification_code"], "text"),
        (Owner::Helpdesk(_), Some(tag)) => (vec!["helpdesk", "translations", purpose], tag),
        (Owner::Helpdesk(_), None) => (vec!["helpdesk", "texts"], purpose),
    }
}

fn shown(locale: &Option<String>) -> String {
    let tag = locale.as_deref();
    tag.map(|tag| format!(" ({tag})")).unwrap_or_default()
}

/// The texts that a template comes to, with nothing else configured but whether it is folded.
///
/// # Errors
///
/// It can't be sent, with a line that points at why.
pub fn can_be_sent(purpose: Purpose, text: &str, is_folded: bool) -> Result<Texts, EditError> {
    let options = SendOptions {
        fold: is_folded,
        ..SendOptions::default()
    };
    let written = config::Text {
        text: Located {
            value: text.to_owned(),
            place: Place::default(),
        },
        translations: Default::default(),
    };
    let faults = match decision::texts(purpose, &written, &options) {
        Ok(texts) => match texts.check() {
            faults if faults.is_empty() => return Ok(texts),
            faults => faults,
        },
        Err(faults) => faults,
    };
    let sources = Sources::from_text("the text", text);
    let faults: Vec<_> = faults
        .iter()
        .map(|fault| {
            let place = Place::new(0, fault.span().unwrap_or(0..text.len()));
            sources.fault(place, "", fault.fault(), fault.remedy())
        })
        .collect();
    let shown = render::render(&faults, &sources, false);
    Err(EditError::refused(format!(
        "nothing was changed, as this text can't be sent\n\n{}",
        shown.trim_end()
    )))
}

/// A text as it is meant, whatever editor, shell or browser wrote it: no byte order mark, lines that end in a line
/// feed, none after the last.
pub fn plain_lines(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.replace("\r\n", "\n")
        .trim_end_matches(['\r', '\n'])
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_from_every_editor() {
        for written in [
            "Your code:\n%code%",
            "Your code:\n%code%\n",
            "Your code:\r\n%code%\r\n",
            "\u{feff}Your code:\r\n%code%\r\n\r\n",
        ] {
            assert_eq!(plain_lines(written), "Your code:\n%code%", "{written:?}");
        }
    }
}
