//! The tokens of callers: stored secrets `serve.NAME`, and `serve.NAME.next` beside it, so that a change
//! needs no outage.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use ring::{hmac, rand::SystemRandom};
use textsender_plugin_api::Secret;

use crate::{
    config::{Fingerprint, SecretRef, is_name},
    secrets,
};

/// Tokens as they were read last. They are compared by keyed hashes: how long that takes says nothing of
/// what is right.
pub(super) struct Tokens {
    key: hmac::Key,
    read: Mutex<Read>,
}

#[derive(Default)]
struct Read {
    folder: PathBuf,
    seen: Fingerprint,
    known: Vec<Known>,
}

struct Known {
    /// The caller's.
    name: String,
    tag: hmac::Tag,
    /// By which the caller signs, if it does.
    secret: Secret,
}

impl Tokens {
    /// Reads none yet.
    ///
    /// # Errors
    ///
    /// The system has no randomness to give.
    pub(super) fn new() -> io::Result<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Ok(Self {
            key: key.map_err(|_| io::Error::other("the system gives no random bytes"))?,
            read: Mutex::default(),
        })
    }

    /// The caller that this token names, by the files that are in the state folder now.
    pub(super) fn name_of(&self, token: &str, state: &Path) -> Option<String> {
        // All are compared, wherever the right one is.
        let mut found = None;
        for known in &self.current(state).known {
            let is_it = hmac::verify(&self.key, token.as_bytes(), known.tag.as_ref()).is_ok();
            if is_it {
                found = Some(known.name.clone());
            }
        }
        found
    }

    /// The secrets of this caller, by which it signs: one, or two while it changes.
    pub(super) fn secrets_of(&self, name: &str, state: &Path) -> Vec<Secret> {
        let read = self.current(state);
        let own = read.known.iter().filter(|known| known.name == name);
        own.map(|known| known.secret.clone()).collect()
    }

    fn current(&self, state: &Path) -> MutexGuard<'_, Read> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = state.join(secrets::FOLDER);
        if read.folder != folder || read.seen.changed() {
            *read = self.read(folder);
        }
        read
    }

    fn read(&self, folder: PathBuf) -> Read {
        let entries = folder.read_dir().into_iter().flatten().flatten();
        let files: Vec<(String, PathBuf)> = entries
            .filter_map(|entry| {
                let name = name_of(entry.file_name().to_str()?)?.to_owned();
                Some((name, entry.path()))
            })
            .collect();
        let paths = files.iter().map(|(_, path)| path.clone());
        let seen = Fingerprint::of(paths.chain([folder.clone()]));
        let mut known = Vec::new();
        for (name, path) in files {
            match secrets::referred(&name, &SecretRef::File(path)) {
                Ok(secret) => known.push(Known {
                    tag: hmac::sign(&self.key, secret.expose().as_bytes()),
                    name,
                    secret,
                }),
                Err(error) => tracing::error!("a token can't be used: serve.{error}"),
            }
        }
        Read {
            folder,
            seen,
            known,
        }
    }
}

/// The caller whose token is in a file of this name, if that is one.
fn name_of(file: &str) -> Option<&str> {
    let name = file.strip_prefix(secrets::TOKENS)?.strip_prefix('.')?;
    let name = name.strip_suffix(secrets::NEXT).unwrap_or(name);
    is_name(name).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_of_a_token_needs_no_outage() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join(secrets::FOLDER);
        fs::create_dir(&folder).unwrap();
        let store = |name: &str, token: &str| {
            let new = folder.join(".new");
            fs::write(&new, token).unwrap();
            fs::rename(new, folder.join(name)).unwrap();
        };
        let tokens = Tokens::new().unwrap();
        let name_of = |token: &str| tokens.name_of(token, state.path());
        assert_eq!(name_of("old"), None);
        store("serve.portal", "old\n");
        assert_eq!(name_of("old").as_deref(), Some("portal"));
        store("serve.portal.next", "new");
        store("serve.helpdesk", "other");
        for (token, name) in [("old", "portal"), ("new", "portal"), ("other", "helpdesk")] {
            assert_eq!(name_of(token).as_deref(), Some(name));
        }
        store("serve.portal", "new");
        fs::remove_file(folder.join("serve.portal.next")).unwrap();
        assert_eq!(name_of("old"), None);
        assert_eq!(name_of("new").as_deref(), Some("portal"));
    }

    #[test]
    fn copies_and_other_secrets_are_no_tokens() {
        for (file, name) in [
            ("serve.portal", Some("portal")),
            ("serve.portal.next", Some("portal")),
            ("serve.portal.old", None),
            ("serve.portal~", None),
            ("serve.", None),
            ("serve..next", None),
            ("serve", None),
            ("server.portal", None),
            ("twilio.auth_token", None),
        ] {
            assert_eq!(name_of(file), name, "{file}");
        }
    }

    #[test]
    fn no_token_is_the_empty_one() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join(secrets::FOLDER);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("serve.portal"), "\n").unwrap();
        let tokens = Tokens::new().unwrap();
        assert_eq!(tokens.name_of("", state.path()), None);
    }
}
