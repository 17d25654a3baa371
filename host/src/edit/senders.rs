//! Orders about senders.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use toml_edit::{DocumentMut, TableLike};

use super::{draft::Draft, editor::Editor, error::EditError, names, order::Order, place, tables};
use crate::{
    check::{self, Field},
    config::{Config, Policy, Reading, Sources},
    plugins::{Description, in_the_open},
    secrets,
};

/// Adds a sender. [`Done`](Order::Done) is its file.
#[derive(Debug, Clone)]
pub struct AddSender {
    /// Its name.
    pub name: String,
    /// Its plugin.
    pub plugin: String,
    /// Settings to begin with, `KEY=VALUE`.
    pub settings: Vec<String>,
}

/// Sets settings of a sender, and takes others out in the same step.
#[derive(Debug, Clone)]
pub struct SetSettings {
    /// The sender.
    pub name: String,
    /// `KEY=VALUE`.
    pub settings: Vec<String>,
    /// Names of those that are taken out.
    pub unset: Vec<String>,
}

/// Takes settings of a sender out.
#[derive(Debug, Clone)]
pub struct UnsetSettings {
    /// The sender.
    pub name: String,
    /// Their names.
    pub keys: Vec<String>,
}

/// Removes a sender that nothing uses.
#[derive(Debug, Clone)]
pub struct RemoveSender {
    /// The sender.
    pub name: String,
}

/// Gives a sender another name, wherever it is named.
#[derive(Debug, Clone)]
pub struct RenameSender {
    /// The sender.
    pub name: String,
    /// Its new name.
    pub new_name: String,
}

/// What removing a sender left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The file that it stood in.
    pub file: PathBuf,
    /// Its secrets that are still stored, by name.
    pub secrets: Vec<String>,
}

impl Order for AddSender {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let Self {
            name,
            plugin,
            settings,
        } = self;
        if draft.config().senders.contains_key(name) {
            return Err(EditError::refused(format!(
                "there is a sender {name} already: change it with `textsender sender set`"
            )));
        }
        let described = draft.describe(plugin, &given(settings))?;
        draft.main(|document| {
            let section = tables::table(document.as_table_mut(), &["senders", name])?;
            tables::set(section, "plugin", plugin.as_str());
            set_all(document, name, settings, &described)
        })
    }

    fn summary(&self) -> String {
        format!("add sender {} of the plugin {}", self.name, self.plugin)
    }
}

impl Order for SetSettings {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let sender = names::sender(draft.config(), &self.name)?;
        let plugin = sender.plugin.value.clone();
        let set: Vec<String> = sender.settings.keys().cloned().collect();
        let mut settings = in_the_open(sender);
        settings.extend(given(&self.settings));
        settings.retain(|key, _| !self.unset.contains(key));
        let described = draft.describe(&plugin, &settings)?;
        draft.main(|document| {
            unset_all(document, &self.name, &self.unset, &set)?;
            set_all(document, &self.name, &self.settings, &described)
        })
    }

    fn summary(&self) -> String {
        let keys = self.settings.iter().filter_map(|one| one.split_once('='));
        let keys: Vec<&str> = keys.map(|(key, _)| key).collect();
        let unset = match self.unset.as_slice() {
            [] => String::new(),
            unset => format!("unset {} of sender {}", unset.join(", "), self.name),
        };
        match (keys.as_slice(), unset.as_str()) {
            ([], unset) => unset.to_owned(),
            (keys, "") => format!("set {} of sender {}", keys.join(", "), self.name),
            (keys, unset) => format!("set {} and {unset}", keys.join(", ")),
        }
    }
}

impl Order for UnsetSettings {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let settings = &names::sender(draft.config(), &self.name)?.settings;
        let set: Vec<String> = settings.keys().cloned().collect();
        draft.main(|document| unset_all(document, &self.name, &self.keys, &set))
    }

    fn summary(&self) -> String {
        format!("unset {} of sender {}", self.keys.join(", "), self.name)
    }
}

