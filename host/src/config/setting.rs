//! Values of settings, and references to secrets.

use std::{fmt, path::PathBuf};

use toml::de::DeValue;

use super::table::Node;

/// One setting of a sender.
#[derive(Clone, PartialEq)]
pub enum Setting {
    /// A value in the open.
    Value(toml::Value),
    /// A reference to a secret.
    Secret(SecretRef),
}

/// Values are not shown: a secret may stand there in the open.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Value(value) => write!(f, "Value({})", value.type_str()),
            Setting::Secret(secret) => secret.fmt(f),
        }
    }
}

/// Where a secret is, other than among the stored ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `{ file = "PATH" }`.
    File(PathBuf),
    /// `{ env = "NAME" }`: an environment variable of the front.
    Env(String),
    /// `{ credential = "NAME" }`: a systemd credential.
    Credential(String),
}

/// A table with nothing but one of the three words is a reference; any other value is the plugin's.
pub(super) fn read_setting(node: &Node) -> Option<Setting> {
    let kind = match node.value {
        DeValue::Table(entries) if entries.len() == 1 => entries.keys().next(),
        _ => None,
    };
    let secret = match kind.map(|key| key.get_ref().as_ref()) {
        Some("file") => node.table(|t| t.path("file").map(SecretRef::File)),
        Some("env") => node.table(|t| t.word("env").map(|w| SecretRef::Env(w.value))),
        Some("credential") => {
            node.table(|t| t.word("credential").map(|w| SecretRef::Credential(w.value)))
        }
        _ => return owned(node.value).map(Setting::Value),
    };
    secret.flatten().map(Setting::Secret)
}

/// The value without its places. `None` for a number that TOML allows and 64 bits don't hold, which
/// the parser has already reported.
fn owned(value: &DeValue) -> Option<toml::Value> {
    Some(match value {
        DeValue::String(text) => toml::Value::String(text.clone().into_owned()),
        DeValue::Integer(n) => {
            toml::Value::Integer(i64::from_str_radix(n.as_str(), n.radix()).ok()?)
        }
        DeValue::Float(n) => toml::Value::Float(n.as_str().parse().ok()?),
        DeValue::Boolean(value) => toml::Value::Boolean(*value),
        DeValue::Datetime(value) => toml::Value::Datetime(*value),
        DeValue::Array(items) => {
            let items: Option<Vec<_>> = items.iter().map(|item| owned(item.get_ref())).collect();
            toml::Value::Array(items?)
        }
        DeValue::Table(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| Some((key.get_ref().to_string(), owned(value.get_ref())?)));
            toml::Value::Table(entries.collect::<Option<toml::Table>>()?)
        }
    })
}
