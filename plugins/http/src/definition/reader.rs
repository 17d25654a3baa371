//! TOML, read key by key: every fault at its place, and all of them at once.
//!
//! Not by serde: derived code for this many types, each with its place, is a quarter of the library.

use std::{collections::BTreeMap, ops::Range};

use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A fault and its bytes in the definition.
pub type Fault = (String, Range<usize>);

/// A table while it is read.
pub(super) struct Reader<'t> {
    table: &'t DeTable<'t>,
    span: Range<usize>,
    asked: Vec<&'static str>,
    takes_any_key: bool,
    faults: Vec<Fault>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(table: &'t DeTable<'t>, span: Range<usize>) -> Self {
        Self {
            table,
            span,
            asked: Vec::new(),
            takes_any_key: false,
            faults: Vec::new(),
        }
    }

    /// Every fault; what was not asked for is one.
    pub(super) fn end(mut self) -> Vec<Fault> {
        for key in self.table.keys() {
            let name = key.get_ref();
            if !self.takes_any_key && !self.asked.iter().any(|asked| asked == name) {
                let known = self.asked.join(", ");
                let message = format!("unknown key `{name}`: there are {known}");
                self.faults.push((message, key.span()));
            }
        }
        self.faults
    }

    fn get(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    pub(super) fn fault(&mut self, message: impl Into<String>, span: Range<usize>) {
        self.faults.push((message.into(), span));
    }

    /// What has to be there.
    pub(super) fn needed<T>(&mut self, key: &str, value: Option<T>) -> Option<T> {
        // One that is there and wrong has its fault already.
        if value.is_none() && !self.table.contains_key(key) {
            self.fault(format!("{key} is missing"), self.span.clone());
        }
        value
    }

    /// A text with its place.
    pub(super) fn spanned(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Spanned::new(value.span(), text.clone().into_owned())),
            _ => self.wrong("expected a text", value),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.spanned(key).map(Spanned::into_inner)
    }

    /// Yes or no.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong("expected true or false", value),
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.spanned(key)?;
        let known = words.iter().find(|(word, _)| word == text.get_ref());
        if known.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let message = format!(
                "{key} is not `{}`: there are {}",
                text.get_ref(),
                words.join(", ")
            );
            self.fault(message, text.span());
        }
        known.map(|(_, value)| *value)
    }

    /// What each key of the table means: one of a few words.
    pub(super) fn words<T: Copy>(&mut self, words: &[(&'static str, T)]) -> BTreeMap<String, T> {
        let mut all = BTreeMap::new();
        for (key, value) in self.table {
            let text = value.get_ref();
            let known = words
                .iter()
                .find(|(word, _)| matches!(text, DeValue::String(text) if text == word));
            match known {
                Some((_, meaning)) => {
                    all.insert(key.get_ref().clone().into_owned(), *meaning);
                }
                None => {
                    let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                    self.fault(format!("there are {}", words.join(", ")), value.span());
                }
            }
        }
        self.takes_any_key = true;
        all
    }

    /// A value that is not a table, or a list of them, each as text.
    pub(super) fn scalars(&mut self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        let value = self.get(key)?;
        let one = |value: &Spanned<DeValue>| {
            let text = match value.get_ref() {
                DeValue::String(text) => text.clone().into_owned(),
                DeValue::Integer(number) => number.to_string(),
                DeValue::Boolean(value) => value.to_string(),
                _ => return None,
            };
            Some(Spanned::new(value.span(), text))
        };
        let all = match value.get_ref() {
            DeValue::Array(list) if !list.is_empty() => list.iter().map(one).collect(),
            _ => one(value).map(|one| vec![one]),
        };
        all.or_else(|| self.wrong("expected a text, a whole number, true or false", value))
    }

    /// A table of texts.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<BTreeMap<String, Spanned<String>>> {
        let value = self.get(key)?;
        let DeValue::Table(table) = value.get_ref() else {
            return self.wrong("expected a table of texts", value);
        };
        let mut texts = BTreeMap::new();
        for (name, value) in table {
            if let DeValue::String(text) = value.get_ref() {
                let text = Spanned::new(value.span(), text.clone().into_owned());
                texts.insert(name.get_ref().clone().into_owned(), text);
            } else {
                self.fault("expected a text", value.span());
            }
        }
        Some(texts)
    }

    /// Anything, as JSON has it.
    pub(super) fn json(&mut self, key: &'static str) -> Option<Spanned<Value>> {
        let value = self.get(key)?;
        Some(Spanned::new(value.span(), json(value.get_ref())))
    }

    /// A table.
    pub(super) fn under<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Reader) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let value = self.get(key)?;
        self.table_of(value, read)
    }

    /// A list of tables.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        read: fn(&mut Reader) -> Option<T>,
    ) -> Vec<Spanned<T>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(list) = value.get_ref() else {
            self.fault(format!("expected a list: [[{key}]]"), value.span());
            return Vec::new();
        };
        list.iter()
            .filter_map(|value| self.table_of(value, read))
            .collect()
    }

    /// Tables by their names.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        read: fn(&mut Reader) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let Some(value) = self.get(key) else {
            return BTreeMap::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            self.fault(format!("expected a table: [{key}]"), value.span());
            return BTreeMap::new();
        };
        let mut all = BTreeMap::new();
        for (name, value) in table {
            if let Some(read) = self.table_of(value, read) {
                all.insert(name.get_ref().clone().into_owned(), read.into_inner());
            }
        }
        all
    }

    fn table_of<T>(
        &mut self,
        value: &'t Spanned<DeValue<'t>>,
        read: impl FnOnce(&mut Reader) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.wrong("expected a table", value);
        };
        let mut reader = Reader::new(table, value.span());
        let read = read(&mut reader);
        self.faults.append(&mut reader.end());
        read.map(|read| Spanned::new(value.span(), read))
    }

    fn wrong<T>(&mut self, message: &str, value: &Spanned<DeValue>) -> Option<T> {
        self.fault(message, value.span());
        None
    }
}

fn json(value: &DeValue) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Boolean(value) => Value::Bool(*value),
        // What JSON has no number for stays a text.
        DeValue::Integer(number) => number.to_string().parse::<i64>().map_or_else(
            |_| Value::String(number.to_string()),
            |number| Value::Number(number.into()),
        ),
        DeValue::Float(number) => {
            let number = number.as_str();
            let parsed = number.parse().ok().and_then(serde_json::Number::from_f64);
            parsed.map_or_else(|| Value::String(number.to_owned()), Value::Number)
        }
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(list) => list.iter().map(|value| json(value.get_ref())).collect(),
        DeValue::Table(table) => {
            let pair = |(key, value): (&Spanned<_>, &Spanned<DeValue>)| {
                let key: &std::borrow::Cow<str> = key.get_ref();
                (key.clone().into_owned(), json(value.get_ref()))
            };
            Value::Object(table.iter().map(pair).collect())
        }
    }
}
