//! The settings are exported in place of the sender.
#![forbid(unsafe_code)]

use textsender_plugin_api::{
    Host, Message, PluginInfo, Receipt, SendError, Sender, SettingsError, export_sender,
};

export_sender!(Settings);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Settings {}

struct Acme;

impl Sender for Acme {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("acme", "Acme SMS", "1.0.0")
    }

    fn configure(_: Settings, _: Host) -> Result<Self, SettingsError> {
        Ok(Self)
    }

    async fn send(&self, _: &Message) -> Result<Receipt, SendError> {
        Ok(Receipt::without_id())
    }
}

fn main() {}
