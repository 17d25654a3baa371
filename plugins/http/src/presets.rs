//! The providers that are known: a definition each, with the address of the documents that it follows.

use crate::definition::Definition;

/// Their ids and definitions.
pub const ALL: &[(&str, &str)] = &[
    ("46elks", include_str!("../presets/46elks.toml")),
    ("aws", include_str!("../presets/aws.toml")),
    ("azure", include_str!("../presets/azure.toml")),
    ("bandwidth", include_str!("../presets/bandwidth.toml")),
    ("brevo", include_str!("../presets/brevo.toml")),
    ("bulksms", include_str!("../presets/bulksms.toml")),
    ("clickatell", include_str!("../presets/clickatell.toml")),
    ("clicksend", include_str!("../presets/clicksend.toml")),
    ("esendex", include_str!("../presets/esendex.toml")),
    ("gatewayapi", include_str!("../presets/gatewayapi.toml")),
    ("infobip", include_str!("../presets/infobip.toml")),
    ("lox24", include_str!("../presets/lox24.toml")),
    ("mailjet", include_str!("../presets/mailjet.toml")),
    ("messagebird", include_str!("../presets/messagebird.toml")),
    ("messagemedia", include_str!("../presets/messagemedia.toml")),
    ("orange", include_str!("../presets/orange.toml")),
    ("ovhcloud", include_str!("../presets/ovhcloud.toml")),
    ("plivo", include_str!("../presets/plivo.toml")),
    ("ringcentral", include_str!("../presets/ringcentral.toml")),
    ("seven", include_str!("../presets/seven.toml")),
    ("sinch", include_str!("../presets/sinch.toml")),
    ("sipgate", include_str!("../presets/sipgate.toml")),
    ("smsapi", include_str!("../presets/smsapi.toml")),
    ("smsfactor", include_str!("../presets/smsfactor.toml")),
    ("smsmode", include_str!("../presets/smsmode.toml")),
    ("telnyx", include_str!("../presets/telnyx.toml")),
    ("termii", include_str!("../presets/termii.toml")),
    ("unifonic", include_str!("../presets/unifonic.toml")),
    ("vonage-sms", include_str!("../presets/vonage-sms.toml")),
];

/// The definition of this id. Those that are shipped have no fault: a test reads each.
pub fn named(id: &str) -> Option<Definition> {
    let (_, source) = ALL.iter().find(|(known, _)| *known == id)?;
    toml::from_str(source).ok()
}

/// All of them.
pub fn definitions() -> impl Iterator<Item = (&'static str, Definition)> {
    ALL.iter()
        .filter_map(|(id, source)| Some((*id, toml::from_str(source).ok()?)))
}
