//! From bytes to a [`Request`]: JSON, fields, and what belongs together.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use jiff::{Timestamp, civil::DateTime};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use textsender_plugin_api::Purpose;

use super::{
    Code, Content, MAX_REQUEST, Password, Request, Resend, User,
    fields::{Fields, JsonString, Object, QUOTE_IT, TOO_MANY_GROUPS, UserFields},
};
use crate::protocol::{ErrorCode, Failure, MessageId, VERSION, languages};

/// What is said of an id that is none.
const NO_ID: &str = "expected 1 to 128 printable ASCII characters without spaces";

/// The longest value of any field but `groups`, in bytes.
const MAX_VALUE: usize = 4096;

pub(super) fn read(json: &[u8]) -> Result<Request, Failure> {
    whole(fields(json)?)
}

/// Holds the fields against each other.
pub(super) fn whole(fields: Fields) -> Result<Request, Failure> {
    let version = fields.version.unwrap_or(VERSION);
    if version != VERSION {
        return Err(Failure::with_detail(
            ErrorCode::UnsupportedVersion,
            format!("{version}"),
        ));
    }
    let purpose = fields.purpose.ok_or_else(|| missing("purpose"))?;
    let content = content(purpose, fields.code, fields.password, fields.message)?;
    let sender = text("sender", fields.sender)?;
    if sender.is_some() && purpose != Purpose::Test {
        return Err(bad(
            "sender",
            "only a test may name its sender; policies name it for all other messages",
        ));
    }
    let id = id(fields.id)?;
    Ok(Request {
        resend: resend(fields.resend_of, &id, purpose)?,
        id,
        purpose,
        event: fields.event,
        actor: text("actor", fields.actor)?,
        source: source(fields.source)?,
        user: user(fields.user.ok_or_else(|| missing("user"))?.0)?,
        content,
        expires_in: expiry(fields.expires_in, fields.expires_at)?,
        sender,
        policy: None,
        numbers_without_plus: None,
        timeout: None,
    })
}

/// Reads one JSON object and nothing after it.
pub(super) fn fields<T: DeserializeOwned>(json: &[u8]) -> Result<T, Failure> {
    if json.len() > MAX_REQUEST {
        return Err(Failure::with_detail(ErrorCode::TooLarge, "more than 1 MiB"));
    }
    let json = without_mark(json);
    let json = std::str::from_utf8(json).map_err(|error| {
        let place = format!("byte {} is not UTF-8", error.valid_up_to() + 1);
        Failure::with_detail(ErrorCode::BadJson, place)
    })?;
    let deserializer = &mut serde_json::Deserializer::from_str(json);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut *deserializer, &mut track);
    match Object::<T>::deserialize(tracked) {
        Ok(Object(fields)) => deserializer
            .end()
            .map(|()| fields)
            .map_err(|error| not_json(&error)),
        Err(error) if error.is_data() => Err(bad_data(&track.path().to_string(), &error)),
        // Where a word is wanted, serde_json takes what is no string for broken JSON.
        Err(_) if serde_json::from_str::<IgnoredAny>(json).is_ok() => {
            Err(bad(&track.path().to_string(), "expected a string"))
        }
        Err(error) => Err(not_json(&error)),
    }
}

fn not_json(error: &serde_json::Error) -> Failure {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        _ => "it can't be read",
    };
    let place = format!(
        "{what}, at line {}, column {}",
        error.line(),
        error.column()
    );
    Failure::with_detail(ErrorCode::BadJson, place)
}

