//! Why a plugin can't be used, in words for administrators.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::redact::Redactor;

/// Why a host process does not serve its plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The file is not there.
    Missing,
    /// It can't be opened, or is not to be believed: our words.
    NotTrusted(String),
    /// It is no library of this machine: our words.
    NotALibrary(String),
    /// The linker refuses it: the linker's words, which name symbols and libraries of the file.
    NotLoaded(String),
    /// It has no plugin's entry point.
    NoEntry,
    /// It speaks another ABI: our words.
    OtherAbi(String),
    /// It says that it is another plugin than its file name does.
    OtherId(String),
    /// The plugin refuses the settings: its words.
    Settings(String),
    /// The plugin panicked when it was configured.
    Panicked,
}

impl Refusal {
    /// The same with foreign text that is safe to show.
    pub(super) fn cleaned(self, redactor: &Redactor) -> Self {
        match self {
            Self::NotTrusted(words) => Self::NotTrusted(redactor.clean(&words)),
            Self::NotALibrary(words) => Self::NotALibrary(redactor.clean(&words)),
            Self::NotLoaded(words) => Self::NotLoaded(redactor.clean(&words)),
            Self::OtherAbi(words) => Self::OtherAbi(redactor.clean(&words)),
            Self::OtherId(id) => Self::OtherId(redactor.clean(&id)),
            Self::Settings(words) => Self::Settings(redactor.clean(&words)),
            Self::Missing | Self::NoEntry | Self::Panicked => self,
        }
    }
}

/// With the words of linker and plugin: for administrators, never for a response.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the file is not there"),
            Self::NotTrusted(words) | Self::NotALibrary(words) | Self::OtherAbi(words) => {
                f.write_str(words)
            }
            Self::NotLoaded(words) => write!(f, "the linker refuses it: {words}"),
            Self::NoEntry => f.write_str("it is a library, but no textsender plugin"),
            Self::OtherId(id) => write!(f, "it holds another plugin than its name says: {id:?}"),
            Self::Settings(words) => write!(f, "the plugin refuses the settings: {words}"),
            Self::Panicked => f.write_str("it panicked when it was configured"),
        }
    }
}
