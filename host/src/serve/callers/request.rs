//! From a body in a product's shape to a request of ours.

use http::HeaderMap;
use serde_json::{Map, json};

use super::{
    code::only_code,
    document::{Document, Value, bad},
    hidden_limits::Wanted,
};
use crate::{
    config::{Field, Shape, WithoutPlus},
    protocol::{ErrorCode, Failure, Purpose, Request},
};

/// A request that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) request: Request,
    /// Whether the body has an id.
    pub(super) has_id: bool,
}

/// Why there is no message.
#[derive(Debug)]
pub(super) struct Unsendable {
    pub(super) failure: Failure,
    /// Who was to get what, where it is the user who has no number and not the body that is wrong.
    pub(super) without_number: Option<Wanted>,
}

/// Reads a body.
///
/// # Errors
///
/// It is not what the caller's section says, or not a right request.
pub(super) fn of(shape: &Shape, headers: &HeaderMap, body: &[u8]) -> Result<Read, Unsendable> {
    let document = Document::read(headers, body)?;
    let places = Places {
        document,
        json_numbers: shape.json_numbers,
    };
    let content = places.content(shape)?;
    let Some(phone) = places.text(&shape.fields.phone)? else {
        let user = places.text(&shape.fields.user_name)?;
        let user = user.or(places.text(&shape.fields.dn)?);
        return Err(Unsendable {
            failure: Failure::with_detail(ErrorCode::MissingField, "the number"),
            without_number: Some(Wanted {
                user: user.unwrap_or_default(),
                carried: content.into_carried(),
            }),
        });
    };
    let id = places.text(&shape.fields.id)?;
    let has_id = id.is_some();
    let mut user = Map::new();
    let phone = with_plus(phone, shape.numbers_without_plus);
    user.insert("phone".to_owned(), json!(phone));
    for (name, fields) in [
        ("name", &shape.fields.user_name),
        ("display_name", &shape.fields.display_name),
        ("locale", &shape.fields.locale),
        ("dn", &shape.fields.dn),
    ] {
        if let Some(value) = places.text(fields)? {
            user.insert(name.to_owned(), json!(value));
        }
    }
    let source = places.text(&shape.fields.source)?;
    let expires_in = places.minutes(&shape.fields.expires_in_minutes)?;
    let mut request = json!({
        "id": id,
        "event": shape.event.map(|event| event.as_str()),
        "user": user,
        "source": source,
        "expires_in": expires_in,
    });
    match content {
        Content::Code(code) => {
            request["purpose"] = json!(shape.purpose.as_str());
            request["code"] = json!(code);
        }
        Content::Message(message) => {
            request["purpose"] = json!(Purpose::Information.as_str());
            request["message"] = json!(message);
        }
    }
    let request = Request::parse(request.to_string().as_bytes())?;
    Ok(Read {
        request: Request {
            numbers_without_plus: shape.numbers_without_plus,
            ..request
        },
        has_id,
    })
}

impl From<Failure> for Unsendable {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            without_number: None,
        }
    }
}

/// What a body carries.
enum Content {
    Code(String),
    /// The caller's words.
    Message(String),
}

impl Content {
    fn into_carried(self) -> String {
        match self {
            Self::Code(text) | Self::Message(text) => text,
        }
    }
}

struct Places {
    document: Document,
    json_numbers: bool,
}

impl Places {
    /// The code; or, where the caller may send information, a text without one.
    fn content(&self, shape: &Shape) -> Result<Content, Failure> {
        if let Some(code) = self.text(&shape.fields.code)? {
            return Ok(Content::Code(code));
        }
        let text = self.document.find(&shape.fields.text)?;
        let (Some((Value::Text(text), place)), Some(pattern)) = (text, &shape.code_pattern) else {
            return Err(Failure::with_detail(ErrorCode::MissingField, "the code"));
        };
        match only_code(&text, pattern) {
            Ok(code) => Ok(Content::Code(code.to_owned())),
            Err(0) if shape.sends_information => Ok(Content::Message(text.into_owned())),
            Err(0) => Err(bad(place, "code_pattern finds no code in it")),
            Err(several) => Err(bad(
                place,
                &format!(
                    "code_pattern finds {several} in it that can be the code: it has to match one only"
                ),
            )),
        }
    }

