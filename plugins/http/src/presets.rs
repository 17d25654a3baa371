//! The providers that are known: a definition each, with the address of the documents that it follows.

use toml::de::DeTable;

use crate::definition::Definition;

/// A provider that is known.
pub struct Preset {
    /// Its id, by which users name it.
    pub id: &'static str,
    /// The hosts that its definition talks to, but for one that a setting names: known without reading it,
    /// as each process that starts says what it may talk to. A test holds them against the definition.
    pub hosts: &'static [&'static str],
    /// The definition.
    pub source: &'static str,
}

macro_rules! presets {
    ($($id:literal => [$($host:literal),*];)+) => {
        /// All of them, by their ids.
        pub const ALL: &[Preset] = &[$(Preset {
            id: $id,
            hosts: &[$($host),*],
            source: include_str!(concat!("../presets/", $id, ".toml")),
        }),+];
    };
}

presets! {
    "46elks" => ["api.46elks.com"];
    "aws" => [];
    "azure" => ["*.communication.azure.com"];
    "bandwidth" => ["messaging.bandwidth.com"];
    "brevo" => ["api.brevo.com"];
    "bulksms" => ["api.bulksms.com"];
    "clickatell" => ["api.clickatell.com"];
    "clicksend" => ["rest.clicksend.com"];
    "esendex" => ["api.esendex.com"];
    "gatewayapi" => ["gatewayapi.com"];
    "infobip" => [];
    "lox24" => ["api.lox24.eu"];
    "mailjet" => ["api.mailjet.com"];
    "messagebird" => ["rest.messagebird.com"];
    "messagemedia" => ["api.messagemedia.com"];
    "orange" => ["api.orange.com"];
    "ovhcloud" => ["eu.api.ovh.com"];
    "plivo" => ["api.plivo.com"];
    "ringcentral" => ["platform.ringcentral.com"];
    "seven" => ["gateway.seven.io"];
    "sinch" => ["sms.api.sinch.com"];
    "sipgate" => ["api.sipgate.com"];
    "smsapi" => [];
    "smsfactor" => ["api.smsfactor.com"];
    "smsmode" => ["rest.smsmode.com"];
    "telnyx" => ["api.telnyx.com"];
    "termii" => [];
    "unifonic" => ["el.cloud.unifonic.com"];
    "vonage-sms" => ["rest.nexmo.com"];
}

impl Preset {
    /// Its definition. Those that are shipped have no fault: a test reads each.
    pub fn definition(&self) -> Option<Definition> {
        Definition::of(&DeTable::parse(self.source).ok()?).ok()
    }
}

/// The definition of this id.
pub fn named(id: &str) -> Option<Definition> {
    ALL.iter().find(|preset| preset.id == id)?.definition()
}

/// All of them.
pub fn definitions() -> impl Iterator<Item = (&'static str, Definition)> {
    ALL.iter()
        .filter_map(|preset| Some((preset.id, preset.definition()?)))
}
