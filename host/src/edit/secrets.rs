//! Stored secrets: put in place, cleaned of what comes along when they are pasted, and taken away. They
//! are never read back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use regex_lite::Regex;
use textsender_plugin_api::Secret;

use super::{
    error::EditError,
    files::{self, Access, Lock},
    journal::{self, Change},
    names,
};
use crate::{
    check::{self, Kind},
    config::{Config, is_name},
    os::accounts,
    plugins::Description,
    secrets,
};

/// A secret as it was given, without what is certainly no part of it.
#[derive(Debug)]
pub struct Cleaned {
    /// The secret.
    pub secret: Secret,
    /// What was taken off, in words.
    pub taken_off: Vec<&'static str>,
}

/// What storing a secret came to.
#[derive(Debug)]
pub struct Stored {
    /// The file.
    pub file: PathBuf,
    /// Whether there was none before.
    pub is_new: bool,
    /// The one that was there before: to be put back, if the new one is no good.
    pub before: Option<Secret>,
}

/// The sender and the setting of a secret's name; or [`secrets::TOKENS`] and the caller's name; or
/// [`secrets::DIRECTORIES`] and what is a directory's.
///
/// # Errors
///
/// It is none.
pub fn parts(name: &str) -> Result<(&str, &str), EditError> {
    let bare = |sender: &str, key: &'_ str| match key.strip_suffix(secrets::NEXT) {
        Some(bare) if sender == secrets::TOKENS => is_name(bare),
        _ if sender == secrets::DIRECTORIES => secrets::directory_of(key).is_some_and(is_name),
        _ => is_name(key),
    };
    match name.split_once('.') {
        Some((sender, key)) if is_name(sender) && bare(sender, key) => Ok((sender, key)),
        _ => Err(EditError::Usage(format!(
            "{name:?} is not the name of a secret: write SENDER.SETTING, such as twilio.auth_token"
        ))),
    }
}

/// Takes off what pasting brings along: a byte order mark, invisible characters, blanks and quotes
/// around it, the label before it. A key in PEM stays as it is.
///
/// # Errors
///
/// It has several lines, or nothing is left.
pub fn clean(text: &str, key: &str) -> Result<Cleaned, EditError> {
    const INVISIBLE: [char; 6] = [
        '\u{feff}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{ad}',
    ];
    let mut taken_off = Vec::new();
    let visible: String = text.chars().filter(|c| !INVISIBLE.contains(c)).collect();
    if visible.trim_start().starts_with("-----BEGIN ") {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let secret = Secret::new(text.trim_end_matches(['\r', '\n']));
        return Ok(Cleaned { secret, taken_off });
    }
    if visible != text {
        taken_off.push("invisible characters");
    }
    let mut rest = visible.trim_end_matches(['\r', '\n']);
    if rest.trim() != rest {
        taken_off.push("spaces around it");
        rest = rest.trim();
    }
    if rest.contains(['\n', '\r']) {
        return Err(EditError::refused(
            "the secret has several lines; nothing was stored: give it alone, on one line",
        ));
    }
    // In whatever order: the quotes may be around the label too.
    loop {
        let (words, inner) = match (without_label(rest, key), without_quotes(rest)) {
            (Some(inner), _) => ("the label before it", inner),
            (None, Some(inner)) => ("the quotes around it", inner),
            (None, None) => break,
        };
        taken_off.push(words);
        rest = inner;
    }
    if rest.is_empty() {
        return Err(EditError::refused(
            "the secret is empty; nothing was stored",
        ));
    }
    Ok(Cleaned {
        secret: Secret::new(rest),
        taken_off,
    })
}

/// `Auth Token: ...` of the setting `auth_token`.
fn without_label<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let (label, rest) = text.split_once([':', '='])?;
    let plain = |text: &str| text.trim().to_lowercase().replace([' ', '-'], "_");
    (plain(label) == plain(key)).then(|| rest.trim())
}

fn without_quotes(text: &str) -> Option<&str> {
    const PAIRS: [(char, char); 4] = [
        ('"', '"'),
        ('\'', '\''),
        ('\u{201c}', '\u{201d}'),
        ('`', '`'),
    ];
    let inner = |(open, close): (char, char)| text.strip_prefix(open)?.strip_suffix(close);
    PAIRS.into_iter().find_map(inner).map(str::trim)
}

