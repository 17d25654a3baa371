//! Changes to a tree of TOML tables.

use toml::{Table, Value};

/// Joins tables; anything else that `from` has replaces what was there.
pub(super) fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// Puts the value where a path of tables ends.
pub(super) fn replace_leaf(path: &mut Table, value: &Value) {
    for (_, inner) in path.iter_mut() {
        match inner {
            Value::Table(inner) => replace_leaf(inner, value),
            leaf => *leaf = value.clone(),
        }
    }
}

/// Replaces one text by another wherever it is a value.
pub(super) fn replace_text(table: &mut Table, old: &str, new: &str) {
    for (_, value) in table.iter_mut() {
        match value {
            Value::Table(inner) => replace_text(inner, old, new),
            Value::String(text) if text == old => new.clone_into(text),
            _ => {}
        }
    }
}

/// Removes what a path of tables leads to.
pub(super) fn remove_leaf(from: &mut Table, path: &Table) {
    for (key, inner) in path {
        match (from.get_mut(key), inner) {
            (Some(Value::Table(from)), Value::Table(inner)) => remove_leaf(from, inner),
            _ => {
                from.remove(key);
            }
        }
    }
}
