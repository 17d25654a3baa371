//! Secrets of senders: read when a sender starts, from where the configuration says.
//!
//! Without a word in the configuration, the secret `auth_token` of sender `twilio` is the file
//! `secrets/twilio.auth_token` in the state folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, io,
    io::Read,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use jiff::civil::Date;
use textsender_plugin_api::Secret;

use crate::{
    config::SecretRef,
    os::{limits, rights::Rights},
    trust,
};

/// The folder of stored secrets, in the state folder.
pub const FOLDER: &str = "secrets";

/// What the names of the hub's callers' tokens begin with, in place of a sender's: `serve.portal`.
pub const TOKENS: &str = "serve";

/// The password of the database of a shared ledger is kept like a sender's secret of this name.
pub const LEDGER: &str = "ledger";

/// The passwords of directories are kept like a sender's secrets of this name: `directories.example.password`.
pub const DIRECTORIES: &str = "directories";

/// Its setting.
pub const PASSWORD: &str = "password";

/// What the name of a token ends with that is to follow another: `serve.portal.next`.
pub const NEXT: &str = ".next";

/// The longest secret, in bytes: a private key in PEM is shorter.
const MAX_SECRET: u64 = 64 * 1024;

/// The bit of a mode by which every account may read.
const OTHERS_READ: u32 = 0o004;

/// The file in the state folder that has the dates on which stored secrets end, by name.
pub const EXPIRY: &str = "expiry.json";

/// The dates on which stored secrets end, as far as they were told. A file that can't be read has none: sending does
/// not need it.
pub fn expiry_dates(state: &Path) -> BTreeMap<String, Date> {
    let text = trust::open(&state.join(EXPIRY)).and_then(io::read_to_string);
    text.ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Why a secret can't be read. It names places, never a value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read, or is not to be believed.
    #[error("{key}: {}", self.what())]
    File {
        /// Which setting.
        key: String,
        /// The file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// The environment has no such variable, or it is not UTF-8.
    #[error("{key}: {}", self.what())]
    Env {
        /// Which setting.
        key: String,
        /// The variable.
        name: String,
    },
    /// systemd gave no credentials to this process.
    #[error("{key}: {}; {}", self.what(), self.remedy())]
    NoCredentials {
        /// Which setting.
        key: String,
        /// The credential.
        name: String,
    },
    /// It is there, but empty.
    #[error("{key}: {}", self.what())]
    Empty {
        /// Which setting.
        key: String,
    },
}

impl SecretError {
    /// The same of a secret that is stored in this state folder.
    fn in_state(self, state: &Path) -> Self {
        match self {
            Self::File { key, path, error } => Self::File {
                key,
                path,
                error: trust::of_state(state, error),
            },
            other => other,
        }
    }

    /// What is wrong, without the setting's name.
    pub fn what(&self) -> String {
        match self {
            Self::File { path, error, .. } => {
                format!("{}: {}", path.display(), limits::explained(error))
            }
            Self::Env { name, .. } => format!("the environment variable {name} is not set"),
            Self::NoCredentials { name, .. } => {
                format!("there is no credential {name}: $CREDENTIALS_DIRECTORY is not set")
            }
            Self::Empty { .. } => "the secret is empty".to_owned(),
        }
    }

    /// Whether it is this process that lacks something, such as descriptors: nothing is wrong with the secret.
    pub fn passes(&self) -> bool {
        matches!(self, Self::File { error, .. } if limits::reached(error).is_some())
    }

    /// The setting whose secret can be read but is none: empty, too long, no text.
    pub fn unusable(&self) -> Option<&str> {
        match self {
            Self::Empty { key } => Some(key),
            Self::File { key, error, .. } => {
                (error.kind() == io::ErrorKind::InvalidData).then_some(key.as_str())
            }
            Self::Env { .. } | Self::NoCredentials { .. } => None,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::File { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                "let the account that sends read it; for stored secrets, `sudo textsender doctor --fix` does that".to_owned()
            }
            Self::File { path, .. } => {
                format!(
                    "put the secret into {}, readable by this user",
                    path.display()
                )
            }
            Self::Env { name, .. } => format!("set {name} where textsender is started"),
            Self::NoCredentials { name, .. } => {
                format!("start it with systemd's LoadCredential={name}")
            }
            Self::Empty { .. } => "store it again".to_owned(),
        }
    }
}

/// The file in which a secret of a sender is stored.
pub fn file_of(state: &Path, sender: &str, key: &str) -> PathBuf {
    state.join(FOLDER).join(format!("{sender}.{key}"))
}

/// The directory whose password has a name that ends like this: `example.password`.
pub fn directory_of(key: &str) -> Option<&str> {
    key.strip_suffix(PASSWORD)?.strip_suffix('.')
}

/// The password with which a directory is entered.
///
/// # Errors
///
/// It is not stored, or can't be read.
pub fn of_directory(state: &Path, directory: &str) -> Result<Secret, SecretError> {
    let key = format!("{directory}.{PASSWORD}");
    let stored = from_file(PASSWORD, &file_of(state, DIRECTORIES, &key));
    stored.map_err(|error| error.in_state(state))
}

/// The file that a reference leads to, if it is one.
pub fn file_referred(reference: &SecretRef) -> Option<PathBuf> {
    match reference {
        SecretRef::File(path) => Some(path.clone()),
        SecretRef::Credential(name) => {
            Some(PathBuf::from(env::var_os("CREDENTIALS_DIRECTORY")?).join(name))
        }
        SecretRef::Env(_) => None,
    }
}

/// The settings of a sender that are stored as secrets, as far as the folder can be read.
pub fn keys(state: &Path, sender: &str) -> Vec<String> {
    let entries = state.join(FOLDER).read_dir().into_iter().flatten();
    let mut keys: Vec<String> = entries
        .filter_map(|entry| key_of(entry.ok()?.file_name().to_str()?, sender).map(str::to_owned))
        .collect();
    keys.sort();
    keys
}

/// The setting that a file of this name is the secret of. A copy, such as `twilio.auth_token.old`, is
/// none: no setting has such a name.
fn key_of<'n>(name: &'n str, sender: &str) -> Option<&'n str> {
    let key = name.strip_prefix(sender)?.strip_prefix('.')?;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (!key.is_empty() && key.bytes().all(fits)).then_some(key)
}

