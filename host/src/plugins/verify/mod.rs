//! What a plugin's file is, told without loading it: whose it is, what it holds, what it needs.
//!
//! The file is opened and read once. The facts are those of the bytes that were read, and these
//! bytes are what is loaded: see `Image`.

mod checksum;

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};

use textsender_plugin_api::abi::ENTRY_SYMBOL;

use crate::{
    os::{
        library::{self, Contents, Malformed},
        limits,
        seal::{self, Image},
    },
    trust,
};

pub use checksum::Checksum;

/// The largest library that is looked at, in bytes. A large one with debug information has a tenth.
const MAX_LIBRARY: u64 = 256 << 20;

/// What a plugin's file is. It can be loaded if there are no faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its SHA-256, if it could be read.
    pub checksum: Option<Checksum>,
    /// The libraries that it needs, by the names under which the linker looks for them.
    pub needed: Vec<String>,
    /// Everything that is wrong with it.
    pub faults: Vec<FileFault>,
}

/// Something that is wrong with a plugin's file: it will not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum FileFault {
    /// It is not there.
    #[error("it is not there")]
    Missing,
    /// It can't be opened or read: the system's words.
    #[error("it can't be read: {0}")]
    Unreadable(String),
    /// Its bytes can't be fixed, through no fault of its own: our words.
    #[error("{0}")]
    NotFixed(String),
    /// Others could change it: what, and the command that fixes it.
    #[error("{0}")]
    Unsafe(String),
    /// It is far larger than a library.
    #[error("it is larger than 256 MiB, so it is not a plugin")]
    TooLarge,
    /// It is no shared library, or a damaged one.
    #[error("it is not a shared library")]
    NotALibrary,
    /// Its end is missing: the linker would map it all the same, and it would die at a touch.
    #[error("it is cut short: copy it again")]
    CutShort,
    /// It is a library for another processor.
    #[error(
        "it is built for another kind of machine; build it for {}",
        std::env::consts::ARCH
    )]
    OtherMachine,
    /// It does not export a plugin's entry point.
    #[error(
        "it is a library, but no textsender plugin: nothing in it was exported with export_sender!"
    )]
    NoEntry,
    /// Libraries that it needs are not in the system's folders.
    #[error("it needs libraries that are not installed: {}; install them in the system's folders, the only ones that a sealed plugin may read", .0.join(", "))]
    Needs(Vec<String>),
    /// Its checksum is not the approved one.
    #[error(
        "its checksum {found} is not the approved one; if the new file is meant to be there, approve it"
    )]
    NotApproved {
        /// The file's.
        found: Checksum,
    },
}

/// What a file is, without loading it.
pub fn inspect(path: &Path) -> Facts {
    let mut facts = Facts::default();
    // Unsafe, but readable: all that is wrong with it is told at once.
    let looked = trust::look(path).map_err(|error| unopened(&error));
    let bytes = looked.and_then(|(file, found)| {
        let first = found.first().map(ToString::to_string);
        facts.faults.extend(first.map(FileFault::Unsafe));
        read(&file)
    });
    match bytes {
        Ok(bytes) => facts.add(&bytes),
        Err(fault) => facts.faults.push(fault),
    }
    facts
}

impl Facts {
    fn add(&mut self, bytes: &[u8]) {
        self.checksum = Some(Checksum::of(bytes));
        match contents(bytes) {
            Ok(contents) => {
                self.needed = contents.needed;
                let lacks_entry = (!contents.has_entry).then_some(FileFault::NoEntry);
                self.faults.extend(lacks_entry);
            }
            Err(fault) => self.faults.push(fault),
        }
        let missing = seal::missing_libraries(&self.needed);
        if !missing.is_empty() {
            self.faults.push(FileFault::Needs(missing));
        }
    }
}

/// A library that may be loaded.
pub(super) struct Verified {
    /// What the linker is to map.
    pub image: Image,
    needed: Vec<String>,
}

impl Verified {
    /// What the linker will not find, once it has refused: looked for only then.
    pub fn missing(&self) -> Option<FileFault> {
        let missing = seal::missing_libraries(&self.needed);
        (!missing.is_empty()).then_some(FileFault::Needs(missing))
    }
}

/// Judges a file and fixes its bytes, so that it can be loaded; `approved` is its checksum under
/// `trust = "pinned"`.
///
/// # Errors
///
/// The first fault.
pub(super) fn verify(path: &Path, approved: Option<Checksum>) -> Result<Verified, FileFault> {
    verify_after(path, approved, |_| {})
}

/// Where another process may come in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The file is open.
    Opened,
    /// Its bytes are fixed.
    Fixed,
}

/// The same; `at` is called at each moment.
fn verify_after(
    path: &Path,
    approved: Option<Checksum>,
    mut at: impl FnMut(Moment),
) -> Result<Verified, FileFault> {
    let file = open(path)?;
    at(Moment::Opened);
    // Fixed first, then judged.
    let image = Image::of(path, &file, MAX_LIBRARY).map_err(|error| match error.kind() {
        io::ErrorKind::Unsupported => FileFault::NotFixed(error.to_string()),
        _ => unreadable(&error),
    })?;
    at(Moment::Fixed);
    if image.bytes().len() as u64 > MAX_LIBRARY {
        return Err(FileFault::TooLarge);
    }
    if let Some(approved) = approved {
        let found = Checksum::of(image.bytes());
        if found != approved {
            return Err(FileFault::NotApproved { found });
        }
    }
    let contents = contents(image.bytes())?;
    if !contents.has_entry {
        return Err(FileFault::NoEntry);
    }
    Ok(Verified {
        image,
        needed: contents.needed,
    })
}

fn contents(bytes: &[u8]) -> Result<Contents, FileFault> {
    library::read(bytes, ENTRY_SYMBOL.as_bytes()).map_err(|malformed| match malformed {
        Malformed::NotALibrary => FileFault::NotALibrary,
        Malformed::CutShort => FileFault::CutShort,
        Malformed::OtherMachine => FileFault::OtherMachine,
    })
}

fn open(path: &Path) -> Result<File, FileFault> {
    trust::open(path).map_err(|error| unopened(&error))
}

fn unopened(error: &io::Error) -> FileFault {
    match error.kind() {
        ErrorKind::NotFound => FileFault::Missing,
        ErrorKind::Other => FileFault::Unsafe(error.to_string()),
        _ => unreadable(error),
    }
}

fn read(file: &File) -> Result<Vec<u8>, FileFault> {
    let mut bytes = Vec::new();
    let result = file.take(MAX_LIBRARY + 1).read_to_end(&mut bytes);
    match result {
        Ok(_) if bytes.len() as u64 > MAX_LIBRARY => Err(FileFault::TooLarge),
        Ok(_) => Ok(bytes),
        Err(error) => Err(unreadable(&error)),
    }
}

fn unreadable(error: &io::Error) -> FileFault {
    FileFault::Unreadable(limits::explained(error))
}

/// Reads a library from these bytes: see [`crate::fuzz`].
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz_library(bytes: &[u8]) {
    let mut facts = Facts::default();
    facts.add(bytes);
    assert!(facts.checksum.is_some());
}

#[cfg(test)]
mod tests;
