//! A plugin as it was written against the first release of the API, and is never adapted to a later one.
//!
//! It uses all that crosses: HTTP that delivers and HTTP that reads, the clock, a pause, random bytes, the log.

#![forbid(unsafe_code)]

use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use textsender_plugin_api::{
    Delivery, DeliveryState, Finding, Found, Host, HttpAnswer, Message, PluginInfo, Receipt,
    RequestBuilder, Secret, SendError, Sender, SettingsError, debug, export_sender,
};

export_sender!(First);

const API: &str = "https://api.first.example";

/// An account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = json!({ "key": "the account's key", "from": "Helpdesk" }))]
struct Settings {
    /// The key.
    key: Secret,
    /// Who texts come from.
    from: String,
}

struct First {
    settings: Settings,
    host: Host,
}

impl Sender for First {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("first-abi", "First", env!("CARGO_PKG_VERSION"))
            .with_host("api.first.example")
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        Ok(Self { settings, host })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let mut nonce = [0; 4];
        self.host.random(&mut nonce);
        self.host.sleep(Duration::from_millis(1)).await;
        debug!(self.host, "handing over a {}", message.purpose);
        let now = self.host.now().duration_since(SystemTime::UNIX_EPOCH);
        let body = json!({
            "to": message.to.e164(),
            "from": self.settings.from,
            "text": message.text,
            "nonce": u32::from_ne_bytes(nonce),
            "at": now.unwrap_or_default().as_secs(),
        });
        let request = self.host.http().post(format!("{API}/sms")).json(&body);
        let answer = self.authenticated(request).send().await?;
        let id = body_of(&answer)["id"].as_str().map(str::to_owned);
        match id.filter(|_| answer.is_success()) {
            Some(id) => Ok(Receipt::new(id)),
            None => Err(refusal(&answer)),
        }
    }

    async fn status(&self, provider_id: &str) -> Result<Delivery, SendError> {
        if !provider_id.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Ok(Delivery::new(DeliveryState::CannotTell));
        }
        let request = self.host.http().get(format!("{API}/sms/{provider_id}"));
        let answer = self.authenticated(request).send().await?;
        Ok(Delivery::new(match body_of(&answer)["state"].as_str() {
            Some("delivered") => DeliveryState::Delivered,
            _ => DeliveryState::CannotTell,
        }))
    }

    async fn find(&self, message: &Message, _: SystemTime) -> Result<Found, SendError> {
        let request = self
            .host
            .http()
            .get(format!("{API}/sms"))
            .query("reference", &message.id);
        let answer = self.authenticated(request).send().await?;
        let id = body_of(&answer)["id"].as_str().map(Receipt::new);
        Ok(id.map_or(Found::CannotTell, Found::Yes))
    }

    async fn check(&self) -> Result<Vec<Finding>, SendError> {
        let request = self.host.http().post(format!("{API}/token")).reading();
        match self.authenticated(request).send().await?.status {
            200 => Ok(vec![Finding::note("the key is known")]),
            _ => Ok(vec![Finding::fault("the key is not known")]),
        }
    }
}

impl First {
    fn authenticated(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.settings.key.expose())
    }
}

fn body_of(answer: &HttpAnswer) -> Value {
    answer.json().unwrap_or_default()
}

fn refusal(answer: &HttpAnswer) -> SendError {
    let error = match answer.status {
        429 => SendError::throttled("too fast").with_retry_after(answer.retry_after()),
        401 | 403 => SendError::unauthorized("the key is refused"),
        300..500 => SendError::misconfigured("the request is refused"),
        _ => SendError::unknown("nobody knows what became of it"),
    };
    error.with_provider_code(answer.status)
}