/// Stores a secret of a sender, as the account that runs this. The state folder has to be there, but
/// for an ordinary user's own.
///
/// # Errors
///
/// Nothing was stored, for this reason.
pub fn store(
    state: &Path,
    sender: &str,
    key: &str,
    secret: &Secret,
    expires: Option<Date>,
    on_wait: fn(),
) -> Result<Stored, EditError> {
    let (folder, access) = folder(state).map_err(|error| error.in_state(state))?;
    let _lock = Lock::of(&folder, on_wait).map_err(|error| error.in_state(state))?;
    let journal = journal::open(state).map_err(|error| error.in_state(state))?;
    let file = secrets::file_of(state, sender, key);
    let before = files::text(&file)?.map(Secret::new);
    files::replace(&file, secret.expose().as_bytes(), access.with_mode(0o600))?;
    note_expiry(state, &format!("{sender}.{key}"), expires, access)?;
    let verb = if before.is_none() { "store" } else { "replace" };
    let until = expires.map_or(String::new(), |date| format!(", which expires on {date}"));
    let what = format!("{verb} the secret {sender}.{key}{until}");
    journal.add(&Change::now(what, Vec::new(), false))?;
    Ok(Stored {
        file,
        is_new: before.is_none(),
        before,
    })
}

/// Notes the date on which a secret ends, or that it is not known.
fn note_expiry(
    state: &Path,
    name: &str,
    expires: Option<Date>,
    access: Access,
) -> Result<(), EditError> {
    change_expiry(state, access, |dates| match expires {
        Some(date) => drop(dates.insert(name.to_owned(), date)),
        None => drop(dates.remove(name)),
    })
}

/// Changes the dates on which secrets end, by their names.
fn change_expiry(
    state: &Path,
    access: Access,
    change: impl FnOnce(&mut BTreeMap<String, Date>),
) -> Result<(), EditError> {
    let before = secrets::expiry_dates(state);
    let mut dates = before.clone();
    change(&mut dates);
    if dates == before {
        return Ok(());
    }
    // Names and dates are nothing that JSON can't say.
    let text = serde_json::to_vec(&dates).unwrap_or_default();
    files::replace(&state.join(secrets::EXPIRY), &text, access.with_mode(0o600))?;
    Ok(())
}

/// Removes a stored secret. One that is in use stays, unless this is forced.
///
/// # Errors
///
/// Nothing was removed, for this reason.
pub fn remove(
    config: &Config,
    state: &Path,
    (sender, key): (&str, &str),
    force: bool,
    on_wait: fn(),
) -> Result<PathBuf, EditError> {
    let file = secrets::file_of(state, sender, key);
    let uses = names::uses_of_sender(config, sender);
    if !force && is_taken_from_here(config, sender, key) && !uses.is_empty() {
        return Err(EditError::refused(format!(
            "{sender}.{key} is in use: sender {sender} is used by {}; replace it with `textsender secret set {sender}.{key}`, or select another sender first; --force removes it, and messages through {sender} fail then",
            uses.join(", ")
        )));
    }
    let _lock = Lock::of(&state.join(secrets::FOLDER), on_wait)?;
    let journal = journal::open(state)?;
    files::remove(&file)?;
    let access = Access::of(state).map_err(EditError::io(state, "read"))?;
    note_expiry(state, &format!("{sender}.{key}"), None, access)?;
    let what = format!("remove the secret {sender}.{key}");
    journal.add(&Change::now(what, Vec::new(), force))?;
    Ok(file)
}

/// Gives the stored secrets of a sender, and the dates on which they end, another name beside their own; returns their
/// settings.
pub(super) fn link(
    state: &Path,
    sender: &str,
    new_name: &str,
    on_wait: fn(),
) -> Result<Vec<String>, EditError> {
    let keys = secrets::keys(state, sender);
    if keys.is_empty() {
        return Ok(keys);
    }
    let _lock = Lock::of(&state.join(secrets::FOLDER), on_wait)?;
    let is_stored = |key: &&String| secrets::file_of(state, new_name, key).exists();
    if let Some(key) = keys.iter().find(is_stored) {
        return Err(EditError::refused(format!(
            "there is a stored secret {new_name}.{key} already: remove it first, with `textsender secret remove {new_name}.{key}`"
        )));
    }
    for key in &keys {
        let from = secrets::file_of(state, sender, key);
        let to = secrets::file_of(state, new_name, key);
        fs::hard_link(&from, &to).map_err(EditError::io(&to, "made"))?;
    }
    let access = Access::of(state).map_err(EditError::io(state, "read"))?;
    change_expiry(state, access, |dates| {
        for key in &keys {
            if let Some(date) = dates.get(&format!("{sender}.{key}")).copied() {
                dates.insert(format!("{new_name}.{key}"), date);
            }
        }
    })?;
    Ok(keys)
}