/// Says what serde says, without the value that serde quotes.
fn bad_data(path: &str, error: &serde_json::Error) -> Failure {
    let said = error.to_string();
    let name = said.split('`').nth(1).unwrap_or_default();
    let place = || match path.rsplit_once('.') {
        _ if path == "." || path == name => shown(name),
        Some((parent, last)) if last == name => shown(&format!("{parent}.{name}")),
        _ => shown(&format!("{path}.{name}")),
    };
    if said.starts_with("unknown field") {
        return Failure::with_detail(ErrorCode::UnknownField, place());
    }
    if said.starts_with("duplicate field") {
        return Failure::with_detail(ErrorCode::DuplicateField, place());
    }
    if said.starts_with(TOO_MANY_GROUPS) {
        return Failure::with_detail(ErrorCode::TooLarge, TOO_MANY_GROUPS);
    }
    let path = if path == "." { "the request" } else { path };
    if said.starts_with(QUOTE_IT) {
        let is_time = path == "expires_at";
        return bad(path, if is_time { NO_TIME } else { QUOTE_IT });
    }
    let expected = said
        .rsplit_once("expected ")
        .map_or("another value", |(_, expected)| {
            expected
                .rfind(" at line ")
                .map_or(expected, |at| &expected[..at])
        });
    let expected = match expected {
        "u32" | "u64" => "a whole number, without quotes",
        other => other,
    };
    bad(path, &format!("expected {expected}"))
}

/// A name that came from outside, short and printable. It may be a number or a code at the wrong place: digits are
/// not shown.
fn shown(name: &str) -> String {
    let seen = name.chars().filter(|c| !c.is_control());
    let masked = seen.map(|c| if c.is_numeric() { '*' } else { c });
    masked.take(40).collect()
}

fn id(given: Option<JsonString>) -> Result<MessageId, Failure> {
    match given {
        Some(JsonString(id)) => MessageId::parse(&id).ok_or_else(|| bad("id", NO_ID)),
        None => MessageId::random().map_err(|_| {
            Failure::with_detail(ErrorCode::Crashed, "the system gives no random bytes")
        }),
    }
}

fn resend(of: Option<JsonString>, id: &MessageId, purpose: Purpose) -> Result<Resend, Failure> {
    const FIELD: &str = "resend_of";
    let Some(JsonString(of)) = of else {
        return Ok(Resend::No);
    };
    let of = MessageId::parse(&of).ok_or_else(|| bad(FIELD, NO_ID))?;
    if of == *id {
        return Err(bad(FIELD, "a resend needs an id of its own"));
    }
    match purpose {
        Purpose::Test | Purpose::Information => {
            Err(bad(FIELD, "only codes and passwords can be resent"))
        }
        _ => Ok(Resend::Of(of)),
    }
}

fn content(
    purpose: Purpose,
    code: Option<JsonString>,
    password: Option<JsonString>,
    message: Option<JsonString>,
) -> Result<Content, Failure> {
    if message.is_some() && purpose != Purpose::Information {
        return Err(bad(
            "message",
            "only information carries the caller's own words",
        ));
    }
    match (purpose, code, password) {
        (Purpose::NewPassword, None, Some(JsonString(password))) => Password::parse(&password)
            .map(Content::Password)
            .ok_or_else(|| bad("password", "expected 1 to 256 printable characters")),
        (Purpose::NewPassword, Some(_), _) => {
            Err(bad("code", "new_password carries a password and no code"))
        }
        (Purpose::NewPassword, None, None) => Err(missing("password")),
        (Purpose::Information, Some(_), _) => Err(bad("code", "information carries no code")),
        (Purpose::Information, None, None) => Ok(Content::Message(text("message", message)?)),
        (_, _, Some(_)) => Err(bad("password", "only new_password carries a password")),
        (_, Some(JsonString(code)), None) => Code::parse(&code)
            .map(Content::Code)
            .map_err(|fault| bad("code", fault)),
        (_, None, None) => Err(missing("code")),
    }
}

fn user(fields: UserFields) -> Result<User, Failure> {
    let name = text("user.name", fields.name)?;
    let sid = text("user.sid", fields.sid)?;
    // A directory may know it.
    let phone = match text("user.phone", fields.phone)? {
        None if name.is_none() && sid.is_none() => return Err(missing("user.phone")),
        phone => phone.unwrap_or_default(),
    };
    Ok(User {
        name,
        sid,
        display_name: text("user.display_name", fields.display_name)?,
        dn: text("user.dn", fields.dn)?,
        groups: fields.groups.0,
        locales: locales(fields.locale)?,
        phone,
        links: None,
    })
}

