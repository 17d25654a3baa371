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
use crate::config::{self, Config, SendOptions};

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
                Some(tag) => names::instead(tag, tags.map(String::as_str), "nothing is to be done"),
                None => ": nothing is to be done".to_owned(),
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