/// Takes the secrets of this name away that have another, too, with their dates.
pub(super) fn unlink(
    state: &Path,
    sender: &str,
    keys: &[String],
    on_wait: fn(),
) -> Result<(), EditError> {
    if keys.is_empty() {
        return Ok(());
    }
    let _lock = Lock::of(&state.join(secrets::FOLDER), on_wait)?;
    keys.iter()
        .try_for_each(|key| files::remove(&secrets::file_of(state, sender, key)))?;
    let access = Access::of(state).map_err(EditError::io(state, "read"))?;
    change_expiry(state, access, |dates| {
        for key in keys {
            dates.remove(&format!("{sender}.{key}"));
        }
    })
}

/// The form that a plugin says a secret has.
#[derive(Debug)]
pub struct Form {
    key: String,
    pattern: Regex,
    help: String,
}

impl Form {
    /// Of a secret of a sender, if its plugin declares one.
    ///
    /// # Errors
    ///
    /// The plugin has no such setting, or it is no secret.
    pub fn of(described: &Description, sender: &str, key: &str) -> Result<Option<Self>, EditError> {
        let fields = check::fields(described);
        match check::field(&fields, key) {
            Ok(field) if field.is_secret => Ok(match &field.kind {
                Kind::Text(Some(pattern)) => Some(Self {
                    key: key.to_owned(),
                    pattern: pattern.clone(),
                    help: field.help.clone(),
                }),
                _ => None,
            }),
            Ok(_) => Err(EditError::refused(format!(
                "{key} is not a secret: set it with `textsender sender set {sender} {key}=...`"
            ))),
            Err(_) => {
                let secrets = fields.iter().filter(|field| field.is_secret);
                let names = secrets.map(|field| field.name.as_str());
                Err(EditError::refused(format!(
                    "the plugin {} has no secret {key}{}",
                    described.info.id,
                    names::instead(key, names, "see `textsender plugin show`")
                )))
            }
        }
    }

    /// Whether a secret has it.
    ///
    /// # Errors
    ///
    /// It has another: what it is, without the value.
    pub fn check(&self, secret: &Secret) -> Result<(), EditError> {
        match self.pattern.is_match(secret.expose()) {
            true => Ok(()),
            false => Err(EditError::refused(format!(
                "nothing was stored, as it does not have the form of {}: {}\n--exact stores it anyway",
                self.key, self.help
            ))),
        }
    }
}

/// Whether a sender takes this setting from the stored secrets.
pub fn is_taken_from_here(config: &Config, sender: &str, key: &str) -> bool {
    let sender = config.senders.get(sender);
    sender.is_some_and(|sender| !sender.settings.contains_key(key))
}

/// The folder of secrets, made if it is not there, and the access of what is in it: the state
/// folder's owner's alone.
fn folder(state: &Path) -> Result<(PathBuf, Access), EditError> {
    let private = Access {
        owner: None,
        mode: 0o700,
    };
    if !state.is_dir() && accounts::is_root() {
        return Err(EditError::refused(format!(
            "there is no state folder {}; make it, for the account that sends, with `textsender init`",
            state.display()
        )));
    }
    files::make_folder(state, private)?;
    let access = Access::of(state).map_err(EditError::io(state, "read"))?;
    let folder = state.join(secrets::FOLDER);
    files::make_folder(&folder, access.with_mode(0o700))?;
    Ok((folder, access))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pasting_brings_along_is_taken_off() {
        let cases: [(&str, &str, &[&str]); 9] = [
            ("5ec2e7", "5ec2e7", &[]),
            ("5ec2e7\r\n", "5ec2e7", &[]),
            (" 5ec2e7\t\n", "5ec2e7", &["spaces around it"]),
            (
                "\u{feff}5ec2\u{200b}e7",
                "5ec2e7",
                &["invisible characters"],
            ),
            ("\"5ec2e7\"", "5ec2e7", &["the quotes around it"]),
            (
                "\u{201c}5ec2e7\u{201d}",
                "5ec2e7",
                &["the quotes around it"],
            ),
            ("Auth Token: 5ec2e7", "5ec2e7", &["the label before it"]),
            (
                "auth_token='5e:c2'",
                "5e:c2",
                &["the label before it", "the quotes around it"],
            ),
            ("user: 5ec2e7", "user: 5ec2e7", &[]),
        ];
        for (given, kept, taken_off) in cases {
            let cleaned = clean(given, "auth_token").unwrap();
            assert_eq!(cleaned.secret.expose(), kept, "{given:?}");
            assert_eq!(cleaned.taken_off, taken_off, "{given:?}");
        }
    }

    #[test]
    fn several_lines_are_refused_but_for_a_key_in_pem() {
        assert!(clean("one\ntwo", "auth_token").is_err());
        assert!(clean(" \n", "auth_token").is_err());
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----";
        for given in [pem.to_owned(), format!("\u{feff}{pem}\r\n")] {
            assert_eq!(clean(&given, "key").unwrap().secret.expose(), pem);
        }
    }
}
