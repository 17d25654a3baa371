//! The body of `POST /v2/notifications/sms`, checked as Notify's schema checks it.

use serde_json::{Map, Value};

use super::error::{bad_request, invalid};
use super::phone::{self, Number};
use crate::sandbox::http::Answer;
use crate::sandbox::ids::is_uuid;

/// Longest reference, in characters.
const MAX_REFERENCE: usize = 1000;
/// All that the schema allows; `scheduled_for` is in no document.
const PROPERTIES: [&str; 6] = [
    "phone_number",
    "template_id",
    "personalisation",
    "reference",
    "sms_sender_id",
    "scheduled_for",
];

/// A request that the schema passed.
#[derive(Debug)]
pub(super) struct Form {
    /// The number as the client wrote it.
    pub phone_number: String,
    /// What it was read as.
    pub number: Number,
    pub template_id: String,
    pub personalisation: Map<String, Value>,
    pub reference: Option<String>,
    pub sms_sender_id: Option<String>,
}

impl Form {
    /// Reads a body, whatever its `Content-Type`.
    pub fn read(body: &[u8]) -> Result<Self, Answer> {
        let object = object(body)?;
        let mut faults = Vec::new();
        for name in ["phone_number", "template_id"] {
            if !object.contains_key(name) {
                faults.push(format!("{name} is a required property"));
            }
        }
        let extra: Vec<&str> = object
            .keys()
            .map(String::as_str)
            .filter(|name| !PROPERTIES.contains(name))
            .collect();
        if !extra.is_empty() {
            let verb = if extra.len() == 1 { "was" } else { "were" };
            faults.push(format!(
                "Additional properties are not allowed ({} {verb} unexpected)",
                extra.join(", ")
            ));
        }

        let number = object
            .get("phone_number")
            .and_then(|value| note(&mut faults, number(value)));
        for name in ["template_id", "sms_sender_id"] {
            if object
                .get(name)
                .is_some_and(|value| !value.as_str().is_some_and(is_uuid))
            {
                faults.push(format!("{name} is not a valid UUID"));
            }
        }
        if let Some(value) = object
            .get("personalisation")
            .filter(|value| !value.is_object())
        {
            faults.push(format!(
                "personalisation {} is not of type object",
                python(value)
            ));
        }
        match object.get("reference") {
            Some(Value::String(reference)) if reference.chars().count() > MAX_REFERENCE => {
                faults.push(format!("reference {reference} is too long"));
            }
            None | Some(Value::String(_)) => {}
            Some(value) => {
                faults.push(format!("reference {} is not of type string", python(value)))
            }
        }
        let Some(number) = number.filter(|_| faults.is_empty()) else {
            return Err(invalid(&faults));
        };

        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            phone_number: text("phone_number").unwrap_or_default(),
            number,
            template_id: text("template_id").unwrap_or_default(),
            personalisation: values(&object),
            reference: text("reference"),
            sms_sender_id: text("sms_sender_id"),
        })
    }
}

/// The object that a body holds. What Python takes for nothing (`[]`, `null`, ...) is an empty object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Answer> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Err(bad_request("Invalid JSON supplied in POST data"));
    };
    let is_nothing = match &value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(object) => Ok(object),
        _ if is_nothing => Ok(Map::new()),
        value => Err(invalid(&[format!(
            "{} is not of type object",
            python(&value)
        )])),
    }
}

/// The `personalisation` of a body.
pub(super) fn values(object: &Map<String, Value>) -> Map<String, Value> {
    object
        .get("personalisation")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

fn number(value: &Value) -> Result<Number, String> {
    let Some(text) = value.as_str() else {
        return Err(format!(
            "phone_number {} is not of type string",
            python(value)
        ));
    };
    phone::read(text).map_err(|fault| format!("phone_number {fault}"))
}

/// Keeps what was found, or notes what was wrong.
fn note<T>(faults: &mut Vec<String>, outcome: Result<T, String>) -> Option<T> {
    outcome.map_err(|fault| faults.push(fault)).ok()
}

/// A value as Notify's messages show it: Python's notation, without quotation marks.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(python).collect::<Vec<_>>().join(", ")
        ),
        other => other.to_string().replace('"', ""),
    }
}
