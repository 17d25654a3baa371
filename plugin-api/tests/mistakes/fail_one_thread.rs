//! The sender can't be shared by threads.
#![forbid(unsafe_code)]

use textsender_plugin_api::{
    Host, Message, PluginInfo, Receipt, SendError, Sender, SettingsError, export_sender,
};

export_sender!(Acme);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Settings {}

struct Acme(std::cell::RefCell<u32>);

impl Sender for Acme {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("acme", "Acme SMS", "1.0.0")
    }

    fn configure(_: Settings, _: Host) -> Result<Self, SettingsError> {
        Ok(Self(Default::default()))
    }

    async fn send(&self, _: &Message) -> Result<Receipt, SendError> {
        Ok(Receipt::without_id())
    }
}

fn main() {}
