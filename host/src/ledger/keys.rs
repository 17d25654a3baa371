//! Keyed hashes: how the ledger recognises a number or a code that it must not know.
//!
//! HMAC-SHA-256 (RFC 2104, from `ring`, which TLS brings along), cut to 128 bits. The key is 32
//! random bytes in `ledger.key`; an attacker who has the ledger without the key learns nothing from a hash,
//! even though numbers and codes are few enough to try them all.
//!
//! # A new key
//!
//! While machines that share a ledger get a new key, some write with the old one and some with the new one. So a key
//! may have another beside it: `ledger.key.next`, before this machine writes with that one, and `ledger.key.before`,
//! afterwards. What is looked for is looked for by both: repeats, what limits count, people.

use std::fs::File;
use std::io::{Read, Write};
use std::iter;
use std::path::PathBuf;

use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use textsender_plugin_api::{Phone, Purpose};
use zeroize::Zeroizing;

use super::error::LedgerError;
use super::folder::Folder;
use super::limits::Scope;
use super::stored::hexadecimal;
use crate::trust;

/// A hash as it is stored: 128 bits.
pub(super) type Digest = [u8; 16];

/// The ledger's key, and perhaps another, by which rows may have been written.
pub(super) struct Keys {
    key: hmac::Key,
    other: Option<Box<Keys>>,
    /// Whether the other is the one of before.
    is_after: bool,
}

/// What proves to a shared ledger that this machine has its key.
#[derive(Clone, Default)]
pub(super) struct Proof {
    /// That of the key that is written with; empty: this machine has none yet.
    pub own: String,
    /// That of the key of before, which the shared ledger may know still.
    pub before: Option<String>,
    /// That of the next one.
    pub next: Option<String>,
}

impl Keys {
    /// Reads the key; `None` if the file is missing or is not a key.
    pub fn read(folder: &Folder) -> Result<Option<Keys>, LedgerError> {
        let Some(keys) = Self::read_file(folder, "")? else {
            return Ok(None);
        };
        // Between two commands both may be there.
        for (ending, is_after) in [(NEXT, false), (BEFORE, true)] {
            if let Some(other) = Self::read_file(folder, ending)? {
                return Ok(Some(Keys {
                    other: Some(Box::new(other)),
                    is_after,
                    ..keys
                }));
            }
        }
        Ok(Some(keys))
    }

    fn read_file(folder: &Folder, ending: &str) -> Result<Option<Keys>, LedgerError> {
        let mut path = folder.key().into_os_string();
        path.push(ending);
        let path = PathBuf::from(path);
        // Mostly there is no other, which each send asks.
        if !ending.is_empty() && !path.exists() {
            return Ok(None);
        }
        let read = || -> std::io::Result<_> {
            let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES + 1));
            trust::open(&path)?
                .take(KEY_BYTES as u64 + 1)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) if bytes.len() == KEY_BYTES => Ok(Some(Keys::new(&bytes))),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(folder.fault(&error, &path)),
        }
    }

    /// Makes a new key and stores it durably. The caller holds the guard alone.
    pub fn make(folder: &Folder) -> Result<Keys, LedgerError> {
        let path = folder.key();
        let mut bytes = Zeroizing::new([0u8; KEY_BYTES]);
        SystemRandom::new()
            .fill(bytes.as_mut())
            .map_err(|_| LedgerError::Unusable {
                path: path.clone(),
                reason: "the system gave no random bytes".to_owned(),
            })?;
        // A file of another size, from a crash half-way, is written over.
        let mut file: File = folder.open_or_make(&path)?;
        file.set_len(0)
            .and_then(|()| file.write_all(bytes.as_ref()))
            .and_then(|()| file.sync_all())
            .map_err(|error| folder.fault(&error, &path))?;
        Ok(Keys::new(bytes.as_ref()))
    }

    fn new(bytes: &[u8]) -> Keys {
        Keys {
            key: hmac::Key::new(hmac::HMAC_SHA256, bytes),
            other: None,
            is_after: false,
        }
    }

    /// The other key, while there are two.
    pub fn other(&self) -> Option<&Keys> {
        self.other.as_deref()
    }

    /// Whether the other key is the one of before.
    pub fn is_after(&self) -> bool {
        self.is_after
    }

    /// This key, and the other while there are two.
    pub fn all(&self) -> impl Iterator<Item = &Keys> {
        iter::once(self).chain(self.other())
    }

    /// The same by both keys.
    pub fn both<T>(&self, of: impl Fn(&Keys) -> T) -> (T, Option<T>) {
        (of(self), self.other().map(&of))
    }

    /// What this machine proves itself by.
    pub fn proofs(&self) -> Proof {
        let (own, other) = self.both(|keys| hexadecimal(&keys.proof()));
        let (before, next) = match self.is_after {
            true => (other, None),
            false => (None, other),
        };
        Proof { own, before, next }
    }

    /// Proves, stored in the ledger, that the ledger was written with this key.
    pub fn proof(&self) -> Digest {
        self.digest("proof", &[])
    }

    /// A number, for the audit.
    pub fn recipient(&self, phone: &Phone) -> Digest {
        self.digest("recipient", &[phone.e164().as_bytes()])
    }

    /// What numbers share that differ in the last four digits only.
    pub fn prefix(&self, prefix: &str) -> Digest {
        self.digest("prefix", &[prefix.as_bytes()])
    }

    /// A user's name, for the audit. Directories do not tell capital letters from small ones.
    pub fn user(&self, name: &str) -> Digest {
        self.digest("user", &[name.to_lowercase().as_bytes()])
    }

    /// Where a request came from, for the audit.
    pub fn source(&self, address: &str) -> Digest {
        self.digest("source", &[address.as_bytes()])
    }

    /// What a limit counts together: "recipient, +44...".
    pub fn window(&self, scope: Scope, value: &str) -> Digest {
        self.digest("window", &[scope.name().as_bytes(), value.as_bytes()])
    }

    /// What machines are compared by: a file or a secret.
    pub fn setup(&self, bytes: &[u8]) -> Digest {
        self.digest("setup", &[bytes])
    }

    /// What makes two messages the same, but the secret.
    pub fn content(&self, purpose: Purpose, phone: &Phone) -> Digest {
        self.digest(
            "content",
            &[purpose.as_str().as_bytes(), phone.e164().as_bytes()],
        )
    }

    /// A message whose caller has no ids: what it says. The code is in it, and can't be told from it: without
    /// the key all codes would have to be tried with all keys.
    pub fn message(&self, content: &[String]) -> Digest {
        let parts: Vec<_> = content.iter().map(String::as_bytes).collect();
        self.digest("message", &parts)
    }

    /// What the ledger keeps of a code or password: 16 bits. Enough to notice a mistake (one in
    /// 65,536 goes unnoticed); far too few to tell which code it was.
    pub fn secret_tag(&self, id: &str, secret: &str) -> u16 {
        let [first, second, ..] = self.digest("secret", &[id.as_bytes(), secret.as_bytes()]);
        u16::from_le_bytes([first, second])
    }

    /// `use_` keeps hashes of different uses apart; each part is preceded by its length, so that no
    /// two lists of parts are the same bytes.
    fn digest(&self, use_: &str, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [&[use_.as_bytes()], parts].concat() {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let tag = context.sign();
        let mut digest = Digest::default();
        digest.copy_from_slice(&tag.as_ref()[..16]);
        digest
    }
}

/// Endings of the files of other keys.
const BEFORE: &str = ".before";
const NEXT: &str = ".next";

const KEY_BYTES: usize = 32;
