//! What became of a text, by Twilio's account of it.

use serde_json::Value;
use textsender_plugin_api::{DeliveryState, DeliveryStatus};

/// What one of Twilio's texts says of itself.
pub fn of(text: &Value) -> DeliveryStatus {
    let mut delivery = DeliveryStatus::new(match text["status"].as_str() {
        Some("accepted" | "scheduled" | "queued") => DeliveryState::Accepted,
        Some("sending" | "sent") => DeliveryState::Sent,
        Some("delivered" | "read") => DeliveryState::Delivered,
        Some("undelivered" | "failed" | "canceled") => DeliveryState::Failed,
        // Twilio may add words.
        _ => DeliveryState::CannotTell,
    });
    delivery.provider_code = text["status"].as_str().map(str::to_owned);
    if let Some(code) = text["error_code"].as_u64() {
        delivery.reason = Some(reason(code).to_owned());
        delivery.provider_code = Some(code.to_string());
    }
    delivery
}

/// Twilio can't say, and why.
pub fn cannot_tell(why: &str) -> DeliveryStatus {
    let mut delivery = DeliveryStatus::new(DeliveryState::CannotTell);
    delivery.reason = Some(why.to_owned());
    delivery
}

/// The errors that Twilio reports after it took a text.
fn reason(code: u64) -> &'static str {
    match code {
        30001 => "the queue at Twilio overflowed",
        30002 => "the Twilio account is suspended",
        30003 => "the phone is off or out of reach",
        30004 => "the recipient or the carrier blocks these texts",
        30005 => "the number is not in use",
        30006 => "the number is a landline, or its carrier takes no texts",
        30007 => "the carrier took the text for spam",
        30008 => "the carrier does not say why",
        30017 => "the carrier's network is congested",
        30018 | 30024 | 30032 | 30034 => "the sender is not registered for the country or carrier",
        30022 | 30023 => "the sender's 10DLC limit is reached",
        30036 => "the code expired before the text could be sent",
        30410 => "the carrier did not answer Twilio in time",
        30450 | 30453 => "Twilio took the text for SMS pumping fraud",
        _ => "see twilio.com/docs/api/errors",
    }
}
