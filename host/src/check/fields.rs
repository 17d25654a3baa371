//! The settings that a plugin's schema declares, for those who fill them in: which there are, and how
//! a value typed at a command line is read.

use std::fmt;

use regex_lite::Regex;
use serde_json::Value;

use super::schema::{Finding, Schema, findings, names};
use crate::{config::nearest, plugins::Description, redact::Redactor};

/// One setting.
#[derive(Debug)]
pub struct Field {
    /// Its key.
    pub name: String,
    /// What it is, in the plugin's words.
    pub help: String,
    /// Whether it is stored as a secret.
    pub is_secret: bool,
    /// Whether nothing can be sent without it.
    pub is_required: bool,
    /// What holds where it is left out, as JSON, if the plugin says so.
    pub default: Option<String>,
    /// What its values are.
    pub kind: Kind,
}

/// What values are.
#[derive(Debug)]
pub enum Kind {
    /// A text, perhaps of a certain form.
    Text(Option<Regex>),
    /// One of these words.
    Choice(Vec<String>),
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// Several values.
    List(Box<Kind>),
    /// Values under names of the administrator's choice.
    Table(Box<Kind>),
    /// Anything.
    Any,
}

/// Why a typed value is none of a setting. It does not repeat the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// It is something else.
    #[error("expected {0}")]
    Expected(String),
    /// It is a text of another form.
    #[error("it does not have the right form")]
    Form,
    /// The schema does not allow it.
    #[error("{message}; {remedy}")]
    Wrong {
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: String,
    },
}

/// The settings that a plugin declares: those that it needs first, then by name. None if its schema
/// is none of an object.
pub fn fields(described: &Description) -> Vec<Field> {
    let schema = Schema {
        root: &described.settings,
    };
    let root = schema.resolved(&described.settings);
    let required: Vec<&str> = names(&root["required"]).collect();
    let properties = root["properties"].as_object().into_iter().flatten();
    let mut fields: Vec<Field> = properties
        .map(|(name, property)| Field {
            is_required: required.contains(&name.as_str()),
            is_secret: schema.is_secret(property),
            help: schema.help(property),
            default: default(property),
            kind: schema.kind(property),
            name: name.clone(),
        })
        .collect();
    fields.sort_by_key(|field| !field.is_required);
    fields
}

/// The field of this name, or what was probably meant by it.
///
/// # Errors
///
/// There is none; the near name, if there is one.
pub fn field<'f>(fields: &'f [Field], name: &str) -> Result<&'f Field, Option<&'f str>> {
    let near = || nearest(name, fields.iter().map(|field| field.name.as_str()));
    fields
        .iter()
        .find(|field| field.name == name)
        .ok_or_else(near)
}

impl Field {
    /// Reads a value as it is typed, the words themselves without quotes; `part` is the name under
    /// which it goes in a table.
    ///
    /// # Errors
    ///
    /// It is no value of this setting.
    pub fn read(
        &self,
        part: Option<&str>,
        typed: &str,
        described: &Description,
    ) -> Result<Value, ValueFault> {
        let kind = match (&self.kind, part) {
            (Kind::Table(kind), Some(_)) => kind,
            (Kind::Any, _) | (_, None) => &self.kind,
            (kind, Some(_)) => return Err(ValueFault::Expected(kind.to_string())),
        };
        let value = kind.read(typed)?;
        let whole = match part {
            Some(part) => Value::from_iter([(part, value.clone())]),
            None => value.clone(),
        };
        let settings = [(self.name.clone(), whole)].into_iter().collect();
        let of_this = findings(&described.settings, &settings).into_iter();
        let mut wrong = of_this.filter_map(|finding| match finding {
            Finding::Wrong {
                message, remedy, ..
            } => Some(ValueFault::Wrong { message, remedy }),
            Finding::Missing { .. } => None,
        });
        match wrong.next() {
            Some(fault) => Err(fault),
            None => Ok(value),
        }
    }
}

impl Kind {
    fn read(&self, typed: &str) -> Result<Value, ValueFault> {
        let expected = || ValueFault::Expected(self.to_string());
        Ok(match self {
            Self::Text(Some(form)) if !form.is_match(typed) => return Err(ValueFault::Form),
            Self::Text(_) | Self::Choice(_) => Value::from(typed),
            Self::Integer => Value::from(typed.parse::<i64>().map_err(|_| expected())?),
            Self::Number => Value::from(typed.parse::<f64>().map_err(|_| expected())?),
            Self::Boolean => Value::from(typed.parse::<bool>().map_err(|_| expected())?),
            Self::List(kind) => {
                let items = typed.split(',').map(|item| kind.read(item.trim()));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Self::Table(_) => return Err(expected()),
            Self::Any => serde_json::from_str(typed).unwrap_or_else(|_| Value::from(typed)),
        })
    }
}

/// As it ends a sentence that begins with "expected".
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("a text"),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Integer => f.write_str("a whole number"),
            Self::Number => f.write_str("a number"),
            Self::Boolean => f.write_str("true or false"),
            Self::List(kind) => write!(f, "several with commas between them, each {kind}"),
            Self::Table(kind) => write!(f, "KEY.NAME=VALUE for each name, the value {kind}"),
            Self::Any => f.write_str("a value"),
        }
    }
}

impl<'s> Schema<'s> {
    fn kind(&self, schema: &'s Value) -> Kind {
        let schema = self.present(schema);
        let choices = self.choices(schema);
        if !choices.is_empty() {
            return Kind::Choice(choices);
        }
        let one = schema["type"].as_str().into_iter();
        let mut types = one
            .chain(names(&schema["type"]))
            .filter(|kind| *kind != "null");
        let (Some(kind), None) = (types.next(), types.next()) else {
            return Kind::Any;
        };
        match kind {
            // A form that this can't read is the plugin's to judge.
            "string" => Kind::Text(
                schema["pattern"]
                    .as_str()
                    .and_then(|form| Regex::new(form).ok()),
            ),
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            "array" => Kind::List(Box::new(self.kind(&schema["items"]))),
            "object" if schema["properties"].is_null() => {
                Kind::Table(Box::new(self.kind(&schema["additionalProperties"])))
            }
            _ => Kind::Any,
        }
    }

    /// Of a value that may be left out, the value.
    fn present(&self, schema: &'s Value) -> &'s Value {
        let schema = self.resolved(schema);
        let branches = schema["anyOf"].as_array().into_iter().flatten();
        let mut branches = branches.filter(|branch| branch["type"] != "null");
        match (branches.next(), branches.next()) {
            (Some(only), None) => self.resolved(only),
            _ => schema,
        }
    }

    /// The words of an enumeration: plain ones are in `enum`, those with a help of their own in `oneOf`.
    fn choices(&self, schema: &'s Value) -> Vec<String> {
        let explained = schema["oneOf"].as_array().into_iter().flatten();
        let explained = explained.flat_map(|one| names(&one["enum"]).chain(one["const"].as_str()));
        let words = names(&schema["enum"]).chain(explained);
        words.map(|word| Redactor::default().clean(word)).collect()
    }

    fn help(&self, property: &'s Value) -> String {
        let own = super::schema::help(property);
        match own.is_empty() {
            true => super::schema::help(self.present(property)),
            false => own,
        }
    }
}

/// Nothing and an empty text say no more than that it may be left out.
fn default(property: &Value) -> Option<String> {
    let default = property.get("default")?;
    let says_nothing = default.is_null() || default == "";
    (!says_nothing).then(|| Redactor::default().clean(&default.to_string()))
}

#[cfg(test)]
mod tests;
