//! `POST .../Messages.json`: what Twilio refuses, in its order, and what it makes of the rest.

use jiff::Timestamp;
use serde_json::json;

use super::errors::{MAGIC, Refusal};
use super::message::Message;
use super::segments::segments;
use super::{MESSAGING_SERVICE_SID, TEST_ACCOUNT_SID, TEST_FROM_NUMBER};
use crate::sandbox::http::{Answer, Request};
use crate::sandbox::ids::hex32;

/// Longest body, in characters.
const MAX_BODY: usize = 1600;
/// Longest validity period, in seconds: 10 hours.
const MAX_VALIDITY: u64 = 36_000;

/// The message that a request asks for, or Twilio's refusal. `numbers` are those that the account owns.
pub(super) fn compose(
    request: &Request,
    account: &str,
    numbers: &[String],
    now: Timestamp,
) -> Result<Message, Answer> {
    let kind = request.header("content-type").unwrap_or_default();
    if !kind
        .to_ascii_lowercase()
        .starts_with("application/x-www-form-urlencoded")
        && !request.body().is_empty()
    {
        return Err(unsupported());
    }
    let form = request.form();
    let field = |name: &str| {
        let (_, value) = form.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then_some(value.as_str())
    };
    let (to, from, service) = (field("To"), field("From"), field("MessagingServiceSid"));
    let refuse = |code| {
        Err(Refusal {
            code,
            to: to.unwrap_or_default(),
            from: from.unwrap_or_default(),
        }
        .answer())
    };

    let Some(to) = to else { return refuse(21604) };
    if from.is_none() && service.is_none() {
        return refuse(21603);
    }
    let body = field("Body");
    let has_media = field("MediaUrl").is_some();
    if body.is_none() && !has_media && field("ContentSid").is_none() {
        return refuse(21602);
    }
    let body = body.unwrap_or_default();
    if body.chars().count() > MAX_BODY {
        return refuse(21617);
    }
    if field("ValidityPeriod").is_some_and(|period| !is_validity(period)) {
        return refuse(21624);
    }
    if field("StatusCallback").is_some_and(|url| !is_callback(url)) {
        return refuse(21609);
    }
    if !is_recipient(to) {
        return refuse(21211);
    }
    let test = account == TEST_ACCOUNT_SID;
    if let Some(service) = service {
        if test {
            return refuse(20008);
        }
        if let Some(code) = magic("MessagingServiceSid", service) {
            return refuse(code);
        }
        if service != MESSAGING_SERVICE_SID {
            return refuse(21701);
        }
    }
    if let Some(from) = from {
        let owned = if test {
            from == TEST_FROM_NUMBER
        } else {
            numbers.iter().any(|number| number == from)
        };
        match sender(from) {
            _ if owned => {}
            Sender::Name if !test => {}
            Sender::Malformed => return refuse(21212),
            _ => return refuse(magic("From", from).unwrap_or(21606)),
        }
        if from == to {
            return refuse(21266);
        }
    }
    if let Some(code) = magic("To", to) {
        return refuse(code);
    }

    let (status, error) = Message::fate(to);
    Ok(Message {
        sid: format!("{}{}", if has_media { "MM" } else { "SM" }, hex32()),
        account: account.to_owned(),
        to: to.to_owned(),
        from: if service.is_some() {
            None
        } else {
            from.map(str::to_owned)
        },
        service: service.map(str::to_owned),
        body: body.to_owned(),
        segments: segments(body),
        media: usize::from(has_media),
        created: now,
        status,
        error,
    })
}

/// Forms only. Which code Twilio gives with it is not known, so there is none.
fn unsupported() -> Answer {
    Answer::json(
        415,
        &json!({ "message": "Unsupported Media Type", "status": 415 }),
    )
}

fn magic(parameter: &str, value: &str) -> Option<u32> {
    MAGIC
        .iter()
        .find(|(name, number, _)| *name == parameter && *number == value)
        .map(|(_, _, code)| *code)
}

fn is_validity(period: &str) -> bool {
    period.bytes().all(|byte| byte.is_ascii_digit())
        && period
            .parse::<u64>()
            .is_ok_and(|seconds| (1..=MAX_VALIDITY).contains(&seconds))
}

/// Absolute, at most 4,000 characters, ASCII, no underscore in the host.
fn is_callback(url: &str) -> bool {
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    url.len() <= 4000 && url.is_ascii() && !host.is_empty() && !host.contains('_')
}

/// E.164, or an address of another channel such as `whatsapp:+44...`.
fn is_recipient(to: &str) -> bool {
    match to.split_once(':') {
        Some((channel, address)) => {
            !channel.is_empty()
                && channel.bytes().all(|byte| byte.is_ascii_lowercase())
                && !address.is_empty()
        }
        None => is_e164(to),
    }
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

enum Sender {
    /// E.164 or a short code.
    Number,
    /// An alphanumeric sender: up to 11 letters, digits, spaces and some marks, one letter at least.
    Name,
    Malformed,
}

fn sender(from: &str) -> Sender {
    let is_short_code =
        (3..=8).contains(&from.len()) && from.bytes().all(|byte| byte.is_ascii_digit());
    if is_e164(from) || is_short_code {
        return Sender::Number;
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" +-_&".contains(&byte);
    if from.len() <= 11
        && from.bytes().all(allowed)
        && from.bytes().any(|byte| byte.is_ascii_alphabetic())
    {
        return Sender::Name;
    }
    Sender::Malformed
}
