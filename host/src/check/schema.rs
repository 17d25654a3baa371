//! Settings against a plugin's JSON Schema: the part of JSON Schema 2020-12 that `schemars` writes for
//! Rust types. What it can't say, and patterns, the plugin itself judges when it is configured.
//!
//! A schema comes from a plugin, so it may be anything: what is not understood allows everything, and
//! no reference is followed for ever. Faults never repeat a value: it may be a secret in the open.

mod rules;

use serde_json::{Map, Value};
use textsender_plugin_api::{
    SECRET_KEY,
    template::{Placeholders, Rules},
};

use self::rules::{
    TEMPLATE, choices, no_choice, not_chosen, out_of_bounds, suggestion, wrong_form, wrong_type,
};

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
        remedy: String,
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
            remedy: fault.remedy,
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

/// The value of the setting that says what a sender carries: one with `x-textsender-carries`.
pub(super) fn value_carrying<'s>(
    schema: &'s Value,
    settings: &'s Value,
    what: &str,
) -> Option<&'s Value> {
    let marked = members(&schema["properties"])
        .find(|(_, property)| property["x-textsender-carries"] == what);
    let (key, property) = marked?;
    settings.get(key).or_else(|| property.get("default"))
}

struct Fault {
    path: String,
    message: String,
    remedy: String,
}

pub(super) struct Schema<'s> {
    pub(super) root: &'s Value,
}

impl<'s> Schema<'s> {
    /// A schema with its references followed.
    pub(super) fn resolved(&self, schema: &'s Value) -> &'s Value {
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

    /// What the templates of these settings may use. `%secret%` stands for the setting of that name,
    /// where the plugin has one; where it may stand, the plugin says when it is configured.
    fn template_rules(&self) -> Rules {
        let root = self.resolved(self.root);
        match self.is_secret(&root["properties"]["secret"]) {
            true => Rules {
                offered: Placeholders::ALL,
                ..Rules::SENDER_SETTING
            },
            false => Rules::SENDER_SETTING,
        }
    }

    pub(super) fn is_secret(&self, schema: &'s Value) -> bool {
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
        let mut fault = |message: &str, remedy: String| {
            faults.push(Fault {
                path: path.to_owned(),
                message: message.to_owned(),
                remedy,
            });
        };
        let is_marked = value.get(SECRET_KEY).is_some();
        match (self.is_secret(schema), is_marked) {
            (true, true) => return,
            (true, false) => {
                let message = "is a secret, and may not stand in the configuration";
                let remedy = "store it as a secret, or refer to it with { file = }, { env = } or \
                            { credential = }; others may have read it here, so renew it first";
                return fault(message, remedy.to_owned());
            }
            (false, true) => {
                let remedy = "write its value, or remove the stored secret";
                return fault("is not a secret", remedy.to_owned());
            }
            (false, false) => {}
        }
        let schema = self.resolved(schema);
        if let Some((message, remedy)) = wrong_type(schema, value) {
            return fault(&message, remedy);
        }
        if let Some((message, remedy)) =
            no_choice(schema, value).or_else(|| out_of_bounds(schema, value))
        {
            return fault(message, remedy);
        }
        if let Some((message, remedy)) = wrong_form(schema, value, &self.template_rules()) {
            return fault(&message, remedy);
        }
        self.branches(schema, value, path, depth, faults);
        for (key, member) in members(value) {
            let path = format!("{path}.{key}");
            self.member(schema, key, member, &path, depth + 1, faults);
        }
        for key in names(&schema["required"]) {
            if value.is_object() && value.get(key).is_none() {
                let path = format!("{path}.{key}");
                let remedy = format!("add {key} = ...");
                let message = "is missing".to_owned();
                faults.push(Fault {
                    path,
                    message,
                    remedy,
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
                    remedy: suggestion(key, &known, "its settings are"),
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
        let fitting: Vec<_> = tried
            .into_iter()
            .filter(|(branch, _)| wrong_type(branch, value).is_none())
            .collect();
        // An enum whose variants are documented is a branch for each.
        let choices = fitting.iter().map(|(branch, _)| choices(branch));
        let choices: Option<Vec<&[Value]>> = choices.collect();
        let (message, remedy) = match (choices, fitting.len()) {
            (Some(choices), 1..) => not_chosen(&choices.concat(), value),
            (None, 1) => {
                faults.extend(fitting.into_iter().flat_map(|(_, found)| found));
                return;
            }
            _ => ("matches none of the forms that are allowed", help(schema)),
        };
        faults.push(Fault {
            path: path.to_owned(),
            message: message.to_owned(),
            remedy,
        });
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

/// The first paragraph of a description.
pub(super) fn help(schema: &Value) -> String {
    let description = schema["description"].as_str().unwrap_or_default();
    let paragraph = description.split("\n\n").next().unwrap_or_default();
    let clean = crate::redact::Redactor::default().clean(paragraph);
    clean.trim().to_owned()
}

pub(super) fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn members(table: &Value) -> impl Iterator<Item = (&String, &Value)> {
    table.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests;
