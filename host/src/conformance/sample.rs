//! Settings to try a plugin with, and what its provider answers: a small file that belongs to the
//! plugin. `sandbox echo` reads it too.
//!
//! ```toml
//! [settings]
//! from = "Helpdesk"
//! [secrets]
//! key = "not-a-real-one"
//! [accepted]                # the provider's answer that takes a text
//! status = 200
//! json = { id = "a1b2c3" }
//! [reading]                 # its answer to what is asked before, such as for an access token
//! path = "/oauth/token"
//! status = 200
//! json = { access_token = "t0k3n" }
//! ```

use std::{collections::BTreeMap, io::Read, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use textsender_plugin_api::{HttpResponse, SECRET_KEY};

use crate::trust;

/// A plugin's sample.
#[derive(Clone, Default)]
pub struct Sample {
    /// The settings, with secrets marked.
    pub settings: Map<String, Value>,
    /// The answer with which the provider takes a text.
    pub accepted: Option<HttpResponse>,
    /// Its answer to exchanges that deliver nothing.
    pub reading: Option<HttpResponse>,
}

/// Why a file is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// It can't be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        error: std::io::Error,
    },
    /// It is not in the form of a sample.
    #[error("{file}: {error}")]
    Form {
        /// The file.
        file: String,
        /// What is wrong, and where.
        error: Box<toml::de::Error>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    accepted: Option<WrittenAnswer>,
    reading: Option<WrittenAnswer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAnswer {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    json: Option<Value>,
    /// Where the answer is given: for `sandbox echo`, which can't tell a question from a message.
    #[serde(rename = "path")]
    _path: Option<String>,
    #[serde(rename = "method")]
    _method: Option<String>,
}

impl Sample {
    /// Reads a sample file.
    ///
    /// # Errors
    ///
    /// There is none, or it is none.
    pub fn read(path: &Path) -> Result<Self, SampleError> {
        let file = path.display().to_string();
        let mut text = String::new();
        let read = trust::open_named(path).and_then(|mut file| file.read_to_string(&mut text));
        read.map_err(|error| SampleError::Unreadable {
            file: file.clone(),
            error,
        })?;
        let written = toml::from_str(&text).map_err(|error| SampleError::Form {
            file,
            error: Box::new(error),
        });
        Ok(Self::of(written?))
    }

    fn of(written: Written) -> Self {
        let mut settings = written.settings;
        for (key, secret) in written.secrets {
            settings.insert(key, json!({ SECRET_KEY: secret }));
        }
        Self {
            settings,
            accepted: written.accepted.map(WrittenAnswer::answer),
            reading: written.reading.map(WrittenAnswer::answer),
        }
    }

    /// The first example of whole settings in a plugin's schema, in which secrets are plain text.
    pub(super) fn of_schema(schema: &Value) -> Option<Self> {
        let mut settings = schema["examples"][0].as_object()?.clone();
        for (key, value) in &mut settings {
            if is_secret(schema, key) && value.is_string() {
                *value = json!({ SECRET_KEY: value });
            }
        }
        Some(Self {
            settings,
            ..Self::default()
        })
    }
}

impl WrittenAnswer {
    fn answer(self) -> HttpResponse {
        let mut headers: Vec<(String, String)> = self
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let body = match self.json {
            Some(json) => {
                headers.push(("content-type".into(), "application/json".into()));
                json.to_string()
            }
            None => self.body,
        };
        HttpResponse {
            status: self.status,
            headers,
            body: body.into_bytes(),
        }
    }
}

/// Whether a setting is marked as a secret; one that may be left out is so in one of its forms.
pub(super) fn is_secret(schema: &Value, key: &str) -> bool {
    let property = &schema["properties"][key];
    let forms = property["anyOf"].as_array().into_iter().flatten();
    let mut forms = forms.chain([property]);
    forms.any(|form| form["writeOnly"] == true)
}