/// The secrets that are stored for a sender, by setting.
///
/// # Errors
///
/// One of them can't be read.
pub fn stored(state: &Path, sender: &str) -> Result<BTreeMap<String, Secret>, SecretError> {
    let folder = state.join(FOLDER);
    let failed = |error| SecretError::File {
        key: sender.into(),
        path: folder.clone(),
        error,
    };
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut secrets = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if let Some(key) = name.to_str().and_then(|name| key_of(name, sender)) {
            let secret = from_file(key, &entry.path());
            let secret = secret.map_err(|error| error.in_state(state))?;
            secrets.insert(key.to_owned(), secret);
        }
    }
    Ok(secrets)
}

/// The secret that a setting refers to.
///
/// # Errors
///
/// It can't be read.
pub fn referred(key: &str, reference: &SecretRef) -> Result<Secret, SecretError> {
    match reference {
        SecretRef::File(path) => from_file(key, path),
        SecretRef::Env(name) => {
            let value = env::var(name);
            let value = value.map_err(|_| SecretError::Env {
                key: key.into(),
                name: name.into(),
            })?;
            checked(key, value)
        }
        SecretRef::Credential(name) => {
            let folder = env::var_os("CREDENTIALS_DIRECTORY");
            let none = || SecretError::NoCredentials {
                key: key.into(),
                name: name.into(),
            };
            from_file(key, &PathBuf::from(folder.ok_or_else(none)?).join(name))
        }
    }
}

fn from_file(key: &str, path: &Path) -> Result<Secret, SecretError> {
    let read = || {
        let mut value = String::new();
        let file = trust::open(path)?;
        let is_open = Rights::of(&file.metadata()?).mode & OTHERS_READ != 0;
        if is_open && is_news(path) {
            let path = path.display();
            tracing::warn!("every account can read the secret {path}; fix it: chmod o= {path}");
        }
        let read = file.take(MAX_SECRET + 1).read_to_string(&mut value);
        read.map_err(trust::in_our_words)?;
        if value.len() as u64 > MAX_SECRET {
            let words = "is longer than 64 KiB, the most that a secret may have";
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(value)
    };
    let value = read();
    let value = value.map_err(|error| SecretError::File {
        key: key.into(),
        path: path.into(),
        error,
    })?;
    checked(key, value)
}

/// Whether this process has not warned of a file yet: it is read often.
fn is_news(path: &Path) -> bool {
    static WARNED_OF: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut warned_of = WARNED_OF.lock().unwrap_or_else(PoisonError::into_inner);
    warned_of.insert(path.to_owned())
}

/// Editors and `echo` end a file with a line break, and some begin it with a byte order mark: no parts of a secret.
fn checked(key: &str, value: String) -> Result<Secret, SecretError> {
    let value = value.strip_prefix('\u{feff}').unwrap_or(&value);
    let secret = Secret::new(value.trim_end_matches(['\r', '\n']));
    match secret.expose().is_empty() {
        true => Err(SecretError::Empty { key: key.into() }),
        false => Ok(secret),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn stored_secrets_are_found_by_name() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join(FOLDER);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("twilio.auth_token"), "\u{feff}t0k3n\r\n").unwrap();
        fs::write(folder.join("twilio-eu.auth_token"), "other").unwrap();
        // What people leave beside it is no secret of the sender's.
        fs::write(folder.join("twilio.auth_token.old"), "older").unwrap();
        fs::write(folder.join("twilio.auth_token~"), "").unwrap();

        let secrets = stored(state.path(), "twilio").unwrap();
        let keys: Vec<_> = secrets.keys().collect();
        assert_eq!(keys, ["auth_token"]);
        assert_eq!(secrets["auth_token"].expose(), "t0k3n");
        assert!(
            stored(&state.path().join("nowhere"), "twilio")
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_secret_that_is_too_long_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("long");
        fs::write(&file, "x".repeat(64 * 1024 + 1)).unwrap();
        let error = referred("key", &SecretRef::File(file)).unwrap_err();
        assert!(error.to_string().contains("longer than 64 KiB"), "{error}");
    }

    #[test]
    fn errors_say_where_and_never_what() {
        let file = |name: &str| SecretRef::File(name.into());
        let missing = referred("auth_token", &file("/nowhere/token"))
            .unwrap_err()
            .to_string();
        assert!(
            missing.starts_with("auth_token: /nowhere/token: "),
            "{missing}"
        );
        let unset = referred("auth_token", &SecretRef::Env("TEXTSENDER_NONE".into())).unwrap_err();
        assert!(unset.to_string().contains("TEXTSENDER_NONE"));
    }
}
