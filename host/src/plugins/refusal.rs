//! Why a plugin can't be used, in words for administrators.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::verify::FileFault;

/// Why a host process does not serve its plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Its file is not what it should be.
    File(FileFault),
    /// The kernel lacks what the seal must have: our words.
    NotSealed(String),
    /// Something around the process forbids what it needs: our words.
    Forbidden(String),
    /// The linker refuses it: the linker's words, which name symbols and libraries of the file.
    NotLoaded(String),
    /// It speaks another ABI: our words.
    OtherAbi(String),
    /// It says that it is another plugin than its file name does.
    OtherId(String),
    /// It declares hosts that were not approved.
    Hosts(Vec<String>),
    /// The plugin refuses the settings: its words.
    Settings(String),
    /// It does, as a secret is not there that it needs: its words.
    Secret(String),
    /// The plugin panicked when it was configured.
    Panicked,
    /// The file that this setting names can't be read: our words.
    SettingFile {
        /// The setting.
        setting: String,
        /// Why not.
        why: String,
    },
}

/// The most hosts that a refusal names.
const MAX_NAMED: usize = 16;

impl Refusal {
    /// Whether it is settled before the process is sealed, in our words. Said later, it is a
    /// plugin's doing.
    pub(super) fn is_settled_before_seal(&self) -> bool {
        match self {
            Self::File(FileFault::NoEntry | FileFault::Needs(_)) => false,
            Self::File(_) | Self::NotSealed(_) | Self::Forbidden(_) => true,
            _ => false,
        }
    }

    /// The same with foreign text that is safe to show.
    pub(super) fn cleaned(self, clean: impl Fn(&str) -> String) -> Self {
        let all = |texts: Vec<String>| {
            let texts = texts.iter().take(MAX_NAMED);
            texts.map(|text| clean(text)).collect()
        };
        match self {
            Self::NotSealed(words) => Self::NotSealed(clean(&words)),
            Self::Forbidden(words) => Self::Forbidden(clean(&words)),
            Self::NotLoaded(words) => Self::NotLoaded(clean(&words)),
            Self::OtherAbi(words) => Self::OtherAbi(clean(&words)),
            Self::OtherId(id) => Self::OtherId(clean(&id)),
            Self::Settings(words) => Self::Settings(clean(&words)),
            Self::Secret(words) => Self::Secret(clean(&words)),
            Self::SettingFile { setting, why } => Self::SettingFile {
                setting: clean(&setting),
                why: clean(&why),
            },
            Self::Hosts(hosts) => Self::Hosts(all(hosts)),
            Self::File(FileFault::Needs(names)) => Self::File(FileFault::Needs(all(names))),
            Self::File(_) | Self::Panicked => self,
        }
    }
}

/// With the words of linker and plugin: for administrators, never for a response.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(fault) => fault.fmt(f),
            Self::NotSealed(words) | Self::Forbidden(words) | Self::OtherAbi(words) => {
                f.write_str(words)
            }
            Self::NotLoaded(words) => write!(f, "the linker refuses it: {words}"),
            Self::OtherId(id) => write!(f, "it holds another plugin than its name says: {id:?}"),
            Self::Hosts(hosts) => {
                let hosts = hosts.join(", ");
                write!(
                    f,
                    "it declares hosts that were not approved: {hosts}; approve it again"
                )
            }
            Self::SettingFile { setting, why } => {
                write!(f, "the file of its setting {setting} can't be read: {why}")
            }
            Self::Settings(words) | Self::Secret(words) => {
                write!(f, "the plugin refuses the settings: {words}")
            }
            Self::Panicked => f.write_str("it panicked when it was configured"),
        }
    }
}
