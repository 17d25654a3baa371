//! Settings against a plugin's JSON Schema: the part of JSON Schema 2020-12 that `schemars` writes for
//! Rust types. What it can't say, and patterns, the plugin itself judges when it is configured.
//!
//! A schema comes from a plugin, so it may be anything: what is not understood allows everything, and
//! no reference is followed for ever. Faults never repeat a value: it may be a secret in the open.

use serde_json::{Map, Value};
use textsender_plugin_api::{
    BaseUrl, SECRET_KEY,
    template::{Rules, Template},
};

use crate::config::nearest;

/// How deep settings and references may nest.
const MAX_DEPTH: usize = 32;

/// Something about settings that the schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// A required setting is not there.
    Missing {
        /// Its name.
        key: String,
        /// Whether it is a secret.
        secret: bool,
        /// What it is, in the plugin's words.
        help: String,
    },
    /// A setting is wrong.
    Wrong {
        /// The name of the setting.
        setting: String,
        /// The way to what is wrong in it, the name included.
        path: String,
        /// What is wrong.
        message: String,
        /// What to do.
        mend: String,
    },
}

/// Everything about the settings, a JSON object with marked secrets, that the schema does not allow.
pub(super) fn findings(schema: &Value, settings: &Map<String, Value>) -> Vec<Finding> {
    let root = Schema { root: schema };
    let schema = root.resolved(schema);
    let mut findings: Vec<Finding> = Vec::new();
    for key in names(&schema["required"]) {
        if settings.contains_key(key) {
            continue;
        }
        let property = &schema["properties"][key];
        findings.push(Finding::Missing {
            key: key.to_owned(),
            secret: root.is_secret(property),
            help: help(property),
        });
    }
    for (key, value) in settings {
        let mut faults = Vec::new();
        root.member(schema, key, value, key, 0, &mut faults);
        findings.extend(faults.into_iter().map(|fault| Finding::Wrong {
            setting: key.clone(),
            path: fault.path,
            message: fault.message,
            mend: fault.mend,
        }));
    }
    findings
}

/// Whether a setting is a secret.
pub(super) fn is_secret(schema: &Value, key: &str) -> bool {
    Schema { root: schema }.is_secret(&schema["properties"][key])
}

/// What a setting is, in the plugin's words, on one line.
pub(super) fn help_of(schema: &Value, key: &str) -> String {
    help(&schema["properties"][key])
}

/// The values of all settings that are templates, those left at their defaults included.
pub(super) fn templates(schema: &Value, settings: &Value) -> Vec<String> {
    let root = Schema { root: schema };
    let mut found = Vec::new();
    for (key, property) in members(&schema["properties"]) {
        let given = settings.get(key);
        let value = given.unwrap_or(&property["default"]);
        root.templates(property, value, 0, &mut found);
    }
    found
}

struct Fault {
    path: String,
    message: String,
    mend: String,
}

struct Schema<'s> {
    root: &'s Value,
}

