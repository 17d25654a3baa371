//! A secret is put into an error.
#![forbid(unsafe_code)]

use textsender_plugin_api::{
    Host, Message, PluginInfo, Receipt, SendError, Sender, SettingsError, export_sender,
};

export_sender!(Acme);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Settings {
    token: textsender_plugin_api::Secret,
}

struct Acme(Settings);

impl Sender for Acme {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("acme", "Acme SMS", "1.0.0")
    }

    fn configure(settings: Settings, _: Host) -> Result<Self, SettingsError> {
        Ok(Self(settings))
    }

    async fn send(&self, _: &Message) -> Result<Receipt, SendError> {
        Err(SendError::rejected(format!("{} is refused", self.0.token)))
    }
}

fn main() {}
