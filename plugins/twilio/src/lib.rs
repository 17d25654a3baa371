//! Sends text messages by Twilio Programmable Messaging, and shows how a sender plugin is written.
//!
//! Read it in this order:
//!
//! | file | what it shows |
//! |---|---|
//! | `lib.rs` | the sender: an exchange composed, its answer judged |
//! | `errors.rs` | the provider's errors as verdicts: the heart of a plugin |
//! | `settings.rs` | settings with help, secrets, and rules that span several keys |
//! | `delivery.rs` | what became of a text, in words |
//! | `dates.rs` | dates as Twilio writes them |
//! | `tests/` | all of it on the fake host: no network, no account |
//!
//! Facts about Twilio come from its API reference, <https://www.twilio.com/docs/messaging/api>, and
//! its error dictionary, <https://www.twilio.com/docs/api/errors>.

#![forbid(unsafe_code)]

mod dates;
mod delivery;
mod errors;
mod settings;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use serde_json::Value;
use textsender_plugin_api::{
    Capabilities, DeliveryState, DeliveryStatus, Finding, Found, Host, HttpResponse, Message,
    PluginInfo, Provider, Receipt, RequestBuilder, SendError, Sender, SettingsError, export_sender,
};

use crate::settings::{Credentials, Settings, is_sid};

export_sender!(Twilio);

/// What a text may hold, in characters (error 21617).
const MAX_TEXT: usize = 1600;

/// How long Twilio keeps a text in its queue at most, in seconds: ten hours, also its default.
const MAX_VALIDITY: u64 = 36_000;

/// One Twilio account.
struct Twilio {
    host: Host,
    settings: Settings,
    credentials: Credentials,
    account_url: String,
}

/// What becomes of texts at the provider.
const KEPT: &str = "Twilio keeps texts for 400 days and then in an archive, unless the account says otherwise; `content_retention = false` asks it not to (help.twilio.com, message storage).";

impl Sender for Twilio {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("twilio", "Twilio", env!("CARGO_PKG_VERSION"))
            .with_host("api.twilio.com")
            // api.EDGE.REGION.twilio.com
            .with_host("api.*.*.twilio.com")
            .with_capabilities(Capabilities::everything().with_max_characters(MAX_TEXT as u32))
    }

    fn providers() -> Vec<Provider> {
        vec![Provider::of(&Self::info()).with_note(KEPT)]
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self {
            credentials: settings.credentials()?,
            account_url: settings.account_url()?,
            settings,
            host,
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        // Twilio would refuse it too, after a round trip.
        if message.text.chars().count() > MAX_TEXT {
            return Err(SendError::misconfigured(
                "Twilio takes 1,600 characters: shorten the policy's text",
            ));
        }

        let validity = message.expires_in.map(validity);
        let request = self
            .host
            .http()
            .post(format!("{}/Messages.json", self.account_url))
            .form(self.form(message, validity.as_deref()));
        // `?` gives an exchange without an answer its verdict: unavailable, or unknown if the
        // request had left.
        let answer = self.authenticated(request).send().await?;

        if !answer.is_success() {
            return Err(errors::of_sending(&answer));
        }
        // Twilio's 201 names the text it took. An answer that does not may be a page by something
        // in between, and to call that accepted would leave a user waiting for nothing. The host
        // settles it by `find`.
        receipt(&body(&answer)).ok_or_else(|| {
            SendError::unknown("the answer does not name the text: is it from Twilio?")
        })
    }

    async fn status(&self, provider_id: &str) -> Result<DeliveryStatus, SendError> {
        // It becomes part of a URL: nothing but an id may.
        if !is_sid("SM", provider_id) && !is_sid("MM", provider_id) {
            return Ok(delivery::cannot_tell("this is not the id of a Twilio text"));
        }
        let path = format!("/Messages/{provider_id}.json");
        let answer = self.get(&path).send().await?;
        match answer.status {
            200..300 => Ok(delivery::of(&body(&answer))),
            404 => Ok(delivery::cannot_tell("Twilio has no text with this id")),
            _ => Err(errors::of_reading(&answer)),
        }
    }

    async fn find(&self, message: &Message, since: SystemTime) -> Result<Found, SendError> {
        let request = self
            .get("/Messages.json")
            .query("To", message.to.e164())
            .query("DateSent>", &dates::day(since));
        let answer = request.send().await?;
        if !answer.is_success() {
            return Err(errors::of_reading(&answer));
        }

        let list = body(&answer);
        let mut texts = list["messages"].as_array().into_iter().flatten();
        let ours = texts.find(|text| is_ours(text, message, since));
        // Never `Absent`: Twilio does not promise to list at once what it took.
        Ok(ours
            .and_then(receipt)
            .map_or(Found::CannotTell, Found::Accepted))
    }

    async fn check(&self) -> Result<Vec<Finding>, SendError> {
        // The account, not the list of texts: that would bring us other people's codes.
        let answer = self.get(".json").send().await?;
        let finding = match (answer.status, errors::code(&answer)) {
            (200..300, _) => self.account_finding(&body(&answer)),
            // Both may send all the same.
            (401, _) if self.credentials.is_api_key => {
                Finding::note("can't tell: a standard API key may not read the account")
            }
            (403, None | Some(20008)) => {
                Finding::note("can't tell: test credentials may not read the account")
            }
            _ => return Err(errors::of_reading(&answer)),
        };
        Ok(vec![finding])
    }
}