impl<'s> Schema<'s> {
    /// A schema with its references followed.
    fn resolved(&self, schema: &'s Value) -> &'s Value {
        let mut schema = schema;
        for _ in 0..MAX_DEPTH {
            let Some(reference) = schema["$ref"].as_str() else {
                break;
            };
            let target = reference.strip_prefix('#');
            let Some(target) = target.and_then(|at| self.root.pointer(at)) else {
                break;
            };
            schema = target;
        }
        schema
    }

    fn is_secret(&self, schema: &'s Value) -> bool {
        let schema = self.resolved(schema);
        let branches = schema["anyOf"].as_array().into_iter().flatten();
        schema["writeOnly"] == true
            || branches
                .map(|branch| self.resolved(branch))
                .any(|branch| branch["writeOnly"] == true)
    }

    fn value(
        &self,
        schema: &'s Value,
        value: &Value,
        path: &str,
        depth: usize,
        faults: &mut Vec<Fault>,
    ) {
        if depth > MAX_DEPTH {
            return;
        }
        let mut fault = |message: &str, mend: String| {
            faults.push(Fault {
                path: path.to_owned(),
                message: message.to_owned(),
                mend,
            });
        };
        let is_marked = value.get(SECRET_KEY).is_some();
        match (self.is_secret(schema), is_marked) {
            (true, true) => return,
            (true, false) => {
                let message = "is a secret, and may not stand in the configuration";
                let mend = "store it as a secret, or refer to it with { file = }, { env = } or \
                            { credential = }; whoever could read it here knows it, so change it first";
                return fault(message, mend.to_owned());
            }
            (false, true) => {
                let mend = "write its value, or remove the stored secret";
                return fault("is not a secret", mend.to_owned());
            }
            (false, false) => {}
        }
        let schema = self.resolved(schema);
        if let Some((message, mend)) = wrong_type(schema, value) {
            return fault(&message, mend);
        }
        if let Some((message, mend)) =
            no_choice(schema, value).or_else(|| out_of_bounds(schema, value))
        {
            return fault(message, mend);
        }
        if let Some((message, mend)) = wrong_form(schema, value) {
            return fault(&message, mend);
        }
        self.branches(schema, value, path, depth, faults);
        for (key, member) in members(value) {
            let path = format!("{path}.{key}");
            self.member(schema, key, member, &path, depth + 1, faults);
        }
        for key in names(&schema["required"]) {
            if value.is_object() && value.get(key).is_none() {
                let path = format!("{path}.{key}");
                let mend = format!("add {key} = ...");
                let message = "is missing".to_owned();
                faults.push(Fault {
                    path,
                    message,
                    mend,
                });
            }
        }
        for (place, item) in value.as_array().into_iter().flatten().enumerate() {
            let path = format!("{path}[{place}]");
            self.value(&schema["items"], item, &path, depth + 1, faults);
        }
    }

    /// The value of one key of a table.
    fn member(
        &self,
        schema: &'s Value,
        key: &str,
        value: &Value,
        path: &str,
        depth: usize,
        faults: &mut Vec<Fault>,
    ) {
        if let Some(property) = schema["properties"].get(key) {
            return self.value(property, value, path, depth, faults);
        }
        match &schema["additionalProperties"] {
            Value::Bool(false) => {
                let known = members(&schema["properties"]).map(|(name, _)| name.as_str());
                let known: Vec<&str> = known.collect();
                faults.push(Fault {
                    path: path.to_owned(),
                    message: "the plugin has no such setting".to_owned(),
                    mend: suggestion(key, &known, "its settings are"),
                });
            }
            other => self.value(other, value, path, depth, faults),
        }
    }

    /// One of several schemas must fit: if only one is of the value's type, its faults are the value's.
    fn branches(
        &self,
        schema: &'s Value,
        value: &Value,
        path: &str,
        depth: usize,
        faults: &mut Vec<Fault>,
    ) {
        let all = [&schema["anyOf"], &schema["oneOf"]];
        let Some(branches) = all.into_iter().find_map(Value::as_array) else {
            return;
        };
        let tried = branches.iter().map(|branch| {
            let mut faults = Vec::new();
            self.value(branch, value, path, depth + 1, &mut faults);
            (self.resolved(branch), faults)
        });
        let tried: Vec<_> = tried.collect();
        if tried.iter().any(|(_, faults)| faults.is_empty()) {
            return;
        }
        let mut fitting = tried
            .into_iter()
            .filter(|(branch, _)| wrong_type(branch, value).is_none());
        match (fitting.next(), fitting.next()) {
            (Some((_, found)), None) => faults.extend(found),
            _ => faults.push(Fault {
                path: path.to_owned(),
                message: "has none of the forms that it may have".to_owned(),
                mend: help(schema),
            }),
        }
    }

    fn templates(&self, schema: &'s Value, value: &Value, depth: usize, found: &mut Vec<String>) {
        if depth > MAX_DEPTH {
            return;
        }
        let schema = self.resolved(schema);
        if schema["format"] == TEMPLATE {
            found.extend(value.as_str().map(str::to_owned));
        }
        for branch in schema["anyOf"].as_array().into_iter().flatten() {
            self.templates(branch, value, depth + 1, found);
        }
        for (key, member) in members(value) {
            let property = schema["properties"].get(key);
            let property = property.unwrap_or(&schema["additionalProperties"]);
            self.templates(property, member, depth + 1, found);
        }
        for item in value.as_array().into_iter().flatten() {
            self.templates(&schema["items"], item, depth + 1, found);
        }
    }
}

/// The format of a string that is a template, as the SDK writes it.
const TEMPLATE: &str = "textsender-template";

fn wrong_type(schema: &Value, value: &Value) -> Option<(String, String)> {
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
    let wanted = types.iter().copied().find(|kind| *kind != "null")?;
    let (expected, mend) = match wanted {
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
        mend.to_owned(),
    ))
}

fn no_choice(schema: &Value, value: &Value) -> Option<(&'static str, String)> {
    let one = schema.get("const").map(std::slice::from_ref);
    let choices = schema["enum"].as_array().map(Vec::as_slice).or(one)?;
    if choices.contains(value) {
        return None;
    }
    let words: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
    let written = value.as_str().unwrap_or_default();
    Some((
        "is not a choice here",
        suggestion(written, &words, "choose one of"),
    ))
}

fn out_of_bounds(schema: &Value, value: &Value) -> Option<(&'static str, String)> {
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

fn wrong_form(schema: &Value, value: &Value) -> Option<(String, String)> {
    let text = value.as_str()?;
    if schema["format"] == TEMPLATE {
        let fault = match Template::parse(text) {
            Ok(template) => template.check(&Rules::SENDER_SETTING).into_iter().next()?,
            Err(fault) => fault,
        };
        return Some((fault.fault(), fault.mend()));
    }
    if schema["x-textsender-host"] == true && schema["format"] == "uri" {
        let words = BaseUrl::try_from(text.to_owned()).err()?;
        let mend = "write it like \"https://api.example.org\"";
        return Some((words.to_owned(), mend.to_owned()));
    }
    None
}

fn suggestion(name: &str, known: &[&str], otherwise: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("{otherwise} {}", known.join(", ")),
    }
}

/// The first paragraph of a description.
fn help(schema: &Value) -> String {
    let description = schema["description"].as_str().unwrap_or_default();
    let paragraph = description.split("\n\n").next().unwrap_or_default();
    let clean = crate::redact::Redactor::default().clean(paragraph);
    clean.trim().to_owned()
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn members(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table.as_object().into_iter().flatten()
}