impl Order for RemoveSender {
    type Done = Removed;

    fn make(&self, draft: &mut Draft) -> Result<Removed, EditError> {
        names::sender(draft.config(), &self.name)?;
        let uses = names::uses_of_sender(draft.config(), &self.name);
        if !uses.is_empty() {
            return Err(EditError::refused(format!(
                "sender {} is used by {}: select another there first",
                self.name,
                uses.join(", ")
            )));
        }
        let file = draft.main(|document| {
            let senders = tables::existing(document.as_table_mut(), &["senders"]);
            senders.and_then(|senders| senders.remove(&self.name));
            Ok(())
        })?;
        Ok(Removed {
            file,
            secrets: secrets::keys(draft.state(), &self.name),
        })
    }

    fn summary(&self) -> String {
        format!("remove sender {}", self.name)
    }
}

impl Order for RenameSender {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let (old, new) = (self.name.as_str(), self.new_name.as_str());
        names::sender(draft.config(), old)?;
        is_free(draft.config(), new)?;
        let policies: Vec<String> = draft
            .config()
            .policies
            .iter()
            .map(|policy| policy.name.value.clone())
            .collect();
        for policy in policies {
            let (file, place) = place::table_of(draft.config(), &policy)?;
            draft.file(&file, |document| {
                let policy = place.find(document.as_table_mut())?;
                for purpose in Policy::PURPOSES {
                    if let Some(block) = tables::existing(policy, &[purpose.as_str()]) {
                        rename_in(block, old, new);
                    }
                }
                Ok(())
            })?;
        }
        draft.main(|document| {
            let root = document.as_table_mut();
            for section in ["defaults", "helpdesk"] {
                if let Some(section) = tables::existing(root, &[section]) {
                    rename_in(section, old, new);
                }
            }
            if let Some(senders) = tables::existing(root, &["senders"]) {
                tables::rename(senders, old, new);
            }
            Ok(())
        })
    }

    fn summary(&self) -> String {
        format!("rename sender {} to {}", self.name, self.new_name)
    }

    fn renames(&self, _: &Draft) -> Option<(String, String)> {
        Some((self.name.clone(), self.new_name.clone()))
    }
}

/// A section's `sender` and `fallback`.
fn rename_in(section: &mut dyn TableLike, old: &str, new: &str) {
    if tables::text(section, "sender") == Some(old) {
        tables::set(section, "sender", new);
    }
    let fallback = section
        .get_mut("fallback")
        .and_then(|item| item.as_array_mut());
    for value in fallback.into_iter().flat_map(|array| array.iter_mut()) {
        if value.as_str() == Some(old) {
            let decor = value.decor().clone();
            *value = new.into();
            *value.decor_mut() = decor;
        }
    }
}

/// Renames a sender with its stored secrets.
///
/// # Errors
///
/// Nothing was changed, for this reason.
pub fn rename(
    editor: &Editor,
    state: &Path,
    name: &str,
    new_name: &str,
    on_wait: fn(),
) -> Result<PathBuf, EditError> {
    if name == new_name {
        let words = format!("sender {name} is called that already");
        return Err(EditError::refused(words));
    }
    // Before its secrets get a name that another's have.
    is_free(&Reading::of(Sources::read(editor.main())).config, new_name)?;
    let order = RenameSender {
        name: name.to_owned(),
        new_name: new_name.to_owned(),
    };
    let rename = || editor.apply(&order).map(Some);
    let applied = with_secrets(state, (name, new_name), on_wait, rename)?;
    // What was applied is there.
    applied
        .map(|applied| applied.done)
        .ok_or_else(|| EditError::refused("nothing was changed"))
}

fn is_free(config: &Config, name: &str) -> Result<(), EditError> {
    match config.senders.contains_key(name) {
        true => Err(EditError::refused(format!(
            "there is a sender {name} already"
        ))),
        false => Ok(()),
    }
}

