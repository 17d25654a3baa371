//! A complete installation of textsender in a temporary folder: configuration, policies, secrets, plugins, state.
//!
//! `sandbox run` and the end-to-end tests make one and change what they need. Every change is on the disk when the
//! call returns, written beside and renamed as an editor does it, so that a running `--stream` notices it whole.
//! Modes are set outright: the caller's umask plays no part.
//!
//! ```
//! use textsender_tests::sandbox::site::Site;
//!
//! let mut site = Site::new()?;
//! site.merge(
//!     r#"
//!     [senders.twilio]
//!     plugin = "twilio"
//!     settings = { account_sid = "AC00000000000000000000000000000001" }
//!     "#,
//! )?;
//! site.set("senders.twilio.timeout", "2s")?;
//! site.secret("twilio.auth_token", "not a real one")?;
//! assert!(std::fs::read_to_string(site.config_file())?.contains(r#"timeout = "2s""#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod edit;
mod files;
mod senders;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use toml::{Table, Value};

use self::edit::{merge, remove_leaf, replace_leaf};
use self::files::{copy, io_error, make_folder, set_mode, write};

/// What every site begins with. Limits only record, so that a loop of sends is not refused.
const BASE: &str = r#"
[limits]
recipient = { limits = ["5/10m", "20/1d"], mode = "record" }
prefix = { limits = ["50/10m"], mode = "record" }
"#;

/// A file of a site could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: "write", "copy", ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A fragment or key is not TOML.
    #[error("this is not TOML: {text}: {source}")]
    Toml {
        /// What was given.
        text: String,
        /// What is wrong with it.
        source: Box<toml::de::Error>,
    },
    /// There is nothing to send with.
    #[error(
        "no plugins (libtextsender_*{}) in {}; build first: cargo build",
        std::env::consts::DLL_SUFFIX,
        folder.display()
    )]
    NoPlugins {
        /// Where they were looked for.
        folder: PathBuf,
    },
}

/// An installation in a temporary folder, which goes when this value is dropped.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    config: Table,
}

impl Site {
    /// An installation without senders, policies and plugins.
    ///
    /// # Errors
    /// Those of making its folders and its configuration.
    pub fn new() -> Result<Self, SiteError> {
        let made = tempfile::Builder::new().prefix("textsender-").tempdir();
        let folder = made.map_err(io_error("make a folder in", &std::env::temp_dir()))?;
        let mut site = Self {
            folder,
            config: Table::new(),
        };
        set_mode(site.folder(), 0o700)?;
        for (folder, mode) in [
            (site.plugins(), 0o755),
            (site.policies(), 0o755),
            (site.state(), 0o700),
            (site.state().join("secrets"), 0o700),
        ] {
            make_folder(&folder, mode)?;
        }
        site.set("plugins.folder", site.plugins().display().to_string())?;
        site.set("state.folder", site.state().display().to_string())?;
        site.merge(BASE)?;
        Ok(site)
    }

