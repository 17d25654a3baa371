//! Twilio's refusals as verdicts.
//!
//! Twilio advises against programs that lean on its error codes, and adds new ones. So the HTTP
//! status decides, and a code only where it is known to mean something else than its status. The
//! words are ours: Twilio's own quote the recipient's number.

use serde_json::Value;
use textsender_plugin_api::{HttpResponse, SendError, Verdict};

/// Twilio's code, which stands under the same name in all forms of its errors: its own, RFC 9457,
/// and that of its newer services. `None` for HTML, nothing, or half of an answer.
pub fn code(answer: &HttpResponse) -> Option<u64> {
    let code = &answer.json::<Value>()?["code"];
    code.as_u64().or_else(|| code.as_str()?.parse().ok())
}

/// What it means that Twilio answered a new text like this.
pub fn of_sending(answer: &HttpResponse) -> SendError {
    let code = code(answer);
    // Only a 4xx is sure to have refused the text, whatever code its body gives.
    let is_refusal = (400..500).contains(&answer.status);
    let refused = code.filter(|_| is_refusal);
    let known = refused.and_then(by_code);
    let (verdict, words) = known.unwrap_or_else(|| by_status(answer.status));
    let error = SendError::new(verdict, words)
        .with_provider_code(code.unwrap_or_else(|| answer.status.into()))
        .with_retry_after(answer.retry_after());
    match refused {
        Some(GEO_PERMISSIONS | PREMIUM_OFF | FRAUD_GUARD) => error.with_account_limit(),
        // A code that is new here may be about the number: one number alone sets no sender aside.
        Some(_) if known.is_none() && answer.status == 400 => error.with_recipient_in_doubt(),
        _ => error,
    }
}

/// What keeps a country or range of numbers out until an administrator changes it in the Console.
const GEO_PERMISSIONS: u64 = 21408;
const PREMIUM_OFF: u64 = 21268;
const FRAUD_GUARD: u64 = 60410;

/// What it means that Twilio answered a question like this. No text is at stake, so a failure
/// leaves a question open and no doubt.
pub fn of_reading(answer: &HttpResponse) -> SendError {
    let mut error = of_sending(answer);
    if error.verdict == Verdict::Unknown {
        error.verdict = Verdict::Unavailable;
        error.message = "Twilio failed to answer".into();
    }
    error
}

/// Twilio's error dictionary, as far as it says more than the status.
fn by_code(code: u64) -> Option<(Verdict, &'static str)> {
    use Verdict::*;
    Some(match code {
        21211 => (Rejected, "the number is not valid"),
        21614 => (Rejected, "the number is not a mobile number"),
        21635 => (Rejected, "the number is a landline"),
        21265 => (Rejected, "the number is a short code"),
        21266 => (Rejected, "the number is the sender's own"),

        21610 => (OptedOut, "the recipient replied STOP to this sender"),
        21612 => (UndeliverableHere, "no route to the number from this sender"),
        GEO_PERMISSIONS => (
            UndeliverableHere,
            "the country is not enabled: switch the country on in the Console's Geo Permissions",
        ),
        PREMIUM_OFF => (
            UndeliverableHere,
            "premium numbers are switched off in the Console's Geo Permissions",
        ),
        FRAUD_GUARD => (
            UndeliverableHere,
            "Twilio blocks the number's range for fraud: see Verify Fraud Guard or support",
        ),

        21611 => (Throttled, "the sender's queue at Twilio is full"),
        20429 => (Throttled, "too many requests at a time"),

        20003 => (Unauthorized, CREDENTIALS),
        20005 => (Misconfigured, "the account is not active"),
        20006 => (Misconfigured, "the account or key may not do this"),
        20008 => (Misconfigured, "test credentials can't do this"),
        20404 => (Misconfigured, NOT_FOUND),

        21608 | 21219 => (Misconfigured, "a trial account: verified numbers only"),
        30034 => (
            Misconfigured,
            "from: the number is not registered for texts to the United States (A2P 10DLC)",
        ),
        21212 | 21606 | 21659..=21662 => (Misconfigured, "from: Twilio refuses this sender"),
        21603 => (Misconfigured, "from: Twilio wants a sender"),
        21701 => (Misconfigured, "messaging_service_sid: no such service"),
        21703 | 21704 => (Misconfigured, "the Messaging Service has no fit number"),
        21609 => (Misconfigured, "status_callback: Twilio refuses it"),
        21602 => (Misconfigured, "the text is empty"),
        21617 => (Misconfigured, "the text is longer than Twilio takes"),
        21604 => (Misconfigured, "Twilio saw no recipient: please report it"),
        _ => return None,
    })
}

fn by_status(status: u16) -> (Verdict, &'static str) {
    use Verdict::*;
    match status {
        300..400 => (Misconfigured, "base_url: what answers is not Twilio"),
        401 => (Unauthorized, CREDENTIALS),
        403 => (Misconfigured, "the account or key may not do this"),
        404 => (Misconfigured, NOT_FOUND),
        // What gave up waiting may have been a proxy, and Twilio behind it may not.
        408 => (Unknown, "timed out, and Twilio may have the text"),
        // "Aren't processed and are safe to retry after backing off."
        429 => (Throttled, "too many requests at a time"),
        // Never `Rejected`: Twilio's new codes have been for wrong senders, not wrong numbers, and
        // another sender may do better.
        400..500 => (Misconfigured, "refused: see Twilio's error dictionary"),
        // Twilio has no idempotency key: what became of the text is not known.
        _ => (Unknown, "Twilio failed, and may have the text"),
    }
}

const CREDENTIALS: &str = "Twilio refuses the credentials; they belong to one account and region";

const NOT_FOUND: &str = "no such account here: see account_sid, base_url, region and edge";
