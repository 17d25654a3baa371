//! One setting in a form, made from the plugin's JSON Schema; and what a submitted form says of it.

use maud::{Markup, html};
use textsender::{
    check::{Field, Kind},
    config::{Sender, Setting},
    edit::tables,
    plugins::to_json,
};

use super::senders::label_of;
use crate::call::Fields;

/// A setting, and its value as the configuration has it.
pub struct Shown<'f> {
    field: &'f Field,
    /// As it is typed; `None` where it is not set, or no text in the open.
    value: Option<String>,
    /// Of a table, its entries.
    entries: Vec<(String, String)>,
    is_set: bool,
}

/// What a form changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// `KEY=VALUE`.
    pub set: Vec<String>,
    /// Names.
    pub unset: Vec<String>,
}

/// Empty rows of a table, for entries to come.
const SPARE_ROWS: usize = 2;

impl<'f> Shown<'f> {
    /// A setting of a sender.
    pub fn of(field: &'f Field, sender: &Sender) -> Self {
        let setting = sender.settings.get(&field.name);
        let value = setting.and_then(|setting| match &setting.value {
            Setting::Value(value) => Some(value),
            Setting::Secret(_) => None,
        });
        let entries = value.and_then(toml::Value::as_table);
        let entries = entries.into_iter().flatten();
        Self {
            field,
            is_set: setting.is_some(),
            value: value.map(typed),
            entries: entries
                .map(|(name, value)| (name.clone(), typed(value)))
                .collect(),
        }
    }

    /// Whether a form can change it: secrets have a page of their own, and what has no simple form has the file.
    pub fn is_editable(&self) -> bool {
        let is_simple = |kind: &Kind| !matches!(kind, Kind::Any | Kind::Table(_) | Kind::List(_));
        let has_form = match &self.field.kind {
            Kind::Any => false,
            Kind::List(kind) | Kind::Table(kind) => is_simple(kind),
            _ => true,
        };
        has_form && !self.field.is_secret && (self.value.is_some() || !self.is_set)
    }

    /// Its part of the form. What was typed before counts before what is set.
    pub fn input(&self, typed: Option<&Fields>) -> Markup {
        let Field {
            name,
            help,
            is_required,
            default,
            kind,
            ..
        } = self.field;
        let id = format!("set-{name}");
        let given = typed.and_then(|form| value_of(form, &format!("set.{name}")));
        let value = given.or(self.value.as_deref()).unwrap_or_default();
        let default = default
            .as_deref()
            .map(|default| format!("If it is empty: {default}"));
        let help_id = format!("{id}-help");
        let help = html! {
            span.help id=(help_id) {
                (help) " "
                @if *is_required { "It is needed. " }
                @if let Some(default) = &default { (default) }
            }
        };
        match kind {
            Kind::Boolean => html! {
                fieldset {
                    legend { (label_of(name)) }
                    @for (word, label) in [("", "As the plugin has it"), ("true", "Yes"), ("false", "No")] {
                        label.choice {
                            input type="radio" name={ "set." (name) } value=(word) checked[value == word] aria-describedby=(help_id);
                            " " (label)
                        }
                    }
                    (help)
                }
            },
            Kind::Choice(words) => html! {
                p {
                    label for=(id) { (label_of(name)) }
                    select id=(id) name={ "set." (name) } aria-describedby=(help_id) {
                        option value="" { "As the plugin has it" }
                        @for word in words { option value=(word) selected[value == word] { (word) } }
                    }
                    (help)
                }
            },
            Kind::Table(_) => self.table(typed, &help),
            _ => html! {
                p {
                    label for=(id) { (label_of(name)) }
                    input id=(id) name={ "set." (name) } value=(value) autocomplete="off" spellcheck="false" aria-describedby=(help_id);
                    (help)
                }
            },
        }
    }

    fn table(&self, typed: Option<&Fields>, help: &Markup) -> Markup {
        let name = &self.field.name;
        let mut rows = match typed {
            Some(form) => rows_of(form, name),
            None => self.entries.clone(),
        };
        rows.extend(vec![Default::default(); SPARE_ROWS]);
        html! {
            fieldset {
                legend { (label_of(name)) }
                (help)
                @for (row, (key, value)) in rows.iter().enumerate() {
                    p.pair {
                        input name={ "key." (name) } value=(key) aria-label={ (label_of(name)) ", name " (row + 1) } autocomplete="off";
                        " = "
                        input name={ "value." (name) } value=(value) aria-label={ (label_of(name)) ", value " (row + 1) } autocomplete="off";
                    }
                }
            }
        }
    }

    /// What a form says of it against what is set. A form without the field says nothing.
    pub fn compare(&self, form: &Fields, changes: &mut Changes) {
        if !self.is_editable() {
            return;
        }
        let name = &self.field.name;
        if matches!(self.field.kind, Kind::Table(_)) {
            if form.iter().any(|(key, _)| *key == format!("key.{name}")) {
                self.compare_table(&rows_of(form, name), changes);
            }
            return;
        }
        let Some(typed) = value_of(form, &format!("set.{name}")).map(str::trim) else {
            return;
        };
        match &self.value {
            Some(_) if typed.is_empty() => changes.unset.push(name.clone()),
            Some(value) if value == typed => {}
            None if typed.is_empty() => {}
            _ => changes.set.push(format!("{name}={typed}")),
        }
    }

    fn compare_table(&self, rows: &[(String, String)], changes: &mut Changes) {
        let name = &self.field.name;
        for (key, value) in rows {
            if !self.entries.contains(&(key.clone(), value.clone())) {
                changes.set.push(format!("{name}.{key}={value}"));
            }
        }
        for (key, _) in &self.entries {
            if !rows.iter().any(|(kept, _)| kept == key) {
                changes.unset.push(format!("{name}.{key}"));
            }
        }
    }
}

/// A value as it is typed at a command line.
fn typed(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(typed).collect::<Vec<_>>().join(", "),
        value => tables::value(&to_json(value)).to_string(),
    }
}

fn value_of<'f>(form: &'f Fields, name: &str) -> Option<&'f str> {
    let mut form = form.iter();
    let (_, value) = form.find(|(key, _)| key == name)?;
    Some(value)
}

/// The rows of a table in a form that have a name.
fn rows_of(form: &Fields, name: &str) -> Vec<(String, String)> {
    let all = |wanted: String| {
        let fields = form.iter().filter(move |(key, _)| *key == wanted);
        fields.map(|(_, value)| value.trim().to_owned())
    };
    let rows = all(format!("key.{name}")).zip(all(format!("value.{name}")));
    rows.filter(|(key, _)| !key.is_empty()).collect()
}
