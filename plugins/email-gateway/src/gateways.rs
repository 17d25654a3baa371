//! The gateways of `gateways.md` whose mails have the same form for every account: they are picked by
//! name. What the others want is an account's own, and filled in by hand.

use serde_json::{Map, Value};
use textsender_plugin_api::{PluginInfo, Provider};

/// A gateway's id and name, and the settings that make its mails.
pub(super) type Gateway = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

pub(super) const GATEWAYS: [Gateway; 3] = [
    (
        "telecomstats",
        "telecomstats, bchdigital",
        &[
            ("to", "%national%@sms.telecomstats.co.uk"),
            ("subject", "%secret%"),
        ],
    ),
    (
        "txtlocal",
        "Txtlocal",
        &[
            ("to", "%digits%@txtlocal.co.uk"),
            ("body", "%message%##"),
            ("max_length", "612"),
        ],
    ),
    (
        "world-text",
        "World-Text",
        &[
            ("to", "%digits%@sms.world-text.com"),
            ("subject", "%secret%"),
        ],
    ),
];

/// This plugin as it is, for any gateway, and those that are known.
pub(super) fn providers(own: &PluginInfo) -> Vec<Provider> {
    let any = Provider::of(own);
    let known = GATEWAYS.iter().map(|(id, name, settings)| {
        let settings = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
        let settings = settings.collect::<Map<_, _>>();
        Provider::new(id, &format!("{name}, by mail"), settings.into())
    });
    [any].into_iter().chain(known).collect()
}
