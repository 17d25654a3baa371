//! Sends text messages by Vonage's SMS API, which was Nexmo's.
//!
//! Facts come from its reference, <https://developer.vonage.com/en/api/sms>, and its table of errors,
//! <https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms>.

#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use textsender_plugin_api::{
    Host, HttpResponse, Message, PluginInfo, Receipt, Secret, SendError, Sender, SettingsError,
    Verdict, alphabet, export_sender,
};

export_sender!(Vonage);

/// The one host that this plugin talks to.
const HOST: &str = "rest.nexmo.com";

const CREDENTIALS: &str = "Vonage refuses api_key or api_secret";

/// A Vonage account, and who its texts come from.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = json!({ "api_key": "abcd1234", "api_secret": "the secret", "from": "Helpdesk" }))]
struct Settings {
    /// The account's API key, from the first page of Vonage's dashboard: 8 letters and digits.
    api_key: String,
    /// The account's API secret, from the same page.
    api_secret: Secret,
    /// Who texts come from: a number of the account such as 447700900100, or a name of up to 11
    /// letters and digits where the recipient's country allows one.
    from: String,
}

struct Vonage {
    settings: Settings,
    host: Host,
}

impl Sender for Vonage {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("vonage", "Vonage", env!("CARGO_PKG_VERSION")).with_host(HOST)
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b' ';
        match settings.from.bytes().all(is_name) && (1..=15).contains(&settings.from.len()) {
            true => Ok(Self { settings, host }),
            false => Err(SettingsError::new("from", "give a number or a name")),
        }
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let request = self.host.http().post(format!("https://{HOST}/sms/json"));
        let answer = request.form(self.form(message)).send().await?;
        let body = answer.json::<Value>().filter(|_| answer.is_success());
        match body.as_ref().and_then(|body| body["messages"].as_array()) {
            Some(parts) if !parts.is_empty() => receipt(parts),
            _ => Err(not_vonage(&answer)),
        }
    }
}

impl Vonage {
    /// A text in the fields of the API, which takes numbers without their `+`.
    fn form(&self, message: &Message) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("api_key", self.settings.api_key.clone()),
            ("api_secret", self.settings.api_secret.expose().to_owned()),
            ("from", self.settings.from.clone()),
            ("to", message.to.digits().to_owned()),
            ("text", message.text.clone()),
            // At most 100 characters are kept.
            ("client-ref", message.id.chars().take(100).collect()),
        ];
        if !message.text.chars().all(alphabet::is_gsm) {
            form.push(("type", "unicode".to_owned()));
        }
        // How long Vonage may try: it takes 20 seconds to 7 days, in milliseconds.
        let ttl = |left: Duration| left.as_millis().clamp(20_000, 604_800_000).to_string();
        form.extend(message.expires_in.map(|left| ("ttl", ttl(left))));
        form
    }
}

/// Each part of a long text has its own status: all were taken, or none, or it is not known what the
/// recipient will see.
fn receipt(parts: &[Value]) -> Result<Receipt, SendError> {
    let status = |part: &Value| part["status"].as_str().unwrap_or("none").to_owned();
    let (taken, refused): (Vec<_>, Vec<_>) = parts.iter().partition(|part| status(part) == "0");
    let Some(code) = refused.first().map(|part| status(part)) else {
        let mut receipt = Receipt::without_id();
        receipt.provider_id = parts[0]["message-id"].as_str().map(str::to_owned);
        receipt.segments = u32::try_from(parts.len()).ok();
        return Ok(receipt);
    };
    let (verdict, words) = match taken.is_empty() {
        true => by_status(&code),
        false => (Verdict::Unknown, "one part was taken and another was not"),
    };
    Err(SendError::new(verdict, words).with_provider_code(code))
}

/// Vonage's table of errors. HTTP says 200 to all of them.
fn by_status(status: &str) -> (Verdict, &'static str) {
    use Verdict::*;
    match status {
        "1" | "10" => (Throttled, "faster than the account's limit"),
        "4" | "14" | "32" => (Unauthorized, CREDENTIALS),
        // "While processing this message": it may have gone out before.
        "5" => (Unknown, "Vonage failed, and may have the text"),
        "6" | "7" => (UndeliverableHere, "Vonage can't text this number"),
        "33" => (Rejected, "the number is no longer in use"),
        "none" => (Unknown, "the answer is not Vonage's"),
        "8" | "11" => (Misconfigured, "the account may not send texts"),
        "9" => (Misconfigured, "the account is out of credit: top it up"),
        "12" => (Misconfigured, "the text is longer than Vonage takes"),
        "15" => (Misconfigured, "from: not allowed for this account"),
        "29" => (Misconfigured, "a trial account: listed numbers only"),
        _ => (Misconfigured, "refused: see Vonage's table of errors"),
    }
}

/// An answer without Vonage's own words: a proxy's, or half of one.
fn not_vonage(answer: &HttpResponse) -> SendError {
    let error = match answer.status {
        429 => SendError::throttled("too many requests").with_retry_after(answer.retry_after()),
        401 | 403 => SendError::unauthorized(CREDENTIALS),
        300..=407 | 409..500 => SendError::misconfigured("what answers is not Vonage"),
        _ => SendError::unknown("the answer is not Vonage's, or it failed"),
    };
    error.with_provider_code(answer.status)
}
