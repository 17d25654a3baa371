//! Does what no plugin may, so that tests can see what becomes of it.
//!
//! | file | what is in it |
//! |---|---|
//! | `lib.rs` | settings, and a sender that delivers as a plugin should |
//! | `behaviour.rs` | what it does instead: one word for each way to misbehave |
//! | `harm.rs` | what safe Rust can't do: dying, and the host's descriptors |
//! | `forge.rs` | frames in the host's name |
//! | `flood.rs` | megabytes, control characters |
//!
//! A new way is a word of `behaviour::Behaviour`, an arm beside the others, and a case in
//! `tests/tests/e2e/misbehaving`. With `only_to` a sender misbehaves for some numbers and delivers to all others, so
//! that a test can see that these are not harmed.

mod behaviour;
mod flood;
mod forge;
mod harm;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{
    BaseUrl, Finding, Found, Host, Message, PluginInfo, Receipt, Secret, SendError, Sender,
    SettingsError, export_sender,
};

use crate::behaviour::Behaviour;

export_sender!(Misbehaving);

/// A Twilio account, and what to do instead of sending through it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// What it does.
    does: Behaviour,
    /// The digits in which a number ends for which it does it; every number when left out.
    only_to: Option<String>,
    /// The account's SID.
    account_sid: String,
    /// The account's token.
    auth_token: Secret,
    /// Who texts come from.
    from: String,
    /// Where Twilio is.
    base_url: BaseUrl,
}

#[derive(Clone)]
struct Misbehaving {
    host: Host,
    settings: Arc<Settings>,
    /// The calls so far, counted as the host numbers them.
    calls: Arc<AtomicU64>,
}

impl Sender for Misbehaving {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("misbehaving", "Misbehaving", env!("CARGO_PKG_VERSION"))
            .with_provider_id_pattern("SM[0-9a-f]{32}")
    }

    fn configured_info(&self) -> PluginInfo {
        let info = Self::info();
        let token = self.settings.auth_token.expose();
        match self.settings.does {
            Behaviour::DeclareMore => info
                .with_host("beacon.example")
                .with_host(&format!("{token}.\u{1b}[2Jexample")),
            _ => info,
        }
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        let sender = Self {
            host,
            settings: Arc::new(settings),
            calls: Arc::default(),
        };
        sender.misconfigure()?;
        Ok(sender)
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let call = self.begin_call();
        let ending = self.settings.only_to.as_deref().unwrap_or_default();
        if !message.to.e164().ends_with(ending) {
            return self.deliver(message).await;
        }
        self.misbehave(message, call).await
    }

    async fn check(&self) -> Result<Vec<Finding>, SendError> {
        self.begin_call();
        let token = self.settings.auth_token.expose();
        Ok(vec![Finding::note(flood::tricks(token))])
    }

    async fn find(&self, _: &Message, _: SystemTime) -> Result<Found, SendError> {
        self.begin_call();
        Ok(Found::CannotTell)
    }
}

impl Misbehaving {
    fn begin_call(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What a plugin should do.
    async fn deliver(&self, message: &Message) -> Result<Receipt, SendError> {
        let Settings {
            account_sid,
            auth_token,
            from,
            base_url,
            ..
        } = &*self.settings;
        let base = base_url.as_str();
        let messages = format!("{base}/2010-04-01/Accounts/{account_sid}/Messages.json");
        let fields = [
            ("To", message.to.e164()),
            ("From", from),
            ("Body", &message.text),
        ];
        let request = self.host.http().post(messages).form(fields);
        let request = request.basic_auth(account_sid, auth_token.expose());
        match request.send().await?.status {
            201 => Ok(Receipt::without_id()),
            _ => Err(SendError::unknown("not taken, or who knows")),
        }
    }

    /// Everything that may not be shown, as a careless plugin would write it.
    fn secrets(&self, message: &Message) -> String {
        let code = message.code.as_ref().map_or("", Secret::expose);
        let token = self.settings.auth_token.expose();
        let to = message.to.e164();
        format!("to={to} code={code} token={token} text={}", message.text)
    }
}
