//! The content of a file that a setting names.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::marks;

/// The key under which the host hands a file's content over.
pub const CONTENT_KEY: &str = "$content";

/// The content of a file. The administrator writes its path, `definition = "acme.toml"`, relative to
/// the configuration; the host reads it, as a plugin may read no file itself.
///
/// Name the setting in [`PluginInfo::with_file_setting`](crate::PluginInfo::with_file_setting), too:
/// the host asks that before it configures the sender.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Given")]
pub struct FileContent {
    /// The path as it was written, for errors.
    pub path: String,
    /// The content.
    pub content: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    /// From a host that reads files.
    Read {
        path: String,
        #[serde(rename = "$content")]
        content: String,
    },
    /// From a host of ABI 1.0, which hands over what was written.
    Path(String),
}

impl TryFrom<Given> for FileContent {
    type Error = String;

    fn try_from(given: Given) -> Result<Self, String> {
        match given {
            Given::Read { path, content } => Ok(Self { path, content }),
            Given::Path(path) => Err(format!(
                "{path} was not read: this plugin needs a newer textsender"
            )),
        }
    }
}

impl JsonSchema for FileContent {
    fn schema_name() -> Cow<'static, str> {
        "FileContent".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", (marks::FILE): true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_a_host_read_and_names_a_host_that_does_not() {
        let read = serde_json::json!({ "path": "acme.toml", CONTENT_KEY: "url = 1" });
        let file: FileContent = serde_json::from_value(read).unwrap();
        assert_eq!(
            (file.path.as_str(), file.content.as_str()),
            ("acme.toml", "url = 1")
        );
        let error = serde_json::from_value::<FileContent>("acme.toml".into()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "acme.toml was not read: this plugin needs a newer textsender"
        );
    }
}