impl Twilio {
    /// A new text, in the fields that Twilio's own clients send. What is not set is left out: an
    /// empty field is not the same to Twilio.
    fn form<'a>(
        &'a self,
        message: &'a Message,
        validity: Option<&'a str>,
    ) -> impl Iterator<Item = (&'static str, &'a str)> {
        let set = &self.settings;
        let smart_encoded = word(set.smart_encoded, "true", "false");
        let risk_check = word(set.risk_check, "enable", "disable");
        let content_retention = word(set.content_retention, "retain", "discard");
        let address_retention = word(set.address_retention, "retain", "obfuscate");
        let fields = [
            ("To", Some(message.to.e164())),
            ("From", set.from.as_deref()),
            ("MessagingServiceSid", set.messaging_service_sid.as_deref()),
            ("Body", Some(&message.text)),
            ("ValidityPeriod", validity),
            ("StatusCallback", set.status_callback.as_deref()),
            ("SmartEncoded", smart_encoded),
            ("RiskCheck", risk_check),
            ("ContentRetention", content_retention),
            ("AddressRetention", address_retention),
        ];
        fields
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
    }

    /// A question about the account, or about what `path` names below it.
    fn get(&self, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.account_url);
        self.authenticated(self.host.http().get(url))
    }

    fn authenticated(&self, request: RequestBuilder) -> RequestBuilder {
        let version = env!("CARGO_PKG_VERSION");
        request
            .basic_auth(&self.credentials.user, self.credentials.password.expose())
            .header("accept", "application/json")
            .header("user-agent", format!("textsender-twilio/{version}"))
    }

    fn account_finding(&self, account: &Value) -> Finding {
        if account["sid"] != *self.settings.account_sid {
            return Finding::fault("base_url: what answers is not Twilio");
        }
        match (account["status"].as_str(), account["type"].as_str()) {
            (Some("suspended" | "closed"), _) => Finding::fault("the account is not active"),
            (_, Some("Trial")) => Finding::note("a trial account: verified numbers only"),
            _ => Finding::note("Twilio knows the account and the credentials"),
        }
    }
}

/// What is left of the code's life, as Twilio takes it: a text that would come too late is dropped
/// (error 30036), not delivered with a dead code.
///
/// Twilio advises more than 5 seconds, because less may pass before the carrier has the text. But a
/// code with less to live is of no use either, and no reason to let its text live longer.
fn validity(left: Duration) -> String {
    left.as_secs().clamp(1, MAX_VALIDITY).to_string()
}

/// Twilio's word for a yes or no, where there is one.
fn word(choice: Option<bool>, yes: &'static str, no: &'static str) -> Option<&'static str> {
    choice.map(|choice| if choice { yes } else { no })
}

/// An answer's body. In one that is not JSON, whatever is looked for is absent.
fn body(answer: &HttpResponse) -> Value {
    answer.json().unwrap_or_default()
}

/// The receipt for one of Twilio's texts. All its fields but `sid` may be null.
fn receipt(text: &Value) -> Option<Receipt> {
    let mut receipt = Receipt::new(text["sid"].as_str()?);
    // A string, and "0" as long as a Messaging Service has not chosen a number.
    let segments = text["num_segments"].as_str().and_then(|n| n.parse().ok());
    receipt.segments = segments.filter(|&n| n > 0);
    Some(receipt)
}

/// Whether one of Twilio's texts is this message, made by the attempt that began at `since`, and
/// not known to have failed.
fn is_ours(text: &Value, message: &Message, since: SystemTime) -> bool {
    let created = text["date_created"].as_str().and_then(dates::read);
    // Twilio's dates are whole seconds: the attempt's own second counts.
    let begun = since - Duration::from_secs(1);
    created.is_some_and(|created| created > begun)
        && text["to"] == *message.to.e164()
        && text["body"] == *message.text
        && delivery::of(text).state != DeliveryState::Failed
}
