//! A plugin that tries to break out of its process: when it is loaded, when it is configured, and
//! when it sends. What came of each attempt goes to the provider as JSON: `succeeded`, `refused`, or
//! `failed` with the system's word for it, which means that the attempt itself is at fault.

#![allow(
    unsafe_code,
    reason = "what a stranger's machine code can do is not written in safe Rust"
)]

mod attempts;
mod surroundings;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{
    Host, Message, PluginInfo, Receipt, SendError, Sender, SettingsError, export_sender,
};

export_sender!(Escapes);

/// What came of each attempt, by the moment of the attempt and its name.
static REPORT: Mutex<BTreeMap<&str, BTreeMap<&str, String>>> = Mutex::new(BTreeMap::new());

/// The library's first instruction.
#[used]
#[unsafe(link_section = ".init_array")]
static WHEN_LOADED: extern "C" fn() = when_loaded;

extern "C" fn when_loaded() {
    try_everything("load");
}

/// What comes of each attempt without a seal, as JSON, with these surroundings.
///
/// # Errors
///
/// They are none.
pub fn try_outside(surroundings: &str) -> serde_json::Result<String> {
    let around = serde_json::from_str(surroundings)?;
    serde_json::to_string(&attempts::all("outside", Some(around)))
}

fn try_everything(moment: &'static str) {
    let results = attempts::all(moment, surroundings::surroundings());
    let mut report = REPORT.lock().unwrap_or_else(PoisonError::into_inner);
    report.insert(moment, results);
}

/// What the tests set.
#[derive(Deserialize, JsonSchema)]
struct Settings {
    /// Where the report goes.
    #[schemars(extend("x-textsender-host" = true))]
    report_url: String,
}

struct Escapes {
    report_url: String,
    host: Host,
}

impl Sender for Escapes {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("escapes", "Escapes", env!("CARGO_PKG_VERSION"))
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        try_everything("configure");
        Ok(Self {
            report_url: settings.report_url,
            host,
        })
    }

    async fn send(&self, _: &Message) -> Result<Receipt, SendError> {
        try_everything("send");
        let report = {
            let report = REPORT.lock().unwrap_or_else(PoisonError::into_inner);
            serde_json::json!(*report)
        };
        self.host
            .http()
            .post(&self.report_url)
            .json(&report)
            .send()
            .await?;
        Ok(Receipt::without_id())
    }
}