    /// A text, or the digits of a number that JSON has without quotes.
    fn text(&self, fields: &[Field]) -> Result<Option<String>, Failure> {
        match self.document.find(fields)? {
            None => Ok(None),
            Some((Value::Text(text), _)) => Ok(Some(text.into_owned())),
            Some((Value::Number(number), _)) if self.json_numbers => Ok(Some(number.to_string())),
            Some((Value::Number(_), place)) => Err(bad(
                place,
                "expected a string: a number loses leading zeros; json_numbers = true takes it",
            )),
        }
    }

    fn minutes(&self, fields: &[Field]) -> Result<Option<u64>, Failure> {
        let minutes = match self.document.find(fields)? {
            None => return Ok(None),
            Some((Value::Number(minutes), _)) => Some(minutes),
            Some((Value::Text(text), _)) => text.parse().ok(),
        };
        let seconds = minutes.and_then(|minutes: u64| minutes.checked_mul(60));
        match seconds {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(Failure::with_detail(
                ErrorCode::BadField,
                "the code's minutes",
            )),
        }
    }
}

/// Where the calling code comes first, `00` in front of it stands for the plus.
fn with_plus(phone: String, without_plus: Option<WithoutPlus>) -> String {
    match phone.strip_prefix("00") {
        Some(rest) if without_plus == Some(WithoutPlus::International) => format!("+{rest}"),
        _ => phone,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, header::CONTENT_TYPE};

    use super::*;
    use crate::config::{Reading, Sources};

    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";

    fn shape(section: &str) -> Shape {
        let text = format!("[callers.idp]\n{section}");
        let reading = Reading::of(Sources::from_text("t.toml", text));
        assert!(reading.faults.is_empty(), "{:?}", reading.faults);
        let callers = reading.config.callers;
        callers["idp"].shape.clone().unwrap()
    }

    /// Number, code, id; or why not.
    fn read(shape: &Shape, kind: &'static str, body: &str) -> Result<(String, String), String> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        let read = of(shape, &headers, body.as_bytes());
        read.map(|Read { request, .. }| {
            let carried = request.carried().to_owned();
            (request.user.phone, carried)
        })
        .map_err(|unsendable| unsendable.failure.to_string())
    }

    #[test]
    fn a_name_is_a_forms_field_or_a_member_of_an_object() {
        let shape = shape("fields = { phone = \"to\", code = \"otp\" }");
        let wanted = Ok(("+447700900123".to_owned(), "012345".to_owned()));
        let json = r#"{"to":"+447700900123","otp":"012345"}"#;
        assert_eq!(read(&shape, JSON, json), wanted);
        assert_eq!(read(&shape, "text/plain", json), wanted);
        let form = "to=%2B447700900123&otp=012345&x=";
        assert_eq!(read(&shape, FORM, form), wanted);
        assert_eq!(read(&shape, "", form), wanted);
    }

    #[test]
    fn pointers_lead_through_objects_and_lists() {
        let shape = shape(r#"fields = { phone = "/to/0", code = ["/a~1b/~0", "/otp"] }"#);
        let json = r#"{"to":["+447700900123"],"a/b":{"~":"1234"},"otp":"9999"}"#;
        assert_eq!(read(&shape, JSON, json).unwrap().1, "1234");
        // Where the first has nothing, the next one counts.
        let json = r#"{"to":["+447700900123"],"a/b":{"~":null},"otp":"9999"}"#;
        assert_eq!(read(&shape, JSON, json).unwrap().1, "9999");
    }

    #[test]
    fn a_number_stands_for_digits_only_where_the_section_says_so() {
        let fields = "fields = { phone = \"to\", code = \"otp\" }";
        let json = r#"{"to":447700900123,"otp":123456}"#;
        let refused = read(&shape(fields), JSON, json).unwrap_err();
        assert!(
            refused.contains("otp: expected a string: a number loses leading zeros"),
            "{refused}"
        );
        let taking = shape(&format!("json_numbers = true\n{fields}"));
        let wanted = ("447700900123".to_owned(), "123456".to_owned());
        assert_eq!(read(&taking, JSON, json).unwrap(), wanted);
        for wrong in ["1.5", "-123456", "1e9", "true", "[\"123456\"]", "{}"] {
            let json = format!(r#"{{"to":"+447700900123","otp":{wrong}}}"#);
            let refused = read(&taking, JSON, &json).unwrap_err();
            assert!(
                refused.ends_with("otp: expected a string"),
                "{wrong}: {refused}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_no_value_shown() {
        let shape = shape("fields = { phone = \"to\", code = \"otp\" }");
        let cases = [
            (
                JSON,
                r#"{"to":"+447700900123""#,
                "the request is not JSON: it can't be read, at line 1",
            ),
            (JSON, "[]", "the request lacks a field: the code"),
            (
                JSON,
                r#"{"to":"+447700900123"}"#,
                "the request lacks a field: the code",
            ),
            (
                JSON,
                r#"{"otp":"123456"}"#,
                "the request lacks a field: the number",
            ),
            (
                JSON,
                r#"{"otp":"123456","to":""}"#,
                "the request lacks a field: the number",
            ),
            (
                JSON,
                r#"{"to":"1","to":"2","otp":"123456"}"#,
                "the request gives a field twice",
            ),
            (
                FORM,
                "to=1&to=2&otp=123456",
                "the request gives a field twice: to",
            ),
            (FORM, "to=%FF&otp=123456", "to: expected UTF-8"),
            (
                JSON,
                r#"{"to":"+447700900123","otp":"12"}"#,
                "code: expected 4 to 64",
            ),
        ];
        for (kind, body, words) in cases {
            let refused = read(&shape, kind, body).unwrap_err();
            assert!(refused.contains(words), "{body}: {refused}");
        }
    }

    #[test]
    fn a_missing_number_is_the_users_and_a_missing_code_is_not() {
        let shape = shape("fields = { phone = \"to\", code = \"otp\" }");
        let is_about_the_user = |body: &str| {
            let read = of(&shape, &HeaderMap::new(), body.as_bytes());
            read.unwrap_err().without_number.is_some()
        };
        assert!(is_about_the_user(r#"{"otp":"123456","to":null}"#));
        assert!(!is_about_the_user(r#"{"to":"+447700900123"}"#));
        assert!(!is_about_the_user("{}"));
    }

    #[test]
    fn zeros_stand_for_the_plus_where_the_calling_code_comes_first() {
        let fields = "fields = { phone = \"to\", code = \"otp\" }";
        let json = r#"{"to":"00447700900123","otp":"123456"}"#;
        let phone = |section: &str| read(&shape(section), JSON, json).unwrap().0;
        assert_eq!(phone(fields), "00447700900123");
        let international = format!("numbers_without_plus = \"international\"\n{fields}");
        assert_eq!(phone(&international), "+447700900123");
    }

    #[test]
    fn a_code_is_taken_from_a_text_where_there_is_one_only() {
        let shape =
            shape("code_pattern = '([0-9]{4,8})'\nfields = { phone = \"to\", text = \"text\" }");
        let read = |text: &str| {
            let json = json!({ "to": "+447700900123", "text": text });
            read(&shape, JSON, &json.to_string())
        };
        assert_eq!(read("Your code is 012345.").unwrap().1, "012345");
        let several = read("Code 012345, or call 5555.").unwrap_err();
        assert!(
            several.contains("text: code_pattern finds 2 in it"),
            "{several}"
        );
        let none = read("Your password was changed.").unwrap_err();
        assert!(
            none.contains("text: code_pattern finds no code in it"),
            "{none}"
        );
    }

    #[test]
    fn a_text_without_a_code_is_information_where_the_caller_may_send_that() {
        let shape = shape(
            "purposes = [\"verification_code\", \"information\"]\ncode_pattern = '([0-9]{4,8})'\n\
             fields = { phone = \"to\", text = \"text\" }",
        );
        let read = |text: &str| {
            let json = json!({ "to": "+447700900123", "text": text }).to_string();
            let read = of(&shape, &HeaderMap::new(), json.as_bytes());
            read.map(|read| (read.request.purpose, read.request.carried().to_owned()))
        };
        let words = "Your password was changed.";
        assert_eq!(
            read(words).unwrap(),
            (Purpose::Information, words.to_owned())
        );
        let code = read("Your code is 012345.").unwrap();
        assert_eq!(code, (Purpose::VerificationCode, "012345".to_owned()));
        // Which of two it is stays unknown.
        assert!(read("Code 012345, or call 5555.").is_err());
    }
}
