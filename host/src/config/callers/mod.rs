//! `[callers.NAME]`: what another product's HTTP bodies look like, and how it is answered.
//!
//! `product = "kratos"` fills all of it from a file of [`products`], written in the same dialect; keys
//! beside it take the place of the product's, one by one. A caller without a product and without fields
//! sends the requests of the callers' guide.

mod field;
mod products;

use std::{collections::BTreeMap, time::Duration};

use regex_lite::Regex;
use textsender_plugin_api::Purpose;

use super::{
    is_name,
    limits::{Limit, read_limit},
    place::{Located, Place},
    policies::WithoutPlus,
    table::{Node, Table},
};
use crate::protocol::Event;
pub use field::{Field, Fields};

/// How long a caller waits if nothing says: as little as those that give up soonest, but one.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest body of an answer: what is more is no answer to a message.
const MAX_ANSWER: usize = 1024;

/// What `purposes` may name.
const PURPOSES: [(&str, Purpose); 5] = [
    ("verification_code", Purpose::VerificationCode),
    ("helpdesk_code", Purpose::HelpdeskCode),
    ("new_password", Purpose::NewPassword),
    ("information", Purpose::Information),
    ("test", Purpose::Test),
];

/// `[callers.NAME]`.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where its section starts.
    pub place: Place,
    /// The product whose bodies it sends, if it is a known one.
    pub product: Option<&'static str>,
    /// Bodies in its own shape; `None`: it has none.
    pub shape: Option<Shape>,
    /// What it may send; `None`: all that needs not be named.
    pub purposes: Option<Vec<Purpose>>,
    /// The policies by which it may; `None`: all.
    pub policies: Option<Vec<Located<String>>>,
    /// How much it may send.
    pub limits: Vec<Limit>,
}

/// How to read a caller's bodies, and what to answer.
#[derive(Debug, Clone)]
pub struct Shape {
    /// How it proves who it is.
    pub proof: Proof,
    /// Where its messages' ids come from, where a body has none.
    pub ids: Ids,
    /// Whether it is told what is the matter with the user.
    pub reveal: bool,
    /// The purpose of its messages.
    pub purpose: Purpose,
    /// What its users do, if it is always the same.
    pub event: Option<Event>,
    /// How long it waits for an answer.
    pub timeout: Duration,
    /// How its numbers are written, where a policy says otherwise or nothing.
    pub numbers_without_plus: Option<WithoutPlus>,
    /// Whether whole numbers of JSON stand for their digits.
    pub json_numbers: bool,
    /// Whether a finished text without a code is sent as information.
    pub sends_information: bool,
    /// What is a code in a finished text: its only group.
    pub code_pattern: Option<Regex>,
    /// Where things are.
    pub fields: Fields,
    /// The body of a good answer.
    pub good: String,
    /// The body of a bad one; `None`: JSON with the error's code.
    pub bad: Option<String>,
}

/// How a caller proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Proof {
    /// Its stored secret `serve.NAME` as a token.
    #[default]
    Token,
    /// The headers of Standard Webhooks, with that secret as the key.
    StandardWebhooks,
    /// The header `ZITADEL-Signature`, with that secret as the key.
    Zitadel,
}

/// Where the ids of messages come from whose bodies have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ids {
    /// Each message is a new one.
    #[default]
    New,
    /// What it says: who sends it, the number, the code.
    Content,
}

/// The keys as they are written, in a configuration or in a product's file.
#[derive(Default)]
struct Keys {
    signature: Option<Proof>,
    id: Option<Ids>,
    reveal: Option<bool>,
    purpose: Option<Purpose>,
    event: Option<Event>,
    timeout: Option<Duration>,
    numbers_without_plus: Option<WithoutPlus>,
    json_numbers: Option<bool>,
    code_pattern: Option<Regex>,
    fields: Fields,
    good: Option<String>,
    bad: Option<String>,
}

