//! A request, from a definition and its values. Each value is encoded once, for the place where it
//! stands, so that none can change the structure around it.

use std::{borrow::Cow, collections::BTreeMap};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use textsender_plugin_api::{Message, Method};

use crate::{
    definition::{Definition, Fields, Number},
    template::Template,
};

/// What stands for itself in a path (RFC 3986, 2.3).
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A request, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The method.
    pub method: Method,
    /// The address, with its query.
    pub url: String,
    /// Headers but those of the body's type and of auth.
    pub headers: Vec<(String, String)>,
    /// The body and its media type.
    pub body: Option<(String, Vec<u8>)>,
}

/// The values that texts are rendered with: of settings, and of a message.
#[derive(Clone, Copy)]
pub struct Values<'v> {
    /// By name; secrets among them.
    pub settings: &'v BTreeMap<String, String>,
    /// What is to be delivered, if anything is.
    pub message: Option<&'v Message>,
    /// How `%number%` is written.
    pub number: Number,
    /// `%id%`, where it is not the message's.
    pub id: Option<&'v str>,
}

impl<'v> Values<'v> {
    /// A value, if there is one.
    pub fn get(&self, name: &str) -> Option<Cow<'v, str>> {
        if let Some(setting) = self.settings.get(name) {
            return Some(setting.as_str().into());
        }
        if name == "id"
            && let Some(id) = self.id
        {
            return Some(id.into());
        }
        let message = self.message?;
        let number = |number| match number {
            Number::E164 => Cow::from(message.to.e164()),
            Number::Digits => message.to.digits().into(),
            Number::Zeros => format!("00{}", message.to.digits()).into(),
            Number::National => message.national.as_str().into(),
        };
        let seconds = message.expires_in.map(|left| left.as_secs().max(1));
        match name {
            "number" => Some(number(self.number)),
            "phone" => Some(number(Number::E164)),
            "digits" => Some(number(Number::Digits)),
            "national" => Some(number(Number::National)),
            "message" => Some(message.text.as_str().into()),
            "code" => message.code.as_ref().map(|code| code.expose().into()),
            "password" => message.password.as_ref().map(|it| it.expose().into()),
            "user" => message.user.as_deref().map(Into::into),
            "name" => message.name.as_deref().map(Into::into),
            "locale" => message.locale.as_deref().map(Into::into),
            "id" => Some(message.id.as_str().into()),
            "ttl_seconds" => seconds.map(|seconds| seconds.to_string().into()),
            "minutes" => seconds.map(|seconds| (seconds / 60).max(1).to_string().into()),
            _ => None,
        }
    }
}

/// Composes the request that hands a message over.
///
/// # Errors
///
/// A value does not fit where it stands, in words that hold no value.
pub fn compose(definition: &Definition, values: Values) -> Result<Composed, String> {
    let (mut headers, mut media_type) = (Vec::new(), None);
    for (name, value) in rendered(&definition.headers, values)? {
        let value = header_value(value)?;
        match name.eq_ignore_ascii_case("content-type") {
            true => media_type = Some(value),
            false => headers.push((name, value)),
        }
    }
    let mut url = address(definition.url.as_ref(), values)?;
    for (name, value) in rendered(&definition.query, values)? {
        push_query(&mut url, &name, &value);
    }
    let body = body(definition, values)?;
    let body = body.map(|(usual, body)| (media_type.unwrap_or_else(|| usual.to_owned()), body));
    Ok(Composed {
        method: definition.method,
        url,
        headers,
        body,
    })
}

