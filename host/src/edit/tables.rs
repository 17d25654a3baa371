//! Tables of a document under edit: found or made as a person would write them, and changed without
//! a trace on what is around.

use toml_edit::{Array, InlineTable, Item, Table, TableLike, Value};

use super::error::EditError;

/// The table that a path of keys leads to, made where it is missing.
pub fn table<'d>(
    root: &'d mut dyn TableLike,
    path: &[&str],
) -> Result<&'d mut dyn TableLike, EditError> {
    let Some((key, rest)) = path.split_first() else {
        return Ok(root);
    };
    if !root.contains_key(key) {
        let mut made = Table::new();
        // A table with tables alone needs no header of its own.
        made.set_implicit(!rest.is_empty());
        root.insert(key, Item::Table(made));
    }
    let found = root.get_mut(key).and_then(Item::as_table_like_mut);
    let found = found.ok_or_else(|| EditError::refused(format!("{key} is not a section")))?;
    table(found, rest)
}

/// The table that a path of keys leads to, if it is there.
pub fn existing<'d>(root: &'d mut dyn TableLike, path: &[&str]) -> Option<&'d mut dyn TableLike> {
    match path.split_first() {
        Some((key, rest)) => existing(root.get_mut(key)?.as_table_like_mut()?, rest),
        None => Some(root),
    }
}

/// Sets a key; the comment behind an old value stays.
pub fn set(table: &mut dyn TableLike, key: &str, value: impl Into<Value>) {
    let mut value = value.into();
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        _ => {
            table.insert(key, Item::Value(value));
        }
    }
}

/// Gives an entry another key. What it is, and its place among the others, stay.
pub fn rename(table: &mut dyn TableLike, key: &str, new_key: &str) {
    let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    // Taken out and put in again from the one that is renamed on, so that the order stays.
    for old in keys.iter().skip_while(|old| *old != key) {
        let Some(item) = table.remove(old) else {
            continue;
        };
        let name = if old == key { new_key } else { old };
        table.insert(name, item);
    }
}

/// The item of a list of tables, `[[KEY]]`, for which this holds.
pub fn item<'d>(
    root: &'d mut dyn TableLike,
    key: &str,
    is_it: impl Fn(&dyn TableLike) -> bool,
) -> Option<&'d mut dyn TableLike> {
    match root.get_mut(key)? {
        Item::ArrayOfTables(tables) => {
            let found = tables.iter_mut().find(|table| is_it(*table))?;
            Some(found)
        }
        Item::Value(Value::Array(values)) => {
            let tables = values.iter_mut().filter_map(Value::as_inline_table_mut);
            let mut tables = tables.filter(|table| is_it(*table));
            tables.next().map(|table| table as &mut dyn TableLike)
        }
        _ => None,
    }
}

/// Adds an item to a list of tables.
pub fn push_item(root: &mut dyn TableLike, key: &str, item: Table) -> Result<(), EditError> {
    if !root.contains_key(key) {
        root.insert(key, Item::ArrayOfTables(Default::default()));
    }
    match root.get_mut(key) {
        Some(Item::ArrayOfTables(tables)) => tables.push(item),
        Some(Item::Value(Value::Array(values))) => values.push(item.into_inline_table()),
        _ => {
            return Err(EditError::refused(format!(
                "{key} is not a list of sections"
            )));
        }
    }
    Ok(())
}

/// Removes the items of a list of tables for which this holds; returns how many.
pub fn remove_items(
    root: &mut dyn TableLike,
    key: &str,
    is_it: impl Fn(&dyn TableLike) -> bool,
) -> usize {
    let (before, after) = match root.get_mut(key) {
        Some(Item::ArrayOfTables(tables)) => {
            let before = tables.len();
            tables.retain(|table| !is_it(table));
            (before, tables.len())
        }
        Some(Item::Value(Value::Array(values))) => {
            let before = values.len();
            values.retain(|value| !value.as_inline_table().is_some_and(|table| is_it(table)));
            (before, values.len())
        }
        _ => return 0,
    };
    if after == 0 {
        root.remove(key);
    }
    before - after
}

/// A text of a table.
pub fn text<'t>(table: &'t dyn TableLike, key: &str) -> Option<&'t str> {
    table.get(key)?.as_str()
}

/// A JSON value as TOML has it. There is no null in TOML: it is an empty text.
pub fn value(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::from(""),
        Json::String(text) => Value::from(text.as_str()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(number.as_f64().unwrap_or_default()),
        },
        Json::Array(items) => Value::Array(items.iter().map(self::value).collect::<Array>()),
        Json::Object(entries) => {
            let entries = entries
                .iter()
                .map(|(key, item)| (key.as_str(), self::value(item)));
            Value::InlineTable(entries.collect::<InlineTable>())
        }
    }
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    fn edited(text: &str, edit: impl FnOnce(&mut DocumentMut)) -> String {
        let mut document: DocumentMut = text.parse().unwrap();
        edit(&mut document);
        document.to_string()
    }

    #[test]
    fn a_key_is_set_in_every_way_of_writing_its_section() {
        let cases = [
            ("", "[a.b]\nk = \"v\"\n"),
            (
                "[a] # why\nx = 1\n",
                "[a] # why\nx = 1\n\n[a.b]\nk = \"v\"\n",
            ),
            (
                "[a.b]\nk = \"o\" # why\nx = 1\n",
                "[a.b]\nk = \"v\" # why\nx = 1\n",
            ),
            ("a.b.k = 'o'\n", "a.b.k = \"v\"\n"),
            ("a.b.x = 1\n", "a.b.x = 1\na.b.k = \"v\"\n"),
            ("[a]\nb = { x = 1 }\n", "[a]\nb = { x = 1 , k = \"v\" }\n"),
            ("a = { x = 1 }\n", "a = { x = 1 , b = { k = \"v\" } }\n"),
        ];
        for (text, expected) in cases {
            let found = edited(text, |document| {
                set(
                    table(document.as_table_mut(), &["a", "b"]).unwrap(),
                    "k",
                    "v",
                );
            });
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn items_are_found_added_and_removed_in_both_ways_of_writing_a_list() {
        let named =
            |name: &'static str| move |table: &dyn TableLike| text(table, "n") == Some(name);
        for list in [
            "[[l]]\nn = \"a\"\n\n[[l]]\nn = \"b\"\n",
            "l = [{ n = \"a\" }, { n = \"b\" }]\n",
        ] {
            let mut document: DocumentMut = list.parse().unwrap();
            let root = document.as_table_mut();
            set(item(root, "l", named("b")).unwrap(), "x", 1);
            let mut added = Table::new();
            set(&mut added, "n", "c");
            push_item(root, "l", added).unwrap();
            assert_eq!(remove_items(root, "l", named("a")), 1);
            assert!(item(root, "l", named("a")).is_none());
            assert!(item(root, "l", named("c")).is_some());
            assert_eq!(remove_items(root, "l", |_| true), 2);
            assert_eq!(document.to_string(), "");
        }
    }
}
