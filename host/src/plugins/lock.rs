//! `plugins.lock`: what an administrator approved under `trust = "pinned"`.
//!
//! It lies beside the configuration, and may be written by no other account. It names, for each plugin,
//! the checksum of its file and the hosts that it may declare:
//!
//! ```toml
//! [twilio]
//! sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
//! hosts = ["api.twilio.com"]
//! ```

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt,
    fs::File,
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::verify::Checksum;
use crate::{os::rights, trust};

/// The file's name.
const NAME: &str = "plugins.lock";

/// The longest file that is read, in bytes: a thousand plugins have a tenth of it.
const MAX_LOCK: u64 = 4 << 20;

/// What was approved of one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Its file's.
    pub checksum: Checksum,
    /// Hosts that it may declare.
    pub hosts: Vec<String>,
}

/// What was approved of all plugins, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// One pin for each plugin.
    pub pins: BTreeMap<String, Pin>,
}

/// A lock file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It can't be read or written, or others can write to it.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not as this program writes it.
    #[error("{path}: {what}; approve the plugins again", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
}

/// A pin as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    sha256: String,
    #[serde(default)]
    hosts: Vec<String>,
}

impl Lock {
    /// The lock file beside a configuration.
    pub fn beside(config: &Path) -> PathBuf {
        config.with_file_name(NAME)
    }

    /// Reads a lock file. One that is not there approves nothing.
    ///
    /// # Errors
    ///
    /// It can't be read, others can write to it, or it is malformed.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let text = match read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => {
                return Err(LockError::Io {
                    path: path.into(),
                    source,
                });
            }
        };
        let malformed = |what: String| LockError::Malformed {
            path: path.into(),
            what,
        };
        let written: BTreeMap<String, Written> =
            toml::from_str(&text).map_err(|error| malformed(error.message().to_owned()))?;
        let mut pins = BTreeMap::new();
        for (plugin, Written { sha256, hosts }) in written {
            let checksum = sha256
                .parse()
                .map_err(|error| malformed(format!("{plugin}: {error}")))?;
            pins.insert(plugin, Pin { checksum, hosts });
        }
        Ok(Self { pins })
    }

    /// Writes the lock file anew, in place of the old one.
    ///
    /// # Errors
    ///
    /// It can't be written; then the old one stands.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let beside = |name: &OsStr| [name, OsStr::new(".new")].into_iter().collect();
        let write = |file: &mut File| {
            file.write_all(self.to_string().as_bytes())?;
            rights::set_mode(file, 0o644)?;
            file.sync_all()
        };
        match trust::replace(path, beside, write) {
            Ok(_) => Ok(()),
            Err(source) => Err(LockError::Io {
                path: path.into(),
                source,
            }),
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    trust::open(path)?
        .take(MAX_LOCK)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// As it stands in the file.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Plugins that were approved, and the hosts that each may declare."
        )?;
        // A JSON string is a TOML string, but for one control character.
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let quoted = |text: &str| json(text).replace('\u{7f}', "\\u007f");
        for (plugin, Pin { checksum, hosts }) in &self.pins {
            let hosts: Vec<_> = hosts.iter().map(|host| quoted(host)).collect();
            writeln!(f, "\n[{}]", quoted(plugin))?;
            writeln!(f, "sha256 = \"{checksum}\"")?;
            writeln!(f, "hosts = [{}]", hosts.join(", "))?;
        }
        Ok(())
    }
}

impl Pin {
    /// Hosts that a plugin declares and that are not approved.
    pub fn unapproved<'a>(&self, declared: &'a [String]) -> Vec<&'a str> {
        let is_new = |host: &&String| !self.hosts.contains(host);
        declared.iter().filter(is_new).map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_lock_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = Lock::beside(&folder.path().join("textsender.toml"));
        assert_eq!(Lock::read(&path).unwrap(), Lock::default());
        let pin = Pin {
            checksum: Checksum::of(b"library"),
            hosts: vec!["api.acme.example".into(), "odd \"\\\u{7f}\n".into()],
        };
        let lock = Lock {
            pins: [("acme".to_owned(), pin)].into(),
        };
        lock.write(&path).unwrap();
        assert_eq!(Lock::read(&path).unwrap(), lock);
    }

    #[test]
    fn a_lock_that_is_not_ours_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        for (text, words) in [
            ("acme", "expected"),
            ("[acme]\nhosts = []", "sha256"),
            ("[acme]\nsha256 = \"abc\"", "acme: a checksum is 64"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Lock::read(&path).unwrap_err().to_string();
            assert!(
                error.contains(words) && error.contains(NAME),
                "{text}: {error}"
            );
        }
    }
}
