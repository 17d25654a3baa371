//! What Notify's answers mean.
//!
//! An error is `{"status_code":400,"errors":[{"error":"ValidationError","message":"..."}]}`. Notify
//! asks its clients to go by status and `error`. Where these do not suffice, the message is looked
//! at too, and nothing but the wording hangs on it, with two exceptions: the field that a
//! `ValidationError` names first, for a bad number is not a bad template id; and `international`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use textsender_plugin_api::{
    DeliveryState, DeliveryStatus, Finding, HttpResponse, Message, SendError, Verdict,
};

use crate::settings::is_uuid;

/// A clock that is off by more than this gets a warning; at 30 seconds Notify refuses the token.
const CLOCK_WARNING: Duration = Duration::from_secs(10);

/// Notify's own name for a refusal because of the rate.
pub const RATE_LIMIT: &str = "RateLimitError";

/// The fields of a request.
const FIELDS: [&str; 5] = [
    "phone_number",
    "template_id",
    "personalisation",
    "reference",
    "sms_sender_id",
];

/// What Notify made of a message that it took.
#[derive(Deserialize)]
pub struct Created {
    /// Its id.
    pub id: String,
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    body: String,
}

impl Created {
    /// Whether the text holds the code or the password, as far as can be told.
    pub fn shows(&self, message: &Message) -> bool {
        let secrets = message.code.iter().chain(&message.password);
        let mut secrets = secrets.map(|secret| secret.expose());
        let Some(content) = &self.content else {
            return true;
        };
        secrets.all(|secret| content.body.contains(secret))
    }
}

#[derive(Default, Deserialize)]
struct Refusal {
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    error: String,
    message: String,
}

impl Fault {
    /// Whether the recipient's number is to blame, and not our own request.
    fn is_of_the_number(&self) -> bool {
        let of_its_form = self.error == "ValidationError"
            && self.message.starts_with("phone_number ")
            && !self.message.contains("required property")
            && !self.message.contains("not of type");
        of_its_form || self.error == "InvalidPhoneError"
    }
}

/// Why Notify did not take a message.
pub fn refusal(answer: &HttpResponse, now: SystemTime) -> SendError {
    let faults = answer.json::<Refusal>().unwrap_or_default().errors;
    // Any other fault is the more urgent one.
    let fault = faults.iter().find(|fault| !fault.is_of_the_number());
    let Some(fault) = fault.or(faults.first()) else {
        return not_notify(answer);
    };
    let error = match answer.status {
        400 => bad_request(fault),
        401 => SendError::unauthorized("Notify did not get a token that it can read"),
        403 if fault.message.contains("clock") => wrong_clock(answer, now),
        403 => SendError::unauthorized(format!("Notify refuses the API key: {}", fault.message)),
        429 if fault.message.contains("international_sms") => SendError::undeliverable_here(
            "today's texts to other countries are used up; Notify counts anew at midnight UTC",
        )
        .with_account_limit(),
        429 if fault.error == "TooManyRequestsError" => {
            SendError::exhausted("today's texts are used up; Notify counts anew at midnight UTC")
                .with_retry_after(Some(until_midnight(date(answer).unwrap_or(now))))
        }
        429 => SendError::throttled("more texts a minute than Notify takes from the service")
            .with_retry_after(answer.retry_after()),
        // Notify deletes what it could not queue before it answers so.
        500 => SendError::unavailable("Notify failed, and kept nothing"),
        501.. => SendError::unknown("Notify failed; it may have taken the message"),
        status => SendError::misconfigured(format!("Notify refuses the request: HTTP {status}")),
    };
    error.with_provider_code(&fault.error)
}

/// Why Notify did not answer a question. No message hangs on it.
pub fn unread(answer: &HttpResponse, now: SystemTime) -> SendError {
    let mut error = refusal(answer, now);
    if error.verdict == Verdict::Unknown {
        error.verdict = Verdict::Unavailable;
        error.message = format!("HTTP {}, and no answer of Notify's", answer.status).into();
    }
    error
}

/// An answer that is not in Notify's form: a proxy's, another server's, or its front door's.
fn not_notify(answer: &HttpResponse) -> SendError {
    let status = answer.status;
    match status {
        500.. => SendError::unknown(format!(
            "HTTP {status} from what stands before Notify; it may have taken the message"
        )),
        429 => SendError::throttled("something before Notify is rate-limiting")
            .with_retry_after(answer.retry_after()),
        200..300 => SendError::unknown("the answer is not Notify's: see base_url and the proxy"),
        _ => SendError::misconfigured(format!(
            "HTTP {status}, and not in Notify's words: see base_url and the proxy"
        )),
    }
}

