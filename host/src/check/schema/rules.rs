//! What a schema says of one value by itself: each rule gives what is wrong and what to do.

use serde_json::Value;
use textsender_plugin_api::{
    BaseUrl,
    template::{Rules, Template},
};

use super::names;
use crate::config::nearest;

/// The format of a string that is a template, as the SDK writes it.
pub(super) const TEMPLATE: &str = "textsender-template";

/// A value of another type than the schema's.
pub(super) fn wrong_type(schema: &Value, value: &Value) -> Option<(String, String)> {
    let one = schema["type"].as_str().into_iter();
    let types: Vec<&str> = one.chain(names(&schema["type"])).collect();
    let fits = |kind: &&str| match *kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    };
    if types.is_empty() || types.iter().any(fits) {
        return None;
    }
    let wanted = types.iter().find(|kind| **kind != "null");
    let (expected, remedy) = match wanted.copied().unwrap_or("null") {
        "null" => ("nothing", "remove it"),
        "string" => ("a string", "write it in quotes"),
        "integer" => ("a whole number", "write a whole number, without quotes"),
        "number" => ("a number", "write a number, without quotes"),
        "boolean" => ("true or false", "write true or false, without quotes"),
        "array" => ("a list", "write it in brackets, such as [\"a\", \"b\"]"),
        _ => ("a table", "write it as [section] or { key = value }"),
    };
    let found = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a decimal number",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    };
    Some((
        format!("expected {expected}, found {found}"),
        remedy.to_owned(),
    ))
}

/// A value that is none of those listed.
pub(super) fn no_choice(schema: &Value, value: &Value) -> Option<(&'static str, String)> {
    let choices = choices(schema)?;
    (!choices.contains(value)).then(|| not_chosen(choices, value))
}

/// The values that a schema allows, if it lists them.
pub(super) fn choices(schema: &Value) -> Option<&[Value]> {
    let one = schema.get("const").map(std::slice::from_ref);
    schema["enum"].as_array().map(Vec::as_slice).or(one)
}

/// What is said of a value that is none of these.
pub(super) fn not_chosen(choices: &[Value], value: &Value) -> (&'static str, String) {
    let words: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
    let written = value.as_str().unwrap_or_default();
    let remedy = suggestion(written, &words, "choose one of");
    ("is not a choice here", remedy)
}

/// A number, text or list that is too small or too large.
pub(super) fn out_of_bounds(schema: &Value, value: &Value) -> Option<(&'static str, String)> {
    let (size, least, most, what) = match value {
        Value::Number(number) => (number.as_f64()?, "minimum", "maximum", "a number"),
        Value::String(text) => {
            let length = text.chars().count() as f64;
            (length, "minLength", "maxLength", "a text with a length")
        }
        Value::Array(items) => (
            items.len() as f64,
            "minItems",
            "maxItems",
            "a list with a length",
        ),
        _ => return None,
    };
    let (least, most) = (schema[least].as_f64(), schema[most].as_f64());
    let fits = least.is_none_or(|least| size >= least) && most.is_none_or(|most| size <= most);
    let range = match (least, most) {
        _ if fits => return None,
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("of at least {least}"),
        (None, most) => format!("of at most {}", most?),
    };
    Some(("is out of range", format!("write {what} {range}")))
}

/// A string that is no template or no address where one is wanted. `rules` are the templates'.
pub(super) fn wrong_form(schema: &Value, value: &Value, rules: &Rules) -> Option<(String, String)> {
    let text = value.as_str()?;
    if schema["format"] == TEMPLATE {
        let fault = match Template::parse(text) {
            Ok(template) => template.check(rules).into_iter().next()?,
            Err(fault) => fault,
        };
        return Some((fault.fault(), fault.remedy()));
    }
    if schema["x-textsender-host"] == true && schema["format"] == "uri" {
        let words = BaseUrl::try_from(text.to_owned()).err()?;
        let remedy = "write it like \"https://api.example.org\"";
        return Some((words.to_owned(), remedy.to_owned()));
    }
    None
}

/// `did you mean "X"?`, or else the whole choice.
pub(super) fn suggestion(name: &str, known: &[&str], otherwise: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("{otherwise} {}", known.join(", ")),
    }
}