/// The body, and the media type that is usual for it.
fn body(
    definition: &Definition,
    values: Values,
) -> Result<Option<(&'static str, Vec<u8>)>, String> {
    let get = |name: &str| values.get(name);
    let Definition {
        form,
        json,
        xml,
        text,
        ..
    } = definition;
    Ok(match (form, json, xml, text) {
        (Some(form), ..) => {
            let mut encoded = form_urlencoded::Serializer::new(String::new());
            encoded.extend_pairs(rendered(form, values)?);
            let body = encoded.finish().into_bytes();
            Some(("application/x-www-form-urlencoded", body))
        }
        (_, Some(json), ..) => {
            let body = json_value(json.as_ref(), values)?.unwrap_or_default();
            Some(("application/json", body.to_string().into_bytes()))
        }
        (_, _, Some(xml), _) => {
            let body = Template::parse(xml.as_ref())?.render(&get, xml_escaped);
            let body = body.ok_or("a value that the XML needs is missing")?;
            Some(("application/xml", body.into_bytes()))
        }
        (.., Some(text)) => {
            let body = Template::parse(text.as_ref())?.plain(&get);
            let body = body.ok_or("a value that the text needs is missing")?;
            Some(("text/plain; charset=utf-8", body.into_bytes()))
        }
        _ => None,
    })
}

/// An address: a value is one part of its path, or the label of a host.
///
/// # Errors
///
/// A value is missing, or can't stand there.
pub fn address(source: &str, values: Values) -> Result<String, String> {
    let scheme = "https://";
    let rest = source
        .strip_prefix(scheme)
        .ok_or("an address begins with https://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let get = |name: &str| values.get(name);
    let host = Template::parse(authority)?
        .plain(&get)
        .ok_or("the setting that names the host is missing")?;
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    if host.is_empty() || !host.bytes().all(is_host) {
        return Err("the setting that names the host does not hold a host name".to_owned());
    }
    let segment = |name: &str| {
        // By itself a dot, or two, is no part of a path but a way through it.
        get(name).filter(|value| !matches!(&**value, "." | ".."))
    };
    let path = Template::parse(path)?
        .render(&segment, |value| {
            utf8_percent_encode(value, IN_PATH).to_string()
        })
        .ok_or("a value that the address needs is missing, or is a dot")?;
    Ok(format!("{scheme}{host}{path}"))
}

/// Adds a parameter to an address.
pub fn push_query(url: &mut String, name: &str, value: &str) {
    let mut pair = form_urlencoded::Serializer::new(String::new());
    pair.append_pair(name, value);
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(&pair.finish());
}

/// What HTTP takes as a header's value.
///
/// # Errors
///
/// It would not: a line break would be another header.
pub fn header_value(value: String) -> Result<String, String> {
    match value
        .bytes()
        .all(|b| b == b'\t' || (b' '..0x7f).contains(&b))
    {
        true => Ok(value),
        false => Err("a header takes printable ASCII only".to_owned()),
    }
}

/// Fields with their values; one whose value is absent is left out.
fn rendered(fields: &Fields, values: Values) -> Result<Vec<(String, String)>, String> {
    let mut all = Vec::new();
    for (name, value) in fields {
        let value = Template::parse(value.as_ref())?.plain(&|name: &str| values.get(name));
        all.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(all)
}

/// JSON with values in its texts; `None` where one is absent, and so its key.
fn json_value(value: &Value, values: Values) -> Result<Option<Value>, String> {
    Ok(match value {
        Value::String(text) => {
            let template = Template::parse(text)?;
            match template.plain(&|name: &str| values.get(name)) {
                Some(text) if template.is_number => {
                    let number: serde_json::Number = text.parse().map_err(|_| {
                        "the value of a :number placeholder is not a number".to_owned()
                    })?;
                    Some(Value::Number(number))
                }
                text => text.map(Value::String),
            }
        }
        Value::Array(all) => {
            let mut list = Vec::new();
            for value in all {
                list.extend(json_value(value, values)?);
            }
            Some(list.into())
        }
        Value::Object(table) => {
            let mut object = serde_json::Map::new();
            for (key, value) in table {
                if let Some(value) = json_value(value, values)? {
                    object.insert(key.clone(), value);
                }
            }
            Some(object.into())
        }
        other => Some(other.clone()),
    })
}

/// A value as XML's text or attribute; characters that XML has not are left out.
fn xml_escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            '\t' | '\n' | '\r' => text.push_str(&format!("&#{};", character as u32)),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => text.push(other),
        }
    }
    text
}