fn bad_request(fault: &Fault) -> SendError {
    let message = &fault.message;
    if fault.is_of_the_number() {
        return match fault.error.as_str() {
            "InvalidPhoneError" => SendError::rejected("the number is not a mobile phone's"),
            _ if message.contains("country prefix") => {
                SendError::undeliverable_here("Notify sends no texts to the number's country")
            }
            _ => SendError::rejected("the number is not valid"),
        };
    }
    // The two that an administrator can do something about in Notify's own pages.
    if message.contains("Template has been deleted") {
        return SendError::misconfigured(
            "template_id: the template was archived; restore it, or name another",
        );
    }
    if message.contains("not allowed to send text messages") {
        return SendError::misconfigured(
            "the service may not send texts: switch them on in its settings",
        );
    }
    if message.contains("message is empty") {
        return SendError::misconfigured("the template makes an empty text of the message");
    }
    if message.contains("international") {
        return SendError::undeliverable_here(
            "the service may not send to other countries: switch them on in its settings",
        )
        .with_account_limit();
    }
    // A ValidationError quotes the value: a number, or worse.
    if fault.error == "ValidationError" {
        let field = message
            .split(' ')
            .next()
            .filter(|word| FIELDS.contains(word));
        let field = field.unwrap_or("request");
        return SendError::misconfigured(format!("Notify rejects the {field}"));
    }
    SendError::misconfigured(format!("Notify refuses the request: {message}"))
}

fn wrong_clock(answer: &HttpResponse, now: SystemTime) -> SendError {
    if skew_of(answer, now).is_some_and(|skew| skew < CLOCK_WARNING) {
        return SendError::unavailable(
            "Notify says that the token's time is off, and by its own answer the clocks agree",
        );
    }
    let off = match skew(answer, now) {
        Some(skew) => format!("this machine's clock is {skew} Notify's"),
        None => "this machine's clock is off".to_owned(),
    };
    SendError::misconfigured(format!(
        "{off}; more than 30 s and Notify refuses every message: set the clock"
    ))
}

/// A warning for a clock that is off, before Notify refuses it.
pub fn clock_finding(answer: &HttpResponse, now: SystemTime) -> Option<Finding> {
    let theirs = date(answer)?;
    (skew_of(answer, now)? > CLOCK_WARNING).then(|| {
        let skew = in_words(theirs, now);
        Finding::note(format!(
            "warning: this machine's clock is {skew} Notify's; at 30 s Notify refuses every message"
        ))
    })
}

/// How far the clocks are apart, whichever is ahead.
fn skew_of(answer: &HttpResponse, now: SystemTime) -> Option<Duration> {
    let ahead = now.duration_since(date(answer)?);
    Some(ahead.unwrap_or_else(|early| early.duration()))
}

fn skew(answer: &HttpResponse, now: SystemTime) -> Option<String> {
    Some(in_words(date(answer)?, now))
}

fn in_words(theirs: SystemTime, ours: SystemTime) -> String {
    match ours.duration_since(theirs) {
        Ok(ahead) => format!("{} s ahead of", ahead.as_secs()),
        Err(behind) => format!("{} s behind", behind.duration().as_secs()),
    }
}

/// When the answer was made, by the server's clock (RFC 9110, 6.6.1).
fn date(answer: &HttpResponse) -> Option<SystemTime> {
    httpdate::parse_http_date(answer.header("date")?).ok()
}

fn until_midnight(now: SystemTime) -> Duration {
    const DAY: u64 = 24 * 60 * 60;
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(DAY - now.as_secs() % DAY)
}

/// Whether Notify says that it does not know what was asked for; a wrong URL is answered
/// otherwise.
pub fn is_no_result(answer: &HttpResponse) -> bool {
    answer.json::<Refusal>().is_some()
}

#[derive(Deserialize)]
struct Notification {
    id: String,
    reference: Option<String>,
    status: String,
}

#[derive(Deserialize)]
struct Notifications {
    notifications: Vec<Notification>,
}

/// The id of the listed message that has this reference.
pub fn listed(answer: &HttpResponse, reference: &str) -> Option<String> {
    let listed = answer.json::<Notifications>()?.notifications;
    let ours = |message: &Notification| message.reference.as_deref() == Some(reference);
    let message = listed.into_iter().find(ours)?;
    is_uuid(&message.id).then_some(message.id)
}

/// What became of a message. Notify's words:
/// <https://docs.notifications.service.gov.uk/rest-api.html#text-message-statuses>; a word that is
/// not among them tells nothing.
pub fn delivery(answer: &HttpResponse) -> Result<DeliveryStatus, SendError> {
    let Some(message) = answer.json::<Notification>() else {
        return Err(SendError::unavailable("the answer is not Notify's"));
    };
    let (state, reason) = match message.status.as_str() {
        "created" => (DeliveryState::Accepted, None),
        // `sent` is the last word for countries whose networks tell no more.
        "sending" | "pending" | "sent" => (DeliveryState::Sent, None),
        "delivered" => (DeliveryState::Delivered, None),
        "permanent-failure" => (
            DeliveryState::Failed,
            Some("the network refused it: the number may be wrong"),
        ),
        "temporary-failure" => (
            DeliveryState::Failed,
            Some("the phone was off, full or out of reach"),
        ),
        "technical-failure" => (
            DeliveryState::Failed,
            Some("Notify and the network could not talk"),
        ),
        "failed" | "cancelled" | "validation-failed" | "virus-scan-failed" => {
            (DeliveryState::Failed, Some("Notify did not send it"))
        }
        _ => (DeliveryState::CannotTell, None),
    };
    let mut delivery = DeliveryStatus::new(state);
    delivery.reason = reason.map(str::to_owned);
    delivery.provider_code = Some(message.status);
    Ok(delivery)
}

/// No word on a message, and why.
pub fn cannot_tell(reason: &str) -> DeliveryStatus {
    let mut delivery = DeliveryStatus::new(DeliveryState::CannotTell);
    delivery.reason = Some(reason.to_owned());
    delivery
}
