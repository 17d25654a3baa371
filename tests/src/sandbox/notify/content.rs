//! Templates: filling placeholders in, and what a text message can carry.

use serde_json::{Map, Value};

use super::service::Template;

/// Longest text after substitution, in UTF-16 units.
pub(super) const MAX_LENGTH: usize = 918;

/// Why a template cannot be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ContentError {
    /// These placeholders have no value, in the template's order.
    Missing(Vec<String>),
    /// The text is this many characters long.
    TooLong(usize),
    /// Nothing is left of it.
    Empty,
}

impl ContentError {
    /// Notify's wording.
    pub fn message(&self) -> String {
        match self {
            ContentError::Missing(names) => {
                format!("Missing personalisation: {}", names.join(", "))
            }
            ContentError::Empty => "Your message is empty.".to_owned(),
            ContentError::TooLong(length) => format!(
                "Your message is too long. Text messages cannot be longer than {MAX_LENGTH} characters. \
                 Your message is {length} characters long."
            ),
        }
    }
}

/// The names of a template's placeholders, in order, each once.
pub(super) fn placeholders(body: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for part in parts(body) {
        let name = match part {
            Part::Text(_) => continue,
            Part::Value(name) | Part::Choice { name, .. } => name,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The text that a template makes of these values.
pub(super) fn fill(
    template: &Template,
    values: &Map<String, Value>,
) -> Result<String, ContentError> {
    let value = |name: &str| {
        let (_, value) = values.iter().find(|(key, _)| same_key(key, name))?;
        (!value.is_null()).then(|| written(value))
    };
    let missing: Vec<String> = placeholders(&template.body)
        .into_iter()
        .filter(|name| value(name).is_none())
        .map(str::to_owned)
        .collect();
    if !missing.is_empty() {
        return Err(ContentError::Missing(missing));
    }
    let mut text = String::new();
    for part in parts(&template.body) {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Value(name) => text.push_str(&value(name).unwrap_or_default()),
            Part::Choice { name, then } => {
                let chosen = value(name).is_some_and(|answer| {
                    matches!(&*answer.to_lowercase(), "yes" | "true" | "y" | "t" | "1")
                });
                text.push_str(if chosen { then } else { "" });
            }
        }
    }
    let text = shown(&text);
    match text.encode_utf16().count() {
        0 => Err(ContentError::Empty),
        length if length > MAX_LENGTH => Err(ContentError::TooLong(length)),
        _ => Ok(text),
    }
}

enum Part<'a> {
    Text(&'a str),
    /// `((name))`
    Value(&'a str),
    /// `((name??text))`: the text if the value is yes.
    Choice {
        name: &'a str,
        then: &'a str,
    },
}

fn parts(mut body: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some(start) = body.find("((") {
        let Some(end) = body[start..].find("))") else {
            break;
        };
        parts.push(Part::Text(&body[..start]));
        let inner = &body[start + 2..start + end];
        parts.push(match inner.split_once("??") {
            Some((name, then)) => Part::Choice { name, then },
            None => Part::Value(inner),
        });
        body = &body[start + end + 2..];
    }
    parts.push(Part::Text(body));
    parts
}

/// Names are the same whatever their case, spaces, dashes and underscores.
fn same_key(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(|c| !" -_".contains(*c))
            .collect::<String>()
            .to_lowercase()
    };
    letters(a) == letters(b)
}

/// A value as it stands in the text: lists become "1, 2 and 3".
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            match items.split_last() {
                Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
                _ => items.concat(),
            }
        }
        other => other.to_string(),
    }
}

/// The text as the phone shows it, in the order in which Notify changes it: blanks before a comma or full stop go,
/// lines have no blank at their ends and one between words, no two empty lines follow each other, and look-alikes
/// become plain. All else of Unicode stays.
fn shown(text: &str) -> String {
    let text = before_punctuation(text).replace("\r\n", "\n");
    let mut lines: Vec<String> = Vec::new();
    for line in text.split(ends_line) {
        let line: String = line.chars().filter_map(with_width).collect();
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_third = line.is_empty() && lines.last().is_none_or(String::is_empty);
        if !is_third {
            lines.push(line);
        }
    }
    let mut plain = String::with_capacity(text.len());
    for character in lines.join("\n").trim().chars() {
        match look_alike(character) {
            Some(replacement) => plain.push_str(replacement),
            None => plain.push(character),
        }
    }
    plain
}

/// Where a line ends for Python's `splitlines`.
fn ends_line(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// White space as a blank, unless it has no width.
fn with_width(c: char) -> Option<char> {
    match c {
        '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}' => None,
        '\u{1f}' => Some(' '),
        _ => Some(c),
    }
}

/// The text without the blanks that stand before a comma or full stop.
fn before_punctuation(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, ',' | '.') {
            kept.truncate(kept.trim_end_matches([' ', '\t']).len());
        }
        kept.push(character);
    }
    kept
}

/// What stands in the place of a character that looks like it (`SanitiseText.REPLACEMENT_CHARACTERS`).
fn look_alike(c: char) -> Option<&'static str> {
    Some(match c {
        '‘' | '’' | '‚' => "'",
        '“' | '”' | '„' => "\"",
        '\u{2011}' | '–' | '—' | '\u{2212}' => "-",
        '…' => "...",
        'Ł' => "L",
        'ł' => "l",
        _ => return None,
    })
}