fn locales(given: Option<JsonString>) -> Result<Vec<String>, Failure> {
    const FIELD: &str = "user.locale";
    let Some(given) = text(FIELD, given)? else {
        return Ok(Vec::new());
    };
    languages::parse(&given).ok_or_else(|| {
        bad(
            FIELD,
            "expected a language tag such as en-GB, or a list such as cy, en;q=0.8",
        )
    })
}

/// A value of reasonable length. An empty one is as good as none.
fn text(field: &str, value: Option<JsonString>) -> Result<Option<String>, Failure> {
    match value {
        Some(JsonString(value)) if value.len() > MAX_VALUE => {
            Err(bad(field, "longer than 4,096 bytes"))
        }
        Some(JsonString(value)) if value.is_empty() => Ok(None),
        value => Ok(value.map(|JsonString(value)| value)),
    }
}

/// The address, as far as one client keeps it: of IPv6 the first 64 bits, as the rest is the client's to choose.
fn source(value: Option<JsonString>) -> Result<Option<String>, Failure> {
    let Some(written) = text("source", value)? else {
        return Ok(None);
    };
    let address: IpAddr = written.parse().map_err(|_| {
        bad(
            "source",
            "expected one address, such as 192.0.2.1 or 2001:db8::1, without a port",
        )
    })?;
    Ok(Some(match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() >> 64 << 64);
            format!("{network}/64")
        }
    }))
}

fn expiry(seconds: Option<u64>, at: Option<JsonString>) -> Result<Option<Duration>, Failure> {
    match (seconds, at) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(bad("expires_at", "give expires_in or expires_at, not both")),
        (Some(seconds), None) => Ok(Some(Duration::from_secs(seconds))),
        (None, Some(JsonString(at))) => {
            let at = at.parse().ok().or_else(|| never(&at));
            let at: Timestamp = at.ok_or_else(|| bad("expires_at", NO_TIME))?;
            Ok(Some(
                at.duration_since(Timestamp::now())
                    .try_into()
                    .unwrap_or_default(),
            ))
        }
    }
}

/// What stands for *never*: the last moment of 9999, as .NET has it, is past the last one that `jiff` knows.
fn never(at: &str) -> Option<Timestamp> {
    let at: DateTime = at.strip_suffix(['Z', 'z'])?.parse().ok()?;
    (at.year() == DateTime::MAX.year()).then_some(Timestamp::MAX)
}

/// What is said of a time that is none.
const NO_TIME: &str = "expected a time as in RFC 3339, such as 2026-01-31T12:00:00Z";

fn missing(field: &str) -> Failure {
    Failure::with_detail(ErrorCode::MissingField, field)
}

fn bad(field: &str, fault: &str) -> Failure {
    Failure::with_detail(ErrorCode::BadField, format!("{field}: {fault}"))
}

