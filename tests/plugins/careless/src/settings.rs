//! Settings that are read by hand. A plugin that lets the SDK read them can't be as careless as this one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use textsender_plugin_api::{SECRET_KEY, Secret, SettingsError};

use crate::behaviour::Behaviour;

/// Anything.
#[derive(Deserialize)]
pub struct Settings(Map<String, Value>);

/// What was read of them.
pub struct Read {
    pub key: Secret,
    pub from: String,
    pub does: Option<Behaviour>,
}

impl JsonSchema for Settings {
    fn schema_name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let does = generator.subschema_for::<Option<Behaviour>>();
        let mut schema = json_schema!({
            "type": "object",
            "required": ["key", "from"],
            "additionalProperties": false,
            "properties": {
                "key": { "type": "string", "writeOnly": true, "description": "The key." },
                "from": { "type": "string", "description": "Who texts come from." },
            },
            "examples": [{ "key": "the account's key", "from": "Helpdesk" }],
        });
        let properties = schema.ensure_object()["properties"].as_object_mut();
        let does = does.as_value().as_object().cloned().unwrap_or_default();
        let described = does.into_iter().chain([(
            "description".to_owned(),
            json!("In which way it is careless."),
        )]);
        if let Some(properties) = properties {
            properties.insert("does".into(), described.collect::<Map<_, _>>().into());
        }
        schema
    }
}

impl Settings {
    pub fn read(&self) -> Result<Read, SettingsError> {
        let does = self.behaviour()?;
        let read = Read {
            key: Secret::new(self.key(does)?),
            from: self.from(does)?,
            does,
        };
        if does == Some(Behaviour::TakesAnySettings) {
            return Ok(read);
        }
        match self
            .0
            .keys()
            .find(|key| !["key", "from", "does"].contains(&key.as_str()))
        {
            Some(key) => Err(SettingsError::new(key, "there is no such setting")),
            None => Ok(read),
        }
    }

    fn behaviour(&self) -> Result<Option<Behaviour>, SettingsError> {
        let Some(does) = self.0.get("does") else {
            return Ok(None);
        };
        match serde_json::from_value(does.clone()) {
            Ok(behaviour) => Ok(behaviour),
            Err(_) => Err(SettingsError::new("does", "give a way to be careless")),
        }
    }

    fn key(&self, does: Option<Behaviour>) -> Result<String, SettingsError> {
        match self.0.get("key") {
            Some(Value::Object(marked)) if marked.contains_key(SECRET_KEY) => {
                let key = marked.get(SECRET_KEY).and_then(Value::as_str);
                Ok(key.unwrap_or_default().to_owned())
            }
            Some(Value::String(open)) if does == Some(Behaviour::ShowsSecretInTheOpen) => Err(
                SettingsError::new("key", &format!("{open} is not stored as a secret")),
            ),
            _ if does == Some(Behaviour::TakesAnySettings) => Ok(String::new()),
            _ => Err(SettingsError::new("key", "store it as a secret")),
        }
    }

    fn from(&self, does: Option<Behaviour>) -> Result<String, SettingsError> {
        match self.0.get("from") {
            Some(Value::String(from)) => {
                assert!(does != Some(Behaviour::PanicsOnEmptySetting) || !from.is_empty());
                Ok(from.clone())
            }
            _ if does == Some(Behaviour::TakesAnySettings) => Ok(String::new()),
            _ => Err(SettingsError::new("from", "give a name or a number")),
        }
    }
}
