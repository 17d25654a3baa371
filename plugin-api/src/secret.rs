//! Values that may be used but never shown.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

/// The one key of the object that carries a secret to a plugin's settings.
///
/// The host writes it; a plain string in the configuration is not a secret and is refused, so that
/// no token is kept in a file that is copied into tickets.
pub const SECRET_KEY: &str = "$secret";

/// The message about a secret that was written where others can read it.
const IN_THE_OPEN: &str =
    "this is a secret and may not stand in the configuration: store it as a secret";

/// A token, password, API key or code.
///
/// It can't be printed: `Debug` shows `[secret]` and there is no `Display`. Its memory is wiped
/// when it is dropped. As the type of a settings field it marks the field as a secret in the JSON
/// Schema (`writeOnly`), and only a value that the host resolved as a secret fits it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value into keeping.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself, for the exchange that needs it. Never for a log or an error.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Marked;

        impl<'de> de::Visitor<'de> for Marked {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a stored secret, or { file = }, { env = } or { credential = }")
            }

            // The defaults would quote the value in their errors.
            fn visit_str<E: de::Error>(self, _: &str) -> Result<Secret, E> {
                Err(E::custom(IN_THE_OPEN))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::custom(IN_THE_OPEN))
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
                Err(E::custom(IN_THE_OPEN))
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
                Err(E::custom(IN_THE_OPEN))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
                let expected = || de::Error::custom("expected a stored secret");
                match map.next_key::<String>()? {
                    Some(key) if key == SECRET_KEY => {
                        let value = map.next_value::<String>().map_err(|_| expected())?;
                        Ok(Secret::new(value))
                    }
                    _ => Err(expected()),
                }
            }
        }

        deserializer.deserialize_any(Marked)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

/// For `#[serde(with)]` on the fields of a message, which cross a process boundary whole.
///
/// `Secret` itself has no `Serialize`, so that no settings or error type carries one out by accident.
pub(crate) mod exposed {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Secret::expose).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_shown() {
        assert_eq!(format!("{:?}", Secret::new("t0k3n")), "[secret]");
    }

    #[test]
    fn settings_take_only_marked_secrets() {
        let marked: Secret = serde_json::from_str(r#"{"$secret":"t0k3n"}"#).unwrap();
        assert_eq!(marked.expose(), "t0k3n");

        for plain in [r#""t0k3n""#, "7034", "-7034", "7034.5"] {
            let refused = serde_json::from_str::<Secret>(plain)
                .unwrap_err()
                .to_string();
            assert!(refused.starts_with(IN_THE_OPEN), "{refused}");
            assert!(!refused.contains("t0k3n") && !refused.contains("7034"));
        }
        for other in [r#"{"$secret":7034}"#, r#"{"token":7034}"#, "[7034]", "{}"] {
            let refused = serde_json::from_str::<Secret>(other)
                .unwrap_err()
                .to_string();
            assert!(!refused.contains("7034"), "{refused}");
        }
    }
}