/// The document after its byte order mark, if it has one.
pub(super) fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Outcome;

    fn fault(json: &str) -> String {
        Request::parse(json.as_bytes()).unwrap_err().to_string()
    }

    const SMALLEST: &str =
        r#"{"purpose":"verification_code","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;

    #[test]
    fn smallest_request() {
        let request = Request::parse(SMALLEST.as_bytes()).unwrap();
        assert_eq!(request.carried(), "beK989vc");
        assert_eq!(request.id.as_str().len(), 32);
    }

    #[test]
    fn white_space_and_a_byte_order_mark_are_fine() {
        let request = format!("\u{feff}\r\n\r\n{SMALLEST}\r\n");
        assert!(Request::parse(request.as_bytes()).is_ok());
    }

    #[test]
    fn errors_name_the_field_and_never_the_value() {
        let cases = [
            (
                "",
                "the request is not JSON: it ends too early, at line 1, column 0",
            ),
            (
                "{",
                "the request is not JSON: it ends too early, at line 1, column 1",
            ),
            (
                "[]",
                "a field of the request is wrong: the request: expected an object",
            ),
            (
                "{} {}",
                "the request is not JSON: it can't be read, at line 1, column 4",
            ),
            ("{}", "the request lacks a field: purpose"),
            (
                r#"{"purpose":"other"}"#,
                "a field of the request is wrong: purpose: expected one of `verification_code`, `helpdesk_code`, `new_password`, `test`, `information`",
            ),
            (r#"{"purpose":"test"}"#, "the request lacks a field: code"),
            (
                r#"{"purpose":"test","code":"12345"}"#,
                "the request lacks a field: user",
            ),
            (
                r#"{"purpose":"test","code":"12345","user":{}}"#,
                "the request lacks a field: user.phone",
            ),
            (
                r#"{"purpose":"test","code":123456}"#,
                "a field of the request is wrong: code: put it in quotes: a number loses leading zeros",
            ),
            (
                r#"{"code":"abcd","code":"abcd"}"#,
                "the request gives a field twice: code",
            ),
            (
                r#"{"user":{"phone":"1","phone":"2"}}"#,
                "the request gives a field twice: user.phone",
            ),
            (
                r#"{"cod":"1"}"#,
                "the request has a field that version 1 does not know: cod",
            ),
            (
                r#"{"user":{"fone":"1"}}"#,
                "the request has a field that version 1 does not know: user.fone",
            ),
            (
                r#"{"user":"s3cret, expected nothing"}"#,
                "a field of the request is wrong: user: expected an object",
            ),
            (
                r#"{"user":["ada"]}"#,
                "a field of the request is wrong: user: expected an object",
            ),
            (
                r#"{"user":{"groups":[1]}}"#,
                "a field of the request is wrong: user.groups[0]: put it in quotes: a number loses leading zeros",
            ),
            (
                r#"{"version":2}"#,
                "the request asks for a version that this program does not speak: 2",
            ),
            (
                r#"{"purpose":"new_password","code":"abcd"}"#,
                "a field of the request is wrong: code: new_password carries a password and no code",
            ),
            (
                r#"{"purpose":"information","code":"abcd"}"#,
                "a field of the request is wrong: code: information carries no code",
            ),
            (
                r#"{"purpose":"information","password":"abcd"}"#,
                "a field of the request is wrong: password: only new_password carries a password",
            ),
            (
                r#"{"purpose":"test","code":"abcd","message":"x"}"#,
                "a field of the request is wrong: message: only information carries the caller's own words",
            ),
            (
                r#"{"purpose":"test","code":"abcd","password":"x"}"#,
                "a field of the request is wrong: password: only new_password carries a password",
            ),
            (
                r#"{"purpose":"test","code":"abc"}"#,
                "a field of the request is wrong: code: expected 4 to 64 printable characters",
            ),
            (
                r#"{"purpose":"test","code":"Your code is 123456."}"#,
                "a field of the request is wrong: code: expected the code alone, in one group or two with a space between, such as 123 456: the words around it are the policy's text",
            ),
            (
                r#"{"purpose":"test","code":"abcd","user":{"phone":"1","locale":"English (UK)"}}"#,
                "a field of the request is wrong: user.locale: expected a language tag such as en-GB, or a list such as cy, en;q=0.8",
            ),
            (
                r#"{"purpose":"verification_code","code":"abcd","sender":"x"}"#,
                "a field of the request is wrong: sender: only a test may name its sender; policies name it for all other messages",
            ),
            (
                r#"{"purpose":"test","code":"abcd","user":{"phone":"1"},"expires_at":"soon"}"#,
                "a field of the request is wrong: expires_at: expected a time as in RFC 3339, such as 2026-01-31T12:00:00Z",
            ),
            (
                r#"{"purpose":"verification_code","code":"abcd","user":{"phone":"1"},"id":"a","resend_of":"a"}"#,
                "a field of the request is wrong: resend_of: a resend needs an id of its own",
            ),
            (
                r#"{"purpose":"test","code":"abcd","user":{"phone":"1"},"resend_of":"a"}"#,
                "a field of the request is wrong: resend_of: only codes and passwords can be resent",
            ),
            (
                r#"{"purpose":"verification_code","code":"abcd","user":{"phone":"1"},"resend_of":"a b"}"#,
                "a field of the request is wrong: resend_of: expected 1 to 128 printable ASCII characters without spaces",
            ),
            (
                r#"{"expires_in":-1}"#,
                "a field of the request is wrong: expires_in: expected a whole number, without quotes",
            ),
            (
                r#"{"expires_at":1790000000}"#,
                "a field of the request is wrong: expires_at: expected a time as in RFC 3339, such as 2026-01-31T12:00:00Z",
            ),
            (
                r#"{"version":"1"}"#,
                "a field of the request is wrong: version: expected a whole number, without quotes",
            ),
            (
                r#"{"purpose":1}"#,
                "a field of the request is wrong: purpose: expected a string",
            ),
            (
                r#"{"purpose":"test","event":["reset"]}"#,
                "a field of the request is wrong: event: expected a string",
            ),
            (
                r#"{"+447700900123":"beK989vc"}"#,
                "the request has a field that version 1 does not know: +************",
            ),
            (
                r#"{"user":{"447700900123":"1"}}"#,
                "the request has a field that version 1 does not know: user.************",
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(fault(json), expected, "{json}");
        }
    }

    #[test]
    fn the_last_moment_there_is_means_never() {
        let expiry = |at: &str| {
            let json = serde_json::json!({
                "purpose": "test", "user": {"phone": "1"}, "code": "abcd", "expires_at": at
            });
            Request::parse(json.to_string().as_bytes()).map(|request| request.expires_in)
        };
        for never in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.9999999Z"] {
            assert!(
                expiry(never).unwrap() > Some(Duration::from_secs(1 << 32)),
                "{never}"
            );
        }
        for no_time in ["2027-01-01Z", "9998-12-31T23:59:60", "9999-12-32T00:00:00Z"] {
            assert!(expiry(no_time).is_err(), "{no_time}");
        }
    }

    #[test]
    fn a_code_is_one_group_or_two() {
        let request = |code: &str| {
            let json = serde_json::json!({"purpose": "test", "user": {"phone": "1"}, "code": code});
            Request::parse(json.to_string().as_bytes())
        };
        for code in ["123456", "123 456", "beK989vc", "пароль 12", "a-b_c!"] {
            assert!(request(code).is_ok(), "{code}");
        }
        let refused = [
            "Your code is 123456.",
            "12 34 56",
            "123  456",
            "123\u{a0}456",
            "123\u{200b}456",
            "123\u{2003}456",
        ];
        for code in refused {
            assert!(request(code).is_err(), "{code}");
        }
    }

    #[test]
    fn bounds() {
        let groups = vec![r#""S-1-5-21-1""#; 4097].join(",");
        assert!(fault(&format!(r#"{{"user":{{"groups":[{groups}]}}}}"#)).contains("4,096 groups"));
        assert!(fault(&" ".repeat(MAX_REQUEST + 1)).contains("1 MiB"));
        for deep in ["[", r#"{"user":"#, r#"{"actor":["#] {
            let document = deep.repeat(MAX_REQUEST / deep.len());
            let failure = Request::parse(document.as_bytes()).unwrap_err();
            assert_eq!(failure.outcome(), Outcome::Invalid, "{deep}");
        }
        assert!(
            Request::parse(b"{\"code\":\"\xff\"}")
                .unwrap_err()
                .to_string()
                .contains("byte 10")
        );
    }
}
