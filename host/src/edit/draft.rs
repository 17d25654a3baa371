//! A change before it is made: the configuration as it is, and the files as they would be.

use std::{
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value};
use tokio::time::Instant;
use toml_edit::DocumentMut;

use super::{
    difference::Difference,
    error::EditError,
    files::{self, Access, Lock},
    names, splice,
};
use crate::{
    config::{Config, Environment, Fault, Faults, Reading, Sources},
    plugins::{self, Description, StartupError, With, folder},
    privilege, trust,
};

/// How long a plugin may take to say what it is. A cold disk takes tenths of a second.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(10);

/// A change before it is made. Until it is dropped no other can begin.
pub struct Draft {
    _lock: Lock,
    /// The configuration as it was read; what is at fault in it is left out.
    config: Config,
    faults: Vec<Fault>,
    state: PathBuf,
    changed: Vec<(PathBuf, FileChange)>,
}

/// A file, its text as it is and as it would be.
type FileTexts = (PathBuf, Option<String>, Option<String>);

/// What becomes of a file.
#[derive(Clone, Debug)]
pub(super) enum FileChange {
    Written(String),
    Removed,
}

impl Draft {
    /// Locks and reads the configuration at `main`.
    pub(super) fn begin(main: &Path, on_wait: fn()) -> Result<Self, EditError> {
        names::is_there(main)?;
        let lock = Lock::of(&names::folder_of(main), on_wait)?;
        let reading = Reading::of(Sources::read(main)).believed();
        let Reading { config, faults } = reading.map_err(EditError::Unsafe)?;
        let environment = Environment::current();
        let state = environment
            .state_folder(config.state.folder.as_deref())
            .path;
        // Plugins are asked about their settings, never as root.
        privilege::lend(&config.state, &state);
        Ok(Self {
            _lock: lock,
            config,
            faults,
            state,
            changed: Vec::new(),
        })
    }

    /// The configuration as it was read; what is at fault in it is left out.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The state folder.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// The folder of the configuration.
    pub fn folder(&self) -> PathBuf {
        names::folder_of(&self.config.sources.main)
    }

    /// Edits `textsender.toml`.
    pub(super) fn main(
        &mut self,
        edit: impl FnOnce(&mut DocumentMut) -> Result<(), EditError>,
    ) -> Result<PathBuf, EditError> {
        let main = self.config.sources.main.clone();
        self.file(&main, edit)?;
        Ok(main)
    }

    /// Edits one file of the configuration.
    pub(super) fn file(
        &mut self,
        path: &Path,
        edit: impl FnOnce(&mut DocumentMut) -> Result<(), EditError>,
    ) -> Result<(), EditError> {
        let text = self.text(path)?;
        let parsed = text.trim_start_matches('\u{feff}').parse();
        let mut document: DocumentMut = parsed.map_err(|_| self.unreadable(path))?;
        let before = document.to_string();
        edit(&mut document)?;
        let after = splice::splice(&text, &before, &document.to_string());
        if after != text {
            self.write(path, after);
        }
        Ok(())
    }

    /// Gives a file this text. It need not be there.
    pub(super) fn write(&mut self, path: &Path, text: String) {
        self.change(path, FileChange::Written(text));
    }

    /// Removes a file.
    pub(super) fn remove(&mut self, path: &Path) {
        self.change(path, FileChange::Removed);
    }

    /// What a file would hold.
    pub(super) fn text(&self, path: &Path) -> Result<String, EditError> {
        match self.changed.iter().find(|(changed, _)| changed == path) {
            Some((_, FileChange::Written(text))) => Ok(text.clone()),
            _ => trust::read_to_string(path).map_err(EditError::io(path, "read")),
        }
    }

