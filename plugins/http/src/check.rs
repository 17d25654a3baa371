//! What is wrong with a definition, with its place: read by `textsender check`.
//!
//! | file | is about |
//! |---|---|
//! | `address` | where a request goes, and what may not stand there |
//! | `texts` | what is in it: placeholders, bodies, headers, what proves the account |
//! | `settings` | what an administrator fills in |
//! | `rules` | what answers mean, and whether the examples agree |
//! | `coverage` | what earlier rules leave to a later one |

mod address;
mod coverage;
mod rules;
mod settings;
mod texts;

use std::ops::Range;

use textsender_plugin_api::SettingFault;
use toml::de::{DeTable, DeValue};

pub use crate::definition::Fault;
use crate::{definition::Definition, template::Template};

/// Reads a definition.
///
/// # Errors
///
/// Every fault, in the order of the file.
pub fn read(source: &str) -> Result<Definition, Vec<Fault>> {
    let read = DeTable::parse(source).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        vec![(error.message().trim().to_owned(), span)]
    });
    let read = read.and_then(|tree| {
        let definition = Definition::of(&tree)?;
        let faults = Faults {
            definition: &definition,
            tree: tree.get_ref(),
            found: Vec::new(),
        };
        match faults.all() {
            faults if faults.is_empty() => Ok(definition),
            faults => Err(faults),
        }
    });
    read.map_err(|mut faults| {
        faults.sort_by_key(|(_, span)| span.start);
        faults
    })
}

/// A fault as the host shows it, of the setting that names the file.
pub fn shown((message, span): Fault) -> SettingFault {
    SettingFault::new("definition", message).at(span)
}

struct Faults<'d> {
    definition: &'d Definition,
    tree: &'d DeTable<'d>,
    found: Vec<Fault>,
}

impl Faults<'_> {
    fn all(mut self) -> Vec<Fault> {
        self.address();
        self.texts();
        self.auth();
        self.settings();
        self.rules();
        self.examples();
        self.found
    }

    fn add(&mut self, message: impl Into<String>, span: &Range<usize>) {
        self.found.push((message.into(), span.clone()));
    }

    /// The place of a value: the keys that lead there, and numbers in lists.
    fn place(&self, path: &[&str]) -> Option<Range<usize>> {
        let (first, rest) = path.split_first()?;
        let mut at = self.tree.get(*first)?;
        for step in rest {
            at = match at.get_ref() {
                DeValue::Table(table) => table.get(*step)?,
                DeValue::Array(list) => list.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(at.span())
    }

    /// Every text under a key, each at its place.
    fn texts_under(&self, key: &str) -> Vec<(String, Range<usize>)> {
        let mut found = Vec::new();
        if let Some(value) = self.tree.get(key) {
            collect(value.get_ref(), value.span(), &mut found);
        }
        found
    }

    /// Whether a text uses a setting that is a secret, and which.
    fn secret_in(&self, template: &Template) -> Option<String> {
        let settings = &self.definition.settings;
        let is_secret = |name: &&str| settings.get(*name).is_some_and(|it| it.secret);
        template.names().find(is_secret).map(str::to_owned)
    }
}

fn collect(value: &DeValue, span: Range<usize>, found: &mut Vec<(String, Range<usize>)>) {
    match value {
        DeValue::String(text) => found.push((text.clone().into_owned(), span)),
        DeValue::Array(list) => {
            for value in list {
                collect(value.get_ref(), value.span(), found);
            }
        }
        DeValue::Table(table) => {
            for (_, value) in table {
                collect(value.get_ref(), value.span(), found);
            }
        }
        _ => {}
    }
}
