//! What an order names, looked up: and if it is not there, what was probably meant.

use std::path::{Path, PathBuf};

use super::error::EditError;
use crate::{
    config::{Config, Located, Policy, SendOptions, Sender, nearest},
    plugins::{Refusal, StartupError, folder, verify::FileFault},
};

/// The folder that a file is in.
pub fn folder_of(file: &Path) -> PathBuf {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// An error unless there is a configuration.
pub fn is_there(main: &Path) -> Result<(), EditError> {
    match main.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(EditError::refused(format!(
            "there is no configuration at {}: make one with `textsender init`, or name another with --config",
            main.display()
        ))),
        Err(error) => Err(EditError::io(main, "read")(error)),
    }
}

/// The sender of this name.
pub fn sender<'c>(config: &'c Config, name: &str) -> Result<&'c Sender, EditError> {
    if let Some(sender) = config.senders.get(name) {
        return Ok(sender);
    }
    let names = config.senders.keys().map(String::as_str);
    Err(EditError::refused(format!(
        "there is no sender {name}{}",
        instead(name, names, "add it with `textsender sender add`")
    )))
}

/// The policy of this name.
pub fn policy<'c>(config: &'c Config, name: &str) -> Result<&'c Policy, EditError> {
    let policies = || config.policies.iter();
    if let Some(policy) = policies().find(|policy| policy.name.value == name) {
        return Ok(policy);
    }
    let names = policies().map(|policy| policy.name.as_str());
    Err(EditError::refused(format!(
        "there is no policy {name}{}",
        instead(name, names, "add it with `textsender policy add`")
    )))
}

/// How the sentence about an unknown name ends: the near name, the names there are, or how to add one.
pub fn instead<'n>(name: &str, names: impl Iterator<Item = &'n str>, how_to_add: &str) -> String {
    let names: Vec<&str> = names.collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("; did you mean {near}?"),
        None if names.is_empty() => format!(": {how_to_add}"),
        None => format!(
            "; there are {}: name one, or {how_to_add}",
            names.join(", ")
        ),
    }
}

/// Everything that names a sender, in words.
pub fn uses_of_sender(config: &Config, name: &str) -> Vec<String> {
    let mut uses = Vec::new();
    let is = |sender: &Option<Located<String>>| {
        sender.as_ref().is_some_and(|sender| sender.value == name)
    };
    if is(&config.defaults.sender) {
        uses.push("the default".to_owned());
    }
    let mut add = |options: &SendOptions, owner: String| {
        if is(&options.sender) {
            uses.push(owner.clone());
        }
        if options.fallback.iter().any(|sender| sender.value == name) {
            uses.push(format!("{owner} (fallback)"));
        }
    };
    if let Some(helpdesk) = &config.helpdesk {
        add(&helpdesk.options, "helpdesk".to_owned());
    }
    for policy in &config.policies {
        if let Some(block) = &policy.verification_code {
            add(&block.options, format!("policy {}", policy.name.value));
        }
        if let Some(block) = &policy.information {
            let owner = format!("policy {} (information)", policy.name.value);
            add(&block.options, owner);
        }
    }
    uses
}

/// Why a plugin's file can't be used, and what to do, on one line.
pub fn why_not(reason: &StartupError, file: &Path) -> String {
    match reason {
        StartupError::Refused(Refusal::File(FileFault::Missing)) => {
            format!("there is no {}", file.display())
        }
        StartupError::Refused(Refusal::OtherId(id)) => {
            let name = folder::file_of(Path::new(""), id);
            format!("it holds the plugin {id}: name it {}", name.display())
        }
        StartupError::Refused(refusal) => refusal.to_string(),
        StartupError::Ended => "it ends its process when it is loaded; ask its author".to_owned(),
        StartupError::TimedOut => "it does not say what it is in time; ask its author".to_owned(),
    }
}

/// The name of a file in its folder.
pub(super) fn file_name(file: &Path) -> &std::ffi::OsStr {
    file.file_name().unwrap_or_default()
}