/// Makes a change after which a sender has another name, with its stored secrets: they have both names until the
/// configuration has the new one, so that no message in between lacks them. `None`: nothing was changed.
///
/// # Errors
///
/// Nothing was changed, for this reason.
pub fn with_secrets<T, E: From<EditError>>(
    state: &Path,
    (name, new_name): (&str, &str),
    on_wait: fn(),
    change: impl FnOnce() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let linked = super::secrets::link(state, name, new_name, on_wait)?;
    let changed = change();
    let left = match changed {
        Ok(Some(_)) => name,
        Ok(None) | Err(_) => new_name,
    };
    super::secrets::unlink(state, left, &linked, on_wait)?;
    changed
}

/// Settings as they are given, for a plugin that wants to know which provider they choose.
fn given(settings: &[String]) -> Map<String, Value> {
    let pairs = settings
        .iter()
        .filter_map(|setting| setting.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect()
}

/// Takes settings out; `set` are the names of those that there are.
fn unset_all(
    document: &mut DocumentMut,
    sender: &str,
    keys: &[String],
    set: &[String],
) -> Result<(), EditError> {
    for key in keys {
        let (last, above) = path_of(sender, key);
        let section = tables::existing(document.as_table_mut(), &above);
        if section.and_then(|section| section.remove(last)).is_none() {
            let set = set.iter().map(String::as_str);
            return Err(EditError::refused(format!(
                "sender {sender} has no {key} set{}",
                names::instead(key, set, "nothing to do")
            )));
        }
    }
    Ok(())
}

/// Sets each `KEY=VALUE`, as the plugin's schema says.
fn set_all(
    document: &mut DocumentMut,
    sender: &str,
    settings: &[String],
    described: &Description,
) -> Result<(), EditError> {
    let mut keys = BTreeSet::new();
    for setting in settings {
        let Some((key, text)) = setting.split_once('=') else {
            return Err(EditError::Usage(format!(
                "{setting}: write settings as KEY=VALUE"
            )));
        };
        if !keys.insert(key) {
            return Err(EditError::Usage(format!("{key} is given twice")));
        }
        set_one(document.as_table_mut(), sender, key, text, described)?;
    }
    Ok(())
}

fn set_one(
    document: &mut dyn TableLike,
    sender: &str,
    key: &str,
    text: &str,
    described: &Description,
) -> Result<(), EditError> {
    let (name, part) = match key.split_once('.') {
        Some((name, part)) => (name, Some(part)),
        None => (key, None),
    };
    let fields = check::fields(described);
    let field = known_field(&fields, name, &described.info.id)?;
    if field.is_secret {
        return Err(EditError::refused(format!(
            "{name} is a secret, and others can see a command line: store it with `textsender secret set {sender}.{name}`"
        )));
    }
    let value = field.read(part, text, described);
    let value = value
        .map_err(|fault| EditError::refused(format!("{key}: {fault}\n{name}: {}", field.help)))?;
    write(document, sender, key, &value)
}

fn known_field<'f>(fields: &'f [Field], name: &str, plugin: &str) -> Result<&'f Field, EditError> {
    check::field(fields, name).map_err(|_| {
        let names = fields.iter().map(|field| field.name.as_str());
        EditError::refused(format!(
            "the plugin {plugin} has no setting {name}{}",
            names::instead(name, names, "see `textsender plugin show`")
        ))
    })
}

fn write(
    document: &mut dyn TableLike,
    sender: &str,
    key: &str,
    value: &Value,
) -> Result<(), EditError> {
    let (last, above) = path_of(sender, key);
    tables::set(tables::table(document, &above)?, last, tables::value(value));
    Ok(())
}

/// The last key of a setting, and the path to the section that it is in.
fn path_of<'k>(sender: &'k str, key: &'k str) -> (&'k str, Vec<&'k str>) {
    let above = vec!["senders", sender, "settings"];
    match key.split_once('.') {
        Some((name, below)) => (below, [above, vec![name]].concat()),
        None => (key, above),
    }
}