/// Reads one of them.
pub(super) fn read(name: &Located<String>, node: &Node, callers: &mut BTreeMap<String, Caller>) {
    if !is_name(name) {
        node.fault(
            "is not a caller's name",
            "use 1 to 64 letters, digits, hyphens and underscores",
        );
    }
    if let Some(caller) = node.table(|t| Caller::read(node, t)) {
        callers.insert(name.value.clone(), caller);
    }
}

impl Caller {
    /// Whether it proves who it is by signatures.
    pub fn signs(&self) -> bool {
        let shape = self.shape.as_ref();
        shape.is_some_and(|shape| shape.proof != Proof::Token)
    }

    fn read(node: &Node, t: &Table) -> Self {
        let product = t.get("product").and_then(|node| {
            let choices: Vec<_> = products::NAMES.iter().map(|name| (*name, *name)).collect();
            node.choice(&choices)
        });
        let before = node.count_of_faults();
        let own = Keys::read(t);
        let has_fields = t.get("fields").is_some();
        let has_shape = product.is_some() || has_fields;
        let keys = match product.and_then(products::text) {
            Some(text) => own.over(products::read(text, Keys::read)),
            None => own,
        };
        // What could not be read is not missing.
        if has_shape && node.count_of_faults() == before {
            keys.judge(node);
        }
        let purposes = t
            .get("purposes")
            .map(|node| node.some(|one| one.choice(&PURPOSES)));
        let named = purposes.as_deref().unwrap_or_default();
        let shape = has_shape.then(|| Shape {
            sends_information: named.contains(&Purpose::Information),
            ..keys.into_shape()
        });
        Self {
            place: t.place(),
            product,
            shape,
            purposes,
            policies: t.get("policies").map(|node| node.some(|name| name.word())),
            limits: t
                .get("limits")
                .map_or(Vec::new(), |node| node.list(read_limit)),
        }
    }
}

impl Keys {
    fn read(t: &Table) -> Self {
        let proofs = [
            ("standard-webhooks", Proof::StandardWebhooks),
            ("zitadel", Proof::Zitadel),
        ];
        let purposes = [Purpose::VerificationCode, Purpose::HelpdeskCode]
            .map(|purpose| (purpose.as_str(), purpose));
        let events = [Event::Enroll, Event::Reset].map(|event| (event.as_str(), event));
        let answer = t.table("answer", |t| {
            (
                t.get("good").and_then(|node| body(&node)),
                t.get("bad").and_then(|node| body(&node)),
            )
        });
        let (good, bad) = answer.unwrap_or_default();
        Self {
            signature: t.get("signature").and_then(|node| node.choice(&proofs)),
            id: t
                .get("id")
                .and_then(|node| node.choice(&[("content", Ids::Content)])),
            reveal: t.boolean("reveal"),
            purpose: t.get("purpose").and_then(|node| node.choice(&purposes)),
            event: t.get("event").and_then(|node| node.choice(&events)),
            timeout: t.duration("timeout"),
            numbers_without_plus: WithoutPlus::read(t),
            json_numbers: t.boolean("json_numbers"),
            code_pattern: t.get("code_pattern").and_then(|node| pattern(&node)),
            fields: t.table("fields", Fields::read).unwrap_or_default(),
            good,
            bad,
        }
    }

    /// These keys, and the product's where one is not set.
    fn over(self, product: Self) -> Self {
        Self {
            signature: self.signature.or(product.signature),
            id: self.id.or(product.id),
            reveal: self.reveal.or(product.reveal),
            purpose: self.purpose.or(product.purpose),
            event: self.event.or(product.event),
            timeout: self.timeout.or(product.timeout),
            numbers_without_plus: self.numbers_without_plus.or(product.numbers_without_plus),
            json_numbers: self.json_numbers.or(product.json_numbers),
            code_pattern: self.code_pattern.or(product.code_pattern),
            fields: self.fields.over(product.fields),
            good: self.good.or(product.good),
            bad: self.bad.or(product.bad),
        }
    }

