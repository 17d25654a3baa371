//! The approval of a plugin, in `plugins.lock` beside the configuration.

use std::path::{Path, PathBuf};

use super::{
    error::EditError,
    files::{self, Access, Lock},
    journal::{self, Change},
    names,
};
use crate::plugins::lock::{self, Pin};

/// What an approval came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// `plugins.lock`.
    pub path: PathBuf,
    /// What is approved now.
    pub pin: Pin,
    /// Whether it was not before.
    pub is_new: bool,
}

/// Approves a plugin as this pin has it, for the configuration at `main`.
///
/// # Errors
///
/// `plugins.lock` can't be read or written.
pub fn approve(main: &Path, plugin: &str, pin: Pin, on_wait: fn()) -> Result<Approved, EditError> {
    let folder = names::folder_of(main);
    let _lock = Lock::of(&folder, on_wait)?;
    let path = lock::Lock::beside(main);
    let approved = lock::Lock::read(&path);
    let mut approved = approved.map_err(|error| EditError::Refused(error.to_string()))?;
    let known = approved.pins.insert(plugin.to_owned(), pin.clone());
    let is_new = known.as_ref() != Some(&pin);
    if is_new {
        let access = Access {
            owner: None,
            mode: 0o644,
        };
        files::replace(&path, approved.to_string().as_bytes(), access)?;
        let what = format!("approve plugin {plugin}");
        journal::note(&folder, &Change::now(what, Vec::new(), false))?;
    }
    Ok(Approved { path, pin, is_new })
}
