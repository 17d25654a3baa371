//! A notification as Notify keeps it, and the JSON that a client gets of it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::content::placeholders;
use super::error::invalid;
use super::phone::Kind;
use super::service::{KeyKind, Template};
use crate::sandbox::http::{Answer, Request};
use crate::sandbox::ids::is_uuid;

/// Notifications on a page.
const PAGE_SIZE: usize = 250;
/// Every status that the list may be asked for.
const STATUSES: [&str; 16] = [
    "cancelled",
    "created",
    "sending",
    "sent",
    "delivered",
    "pending",
    "failed",
    "technical-failure",
    "temporary-failure",
    "permanent-failure",
    "pending-virus-check",
    "validation-failed",
    "virus-scan-failed",
    "returned-letter",
    "accepted",
    "received",
];

/// A text that a service sent.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    pub id: String,
    pub service: String,
    pub kind: KeyKind,
    pub reference: Option<String>,
    /// As the client wrote it.
    pub phone_number: String,
    pub body: String,
    pub template: String,
    pub created: Timestamp,
    pub status: Cow<'static, str>,
}

impl Notification {
    /// How a text to this number ends (Notify's page on testing; `sent` is the last that networks abroad report).
    pub fn fate(e164: &str, kind: Kind, key: KeyKind) -> &'static str {
        match (key, e164) {
            (KeyKind::Test, "+447700900003") => "temporary-failure",
            (KeyKind::Test, "+447700900002") => "permanent-failure",
            _ if kind == Kind::International => "sent",
            _ => "delivered",
        }
    }

    /// The 201 answer.
    pub fn created(&self, from: &str, root: &str) -> Answer {
        let Self {
            id,
            service,
            template,
            ..
        } = self;
        Answer::json(
            201,
            &json!({
                "id": id,
                "reference": self.reference,
                "content": { "body": self.body, "from_number": from },
                "uri": format!("{root}/v2/notifications/{id}"),
                "template": {
                    "id": template,
                    "version": 1,
                    "uri": format!("{root}/services/{service}/templates/{template}"),
                },
                "scheduled_for": null,
            }),
        )
    }

    /// The notification as a fetch and the list show it.
    pub fn resource(&self, root: &str) -> Value {
        let at = micros(self.created);
        let completed = !matches!(&*self.status, "created" | "sending" | "pending");
        let template = &self.template;
        json!({
            "id": self.id,
            "reference": self.reference,
            "email_address": null,
            "phone_number": self.phone_number,
            "line_1": null, "line_2": null, "line_3": null, "line_4": null, "line_5": null, "line_6": null,
            "postcode": null,
            "postage": null,
            "type": "sms",
            "status": self.status,
            "template": {
                "id": template,
                "version": 1,
                "uri": format!("{root}/v2/template/{template}/version/1"),
            },
            "body": self.body,
            "subject": null,
            "created_at": at,
            "created_by_name": null,
            "sent_at": (self.status != "created").then_some(&at),
            "completed_at": completed.then_some(&at),
            "scheduled_for": null,
            "one_click_unsubscribe_url": null,
            "is_cost_data_ready": true,
            "cost_in_pounds": 0.024,
            "cost_details": {
                "billable_sms_fragments": 1,
                "international_rate_multiplier": 1.0,
                "sms_rate": 0.024,
            },
        })
    }
}

/// The list that the query asks for, newest first; a key sees what keys of its kind sent.
pub(super) fn list(
    all: &[Notification],
    service: &str,
    kind: KeyKind,
    request: &Request,
    root: &str,
) -> Answer {
    let query = request.query();
    let values = |name: &str| -> Vec<&str> {
        let here = query.iter().filter(|(key, _)| key == name);
        here.map(|(_, value)| value.as_str()).collect()
    };
    let (statuses, types) = (values("status"), values("template_type"));
    let mut faults = Vec::new();
    for status in statuses.iter().filter(|status| !STATUSES.contains(status)) {
        faults.push(format!(
            "status {status} is not one of [{}]",
            STATUSES.join(", ")
        ));
    }
    for kind in types
        .iter()
        .filter(|kind| !["sms", "email", "letter"].contains(kind))
    {
        faults.push(format!(
            "template_type {kind} is not one of [sms, email, letter]"
        ));
    }
    let older_than = values("older_than").first().copied();
    if older_than.is_some_and(|id| !is_uuid(id)) {
        faults.push("older_than is not a valid UUID".to_owned());
    }
    if !faults.is_empty() {
        return invalid(&faults);
    }

    let reference = values("reference").first().copied();
    let newest_first = all
        .iter()
        .rev()
        .filter(|sent| sent.service == service && sent.kind == kind);
    let found: Vec<&Notification> = newest_first
        .skip_while(|sent| older_than.is_some_and(|id| sent.id != id))
        .skip(usize::from(older_than.is_some()))
        .filter(|sent| {
            reference.is_none_or(|reference| sent.reference.as_deref() == Some(reference))
        })
        .filter(|sent| statuses.is_empty() || statuses.contains(&&*sent.status))
        .filter(|_| types.is_empty() || types.contains(&"sms"))
        .take(PAGE_SIZE)
        .collect();
    let current = format!("{root}{}", request.target());
    let mut links = json!({ "current": current });
    if let Some(last) = found.last() {
        let joint = if current.contains('?') { '&' } else { '?' };
        links["next"] = format!("{current}{joint}older_than={}", last.id).into();
    }
    let notifications: Vec<Value> = found.iter().map(|sent| sent.resource(root)).collect();
    Answer::json(
        200,
        &json!({ "links": links, "notifications": notifications }),
    )
}

/// A template as `GET /v2/template/{id}` shows it.
pub(super) fn template(template: &Template) -> Value {
    let mut personalisation = json!({});
    for name in placeholders(&template.body) {
        personalisation[name] = json!({ "required": true });
    }
    json!({
        "id": template.id,
        "name": template.name,
        "type": if template.sms { "sms" } else { "email" },
        "version": 1,
        "body": template.body,
        "subject": null,
        "postage": null,
        "letter_contact_block": null,
        "personalisation": personalisation,
        "created_at": micros(Timestamp::UNIX_EPOCH),
        "created_by": "sandbox@example.com",
        "updated_at": null,
    })
}

/// Notify's form of times: RFC 3339 with six digits behind the second.
fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
