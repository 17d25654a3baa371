//! What a plugin sent, decoded for assertions.

use std::{collections::BTreeMap, ops::Deref};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::HttpRequest;

/// A recorded HTTP request. The parts as they were composed are those of [`HttpRequest`].
#[derive(Clone, Debug)]
pub struct Request(pub(super) HttpRequest);

impl Deref for Request {
    type Target = HttpRequest;

    fn deref(&self) -> &HttpRequest {
        &self.0
    }
}

impl Request {
    /// The path: `/sms` of `https://api.acme.example/sms?x=1`.
    pub fn path(&self) -> &str {
        let url = self.url_without_query();
        let after_scheme = url.find("://").map_or(0, |at| at + 3);
        let path = url[after_scheme..].find('/');
        path.map_or("/", |at| &url[after_scheme + at..])
    }

    /// The query's parameters, decoded.
    ///
    /// # Panics
    ///
    /// One is given twice.
    #[track_caller]
    pub fn query(&self) -> BTreeMap<String, String> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        fields(query.as_bytes())
    }

    /// The form's fields, decoded: `request.form()["To"]`.
    ///
    /// # Panics
    ///
    /// The body is not a form, or a field is given twice.
    #[track_caller]
    pub fn form(&self) -> BTreeMap<String, String> {
        let media_type = self.header("content-type");
        assert_eq!(
            media_type,
            Some("application/x-www-form-urlencoded"),
            "the body is not a form"
        );
        fields(&self.body)
    }

    /// The body as JSON: `request.json()["phone_number"]`.
    ///
    /// # Panics
    ///
    /// The body is not JSON, or does not say so.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let media_type = self.header("content-type");
        assert_eq!(
            media_type,
            Some("application/json"),
            "the body is not said to be JSON"
        );
        match serde_json::from_slice(&self.body) {
            Ok(body) => body,
            Err(error) => panic!("the body is not JSON: {error}"),
        }
    }

    /// The first header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// User and password of HTTP Basic authentication.
    pub fn basic_auth(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization")?.strip_prefix("Basic ")?;
        let credentials = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = credentials.split_once(':')?;
        Some((user.into(), password.into()))
    }

    /// The bearer token.
    pub fn bearer_auth(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

#[track_caller]
fn fields(encoded: &[u8]) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        assert!(!fields.contains_key(&*name), "{name} is given twice");
        fields.insert(name.into_owned(), value.into_owned());
    }
    fields
}
