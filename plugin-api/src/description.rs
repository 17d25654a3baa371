//! What a plugin is with certain settings, and the providers that its settings choose between.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::PluginInfo;

/// A provider that a plugin knows without more code: what an administrator picks by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Provider {
    /// Its id, in lower case with dashes: `telnyx`.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The settings that choose it, a JSON object: `{ "provider": "telnyx" }`.
    pub settings: Value,
    /// The address of the documents that the definition follows.
    #[serde(default)]
    pub source: Option<String>,
    /// What an administrator should know before choosing it, such as what it keeps of texts.
    #[serde(default)]
    pub note: Option<String>,
}

impl Provider {
    /// A provider, and the settings that choose it.
    pub fn new(id: &str, name: &str, settings: Value) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            settings,
            source: None,
            note: None,
        }
    }

    /// What a plugin is for, with no setting chosen.
    pub fn of(info: &PluginInfo) -> Self {
        Self::new(&info.id, &info.name, Value::Object(Map::new()))
    }

    /// Says where the provider's own documents are.
    pub fn with_source(mut self, address: &str) -> Self {
        self.source = Some(address.into());
        self
    }

    /// Says what an administrator should know.
    pub fn with_note(mut self, note: &str) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// What a plugin is with certain settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Description {
    /// As [`Sender::info`](crate::Sender::info), for these settings.
    pub info: PluginInfo,
    /// The JSON Schema of the settings that belong to these.
    pub settings: Value,
    /// What is wrong with them, beyond what the schema says.
    #[serde(default)]
    pub faults: Vec<SettingFault>,
}

impl Description {
    /// A description without faults. `settings` is a JSON Schema.
    pub fn new(info: PluginInfo, settings: Value) -> Self {
        Self {
            info,
            settings,
            faults: Vec::new(),
        }
    }

    /// Adds faults.
    pub fn with_faults(mut self, faults: impl IntoIterator<Item = SettingFault>) -> Self {
        self.faults.extend(faults);
        self
    }
}

/// Something wrong with a setting. The words say what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SettingFault {
    /// The setting.
    pub setting: String,
    /// What is wrong.
    pub message: String,
    /// Where in the setting's value, or in the file that it names: bytes.
    #[serde(default)]
    pub span: Option<Range<usize>>,
}

impl SettingFault {
    /// A fault of a setting.
    pub fn new(setting: &str, message: impl Into<String>) -> Self {
        Self {
            setting: setting.into(),
            message: message.into(),
            span: None,
        }
    }

    /// Says where in the value or file it is, in bytes.
    pub fn at(self, span: Range<usize>) -> Self {
        Self {
            span: Some(span),
            ..self
        }
    }
}