    /// What a plugin is with these settings, asked in a process of its own.
    pub(super) fn describe(
        &self,
        plugin: &str,
        settings: &Map<String, Value>,
    ) -> Result<Description, EditError> {
        let file = folder::find(&self.config.plugins, plugin);
        let seal = plugins::plan(&self.config.plugins, None);
        let with = With {
            settings,
            folder: self.config.sources.main.parent().unwrap_or(Path::new("")),
        };
        let asked = async {
            let by = Instant::now() + DESCRIBE_TIMEOUT;
            plugins::describe_with(&file, plugin, seal, by, Some(with)).await
        };
        let described: Result<Description, StartupError> = self.block_on(asked)?;
        described.map_err(|reason| {
            let why = names::why_not(&reason, &file);
            let folder = self.config.plugins.folder.display();
            EditError::refused(format!(
                "the plugin {plugin} can't be used: {why}\nnothing was changed; `textsender plugin list` shows what is in {folder}"
            ))
        })
    }

    /// The configuration as it would be read.
    pub(super) fn result(&self) -> Reading {
        let mut sources = self.config.sources.clone();
        for (path, change) in &self.changed {
            sources = match change {
                FileChange::Written(text) => sources.with_text(path, text),
                FileChange::Removed => sources.without(path),
            };
        }
        Reading::of(sources)
    }

    /// What changes in which file.
    pub(super) fn difference(&self) -> Difference {
        let result = self.result();
        let paths = self.changed.iter().map(|(path, _)| path.as_path());
        Difference::of(&self.config.sources, &result.config.sources, paths)
    }

    pub(super) fn is_unchanged(&self) -> bool {
        self.changed.is_empty()
    }

    /// Each changed file with its text as it is, and as it would be; `None` where there is no file.
    pub(super) fn changes(&self) -> Result<Vec<FileTexts>, EditError> {
        let changes = self.changed.iter().map(|(path, change)| {
            let after = match change {
                FileChange::Written(text) => Some(text.clone()),
                FileChange::Removed => None,
            };
            Ok((path.clone(), files::text(path)?, after))
        });
        changes.collect()
    }

    /// The changed files, as they are named in the journal: below the folder of the configuration.
    pub(super) fn names(&self) -> Vec<String> {
        let folder = self.folder();
        let short = |path: &Path| {
            path.strip_prefix(&folder)
                .unwrap_or(path)
                .display()
                .to_string()
        };
        self.changed.iter().map(|(path, _)| short(path)).collect()
    }

    /// Writes it.
    pub(super) fn save(self) -> Result<(), EditError> {
        for (path, change) in &self.changed {
            match change {
                FileChange::Written(text) => {
                    let access = match Access::of(path) {
                        Ok(access) => access,
                        Err(_) => new_file(path)?,
                    };
                    files::replace(path, text.as_bytes(), access)?;
                }
                FileChange::Removed => files::remove(path)?,
            }
        }
        Ok(())
    }

    /// Runs a future to its end.
    pub(super) fn block_on<F: Future>(&self, future: F) -> Result<F::Output, EditError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| EditError::Io {
            what: "no runtime can be started".to_owned(),
            error: Some(error),
        })?;
        Ok(runtime.block_on(future))
    }

    fn change(&mut self, path: &Path, change: FileChange) {
        self.changed.retain(|(changed, _)| changed != path);
        self.changed.push((path.to_owned(), change));
    }

    /// Why a file can't be edited: it is no TOML.
    fn unreadable(&self, path: &Path) -> EditError {
        let name = path.display().to_string();
        let of_file = self.faults.iter().filter(|fault| fault.file == name);
        match Faults::none_of(of_file.cloned().collect()) {
            Err(faults) => EditError::NotToml(faults),
            Ok(()) => EditError::refused(format!("{name} can't be edited: it is not TOML")),
        }
    }
}

/// A new file belongs to the owner of its folder, and is read by those who may look into it.
fn new_file(path: &Path) -> Result<Access, EditError> {
    let folder = names::folder_of(path);
    let access = Access::of(&folder).map_err(EditError::io(&folder, "read"))?;
    Ok(access.with_mode(access.mode & 0o644))
}