    /// Adds a sender, or replaces the one of this name.
    ///
    /// # Errors
    /// Those of writing.
    pub fn sender<'a>(
        &mut self,
        name: &str,
        plugin: &str,
        settings: impl IntoIterator<Item = (&'a str, Value)>,
    ) -> Result<(), SiteError> {
        let settings = settings.into_iter();
        self.add_sender(
            name,
            plugin,
            settings
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    fn add_sender(&mut self, name: &str, plugin: &str, settings: Table) -> Result<(), SiteError> {
        let mut sender = Table::new();
        sender.insert("plugin".into(), plugin.into());
        sender.insert("settings".into(), settings.into());
        let senders = self
            .config
            .entry("senders")
            .or_insert_with(|| Table::new().into());
        if let Some(senders) = senders.as_table_mut() {
            senders.insert(name.to_owned(), sender.into());
        }
        self.write_config()
    }

    /// Merges a fragment of `textsender.toml` into the configuration; tables are joined, anything else is replaced.
    ///
    /// # Errors
    /// If it is not TOML, and those of writing.
    pub fn merge(&mut self, fragment: &str) -> Result<(), SiteError> {
        merge(&mut self.config, parse(fragment)?);
        self.write_config()
    }

    /// Sets one key, given as TOML writes it: `senders.twilio.timeout`, `containers."OU=A,DC=b".block_inheritance`.
    ///
    /// # Errors
    /// If it is not a key, and those of writing.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<(), SiteError> {
        let mut path = parse(&format!("{key} = 0"))?;
        replace_leaf(&mut path, &value.into());
        merge(&mut self.config, path);
        self.write_config()
    }

    /// Removes one key, if it is there.
    ///
    /// # Errors
    /// If it is not a key, and those of writing.
    pub fn unset(&mut self, key: &str) -> Result<(), SiteError> {
        let path = parse(&format!("{key} = 0"))?;
        remove_leaf(&mut self.config, &path);
        self.write_config()
    }

    /// Writes `textsender.toml` as it stands here, for tests of what a file may look like. The next change made
    /// through this value writes over it.
    ///
    /// # Errors
    /// Those of writing.
    pub fn raw_config(&self, text: &str) -> Result<(), SiteError> {
        write(&self.config_file(), text.as_bytes(), 0o644)
    }

    /// Writes the policy file `policies/STEM.toml`.
    ///
    /// # Errors
    /// Those of writing.
    pub fn policy(&self, stem: &str, text: &str) -> Result<(), SiteError> {
        write(
            &self.policies().join(format!("{stem}.toml")),
            text.as_bytes(),
            0o644,
        )
    }

    /// Removes the policy file `policies/STEM.toml`.
    ///
    /// # Errors
    /// If it is not there.
    pub fn remove_policy(&self, stem: &str) -> Result<(), SiteError> {
        let path = self.policies().join(format!("{stem}.toml"));
        fs::remove_file(&path).map_err(io_error("remove", &path))
    }

    /// Stores a secret, by its full name: `twilio.auth_token`.
    ///
    /// # Errors
    /// Those of writing.
    pub fn secret(&self, name: &str, value: &str) -> Result<(), SiteError> {
        write(
            &self.state().join("secrets").join(name),
            value.as_bytes(),
            0o600,
        )
    }

    /// Copies every `libtextsender_*` library of a folder; returns the plugins' names, sorted.
    ///
    /// # Errors
    /// [`SiteError::NoPlugins`], and those of reading and writing.
    pub fn copy_plugins(&self, from: &Path) -> Result<Vec<String>, SiteError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(from).map_err(io_error("read", from))? {
            let path = entry.map_err(io_error("read", from))?.path();
            if let Some(name) = plugin_name(&path) {
                self.plugin(&path)?;
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err(SiteError::NoPlugins {
                folder: from.to_owned(),
            });
        }
        names.sort();
        Ok(names)
    }

    /// Copies one library into the plugin folder, under its own file name.
    ///
    /// # Errors
    /// Those of copying.
    pub fn plugin(&self, file: &Path) -> Result<(), SiteError> {
        let target = self.plugins().join(file.file_name().unwrap_or_default());
        copy(file, &target, 0o755)
    }

    /// The folder that holds everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `textsender.toml`, for `--config` or `$TEXTSENDER_CONFIG`.
    pub fn config_file(&self) -> PathBuf {
        self.folder().join("textsender.toml")
    }

    /// The folder of policy files.
    pub fn policies(&self) -> PathBuf {
        self.folder().join("policies")
    }

    /// The state folder: ledger and secrets.
    pub fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// The plugin folder.
    pub fn plugins(&self) -> PathBuf {
        self.folder().join("plugins")
    }

    /// The configuration as it was last written.
    pub fn config(&self) -> &Table {
        &self.config
    }

    /// Leaves the folder on the disk and says where it is.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    fn write_config(&self) -> Result<(), SiteError> {
        // A table of tables, strings and numbers is always TOML.
        write(
            &self.config_file(),
            self.config.to_string().as_bytes(),
            0o644,
        )
    }
}

/// `libtextsender_govuk_notify.so` is "govuk-notify".
fn plugin_name(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    let name = file
        .strip_prefix("libtextsender_")?
        .strip_suffix(std::env::consts::DLL_SUFFIX)?;
    Some(name.replace('_', "-"))
}

fn parse(text: &str) -> Result<Table, SiteError> {
    text.parse().map_err(|source| SiteError::Toml {
        text: text.trim().to_owned(),
        source: Box::new(source),
    })
}
