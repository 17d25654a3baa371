//! Which provider, and what it needs: settings whose names the definition gives.

use std::{borrow::Cow, collections::BTreeMap};

use regex_lite::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use textsender_plugin_api::{
    Description, FileContent, PluginInfo, SECRET_KEY, Sender, SettingFault, SettingsError, marks,
};

use crate::{
    Http,
    check::{self, Fault},
    definition::{Definition, Setting},
    hosts, presets,
};

const PROVIDER: &str = "provider";
const DEFINITION: &str = "definition";

/// The settings that every definition has: they choose it.
pub(crate) const OURS: [&str; 2] = [PROVIDER, DEFINITION];

/// The settings as they were given: what is right among them, the definition says.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Settings(Map<String, Value>);

/// A definition, and the values of its settings.
pub struct Chosen {
    /// The definition.
    pub definition: Definition,
    /// The values, those of secrets among them.
    pub values: BTreeMap<String, String>,
}

impl Settings {
    /// The definition that these settings choose, and its values.
    ///
    /// # Errors
    ///
    /// Neither is given, or one is wrong: the key, and what to do.
    pub fn chosen(&self) -> Result<Chosen, SettingsError> {
        let definition = self.definition()?;
        let mut values = BTreeMap::new();
        for (key, given) in self.0.iter().filter(|(key, _)| !is_ours(key)) {
            let Some(setting) = definition.settings.get(key) else {
                let known: Vec<&str> = definition.settings.keys().map(String::as_str).collect();
                return Err(SettingsError::new(
                    key,
                    &format!("no such setting; there are {}", known.join(", ")),
                ));
            };
            values.insert(key.clone(), value(key, given, setting)?);
        }
        for (key, setting) in &definition.settings {
            if let Some(default) = &setting.default {
                values.entry(key.clone()).or_insert_with(|| default.clone());
            }
            if !values.contains_key(key) && !setting.optional {
                return Err(SettingsError::new(
                    key,
                    &format!("is missing: {}", setting.help),
                ));
            }
        }
        Ok(Chosen { definition, values })
    }

    fn definition(&self) -> Result<Definition, SettingsError> {
        match (self.0.get(PROVIDER), self.0.get(DEFINITION)) {
            (Some(Value::String(id)), None) => presets::named(id).ok_or_else(|| {
                SettingsError::new(PROVIDER, "no such provider: see `textsender provider list`")
            }),
            (Some(_), None) => Err(SettingsError::new(PROVIDER, "expected a name")),
            (None, Some(file)) => {
                let file = serde_json::from_value::<FileContent>(file.clone());
                let file =
                    file.map_err(|error| SettingsError::new(DEFINITION, &without_value(&error)))?;
                check::read(&file.content).map_err(|faults| {
                    SettingsError::new(DEFINITION, &first(&file.content, &faults))
                })
            }
            (Some(_), Some(_)) => Err(SettingsError::new(
                DEFINITION,
                "give provider or definition, not both",
            )),
            (None, None) => Err(SettingsError::new(
                PROVIDER,
                "name one of `textsender provider list`, or give a definition of your own",
            )),
        }
    }
}

fn is_ours(key: &str) -> bool {
    OURS.contains(&key)
}

/// serde's own words for a list or a table, which hold no value.
fn without_value(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.contains("was not read") {
        true => words,
        false => "expected the path of a file".to_owned(),
    }
}

/// The first fault of a file, by its line. Which file it is, the setting says.
fn first(content: &str, faults: &[Fault]) -> String {
    let Some((message, span)) = faults.first() else {
        return String::new();
    };
    let before = content.get(..span.start).unwrap_or_default();
    let (line, column) = (
        before.matches('\n').count() + 1,
        before.len() - before.rfind('\n').map_or(0, |it| it + 1) + 1,
    );
    format!("line {line}, column {column}: {message}")
}

/// One setting's value as text.
fn value(key: &str, given: &Value, setting: &Setting) -> Result<String, SettingsError> {
    let secret = given.get(SECRET_KEY).and_then(Value::as_str);
    let value = match (secret, given) {
        (Some(secret), _) if setting.secret => secret.to_owned(),
        (Some(_), _) => {
            return Err(SettingsError::new(
                key,
                "is not a secret: write it in the configuration",
            ));
        }
        (None, _) if setting.secret => {
            return Err(SettingsError::new(
                key,
                "this is a secret and may not stand in the configuration: store it as a secret",
            ));
        }
        (None, Value::String(text)) => text.clone(),
        (None, Value::Number(number)) => number.to_string(),
        (None, Value::Bool(value)) => value.to_string(),
        _ => return Err(SettingsError::new(key, "expected a text")),
    };
    let fits = |pattern: &String| Regex::new(pattern).is_ok_and(|it| it.is_match(&value));
    if !setting.pattern.as_ref().is_none_or(fits) {
        return Err(SettingsError::new(
            key,
            &format!("does not have the required form: {}", setting.help),
        ));
    }
    if setting.host && !is_host(&value) {
        return Err(SettingsError::new(
            key,
            "expected a host name, or the label that the provider gave",
        ));
    }
    Ok(value)
}

