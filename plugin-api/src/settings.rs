//! Settings as JSON: read into a plugin's own type, described by its JSON Schema.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;

use crate::SettingsError;

/// The JSON Schema (2020-12) of a settings type.
pub(crate) fn schema<T: JsonSchema>() -> String {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>();
    serde_json::Value::from(schema).to_string()
}

/// Reads settings. An error names the key, and every required key that is missing, but no value.
pub(crate) fn read<T: DeserializeOwned + JsonSchema>(json: &str) -> Result<T, SettingsError> {
    let deserializer = &mut serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let missing = missing_keys::<T>(json);
        if !missing.is_empty() {
            return SettingsError(format!("incomplete; it needs: {}", missing.join(", ")));
        }
        let key = error.path().to_string();
        SettingsError(format!(
            "{key}: {}",
            without_place(&error.inner().to_string())
        ))
    })
}

/// Required keys that are not there. Looked up only when reading failed: serde stops at the first.
fn missing_keys<T: JsonSchema>(json: &str) -> Vec<String> {
    let given: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let schema: serde_json::Value = serde_json::from_str(&schema::<T>()).unwrap_or_default();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    required
        .iter()
        .filter_map(|key| key.as_str())
        .filter(|key| given.get(key).is_none())
        .map(str::to_owned)
        .collect()
}

/// serde_json ends its messages with a place in the JSON, which the user neither wrote nor sees.
fn without_place(message: &str) -> &str {
    message
        .rfind(" at line ")
        .map_or(message, |at| &message[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[derive(Debug, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Settings {
        /// The account.
        account: String,
        token: Secret,
        #[serde(default)]
        port: Option<u16>,
    }

    #[test]
    fn errors_name_the_key() {
        let cases = [
            (r#"{}"#, "incomplete; it needs: account, token"),
            (r#"{"account":"a"}"#, "incomplete; it needs: token"),
            (
                r#"{"account":1,"token":{"$secret":"t"}}"#,
                "account: invalid type: integer `1`, expected a string",
            ),
            (
                r#"{"account":"a","token":"t"}"#,
                "token: this is a secret and may not stand in the configuration: store it as a secret",
            ),
            (
                r#"{"account":"a","token":{"$secret":"t"},"prot":1}"#,
                "prot: unknown field `prot`, expected one of `account`, `token`, `port`",
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(
                read::<Settings>(json).unwrap_err().to_string(),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn schema_marks_secrets_and_carries_help() {
        let schema: serde_json::Value = serde_json::from_str(&schema::<Settings>()).unwrap();
        assert_eq!(schema["properties"]["token"]["writeOnly"], true);
        assert_eq!(
            schema["properties"]["account"]["description"],
            "The account."
        );
    }
}
