//! Keeps the contract for plugins, and with `does` breaks it in one way: so that tests can see that the conformance
//! suite finds just what is broken.
//!
//! | file | what is in it |
//! |---|---|
//! | `lib.rs` | a sender that keeps every rule |
//! | `settings.rs` | its settings, read by hand, because carelessness begins there |
//! | `behaviour.rs` | one word for each way to be careless, and what is done then |

mod behaviour;
mod settings;

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use serde_json::{Value, json};
use textsender_plugin_api::{
    DeliveryState, DeliveryStatus, Finding, Found, Host, HttpResponse, Message, PluginInfo,
    Receipt, RequestBuilder, SendError, Sender, SettingsError, export_sender,
};

use crate::behaviour::Behaviour;
use crate::settings::{Read, Settings};

export_sender!(Careless);

const API: &str = "https://api.careless.example";

struct Careless {
    host: Host,
    read: Read,
    busy: AtomicBool,
    first_text: Mutex<Option<String>>,
}

impl Sender for Careless {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("careless", "Careless", env!("CARGO_PKG_VERSION"))
            .with_host("api.careless.example")
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        let read = settings.read()?;
        behaviour::in_configure(read.does)?;
        Ok(Self {
            host,
            read,
            busy: AtomicBool::new(false),
            first_text: Mutex::new(None),
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        self.careless_send(message).await
    }

    async fn status(&self, provider_id: &str) -> Result<DeliveryStatus, SendError> {
        let id = match self.does(Behaviour::IdInPath) {
            true => provider_id.to_owned(),
            false => provider_id.replace(|c: char| !c.is_ascii_alphanumeric(), "_"),
        };
        let answer = self
            .authenticated(self.host.http().get(format!("{API}/sms/{id}")))
            .send()
            .await?;
        match answer
            .json::<Value>()
            .and_then(|body| Some(body["state"].as_str()? == "delivered"))
        {
            Some(true) => Ok(DeliveryStatus::new(DeliveryState::Delivered)),
            _ => Ok(DeliveryStatus::new(DeliveryState::CannotTell)),
        }
    }

    async fn find(&self, _: &Message, _: SystemTime) -> Result<Found, SendError> {
        let answer = self
            .authenticated(self.host.http().get(format!("{API}/sms")))
            .send()
            .await?;
        match self.does(Behaviour::FindsAbsent) && answer.status == 404 {
            true => Ok(Found::Absent),
            false => Ok(Found::CannotTell),
        }
    }

    async fn check(&self) -> Result<Vec<Finding>, SendError> {
        let http = self.host.http();
        let url = format!("{API}/account");
        let request = match self.does(Behaviour::DeliversInCheck) {
            true => http.post(url).json(&json!({ "text": "just a check" })),
            false => http.get(url),
        };
        match self.authenticated(request).send().await?.status {
            401 => Err(SendError::unauthorized("the key is refused")),
            _ => Ok(vec![Finding::note("somebody answers")]),
        }
    }
}

impl Careless {
    fn does(&self, behaviour: Behaviour) -> bool {
        self.read.does == Some(behaviour)
    }

    fn authenticated(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.read.key.expose())
    }

    /// The request that hands a text over.
    fn request(&self, message: &Message, text: &str) -> RequestBuilder {
        let body = json!({ "to": message.to.e164(), "from": self.read.from, "text": text });
        self.authenticated(self.host.http().post(format!("{API}/sms")).json(&body))
    }
}

/// The id of the text that an answer takes.
fn taken(answer: &HttpResponse) -> Option<String> {
    let body: Value = answer.json().filter(|_| answer.is_success())?;
    Some(body["id"].as_str()?.to_owned())
}

/// What a careful plugin says of an answer that takes nothing.
fn refusal(answer: &HttpResponse) -> SendError {
    match answer.status {
        429 => SendError::throttled("too fast").with_retry_after(answer.retry_after()),
        401 | 403 => SendError::unauthorized("the key is refused"),
        300..500 => SendError::misconfigured("the request is refused"),
        _ => SendError::unknown("nobody knows what became of it"),
    }
}