fn is_host(value: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-.:".contains(&b);
    !value.is_empty() && value.bytes().all(fits) && !value.starts_with(['.', '-', ':'])
}

impl Chosen {
    /// What the plugin is with this definition.
    pub fn info(&self) -> PluginInfo {
        let info = PluginInfo::new("http", "HTTP", env!("CARGO_PKG_VERSION"))
            .with_file_setting(DEFINITION);
        let hosts = hosts(&self.definition, |name| {
            self.values.get(name).map(String::as_str)
        });
        let info = hosts.iter().fold(info, |info, host| info.with_host(host));
        match &self.definition.id_pattern {
            Some(pattern) => info.with_provider_id_pattern(pattern.as_ref()),
            None => info,
        }
    }
}

/// What the plugin is with settings that may still be incomplete.
pub fn describe(settings: &Value) -> Option<Description> {
    let settings = settings.as_object()?;
    let given: BTreeMap<String, String> = settings
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    let file = settings.get(DEFINITION).cloned();
    let definition = match file.map(serde_json::from_value::<FileContent>) {
        Some(Ok(file)) => match check::read(&file.content) {
            Ok(definition) => definition,
            Err(faults) => {
                let description = Description::new(Http::info(), schema_of(&BTreeMap::new()));
                return Some(description.with_faults(faults.into_iter().map(check::shown)));
            }
        },
        Some(Err(_)) => return None,
        None => match presets::named(given.get(PROVIDER)?) {
            Some(definition) => definition,
            None => {
                let fault =
                    SettingFault::new(PROVIDER, "no such provider: see `textsender provider list`");
                return Some(
                    Description::new(Http::info(), schema_of(&BTreeMap::new()))
                        .with_faults([fault]),
                );
            }
        },
    };
    let schema = schema_of(&definition.settings);
    let values = given
        .into_iter()
        .filter(|(key, _)| definition.settings.contains_key(key))
        .collect();
    Some(Description::new(
        Chosen { definition, values }.info(),
        schema,
    ))
}

/// The JSON Schema of a definition's settings, and of those that choose it.
fn schema_of(settings: &BTreeMap<String, Setting>) -> Value {
    let mut schema = own_schema();
    for (key, setting) in settings {
        let mut property = json!({ "type": "string", "description": setting.help });
        if setting.secret {
            property["writeOnly"] = true.into();
        }
        if setting.host {
            property[marks::HOST] = true.into();
        }
        for (name, value) in [("pattern", &setting.pattern), ("default", &setting.default)] {
            if let Some(value) = value {
                property[name] = value.as_str().into();
            }
        }
        if let Some(example) = &setting.example {
            property["examples"] = json!([example]);
        }
        schema["properties"][key] = property;
    }
    let is_required =
        |(_, setting): &(&String, &Setting)| !setting.optional && setting.default.is_none();
    let required: Vec<&String> = settings
        .iter()
        .filter(is_required)
        .map(|(key, _)| key)
        .collect();
    schema["required"] = json!(required);
    schema["additionalProperties"] = settings.is_empty().into();
    schema
}

fn own_schema() -> Value {
    let providers: Vec<&str> = presets::ALL.iter().map(|preset| preset.id).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings",
        "description": "A provider with an HTTP API, and what it needs: `textsender provider show NAME`.",
        "type": "object",
        "properties": {
            (PROVIDER): {
                "type": "string",
                "enum": providers,
                "description": "One of the providers that are known: see `textsender provider list`.",
            },
            (DEFINITION): {
                "type": "string",
                (marks::FILE): true,
                "description": "In its place, the file with a definition of your own, beside textsender.toml: see docs/providers.md.",
            },
        },
        "examples": [{ "provider": "46elks", "username": "u1234", "from": "Helpdesk" }],
    })
}

impl JsonSchema for Settings {
    fn schema_name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let schema = own_schema();
        let mut object = schema.as_object().cloned().unwrap_or_default();
        object.remove("$schema");
        object.insert("additionalProperties".to_owned(), true.into());
        object.into()
    }
}
