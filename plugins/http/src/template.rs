//! Texts of a definition with `%names%` in them: of settings, or of the message.
//!
//! | written | gives |
//! |---|---|
//! | `%from%` | the setting `from` |
//! | `%message%` | the finished text |
//! | `%ttl_seconds:number%`, alone | a JSON number |
//! | `%name\|there%` | the value, or `there` |
//! | `%%` | a percent sign |
//!
//! One pass: what is inserted is never read again, and the caller encodes it once.

use std::borrow::Cow;

/// The values that a message has.
pub const OF_MESSAGE: [&str; 13] = [
    "number",
    "phone",
    "digits",
    "national",
    "message",
    "code",
    "password",
    "user",
    "name",
    "minutes",
    "id",
    "ttl_seconds",
    "locale",
];

/// A parsed text.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
    /// Whether it is one value that JSON is to hold as a number.
    pub is_number: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Slot {
        name: String,
        default: Option<String>,
    },
}

impl Template {
    /// Parses a text.
    pub fn parse(source: &str) -> Result<Self, String> {
        let (mut parts, mut is_number, mut rest) = (Vec::new(), false, source);
        while let Some(open) = rest.find('%') {
            push(&mut parts, &rest[..open]);
            rest = &rest[open + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                push(&mut parts, "%");
                rest = after;
                continue;
            }
            let close = rest
                .find('%')
                .ok_or("a percent sign is written twice, %%, or closes a name: %message%")?;
            let (name, default) = match rest[..close].split_once('|') {
                Some((name, default)) => (name, Some(default.to_owned())),
                None => (&rest[..close], None),
            };
            let name = name
                .strip_suffix(":number")
                .inspect(|_| is_number = true)
                .unwrap_or(name);
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if name.is_empty() || !name.bytes().all(fits) {
                return Err(format!(
                    "`%{name}%` is not a name: use lower-case letters, digits and _"
                ));
            }
            parts.push(Part::Slot {
                name: name.to_owned(),
                default,
            });
            rest = &rest[close + 1..];
        }
        push(&mut parts, rest);
        match is_number && parts.len() != 1 {
            true => Err("a :number stands alone".to_owned()),
            false => Ok(Self { parts, is_number }),
        }
    }

    /// The names that it uses.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot { name, .. } => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The text with its values, each `encoded` once; `None` where one is absent.
    pub fn render<'v>(
        &self,
        values: &impl Fn(&str) -> Option<Cow<'v, str>>,
        encoded: impl Fn(&str) -> String,
    ) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Slot { name, default } => {
                    let value = values(name).filter(|value| !value.is_empty());
                    let value =
                        value.or_else(|| default.as_deref().map(|it| it.to_owned().into()))?;
                    text.push_str(&encoded(&value));
                }
            }
        }
        Some(text)
    }

    /// The text with its values as they are.
    pub fn plain<'v>(&self, values: &impl Fn(&str) -> Option<Cow<'v, str>>) -> Option<String> {
        self.render(values, str::to_owned)
    }
}

fn push(parts: &mut Vec<Part>, literal: &str) {
    match parts.last_mut() {
        _ if literal.is_empty() => {}
        Some(Part::Literal(last)) => last.push_str(literal),
        _ => parts.push(Part::Literal(literal.to_owned())),
    }
}
