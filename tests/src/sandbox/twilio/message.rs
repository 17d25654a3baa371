//! A message as Twilio keeps it, and the JSON that a client gets of it.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::json;

use super::errors::LATER;
use crate::sandbox::http::{Answer, Request};

/// Messages on a page, unless the client asks for another number (Twilio allows up to 1,000).
const PAGE_SIZE: usize = 50;

/// A message that an account sent.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub sid: String,
    pub account: String,
    pub to: String,
    /// `None` with a Messaging Service, which chooses the number later.
    pub from: Option<String>,
    pub service: Option<String>,
    pub body: String,
    pub segments: usize,
    pub media: usize,
    pub created: Timestamp,
    /// Where it stands when it is fetched; the answer to the request itself shows the first status.
    pub status: Cow<'static, str>,
    pub error: Option<u32>,
}

impl Message {
    /// How a message to this number ends.
    pub fn fate(to: &str) -> (Cow<'static, str>, Option<u32>) {
        match LATER.iter().find(|(number, _)| *number == to) {
            Some((_, code)) => (Cow::Borrowed("undelivered"), Some(*code)),
            None => (Cow::Borrowed("delivered"), None),
        }
    }

    /// The 201 answer: accepted, nothing known yet.
    pub fn created(&self) -> Answer {
        let status = if self.service.is_some() {
            "accepted"
        } else {
            "queued"
        };
        Answer::json(201, &self.body_with(status, None, None))
    }

    /// The answer to a fetch: what became of it.
    pub fn fetched(&self) -> Answer {
        Answer::json(200, &self.current())
    }

    fn current(&self) -> MessageBody<'_> {
        self.body_with(&self.status, self.error, Some(self.created))
    }

    fn body_with<'a>(
        &'a self,
        status: &'a str,
        error: Option<u32>,
        sent: Option<Timestamp>,
    ) -> MessageBody<'a> {
        let uri = format!(
            "/2010-04-01/Accounts/{}/Messages/{}",
            self.account, self.sid
        );
        // A Messaging Service has not chosen the encoding yet.
        let segments = if self.service.is_some() && sent.is_none() {
            0
        } else {
            self.segments
        };
        let created = rfc2822(self.created);
        MessageBody {
            account_sid: &self.account,
            api_version: "2010-04-01",
            body: &self.body,
            date_updated: created.clone(),
            date_created: created,
            date_sent: sent.map(rfc2822),
            direction: "outbound-api",
            error_code: error,
            error_message: None,
            from: self.from.as_deref(),
            messaging_service_sid: self.service.as_deref(),
            num_media: self.media.to_string(),
            num_segments: segments.to_string(),
            price: None,
            price_unit: None,
            sid: &self.sid,
            status,
            subresource_uris: Subresources {
                media: format!("{uri}/Media.json"),
            },
            to: &self.to,
            uri: format!("{uri}.json"),
        }
    }
}

/// The message resource; every number but `error_code` is a string.
#[derive(Serialize)]
struct MessageBody<'a> {
    account_sid: &'a str,
    api_version: &'a str,
    body: &'a str,
    date_created: String,
    date_updated: String,
    date_sent: Option<String>,
    direction: &'a str,
    error_code: Option<u32>,
    error_message: Option<&'a str>,
    from: Option<&'a str>,
    messaging_service_sid: Option<&'a str>,
    num_media: String,
    num_segments: String,
    price: Option<&'a str>,
    price_unit: Option<&'a str>,
    sid: &'a str,
    status: &'a str,
    subresource_uris: Subresources,
    to: &'a str,
    uri: String,
}

#[derive(Serialize)]
struct Subresources {
    media: String,
}

/// The list of an account's messages that the query describes, newest first.
pub(super) fn list(messages: &[Message], account: &str, request: &Request) -> Answer {
    let query = request.query();
    let wanted = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let number = |name: &str| wanted(name).and_then(|value| value.parse::<usize>().ok());
    let (size, page) = (
        number("PageSize").unwrap_or(PAGE_SIZE).clamp(1, 1000),
        number("Page").unwrap_or(0),
    );
    let (from_time, to_time) = (
        wanted("DateSent>").and_then(moment),
        wanted("DateSent<").and_then(moment),
    );
    let day = wanted("DateSent").and_then(|day| day.parse::<Date>().ok());

    let found: Vec<&Message> = messages
        .iter()
        .rev()
        .filter(|message| message.account == account)
        .filter(|message| wanted("To").is_none_or(|to| message.to == to))
        .filter(|message| wanted("From").is_none_or(|from| message.from.as_deref() == Some(from)))
        .filter(|message| {
            from_time.is_none_or(|from| message.created.as_second() >= from.as_second())
        })
        .filter(|message| to_time.is_none_or(|to| message.created.as_second() <= to.as_second()))
        .filter(|message| {
            day.is_none_or(|day| TimeZone::UTC.to_datetime(message.created).date() == day)
        })
        .collect();
    let start = page.saturating_mul(size).min(found.len());
    let shown = &found[start..(start + size).min(found.len())];
    let at = |page: usize| {
        format!("/2010-04-01/Accounts/{account}/Messages.json?PageSize={size}&Page={page}")
    };
    let more = start + shown.len() < found.len();
    Answer::json(
        200,
        &json!({
            "first_page_uri": at(0),
            "next_page_uri": more.then(|| at(page + 1)),
            "previous_page_uri": (page > 0).then(|| at(page - 1)),
            "uri": request.target(),
            "page": page,
            "page_size": size,
            "start": start,
            "end": (start + shown.len()).saturating_sub(1),
            "messages": shown.iter().map(|message| message.current()).collect::<Vec<_>>(),
        }),
    )
}

/// A point in time as the list takes it: RFC 3339, or a day that begins at midnight UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let day = || {
        let date: Date = text.parse().ok()?;
        Some(date.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
    };
    text.parse().ok().or_else(day)
}

/// Twilio's form of dates: RFC 2822, always with `+0000`.
pub(super) fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