    /// What is missing for a message, or has no use.
    fn judge(&self, node: &Node) {
        let Fields {
            phone, code, text, ..
        } = &self.fields;
        if phone.is_empty() {
            node.fault_in(
                "fields.phone",
                "is missing",
                r#"say where the number is: phone = "/recipient" in JSON, or a form's field by its name"#,
            );
        }
        if code.is_empty() && text.is_empty() {
            node.fault_in(
                "fields.code",
                "is missing",
                "say where the code is; or fields.text, and code_pattern for the code in it",
            );
        }
        if text.is_empty() != self.code_pattern.is_none() {
            node.fault_in(
                "code_pattern",
                match text.is_empty() {
                    true => "has no text to search",
                    false => "is missing",
                },
                "fields.text and code_pattern go together: a code is taken from a finished text",
            );
        }
    }

    fn into_shape(self) -> Shape {
        Shape {
            proof: self.signature.unwrap_or_default(),
            ids: self.id.unwrap_or_default(),
            reveal: self.reveal.unwrap_or_default(),
            purpose: self.purpose.unwrap_or(Purpose::VerificationCode),
            event: self.event,
            timeout: self.timeout.unwrap_or(TIMEOUT),
            numbers_without_plus: self.numbers_without_plus,
            json_numbers: self.json_numbers.unwrap_or_default(),
            sends_information: false,
            code_pattern: self.code_pattern,
            fields: self.fields,
            good: self.good.unwrap_or_else(|| "{}".to_owned()),
            bad: self.bad,
        }
    }
}

/// A pattern with one group: the code.
fn pattern(node: &Node) -> Option<Regex> {
    let word = node.word()?;
    let remedy =
        r"write it in single quotes with one group around the code, as in 'code is ([0-9]{4,8})'";
    match Regex::new(&word) {
        // The whole match counts as a group.
        Ok(pattern) if pattern.captures_len() == 2 => {
            if group_matches_nothing(&word) {
                node.fault_for_check("its group fits an empty text too, which is no code", remedy);
            }
            Some(pattern)
        }
        Ok(_) => {
            node.fault("has to have one group, which is the code", remedy);
            None
        }
        Err(error) => {
            node.fault(format!("is not a regular expression: {error}"), remedy);
            None
        }
    }
}

/// Whether the one group of a pattern finds an empty text.
fn group_matches_nothing(pattern: &str) -> bool {
    let inner = group(pattern).map(|inner| Regex::new(&format!("(?:{inner})")));
    let Some(Ok(inner)) = inner else {
        return false;
    };
    ["", "a 1"].into_iter().any(|text| {
        let mut found = inner.find_iter(text);
        found.any(|found| found.is_empty())
    })
}

/// What stands in the first group of a pattern that is counted.
fn group(pattern: &str) -> Option<&str> {
    let (mut start, mut depth, mut in_class) = (None, 0_usize, false);
    let mut characters = pattern.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => {
                characters.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            _ if in_class => {}
            '(' if start.is_none() => {
                let rest = &pattern[at + 1..];
                let is_named = rest.starts_with("?P<") || rest.starts_with("?<");
                start = match (is_named, rest.starts_with('?')) {
                    (true, _) => Some(at + 2 + rest.find('>')?),
                    (false, true) => None,
                    (false, false) => Some(at + 1),
                };
            }
            '(' => depth += 1,
            ')' => match (start, depth) {
                (Some(start), 0) => return Some(&pattern[start..at]),
                (Some(_), _) => depth -= 1,
                (None, _) => {}
            },
            _ => {}
        }
    }
    None
}

fn body(node: &Node) -> Option<String> {
    let body = node.string()?;
    if body.len() > MAX_ANSWER {
        node.fault("is too long", "write at most 1,024 bytes");
        return None;
    }
    Some(body.value)
}

#[cfg(test)]
mod tests;
