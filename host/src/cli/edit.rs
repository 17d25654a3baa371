//! Edits of the configuration: every byte that is not meant stays, and an edit that would break it
//! changes nothing.

mod splice;
pub(super) mod tables;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use toml_edit::DocumentMut;

use super::{
    files::{self, Access, Lock},
    site::{folder_of, is_there},
};
use crate::config::{Config, Fault, Faults, Reading, Sources, render};

/// One edit. Until it is dropped no other command can begin one.
pub(super) struct Edit {
    _lock: Lock,
    /// The configuration as it was read.
    config: Config,
    faults: Vec<Fault>,
    changed: Vec<(PathBuf, String)>,
}

impl Edit {
    /// Locks and reads the configuration at `main`.
    pub(super) fn begin(main: &Path) -> anyhow::Result<Self> {
        is_there(main)?;
        let lock = Lock::of(&folder_of(main))?;
        let Reading { config, faults } = Reading::of(Sources::read(main));
        Ok(Self {
            _lock: lock,
            config,
            faults,
            changed: Vec::new(),
        })
    }

    /// The configuration as it was read; what is at fault in it is left out.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Edits `textsender.toml`.
    pub(super) fn main(
        &mut self,
        edit: impl FnOnce(&mut DocumentMut) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let main = self.config.sources.main.clone();
        self.file(&main, edit)
    }

    /// Edits one file of the configuration.
    pub(super) fn file(
        &mut self,
        path: &Path,
        edit: impl FnOnce(&mut DocumentMut) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("{} can't be read", path.display()))?;
        let parsed = text.trim_start_matches('\u{feff}').parse();
        let mut document: DocumentMut = parsed.map_err(|_| self.unreadable(path))?;
        let before = document.to_string();
        edit(&mut document)?;
        let after = splice::splice(&text, &before, &document.to_string());
        if after != text {
            self.changed.push((path.to_owned(), after));
        }
        Ok(())
    }

    /// Adds a file.
    pub(super) fn add(&mut self, path: &Path, text: String) -> anyhow::Result<()> {
        if path.exists() {
            bail!("{} is there already", path.display());
        }
        self.changed.push((path.to_owned(), text));
        Ok(())
    }

    /// Saves what was edited, unless it has a fault that was not there before. Returns the files
    /// that changed.
    pub(super) fn save(self) -> anyhow::Result<Vec<PathBuf>> {
        let mut sources = self.config.sources.clone();
        for (path, text) in &self.changed {
            sources = sources.with_text(path, text);
        }
        let reading = Reading::of(sources);
        let known: HashSet<_> = self.faults.iter().map(name).collect();
        let new: Vec<_> = reading
            .faults
            .iter()
            .filter(|f| !known.contains(&name(f)))
            .cloned()
            .collect();
        if let Some(first) = new.first() {
            let shown = render::render(&new, &reading.config.sources, false);
            bail!(
                "nothing was changed, as it would be at fault: {}\n\n{}",
                first.message,
                shown.trim_end()
            );
        }
        for (path, text) in &self.changed {
            let access = match Access::of(path) {
                Ok(access) => access,
                Err(_) => new_file(path)?,
            };
            files::replace(path, text.as_bytes(), access)?;
        }
        Ok(self.changed.into_iter().map(|(path, _)| path).collect())
    }

    /// Why a file can't be edited: it is no TOML.
    fn unreadable(&self, path: &Path) -> anyhow::Error {
        let path = path.display().to_string();
        let of_file = self
            .faults
            .iter()
            .filter(|fault| fault.file == path)
            .cloned();
        match Faults::none_of(of_file.collect()) {
            Err(faults) => anyhow!(faults).context("nothing was changed: fix the file first"),
            Ok(()) => anyhow!("{path} can't be edited: it is not TOML"),
        }
    }
}

/// A fault but for its place, which an edit above it moves.
fn name(fault: &Fault) -> (String, String, String) {
    let Fault {
        file, key, message, ..
    } = fault;
    (file.clone(), key.clone(), message.clone())
}

/// A new file belongs to the owner of its folder, and is read by those who may look into it.
fn new_file(path: &Path) -> anyhow::Result<Access> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let access = Access::of(folder);
    let access = access.with_context(|| format!("{} can't be read", folder.display()))?;
    Ok(access.with_mode(access.mode & 0o644))
}
