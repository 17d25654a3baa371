//! A body: JSON or a form, and what is where in it.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, header::CONTENT_TYPE};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use url::form_urlencoded;

use crate::{
    config::Field,
    protocol::{ErrorCode, Failure},
};

/// What is said of a name that comes twice.
const TWICE: &str = "a name comes twice";

/// A body that was read.
pub(super) enum Document {
    Json(Json),
    Form(Vec<(String, String)>),
}

/// A JSON value. A name that comes twice in an object is an error: another reader may take the other one.
pub(super) enum Json {
    Null,
    Text(String),
    /// A whole one, not below zero.
    Number(u64),
    /// True, false, any other number.
    Other,
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// What stands somewhere.
pub(super) enum Value<'d> {
    Text(Cow<'d, str>),
    /// A whole number, not below zero, that JSON has without quotes.
    Number(u64),
}

impl Document {
    /// Reads a body: a form where its type says so, JSON where it says so or looks so.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Failure> {
        let text = std::str::from_utf8(body).map_err(|error| {
            let place = format!("byte {} is not UTF-8", error.valid_up_to() + 1);
            Failure::with_detail(ErrorCode::BadJson, place)
        })?;
        let text = text.trim_start_matches('\u{feff}').trim();
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        let is_form =
            kind.contains("form-urlencoded") || !kind.contains("json") && !text.starts_with('{');
        if is_form {
            let fields = form_urlencoded::parse(text.as_bytes());
            return Ok(Self::Form(fields.into_owned().collect()));
        }
        serde_json::from_str(text).map(Self::Json).map_err(|error| {
            if error.to_string().starts_with(TWICE) {
                return Failure::new(ErrorCode::DuplicateField);
            }
            let place = format!(
                "it can't be read, at line {}, column {}",
                error.line(),
                error.column()
            );
            Failure::with_detail(ErrorCode::BadJson, place)
        })
    }

    /// What stands at the first of these places that has something, and where that is.
    ///
    /// # Errors
    ///
    /// It is no text and no whole number.
    pub(super) fn find<'f>(
        &self,
        fields: &'f [Field],
    ) -> Result<Option<(Value<'_>, &'f str)>, Failure> {
        for field in fields {
            if let Some(value) = self.at(field)? {
                return Ok(Some((value, shown(field))));
            }
        }
        Ok(None)
    }

    fn at(&self, field: &Field) -> Result<Option<Value<'_>>, Failure> {
        let found = match (self, field) {
            (Self::Form(fields), _) => return of_form(fields, shown(field)),
            (Self::Json(json), Field::Pointer(pointer)) => json.pointer(pointer),
            (Self::Json(json), Field::Name(name)) => json.member(name),
        };
        match found {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Text(text)) if text.is_empty() => Ok(None),
            Some(Json::Text(text)) => Ok(Some(Value::Text(Cow::Borrowed(text)))),
            Some(Json::Number(number)) => Ok(Some(Value::Number(*number))),
            Some(_) => Err(bad(shown(field), "expected a string")),
        }
    }
}

fn of_form<'d>(fields: &'d [(String, String)], name: &str) -> Result<Option<Value<'d>>, Failure> {
    let mut found = fields.iter().filter(|(known, _)| known == name);
    let Some((_, value)) = found.next() else {
        return Ok(None);
    };
    if found.next().is_some() {
        return Err(Failure::with_detail(ErrorCode::DuplicateField, name));
    }
    // What is not UTF-8 was replaced by it.
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Err(bad(name, "expected UTF-8"));
    }
    Ok((!value.is_empty()).then_some(Value::Text(Cow::Borrowed(value))))
}

/// The name or pointer, as the configuration has it.
fn shown(field: &Field) -> &str {
    match field {
        Field::Pointer(text) | Field::Name(text) => text,
    }
}

pub(super) fn bad(field: &str, expected: &str) -> Failure {
    Failure::with_detail(ErrorCode::BadField, format!("{field}: {expected}"))
}

impl Json {
    fn pointer(&self, pointer: &str) -> Option<&Self> {
        let mut parts = pointer.split('/').skip(1);
        parts.try_fold(self, |value, part| {
            let name = part.replace("~1", "/").replace("~0", "~");
            match value {
                Self::List(items) => items.get(name.parse::<usize>().ok()?),
                _ => value.member(&name),
            }
        })
    }

    fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let mut members = members.iter();
        members.find_map(|(known, value)| (known == name).then_some(value))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let (mut names, mut members) = (std::collections::HashSet::new(), Vec::new());
        while let Some((name, value)) = object.next_entry::<String, Json>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(TWICE));
            }
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}
