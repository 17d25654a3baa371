//! A lock is held while the provider is asked.
#![forbid(unsafe_code)]

use textsender_plugin_api::{
    Host, Message, PluginInfo, Receipt, SendError, Sender, SettingsError, export_sender,
};

export_sender!(Acme);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Settings {}

struct Acme(Host, std::sync::Mutex<u32>);

impl Sender for Acme {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("acme", "Acme SMS", "1.0.0")
    }

    fn configure(_: Settings, host: Host) -> Result<Self, SettingsError> {
        Ok(Self(host, Default::default()))
    }

    async fn send(&self, _: &Message) -> Result<Receipt, SendError> {
        let mut count = self.1.lock().unwrap();
        self.0.http().post("https://api.acme.example").send().await?;
        *count += 1;
        Ok(Receipt::without_id())
    }
}

fn main() {}
